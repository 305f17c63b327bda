"""The steps of a trace: each recorded quantity with its words and its formula, in both layouts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from glassnet.core.activations import Softmax
from glassnet.core.dropout import kept as dropout_kept
from glassnet.core.formula import Array
from glassnet.core.network import Network
from glassnet.core.optimizers import Optimizer
from glassnet.engines.base import Samples, Task
from glassnet.walkthrough import formulas
from glassnet.walkthrough.expression import Expression, call, column, name, number, total
from glassnet.walkthrough.naming import handed
from glassnet.walkthrough.step import Kind, Part, Step


class Recorded(Protocol):
    """What a trace has recorded."""

    @property
    def task(self) -> Task:
        """What is learnt and how."""
        ...

    @property
    def net(self) -> Network:
        """The architecture."""
        ...

    @property
    def samples(self) -> Samples | None:
        """Inputs, targets and weights; None for the way forward alone."""
        ...

    @property
    def X(self) -> Array:
        """The inputs."""
        ...

    @property
    def values(self) -> Mapping[str, Array]:
        """Every quantity by name."""
        ...

    @property
    def step(self) -> int:
        """Updates before this one."""
        ...


def steps_of(trace: Recorded) -> Iterator[Step]:
    """The steps of a trace, with words and formulas."""
    make = _Maker(trace)
    yield from make.given()
    yield from make.forward()
    if trace.samples is not None:
        yield from make.loss()
        yield from make.backward()
        yield from make.gradient()
        if isinstance(trace.task.optimizer, Optimizer):
            yield from make.update(trace.task.optimizer)


@dataclass(frozen=True)
class _Maker:
    trace: Recorded

    def step(
        self,
        key: str,
        part: Part,
        kind: Kind,
        words: str,
        formula: Expression | None = None,
        columns: Expression | None = None,
        *,
        layer: int | None = None,
        value: Any = None,
    ) -> Step:
        found = self.trace.values[key] if value is None else value
        columns = formula if columns is None else columns
        net, update = self.trace.net, self.trace.step + 1
        return Step(key, part, layer, kind, words, formula, columns, found, net, update)

    def given(self) -> Iterator[Step]:
        yield self.step("X", "given", "data", "The inputs, a row for each sample.")
        if self.trace.samples is not None:
            yield self.step("y", "given", "data", "The targets, a row for each sample.")
            if self.trace.samples[2] is not None:
                yield self.step("w", "given", "sample", "How much each sample counts.")
        for part in self.trace.net.names:
            number_of = int(part[1:])
            words = (
                f"The weights of layer {number_of}: from each of its inputs (row) to each of its "
                "neurons (column)."
                if part[0] == "W"
                else f"The biases of layer {number_of}, one for each neuron."
            )
            yield self.step(part, "given", "parameter", words, layer=number_of)

    def forward(self) -> Iterator[Step]:
        for k, layer in enumerate(self.trace.net.layers, 1):
            x, W = name(handed(k - 1, self.trace.values)), name(f"W{k}")
            z_rows, z_columns = x @ W, W.T @ x
            if layer.bias:
                b = name(f"b{k}")
                z_rows, z_columns = z_rows + b, z_columns + column(b)
            words = "Each neuron adds up its inputs, each times its weight"
            words += ", and its bias." if layer.bias else "."
            yield self.step(f"z{k}", "forward", "data", words, z_rows, z_columns, layer=k)
            f = self.fitting(
                f"a{k}",
                *(
                    formulas.fixed(written.f, layer.activation).replace(name("z"), name(f"z{k}"))
                    for written in self.ways(formulas.of_activation, layer.activation)
                ),
            )
            words = f"What each neuron makes of its sum: {layer.activation}."
            rows, columns = f, f
            if isinstance(layer.activation, Softmax):
                columns = call("softmax", name(f"z{k}").T).T
            yield self.step(f"a{k}", "forward", "data", words, rows, columns, layer=k)
            if f"m{k}" in self.trace.values:
                yield from self.mask(k)

    def mask(self, k: int) -> Iterator[Step]:
        """Dropout: who is left out, and what the layer hands on."""
        dropout = self.trace.task.dropout
        assert dropout is not None
        rate = dropout.rates(self.trace.net)[k - 1]
        words = (
            f"Dropout: 0 where a neuron is left out, with probability {rate:g}, else "
            f"{dropout_kept(rate):.6g}. Drawn from seed {dropout.seed}, this update, layer, sample "
            "and neuron."
        )
        yield self.step(f"m{k}", "forward", "data", words, layer=k)
        h = name(f"m{k}") * name(f"a{k}")
        words = "What each neuron hands on: nothing where it is left out."
        yield self.step(f"h{k}", "forward", "data", words, h, layer=k)

    def loss(self) -> Iterator[Step]:
        task, depth = self.trace.task, len(self.trace.net.layers)
        a, z = name(f"a{depth}"), name(f"z{depth}")
        closed = task.loss.closes(self.trace.net.layers[-1].activation)
        ways = [written.f for written in self.ways(formulas.of_loss, task.loss)]
        if closed:
            ways[-1] = formulas.of_closed(task.loss).f
        ways = [
            formulas.fixed(way, task.loss).replace(name("a"), a).replace(name("z"), z)
            for way in ways
        ]
        chosen = self.fitting("losses", *(total(way, "outputs") for way in ways)).args[0]
        words = f"How far each answer is from its target: {task.loss}, summed over the outputs."
        if closed and chosen == ways[-1]:
            words += " From the sums z: so near its end the answer has lost the digits of ln a."
        columns = chosen.replace(call("log_softmax", z), call("log_softmax", z.T).T)
        yield self.step(
            "losses", "loss", "sample", words, total(chosen, "outputs"), total(columns, "rows")
        )
        losses = name("losses")
        weighted = "w" in self.trace.values
        yield self.step(
            "L",
            "loss",
            "number",
            "The losses of all samples together" + (", by their weights." if weighted else "."),
            total(name("w") * losses if weighted else losses, "all"),
        )
        yield self.step(
            "N",
            "loss",
            "number",
            "The weights of all samples together." if weighted else "The number of samples.",
            total(name("w"), "all") if weighted else number(float(len(self.trace.X))),
        )
        J = name("L") / name("N") if task.reduction == "mean" else name("L")
        if "penalty" in self.trace.values:
            yield self.step(
                "penalty",
                "loss",
                "number",
                "What large weights cost; biases are free.",
                self.penalty(),
            )
            J = J + name("penalty")
        how = "mean" if task.reduction == "mean" else "sum"
        words = f"The objective, which training lowers: the {how} over the samples"
        words += ", and the penalty." if "penalty" in self.trace.values else "."
        yield self.step("J", "loss", "number", words, J)

    def penalty(self) -> Expression:
        """l1·Σ|W| + ½·l2·ΣW², over all weight matrices."""
        task = self.trace.task
        terms = []
        for part in self.trace.net.names:
            if part[0] == "W":
                W = name(part)
                if task.l1:
                    terms.append(name("l1") * total(call("abs", W), "all"))
                if task.l2:
                    terms.append(number(0.5) * name("l2") * total(W ** number(2), "all"))
        added = terms[0]
        for term in terms[1:]:
            added = added + term
        return added

    def backward(self) -> Iterator[Step]:
        task, net = self.trace.task, self.trace.net
        depth = len(net.layers)
        weighted = "w" in self.trace.values
        w = name("w")
        for k in range(depth, 0, -1):
            layer, below = net.layers[k - 1], handed(k - 1, self.trace.values)
            a, z, dL_da = name(f"a{k}"), name(f"z{k}"), name(f"dL_da{k}")
            da_dz, dL_dz = name(f"da{k}_dz{k}"), name(f"dL_dz{k}")
            closed = k == depth and task.loss.closes(layer.activation)
            if k == depth:
                slopes = [
                    formulas.fixed(written.df, task.loss).replace(name("a"), a)
                    for written in self.ways(formulas.of_loss, task.loss)
                ]
                if weighted:
                    slopes = [column(w) * slope for slope in slopes]
                df = self.fitting(f"dL_da{k}", *slopes)
                yield self.step(
                    f"dL_da{k}",
                    "backward",
                    "data",
                    "How much the loss moves if an output of the network moves.",
                    df,
                    df.replace(column(w), w),
                    layer=k,
                )
            mixes = isinstance(layer.activation, Softmax)
            df = self.fitting(
                f"da{k}_dz{k}",
                *(
                    formulas.fixed(written.df, layer.activation)
                    .replace(name("z"), z)
                    .replace(name("a"), a)
                    for written in self.ways(formulas.of_activation, layer.activation)
                ),
            )
            yield self.step(
                f"da{k}_dz{k}",
                "backward",
                "jacobian" if mixes else "data",
                "How much each output of the layer moves if a sum moves: each with each."
                if mixes
                else "How much what a neuron answers moves if its sum moves.",
                call("softmax_slope", a) if mixes else df,
                call("softmax_slope", a.T) if mixes else df,
                layer=k,
            )
            rows = columns = dL_da * da_dz
            if mixes:
                rows, columns = call("contract", dL_da, da_dz), call("contract", dL_da.T, da_dz).T
            words = "How much the loss moves if the sum of a neuron moves."
            if closed:
                plain = formulas.fixed(formulas.of_closed(task.loss).df, task.loss)
                plain = plain.replace(name("a"), a)
                rows = column(w) * plain if weighted else plain
                columns = w * plain if weighted else plain
                words += (
                    f" {task.loss} and {layer.activation} belong together: ∂L/∂a·∂a/∂z comes down "
                    "to this."
                )
            yield self.step(f"dL_dz{k}", "backward", "data", words, rows, columns, layer=k)
            dz_dW = name(f"dz{k}_dW{k}")
            yield self.step(
                f"dz{k}_dW{k}",
                "backward",
                "data",
                "How much a sum moves if one of its weights moves: by the input on that weight.",
                name(below),
                layer=k,
            )
            yield self.step(
                f"dL_dW{k}",
                "backward",
                "parameter",
                "How much the loss moves if a weight moves: added up over the samples.",
                dz_dW.T @ dL_dz,
                dz_dW @ dL_dz.T,
                layer=k,
            )
            if layer.bias:
                yield self.step(
                    f"dL_db{k}",
                    "backward",
                    "parameter",
                    "How much the loss moves if a bias moves: added up over the samples.",
                    total(dL_dz, "samples"),
                    total(dL_dz, "columns"),
                    layer=k,
                )
            dz_dx = name(f"dz{k}_d{below}")
            yield self.step(
                f"dz{k}_d{below}",
                "backward",
                "parameter",
                "How much a sum moves if one of its inputs moves: by the weight on that input.",
                name(f"W{k}"),
                layer=k,
            )
            what = "an input of the network" if k == 1 else "a neuron of the layer below"
            if below[0] == "h":
                what = "what a neuron of the layer below hands on"
            yield self.step(
                f"dL_d{below}",
                "backward",
                "data",
                f"How much the loss moves if {what} moves: over all the sums it is part of.",
                dL_dz @ dz_dx.T,
                dz_dx @ dL_dz,
                layer=k if k == 1 else k - 1,
            )
            if below[0] == "h":
                yield self.step(
                    f"dL_da{k - 1}",
                    "backward",
                    "data",
                    "How much the loss moves if a neuron of the layer below moves: not at all where"
                    " it is left out.",
                    name(f"m{k - 1}") * name(f"dL_d{below}"),
                    layer=k - 1,
                )

    def gradient(self) -> Iterator[Step]:
        task = self.trace.task
        for part in self.trace.net.names:
            dJ = name(f"dL_d{part}")
            if task.reduction == "mean":
                dJ = dJ / name("N")
            if part[0] == "W" and task.l1:
                dJ = dJ + name("l1") * call("sign", name(part))
            if part[0] == "W" and task.l2:
                dJ = dJ + name("l2") * name(part)
            yield self.step(
                f"dJ_d{part}",
                "gradient",
                "parameter",
                "The gradient: how much the objective moves if this parameter moves.",
                dJ,
                layer=int(part[1:]),
            )
        if task.clip is None:
            return
        squares = [total(name(f"dJ_d{part}") ** number(2), "all") for part in self.trace.net.names]
        added = squares[0]
        for square in squares[1:]:
            added = added + square
        yield self.step(
            "norm", "gradient", "number", "The length of the whole gradient.", call("sqrt", added)
        )
        for part in self.trace.net.names:
            shorter = call("minimum", number(1.0), name("limit") / name("norm"))
            yield self.step(
                f"g_{part}",
                "gradient",
                "parameter",
                f"The gradient shortened, where it is longer than {task.clip:g}.",
                name(f"dJ_d{part}") * shorter,
                layer=int(part[1:]),
            )

    def update(self, optimizer: Optimizer) -> Iterator[Step]:
        written = formulas.of_optimizer(optimizer)
        said = f"of {optimizer}"
        rate, count = optimizer.rate(self.trace.step), self.trace.step + 1
        yield self.step("lr", "update", "number", "The learning rate.", value=np.asarray(rate))
        yield self.step(
            "t", "update", "number", "The number of this update.", value=np.asarray(count)
        )
        given = "g_" if self.trace.task.clip is not None else "dJ_d"
        for part in self.trace.net.names:
            layer = int(part[1:])
            spelled = {"theta": part, "g": f"{given}{part}"}
            for slot in optimizer.slots:
                spelled[slot] = f"{slot}_{part}"
                words = f"What the optimizer remembers: {slot} {said}, before the update."
                yield self.step(f"{slot}_{part}", "update", "parameter", words, layer=layer)
            for result, _ in written:
                spelled[result] = "new_" + part if result == "theta_new" else f"{result}_{part}"
            values = self.trace.values
            for result, tree in written:
                formula = tree
                for short, full in spelled.items():
                    formula = formula.replace(name(short), name(full))
                key = spelled[result]
                words = "The parameter after the update."
                if result.endswith("_hat"):
                    words = f"{result.removesuffix('_hat')} corrected for its start at 0."
                elif result != "theta_new":
                    words = f"{result.removesuffix('_new')} {said}, after the update."
                value = values.get(key)
                if value is None:  # inside the optimizer's own arithmetic, said by its formula
                    value = formula.evaluate(
                        {**values, **formulas.constants(optimizer), "lr": rate, "t": count}
                    )
                yield self.step(
                    key, "update", "parameter", words, formula, layer=layer, value=value
                )

    def ways(self, of: Callable[..., formulas.Written], function: Any) -> list[formulas.Written]:
        """A function as on a blackboard, and as it is computed."""
        return [of(function), of(function, blackboard=False)]

    def fitting(self, key: str, *ways: Expression) -> Expression:
        """The first formula that gives the recorded numbers; the last is what was computed.

        ln a is what one writes, and infinite at a = 0, where the computer holds a above it.
        """
        value = np.asarray(self.trace.values[key])
        fine = value.dtype == np.float64
        rtol, atol = (1e-10, 1e-13) if fine else (1e-4, 1e-6)
        for way in ways[:-1]:
            if way == ways[-1]:
                break
            found = way.evaluate(self.trace.values)
            if np.shape(found) == value.shape and np.allclose(found, value, rtol, atol):
                return way
        return ways[-1]
