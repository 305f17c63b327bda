"""The replay as text for the terminal: every number with its name, formula and shape."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from glassnet.cli.demo.digits import Row
from glassnet.cli.demo.replay import NUDGED_RUNS, PartOne, PartTwo, Run, columns, weights
from glassnet.cli.terminal import table, title

STYLES = {"agree": "cyan", "chaotic here": "yellow", "differs": "bold reverse"}
NARROW = 76  # columns below which a row of the comparison takes three lines
PROSE = 88  # columns beyond which a line of prose is hard to read

INTRODUCTION = """\
Everything below is computed by the library, in the notebook's conventions: sigmoids, no bias, \
the error ½(y-a)², the gradient of the sum over the samples, initial weights uniform in [0, 1) \
from one stream, RandomState(42). Arrays are laid out as the notebook prints them, a sample in \
each column; glassnet holds samples as rows. The weights are the same in both."""

WHY = f"""\
The notebook reports the mean of the errors and descends the gradient of their sum. Over 1000 \
samples its learning rate of 0.1 therefore acts as 100 on the mean. Steps that long overshoot, and \
each makes a small difference larger: what two machines round differently in the sixteenth digit \
has reached the third by epoch 7000. The spread shows it. It is that of this run and of \
{NUDGED_RUNS} more, whose initial weights differ from its own by at most 1e-15 of themselves. Up \
to epoch 6000 all of them print the same digits; then each goes its own way. No program can \
promise the notebook's digits there. The same code on the same machine gives the same bits \
every time."""


def introduction(screen: Console) -> None:
    """What is going to be seen."""
    screen.print(Text("The teaching notebook, replayed by glassnet", style="bold"))
    prose(screen, INTRODUCTION)


def part_one(screen: Console, one: PartOne) -> None:
    """Three samples: forward, error, each partial derivative, one update, 1000 epochs."""
    title(screen, "Part one: three samples, a network 4-3-1")
    for step in steps(one):
        screen.print(step)
    run = one.run
    title(screen, "Fresh weights, 1000 epochs, learning rate 0.1")
    losses(screen, run, 100)
    W1, W2 = weights(one, run.after.theta)
    before, after = run.output(run.before).T, run.output(run.after).T
    screen.print(quantity("weights_input_hidden", "W1, after update 1000", W1))
    screen.print(quantity("weights_hidden_output", "W2, after update 1000", W2))
    screen.print(quantity("output", "a2 before update 1000, as in the notebook", before))
    screen.print(quantity("output", "a2 after update 1000, from the weights above", after))
    screen.print(quantity("y", "the targets", one.data.y.T))


def steps(one: PartOne) -> Iterator[Text]:
    """Cells 5 to 40: each quantity with its name, its formula in one line, shape and value."""
    hidden, output, back1, back2 = one.hidden, one.output, one.hidden_partials, one.output_partials
    dL_da2, da2_dz2, da1_dz1 = columns(back2.dL_da, back2.da_dz, back1.da_dz)
    W1, W2 = weights(one, one.theta)
    yield quantity("X", "the input, a sample in each column", one.data.X.T)
    yield quantity("y", "the targets", one.data.y.T)
    yield quantity("weights_input_hidden", "W1, initial", W1)
    yield quantity("weights_hidden_output", "W2, initial", W2)
    yield heading("Forward")
    yield quantity("hiddenLayer_linearTransform", "z1 = W1ᵀ·X", hidden.z.T)
    yield quantity("hiddenLayer_activations", "a1 = σ(z1)", hidden.a.T)
    yield quantity("outputLayer_linearTransform", "z2 = W2ᵀ·a1", output.z.T)
    yield quantity("output", "a2 = σ(z2)", output.a.T)
    yield quantity("error", "L = ½(y - a2)²", one.error[None, :])
    yield heading("Backward")
    yield quantity("error_wrt_output", "dL/da2 = -(y - a2)", dL_da2)
    yield quantity("output_wrt_outputLayer_LinearTransform", "da2/dz2 = a2·(1 - a2)", da2_dz2)
    name = "outputLayer_LinearTransform_wrt_weights_hidden_output"
    yield quantity(name, "dz2/dW2 = a1", output.x.T)
    name = "error_wrt_weights_hidden_output"
    yield quantity(name, "dL/dW2 = a1·(dL/da2 · da2/dz2)ᵀ", back2.dL_dW)
    yield quantity("outputLayer_LinearTransform_wrt_hiddenLayer_activations", "dz2/da1 = W2", W2)
    name = "hiddenLayer_activations_wrt_hiddenLayer_linearTransform"
    yield quantity(name, "da1/dz1 = a1·(1 - a1)", da1_dz1)
    name = "hiddenLayer_linearTransform_wrt_weights_input_hidden"
    yield quantity(name, "dz1/dW1 = X", hidden.x.T)
    name = "error_wrt_weights_input_hidden"
    yield quantity(name, "dL/dW1 = X·(da1/dz1 · W2·(dL/da2 · da2/dz2))ᵀ", back1.dL_dW)
    yield heading("One update, learning rate 0.01")
    W1, W2 = weights(one, one.updated)
    yield quantity("weights_hidden_output", "W2 ← W2 - 0.01·dL/dW2", W2)
    yield quantity("weights_input_hidden", "W1 ← W1 - 0.01·dL/dW1", W1)


