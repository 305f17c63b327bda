"""The cells of the training loop: the loop itself, its proof, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from glassnet.core.optimizers import Optimizer
from glassnet.core.schedules import Schedule
from glassnet.walkthrough.expression import name
from glassnet.walkthrough.notebook.cells import Cell, code, text
from glassnet.walkthrough.notebook.lesson import Lesson, Pen, aliases, needed, updates
from glassnet.walkthrough.notebook.literals import number, power
from glassnet.walkthrough.notebook.masks import drawn, masked
from glassnet.walkthrough.notebook.pictures import boundary, curve
from glassnet.walkthrough.notebook.recording import CHAOS, tolerance


def training(pen: Pen) -> Iterator[Cell]:
    """The loop, the comparison of its losses, the weights, and the pictures."""
    one, key = pen.one, pen.one.prefix
    epochs = len(one.run.losses)
    seed = pen.names == "seed"
    history = "losses" if seed else "history"
    counted = "Epochs count from 0, as" if seed else "Epochs count from 1, and"
    begins = "initial_weights"
    before: list[str] = []
    if one.again:
        begins = "new_weights" if one.by_hand is not None else "initial_weights"
        before = [*pen.begin(begins, "start_", one.task, one.state.slots), "", ""]
    yield text(
        f"## Training\n\n{epochs} epochs of {one.task.optimizer}, beginning at `{begins}()`. "
        f"{counted} the loss of an epoch is the mean over its samples, measured before "
        "its updates, without penalty" + (", with dropout." if masked(one) else "."),
        f"{key}training-text",
    )
    start = "start_" if one.again else ""
    lines = [*before, f"{pen.weights()} = {begins}()"]
    lines += pen.memory(start, one.task, one.state.slots)
    lines += [*pen.objective(one.task), *pen.rate(one.task, by_hand=False)]
    optimizer = one.task.optimizer
    scheduled = isinstance(optimizer, Optimizer) and isinstance(optimizer.lr, Schedule)
    leaves_out = bool(masked(one))
    counts = pen.uses("t") or scheduled or leaves_out
    if counts:
        lines.append(f"t = {one.state.step}  # updates so far")
    lines += [f"epochs = {epochs}", "", f"{history} = []"]
    span = "range(epochs)" if seed else "range(1, epochs + 1)"
    lines += [f"for epoch in {span}:"]
    lines += _epoch(pen, history, counts=counts, scheduled=scheduled)
    lines += _told(history, epochs, seed=seed)
    yield code(lines, f"{key}training")
    yield from _trained(pen, history)
    yield text("### The loss, epoch by epoch", f"{key}curve-text")
    yield code(curve(history, seed=seed), f"{key}curve")
    if one.net.n_in == 2:
        yield text("### What the network answers everywhere", f"{key}boundary-text")
        yield code(boundary(pen), f"{key}boundary")


def _epoch(pen: Pen, history: str, *, counts: bool, scheduled: bool) -> list[str]:
    """The inside of the loop over epochs: one update, or a loop over batches."""
    one, seed = pen.one, pen.names == "seed"
    body = _update(pen, counts=counts, scheduled=scheduled)
    total, weight = pen.spell("L"), pen.spell("N")
    lines: list[str] = []
    if one.batched:
        rows = len(one.samples[0])
        place = "epoch" if seed else "epoch - 1"
        order = (
            f"order = orders[{place}]"
            if one.taken.orders is not None
            else f"order = np.arange({rows})"
        )
        lines += [f"    {order}", "    epoch_loss, epoch_weight = 0.0, 0.0"]
        lines += [f"    for first in range(0, {rows}, {one.taken.size}):"]
        lines += [f"        rows = order[first : first + {one.taken.size}]"]
        lines += [f"        {line}" for line in taken(pen)]
        if one.samples[2] is not None:
            lines += [
                f"        if {pen.spell('w')}.sum() == 0:",
                "            continue  # none of them counts",
            ]
        lines += [f"        {line}".rstrip() for line in body]
        lines += [
            f"        epoch_loss, epoch_weight = epoch_loss + {total}, epoch_weight + {weight}"
        ]
        lines += [f"    {history}.append(epoch_loss / epoch_weight)"]
    else:
        lines += [f"    {line}".rstrip() for line in body]
        lines += [
            "",
            "    # the loss from before the update",
            f"    {history}.append({total} / {weight})",
        ]
    return lines


def _told(history: str, epochs: int, *, seed: bool) -> list[str]:
    """The loss, printed some ten times."""
    every = max(1, epochs // 10)
    if seed:
        said = f'print(f"Error at epoch {{epoch}} is {{{history}[-1]:.5f}}")'
        return [f"    if epoch % {every} == 0:", f"        {said}"]
    said = f'print(f"loss at epoch {{epoch}}: {{{history}[-1]:.5f}}")'
    if every == 1:
        return [f"    {said}"]
    return [f"    if epoch == 1 or epoch % {every} == 0:", f"        {said}"]


def _update(pen: Pen, *, counts: bool, scheduled: bool) -> list[str]:
    """The inside of the loop: forward, loss, backward, update, without what nobody needs."""
    replaced = aliases(pen.one.opening)
    wanted = needed(pen, replaced)
    lines: list[str] = []
    part = ""
    for step in pen.one.opening.steps:
        if step.name not in wanted or step.formula is None or step.part == "update":
            continue
        if step.name in replaced:
            continue
        if step.part != part:
            heading = {"forward": "forward", "loss": "the loss", "backward": "backward"}
            lines += [*([""] if part else []), f"# {heading.get(step.part, 'the gradient')}"]
            if step.part == "forward":
                lines += drawn(pen, "t")
            part = step.part
        lines += pen.step(step, replaced)
    lines += ["", "# the update"]
    if counts:
        lines.append("t = t + 1")
    if scheduled:
        lines.append("lr = learning_rate(t - 1)")
    return lines + updates(pen, replaced)


def _trained(pen: Pen, history: str) -> Iterator[Cell]:
    """The losses and the last weights, compared; and the answers."""
    one, key, run = pen.one, pen.one.prefix, pen.one.run
    seed, epochs = pen.names == "seed", len(run.losses)
    every = max(1, epochs // 10)
    wanted = {1, 10, 100, epochs} | (set(range(1, epochs, every)) if seed else set())
    lines = []
    for epoch in sorted(e for e in wanted if e <= min(epochs, run.horizon)):
        off = max(float(run.off[epoch - 1]), 1e-12)
        loose = f", rtol={power(off)}" if off > tolerance(run.theta.dtype) else ""
        told = f"Error at epoch {epoch - 1}" if seed else f"loss at epoch {epoch}"
        lines.append(
            f'check("{told}", {history}[{epoch - 1}], {number(run.losses[epoch - 1])}{loose})'
        )
    said = "The same losses as glassnet's, whose engine has never seen this loop."
    if run.horizon < epochs:
        first = run.horizon if seed else run.horizon + 1
        said += (
            f" From epoch {first} on they are not compared: a change of the initial weights in the "
            "last digit, 1 part in 10¹⁵, changes them there. Such a run is chaotic, and its later "
            "numbers differ from machine to machine."
        )
    elif run.theta_off <= CHAOS:
        scale = float(np.abs(run.theta).max())
        for part in one.net.names:
            called = pen.spell(part)
            recorded = pen.plain(f"trained_{part}", len(called) * 2 + 26)
            loose = power(max(run.theta_off * scale, 1e-300))
            lines.append(f'check("{called}", {called}, {recorded}, atol={loose})')
        said += " And the same weights after the last update."
    yield text(said, f"{key}trained-text")
    if lines:
        yield code(lines, f"{key}check-training")
    said = "The way forward alone, with all neurons." if masked(one) else "The way forward alone."
    network = [f"def network(X, {pen.weights()}):", f'    """{said}"""']
    whole = {f"h{k}": name(f"a{k}") for k in masked(one)}
    for step in one.opening.steps:
        if step.part == "forward" and step.name not in whole and step.formula is not None:
            network += [f"    {line}" for line in pen.step(step, whole)]
    out = pen.spell(f"a{len(one.net.layers)}")
    yield code([*network, f"    return {out}"], f"{key}network")
    yield text(
        f"The weights after update {one.state.step + epochs * _updates(one)}, and the answers: "
        f"`{out}` as the loop left it was computed before the last update, `network(…)` after it.",
        f"{key}after-text",
    )
    lines = []
    for part in one.net.names:
        lines.append(f"print({pen.spell(part)})")
    X, y = ("X_all", "y_all") if one.batched else ("X", "y")
    few, said = "", ""
    if len(one.samples[0]) > 20:
        few, said = ("[:5]" if pen.layout == "rows" else "[:, :5]"), ", of the first five samples"
    if not one.batched:
        lines += [f'print("before the last update{said}:")', f"print({out}{few})"]
    lines += [f'print("after it{said}:")', f"print(network({X}, {pen.weights()}){few})"]
    lines += [f'print("the targets{said}:")', f"print({y}{few})"]
    yield code(lines, f"{key}after")


def _updates(one: Lesson) -> int:
    return -(-len(one.samples[0]) // one.taken.size)


def taken(pen: Pen) -> list[str]:
    """The samples of a batch, from the numbers of their rows."""
    where = "[rows]" if pen.layout == "rows" else "[:, rows]"
    lines = [f"X, y = X_all{where}, y_all{where}"]
    w = pen.spell("w")
    return lines if pen.one.samples[2] is None else [*lines, f"{w} = {w}_all[rows]"]
