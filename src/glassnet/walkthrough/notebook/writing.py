"""The cells of a notebook, from its lessons: what stands around update and training loop."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from glassnet.core.optimizers import Optimizer
from glassnet.core.schedules import Schedule
from glassnet.walkthrough.notebook.by_hand import by_hand
from glassnet.walkthrough.notebook.cells import Cell, code, printed, text
from glassnet.walkthrough.notebook.functions import Functions
from glassnet.walkthrough.notebook.lesson import (
    Lesson,
    Pen,
    arrays,
)
from glassnet.walkthrough.notebook.literals import Literals, power
from glassnet.walkthrough.notebook.masks import function, masked
from glassnet.walkthrough.notebook.recording import tolerance
from glassnet.walkthrough.notebook.training import taken, training
from glassnet.walkthrough.step import Layout

CHECK = '''
def check(name, found, recorded, rtol={rtol}, atol=0.0):
    """Stop where a number is not the one that glassnet recorded, but for rounding."""
    found, recorded = np.asarray(found), np.asarray(recorded)
    assert found.shape == recorded.shape, f"{{name}}: shape {{found.shape}}, not {{recorded.shape}}"
    off = np.abs(found - recorded).max()
    assert off <= rtol * np.abs(recorded).max() + atol, (
        f"{{name}} is off by {{off}}. It is\\n{{found}}\\nglassnet recorded\\n{{recorded}}"
    )
    print("✓", name)
'''

ABOUT = (
    "Written by glassnet; it needs NumPy alone, and matplotlib for its pictures. Run the cells "
    "from top to bottom. Each number is computed here and compared with what glassnet recorded."
)


def cells(
    lessons: Sequence[Lesson], *, layout: Layout, names: str, stem: str, title: str
) -> tuple[list[Cell], Literals]:
    """All cells, and the arrays that go into a file beside them."""
    literals = Literals.of({k: v for one in lessons for k, v in arrays(one, layout).items()})
    pens = []
    for one in lessons:
        traces = [one.opening, one.closing]
        if one.by_hand is not None and one.by_hand is not one.opening:
            traces.append(one.by_hand)
        pens.append(Pen(one, layout, names, Functions(traces, layout), literals))
    bodies: list[list[Cell]] = []
    defined: set[str] = set()
    for pen in pens:
        body = list(_lesson(pen))
        ready = list(_functions(pen, defined))
        bodies.append([*_data(pen), *ready, *body])
    made = [text(_title(pens[0], title), "title")]
    needs_math = any(pen.functions.needs_math for pen in pens)
    made.append(
        code(_imports(stem, needs_math=needs_math, stored=bool(literals.stored)), "imports")
    )
    dtype = lessons[0].state.theta.dtype
    made.append(text(
        "Every number below was recorded by glassnet too, with its reference engine, and is "
        f"compared here: equal to a relative {power(tolerance(dtype))}, or looser where a cell "
        "says so.", "about-checks",
    ))  # fmt: skip
    made.append(code(CHECK.strip("\n").format(rtol=power(tolerance(dtype))).splitlines(), "check"))
    for body in bodies:
        made += body
    return [*made, *_exercises(pens[0])], literals


# what Markdown and MathJax would take for more than letters
MARKUP = re.compile(r"[\\`*<$\[]|(?<!\w)_|_(?!\w)")


def as_text(title: str) -> str:
    """A title, which may hold the name of a column, as text in one line of Markdown."""
    return MARKUP.sub(lambda found: f"\\{found[0]}", " ".join(title.split()))


def _title(pen: Pen, title: str) -> str:
    one = pen.one
    task, net = one.task, one.net
    shape = "one row a sample" if pen.layout == "rows" else "one column a sample"
    product = "z = x @ W" if pen.layout == "rows" else "z = W.T @ x"
    biases = [layer.bias for layer in net.layers]
    bias = "one for each neuron" if all(biases) else "in some layers" if any(biases) else "none"
    reduced = {"mean": "the mean over the samples", "sum": "the sum over the samples"}
    penalty = "".join(
        f" + {said}" for said, strength in
        ((f"{task.l1:g}·Σ|W|", task.l1), (f"½·{task.l2:g}·ΣW²", task.l2)) if strength
    )  # fmt: skip
    said = [
        ("network", " → ".join(map(str, net.sizes))),
        ("activations", ", ".join(str(layer.activation) for layer in net.layers)),
        ("samples", shape),
        ("W", f"(inputs, outputs): {product}"),
        ("bias", bias),
        ("loss of a sample", task.loss.formula.rstrip(".") + ", summed over the outputs"),
        ("objective J", reduced[task.reduction] + penalty),
        ("optimizer", str(one.task.optimizer)),
        ("numbers", f"{one.state.theta.dtype}; samples and neurons count from 0, layers from 1"),
    ]
    rates = masked(one)
    if rates:
        layers = ", ".join(f"{rate:g} in layer {k}" for k, rate in rates.items())
        said.insert(8, ("dropout", f"rate {layers}"))
    lines = [
        f"# {as_text(title) or f'A {net} network, number by number'}",
        "",
        ABOUT,
        "",
        "| convention | here |",
        "|---|---|",
        *(f"| {label} | {value.replace('|', chr(92) + '|')} |" for label, value in said),
    ]
    return "\n".join(lines)


def _imports(stem: str, *, needs_math: bool, stored: bool) -> list[str]:
    lines = ["import math", ""] if needs_math else []
    lines += [
        "import numpy as np",
        "",
        "try:",
        "    import matplotlib.pyplot as plt",
        "except ImportError:",
        "    plt = None  # the numbers need NumPy alone; pictures are left out",
    ]
    lines += ["", "np.set_printoptions(threshold=200)  # of larger arrays the corners are shown"]
    if stored:
        lines += [
            "",
            "# the larger arrays: this file lies beside the notebook",
            f'with np.load("{stem}.npz", allow_pickle=False) as file:',
            "    stored = dict(file)",
        ]
    return lines


def _data(pen: Pen) -> Iterator[Cell]:
    one, key = pen.one, pen.one.prefix
    rows = len(one.samples[0])
    yield text(
        (f"## {one.title}\n\n" if one.title else "")
        + f"## The data\n\n{rows} samples, as the network sees them.", f"{key}data-text",
    )  # fmt: skip
    all_ = "_all" if one.batched else ""
    lines = [
        f"X{all_} = {pen.array('X', 4 + len(all_))}",
        f"y{all_} = {pen.array('y', 4 + len(all_))}",
    ]
    if one.samples[2] is not None:
        weight = pen.spell("w") + all_
        lines.append(f"{weight} = {pen.array('w', len(weight) + 3)}  # how much each sample counts")
    lines += ["", *printed(f"X{all_}"), *printed(f"y{all_}")]
    yield code(lines, f"{key}data")
    if not one.batched:
        return
    size = one.taken.size
    if one.taken.orders is None:
        said = f"An update takes {size} samples, in the order of the data."
        rows_code = [f"rows = np.arange({size})"]
    else:
        said = (
            f"An update takes {size} samples. Each epoch has the order that glassnet drew: "
            "`orders[epoch]`. The last batch of an epoch is short where they do not divide evenly."
        )
        rows_code = [f"orders = {pen.array('orders', 9)}", f"rows = orders[0][:{size}]"]
    yield text(f"{said} Here are those of the first update.", f"{key}batch-text")
    yield code([*rows_code, *taken(pen), *printed("X")], f"{key}batch")


def _functions(pen: Pen, defined: set[str]) -> Iterator[Cell]:
    for called, lines in pen.functions.lines():
        source = "\n".join(lines)
        if source in defined:
            continue
        if not defined:
            yield text("## The functions", f"{pen.one.prefix}functions-text")
        defined.add(source)
        yield code(lines, called)


def _lesson(pen: Pen) -> Iterator[Cell]:
    one, key = pen.one, pen.one.prefix
    optimizer = one.task.optimizer
    yield from function(pen)
    schedule = isinstance(optimizer, Optimizer) and isinstance(optimizer.lr, Schedule)
    if schedule:
        assert isinstance(optimizer, Optimizer)
        assert isinstance(optimizer.lr, Schedule)
        yield text("The learning rate depends on the updates so far.", f"{key}schedule-text")
        yield code(pen.functions.learning_rate(optimizer.lr), f"{key}learning_rate")
    if one.by_hand is not None:
        yield from by_hand(pen, one.by_hand)
    yield from training(pen)


def _exercises(pen: Pen) -> Iterator[Cell]:
    walked = pen.one.by_hand or pen.one.opening
    depth = len(pen.one.net.layers)
    gradient, weight = pen.spell(f"dL_dW{depth}"), pen.spell(f"W{depth}")
    value = walked.values[f"dL_dW{depth}"][0, 0]
    yield text(
        "## Three exercises\n\nRun the notebook from the top first; then go back to the initial "
        f"weights: `{pen.weights()} = initial_weights()`.\n\n"
        f"**1. Take one number apart.** `{gradient}[0, 0]` is {value:+.6g}, a sum with one term "
        "for each sample: what came in, times how much the loss moves with the neuron's sum. "
        "Compute the terms. Which sample pulls hardest, and which way would this weight go if only "
        "that sample counted?",
        "exercise-1",
    )
    yield code(["# your cell"], "answer-1")
    slope = f"dJ_dW{depth}"
    yield text(
        f"**2. Prove a derivative by measuring it.** Write the objective J as a function of the "
        f"weights. Move `{weight}[0, 0]` by h = 1e-5 up and down, and take (J(up) - J(down)) / 2h. "
        f"∂J/∂W{depth}[0, 0] is {walked.values[slope][0, 0]:+.6g}. How near do you come, and what "
        "happens with h = 1e-1 and with h = 1e-13?",
        "exercise-2",
    )
    yield code(["# your cell"], "answer-2")
    first = np.asarray(walked.values["dL_dX"][0])[:4]
    shown = ", ".join(f"{x:+.6g}" for x in first)
    where = "the first row" if pen.layout == "rows" else "the first column"
    yield text(
        f"**3. One derivative was left out.** How much does the loss move if an *input* moves? "
        f"Write `{pen.spell('dL_dX')}` with what you have; it has the shape of `X`, and {where} "
        f"begins {shown}. Which input of which sample would you change to lower the loss most?",
        "exercise-3",
    )
    yield code(["# your cell"], "answer-3")