def part_two_begins(screen: Console) -> None:
    """What is said before the long run."""
    title(screen, "Part two: the moons, a network 2-10-1")
    prose(
        screen,
        "make_moons: 1000 samples, noise 0.1, random_state 42. Scaled as in the notebook: minus "
        "the least of all numbers, then divided by the largest. 10,000 epochs, learning rate 0.1.",
    )


def part_two(screen: Console, two: PartTwo) -> None:
    """The moons: losses and the first five answers."""
    losses(screen, two.run, 1000)
    run, first = two.run, slice(None, 5)
    for when, state in (("before", run.before), ("after", run.after)):
        says = f"a2 of the first five samples, {when} update {len(run.history)}"
        screen.print(quantity("output[:, :5]", says, run.output(state)[first].T))
    screen.print(quantity("y[:, :5]", "their targets", two.data.y[first].T))


def losses(screen: Console, run: Run, every: int) -> None:
    """The mean error at every so many epochs, counted from 0 as in the notebook."""
    grid = table(["epoch", "error"], right=["epoch", "error"])
    for epoch in range(0, len(run.history), every):
        grid.add_row(str(epoch), f"{run.loss(epoch):.5f}")
    screen.print(grid)
    prose(screen, "The mean over the samples; at epoch k, it is measured after k updates.")


def quantity(name: str, says: str, value: np.ndarray) -> Text:
    """A name, what it is, its shape and its numbers, row by row."""
    whole = np.array_equal(value, value.astype(int))
    small = np.abs(value).min(initial=1.0) < 1e-5
    style = "3.0f" if whole else "11.4e" if small else "12.8f"
    rows = ["".join(format(x, style) for x in row) for row in value]
    shape = " × ".join(map(str, value.shape))
    head = Text.assemble(("\n" + name, "bold"), f"\n  {says}", (f"   {shape}\n", "dim"))
    return head.append("\n".join(rows))


def heading(text: str) -> Text:
    """The name of a stage of the way."""
    return Text(f"\n── {text} ──", style="dim")


def prose(screen: Console, text: str) -> None:
    """A paragraph, no wider than is good to read."""
    screen.print(Text(text), width=min(PROSE, screen.width))


def comparison(screen: Console, rows: Sequence[Row], versions: dict[str, dict[str, str]]) -> None:
    """A row for each quantity that the notebook prints, and how many agree."""
    title(screen, "The notebook's digits beside glassnet's")
    screen.print()
    if screen.width < NARROW:
        for row in rows:
            screen.print(stacked(row, screen.width))
    else:
        screen.print(side_by_side(rows, screen.width))
    for row in rows:
        if row.note:
            prose(screen, f"\nCell {row.cell}: {row.note}")
    there, here = versions["notebook"], versions["here"]
    prose(
        screen,
        f"\nThe notebook ran on NumPy {there['numpy']} and Matplotlib {there['matplotlib']} (its "
        f"cells 2 and 3), this on {here['numpy']} and {here['matplotlib']}. Cells 45, 49, 58 and "
        "61 draw the pictures.",
    )
    title(screen, "Why the last digits of the moons are nobody's")
    prose(screen, WHY)
    screen.print()
    screen.print(verdicts(rows))


