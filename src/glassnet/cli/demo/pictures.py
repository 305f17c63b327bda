"""The pictures of the replay, as PNG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes

from glassnet import plots
from glassnet.cli.demo.replay import PartOne, PartTwo, Run
from glassnet.exchange.files import cannot_write


def prepare(out: Path) -> None:
    """Make the folder, or say at once why it cannot be: before the work, not after it."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(out, error) from error


def draw(one: PartOne, two: PartTwo, nudged: Sequence[Run], out: Path) -> list[Path]:
    """Data, losses, decision boundary, chaos, and an overview; the files that were written."""
    pictures = {
        "moons.png": moons(two),
        "losses-samples.png": losses(one.run, "three samples, 4-3-1"),
        "losses-moons.png": losses(two.run, "moons, 2-10-1"),
        "boundary.png": boundary(two),
        "chaos.png": chaos(two.run, nudged),
        "overview.png": overview(two),
    }
    for name, ax in pictures.items():
        plots.save(ax, out / name)
    return [out / name for name in pictures]


def moons(two: PartTwo) -> Axes:
    """The data of cell 49, before the scaling."""
    return plots.scatter(two.raw.X, two.raw.y, labels=two.raw.labels, size=14)


def losses(run: Run, name: str, ax: Axes | None = None) -> Axes:
    """The mean error of every epoch: cells 45 and 58."""
    ax = plots.loss_curve(run.history, ax)
    ax.set_title(name, loc="left", fontsize=12, color=plots.INK)
    return ax


def boundary(two: PartTwo, ax: Axes | None = None) -> Axes:
    """The probability and its boundary with the final weights, and the data: cell 61."""
    net, theta = two.run.task.net, two.run.after.theta
    data = two.data
    return plots.decision_boundary((net, theta), data.X, data.y, ax, labels=data.labels, size=14)


def chaos(run: Run, nudged: Sequence[Run]) -> Axes:
    """The last epochs of the run and of the nudged ones."""
    ax = plots.axes()
    begin = 5500
    for one in nudged:
        epochs, loss = one.history.epoch[begin:], one.history.loss[begin:]
        ax.plot(epochs, loss, color=plots.COLOURS[1], lw=0.6, alpha=0.8,
                label="initial weights nudged by 1e-15" if one is nudged[0] else None)  # fmt: skip
    plots.loss_curve(run.history, ax, log=True)
    ax.lines[-1].set(label="the notebook's weights")
    ax.set_xlim(begin, len(run.history))
    shown = run.history.loss[begin:]
    ax.set_ylim(0.9 * min(shown), 0.5)
    ax.legend(frameon=False, loc="upper left")
    return ax


def overview(two: PartTwo) -> Axes:
    """Decision boundary and losses side by side."""
    left, right = plots.axes(width=11.0, height=4.4, columns=2)
    boundary(two, left)
    losses(two.run, "", right)
    return left
