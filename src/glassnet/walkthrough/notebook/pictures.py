"""The pictures of a notebook, as code: the loss curve, and what the network answers on a plane."""

from __future__ import annotations

import numpy as np

from glassnet.core.activations import Sigmoid
from glassnet.walkthrough.notebook.lesson import Pen


def curve(history: str, *, seed: bool) -> list[str]:
    """The loss of every epoch."""
    return [
        "if plt is not None:",
        f"    plt.plot(np.arange(1, epochs + 1), {history})",
        '    plt.xlabel("epoch")',
        f'    plt.ylabel("{"error" if seed else "loss"}")',
        "    plt.show()",
    ]


def boundary(pen: Pen) -> list[str]:
    """Regions of the classes, or the answers as heights, with the samples on top."""
    one = pen.one
    rows = pen.layout == "rows"
    X, y = ("X_all", "y_all") if one.batched else ("X", "y")
    column = [f"{X}[:, {i}]" if rows else f"{X}[{i}]" for i in (0, 1)]
    targets = one.samples[1]
    several = one.net.n_out > 1
    binary = isinstance(one.net.layers[-1].activation, Sigmoid)
    classes = bool(np.isin(targets, (0.0, 1.0)).all()) and (
        bool((targets.sum(axis=1) == 1).all()) if several else binary
    )
    stacked = "np.column_stack" if rows else "np.vstack"
    lines = [
        "if plt is not None:",
        f"    side1 = np.linspace({column[0]}.min(), {column[0]}.max(), 300)",
        f"    side2 = np.linspace({column[1]}.min(), {column[1]}.max(), 300)",
        "    grid1, grid2 = np.meshgrid(side1, side2)",
        f"    plane = {stacked}([grid1.ravel(), grid2.ravel()]).astype({X}.dtype)",
        f"    answers = network(plane, {pen.weights()})",
    ]
    axis = 1 if rows else 0
    first = "" if not several else ("[:, 0]" if rows else "[0]")
    if classes:
        if several:
            lines += [f"    label = answers.argmax(axis={axis})"]
            colours = f"{y}.argmax(axis={axis})"
        else:
            lines += ["    label = (answers > 0.5).astype(int)"]
            colours = f"{y}.ravel()"
        count = max(one.net.n_out, 2)
        lines += [
            f"    edges = np.arange({count + 1}) - 0.5",
            "    plt.contourf(grid1, grid2, label.reshape(grid1.shape), levels=edges, alpha=0.2)",
        ]
    else:
        colours = f"{y}{first}.ravel()"
        lines += [
            f"    height = answers{first}.reshape(grid1.shape)",
            "    plt.contourf(grid1, grid2, height, levels=20, alpha=0.5)",
            "    plt.colorbar()",
        ]
    return [
        *lines,
        f"    plt.scatter({column[0]}, {column[1]}, s=10, c={colours})",
        "    plt.show()",
    ]