def verdicts(rows: Sequence[Row]) -> Text:
    """How many quantities agree, are chaotic, differ."""
    count = {verdict: sum(row.verdict == verdict for row in rows) for verdict in STYLES}
    said = f"{count['agree']} of {len(rows)} quantities agree in every printed digit, "
    said += f"{count['chaotic here']} are chaotic here, "
    differ = count["differs"]
    return Text.assemble(
        (said, "bold"), (f"{differ or 'none'} differ{'s' * (differ == 1)}.",
                         STYLES["differs"] if differ else "bold"),
    )  # fmt: skip


def side_by_side(rows: Sequence[Row], width: int) -> Table:
    """The comparison as a table, for a terminal of at least NARROW columns."""
    verdict = 18 if width < 110 else 24
    digits = max(16, min(42, (width - 4 - verdict - 8 - 30) // 2))
    names = min(56, width - 4 - verdict - 8 - 2 * digits)
    grid = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0),
                 show_edge=False, collapse_padding=True)  # fmt: skip
    for name, size in zip(
        ("cell", "quantity", "notebook", "glassnet", "verdict"),
        (4, names, digits, digits, verdict),
        strict=True,
    ):
        grid.add_column(name, width=size, overflow="fold", justify="right" if size == 4 else "left")
    for row in rows:
        there, here = abbreviated(row, digits)
        style = "" if row.verdict == "agree" else STYLES[row.verdict]
        says = Text("\n".join([row.verdict, *spreads(row)]), style=STYLES[row.verdict])
        grid.add_row(str(row.cell), broken(row.quantity, names), there, Text(here, style), says)
    return grid


def stacked(row: Row, width: int) -> Text:
    """A row of the comparison in three lines, for a narrow terminal."""
    there, here = abbreviated(row, width - 4 - 10 - 14)
    style = STYLES[row.verdict]
    text = Text(f"{row.cell:>2}  ", style="dim")
    text.append(broken(row.quantity, width - 4, "\n    "), "not dim bold")
    text.append(f"\n    notebook  {there}\n    glassnet  {here.ljust(width - 28)}", "not dim")
    text.append("\n" + 14 * " " if len(here) > width - 28 else "  ")
    text.append(row.verdict, f"not dim {style}")
    for spread in spreads(row):
        text.append("\n    spread    ", "not dim").append(spread, f"not dim {style}")
    return text


def spreads(row: Row) -> list[str]:
    """Lowest to highest, for each number of a chaotic quantity."""
    return [" to ".join(_shorter(end) for end in ends) for ends in row.spread]


def _shorter(number: str) -> str:
    return f"{float(number):.4g}" if "e" in number else number


def abbreviated(row: Row, width: int) -> tuple[str, str]:
    """Both texts in so many columns: the first numbers, or those from where the two differ."""
    there, here = row.notebook, row.glassnet
    if there.startswith("(") or max(len(there), len(here)) <= width:
        return there, here
    numbers = [re.sub(r"[\[\]]", "", text).split(", ") for text in (there, here)]
    pairs = list(zip(*numbers, strict=False))
    start = next((i for i, (a, b) in enumerate(pairs) if a != b), 0)
    if row.verdict != "differs" or len(", ".join(numbers[0][: start + 1])) + 2 <= width:
        start = 0
    first, second = (_first(part[start:], width - 2 * (start > 0)) for part in numbers)
    return ("… " + first, "… " + second) if start else (first, second)


def _first(numbers: Sequence[str], width: int) -> str:
    # as many as fit, at least one, and a sign that there are more
    taken = 1
    while taken < len(numbers) and len(", ".join(numbers[: taken + 1])) + 2 <= width:
        taken += 1
    return ", ".join(numbers[:taken]) + (" …" if taken < len(numbers) else "")


def broken(name: str, width: int, by: str = "\n") -> str:
    """A long name on several lines, broken after an underscore or a space."""
    lines = [""]
    for part in re.findall(r"[^_ ]+[_ ]?", name):
        if lines[-1] and len(lines[-1]) + len(part.rstrip(" ")) > width:
            lines.append("")
        lines[-1] += part
    return by.join(line.rstrip() for line in lines)
