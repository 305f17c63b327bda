"""A weight or a bias: what it carries, its gradient from sample to sample, and its update."""

from __future__ import annotations

from html import escape

from glassnet.core.optimizers import SGD, Momentum, Nesterov
from glassnet.lab.arithmetic.reading import Main, Reading, Told
from glassnet.lab.arithmetic.rows import TERMS, closing, count, link, section, table
from glassnet.lab.pick import Pick
from glassnet.walkthrough.expression import Expression, name, total
from glassnet.walkthrough.spelling import Spelling


def parameter(read: Reading) -> Told:
    """A weight, or a bias."""
    pick = read.pick
    own = _place(pick)
    noun = "weight" if pick.kind == "weight" else "bias"
    parts = (
        section("Now", _now(read, own), phase="forward"),
        section("Sample by sample", _samples(read, own), phase="backward"),
        section("The gradient", _gradient(read, own)),
        section("The update", _update(read, own), phase="update"),
    )
    return Told((f"{noun} {read.spelled(*own)}",), parts, own)


def _place(pick: Pick) -> Main:
    if pick.kind == "weight":
        return f"W{pick.layer}", (pick.source, pick.unit)
    return f"b{pick.layer}", (pick.unit,)


# ---------------------------------------------------------------- what it is and does


def _now(read: Reading, own: Main) -> str:
    pick = read.pick
    k, i, j = pick.layer, pick.source, pick.unit
    end = link(Pick("neuron", k, j), escape(read.words(k, j)))
    ends = f"<p>Added to the sum of {end}.</p>"
    if pick.kind == "weight":
        first = Pick("neuron", k - 1, i) if k > 1 else Pick("input", 0, i)
        ends = f"<p>From {link(first, escape(read.words(k - 1, i)))} to {end}.</p>"
    value = read.number(read.value(*own))
    return f"{ends}<p>{read.name(*own)} = {value}</p>{_carried(read)}"


def _carried(read: Reading) -> str:
    # what the weight adds to its neuron's sum, on the current sample
    pick = read.pick
    if pick.kind == "bias" or read.asked.sample is None or not read.has("forward"):
        return ""
    k = pick.layer
    one = read.working(f"z{k}", (read.s, pick.unit), read.trace.net.sizes[k - 1])
    term = one.terms[pick.source]
    tree, numbers = Spelling(read.trace).term(one, term)
    return (
        f'<p class="sum-carried">On {escape(read.sample_words)} it carries '
        f"{read.write.formula(tree, one.step)} = {read.write.filled(tree, numbers)} = "
        f"{read.number(term.value, signed=True)}</p>"
    )


# ---------------------------------------------------------------- its gradient


def _samples(read: Reading, own: Main) -> str:
    # x_s·δ_s of the samples, the largest one by one, and their sum
    part, index = own
    called = f"dL_d{part}"
    if not read.has("backward"):
        return read.shown(called, index)
    pick, weight = read.pick, part[0] == "W"
    k, j = pick.layer, pick.unit
    one = read.working(called, index)
    slope = name(f"dL_dz{k}[s,{j}]")
    summand: Expression = slope
    head = ["sample", "δ"]
    if weight:
        x = read.step(f"dz{k}_dW{k}").operands[0]
        summand = name(f"{x}[s,{pick.source}]") * slope
        head = ["sample", "input", "δ", "input · δ"]
    rows = []
    for term in one.terms:
        cells = [
            read.number(factor.value, signed=factor.name.startswith("dL_dz"))
            for factor in term.factors
        ]
        cells += [read.number(term.value, signed=True)] * weight
        rows.append(read.sample_row(term.factors[0].index[0], cells))
    last = closing("sum", one, len(head) - 2, lambda v: read.number(v, signed=True))
    formula = read.write.formula(total(summand), one.step)
    said = f"<p>The {TERMS} largest of {count(len(read.trace.X), 'samples')}.</p>"
    return (
        f'<p class="sum-formula">{read.name(called, index)} = {formula}</p>'
        + said * bool(one.hidden)
        + table(head, rows, last)
        + read.proved(called, index)
    )


def _gradient(read: Reading, own: Main) -> str:
    # what the sum, the mean, the penalty and clipping make of it
    part, index = own
    task, step = read.trace.task, read.step(f"dJ_d{part}")
    made = read.shown(step.name, index)
    if step.formula is not None and step.formula.op != "name":  # else it is ∂L, proved above
        made += read.proved(step.name, index)
    if f"g_{part}" in read.trace:
        made += read.shown("norm") + read.shown(f"g_{part}", index)
    N = float(read.values["N"])
    among = count(int(N), "samples") if N.is_integer() else "the weights"
    said = f"J is the mean: the sum divided by N, {among}"
    if task.reduction == "sum":
        said = f"J is the sum over {among}"
    penalised = part[0] == "W" and (task.l1 or task.l2)
    said += ", and the penalty on this weight." if penalised else "."
    return f"<p>{escape(said)}</p>{made}"


# ---------------------------------------------------------------- its update


def _update(read: Reading, own: Main) -> str:
    part, index = own
    task = read.trace.task
    made = f"<p>{escape(str(task.optimizer))}, update {read.update_number}.</p>"
    for one in read.trace.steps:
        if one.part == "update" and one.name.endswith(f"_{part}") and one.formula is not None:
            made += read.shown(one.name, index)
    if task.reduction == "sum":
        made += _effective(read)
    if not read.has("update"):
        return made
    before, after = (read.number(read.value(called, index)) for called in (part, f"new_{part}"))
    return (
        f'{made}<p class="sum-change">before {before} → '
        f"after update {read.update_number}: {after}</p>"
    )


def _effective(read: Reading) -> str:
    # what a sum means for the step
    task, N = read.trace.task, float(read.values["N"])
    samples = read.write.number(N)
    said = f"The sum over {samples} samples: the gradient is {samples} times that of the mean"
    if not isinstance(task.optimizer, SGD | Momentum | Nesterov) or task.clip is not None:
        return f'<p class="sum-effective">{said}.</p>'
    tree = name("lr") * name("N")
    numbers = {"lr": float(read.values["lr"]), "N": N}
    return (
        f'<p class="sum-effective">{said}, and this step is {samples} times that of the mean. '
        f"As if the mean had the learning rate {read.write.filled(tree, numbers)} = "
        f"{read.number(float(tree.evaluate(numbers)))}.</p>"
    )
