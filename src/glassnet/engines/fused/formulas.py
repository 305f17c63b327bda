"""The formulas of `core`, or one's own, as machine code: each is run on registers.

An elementwise formula is run on one vector and stands in a loop over all numbers of a tile. One
that looks along the neurons of a sample (softmax: the largest z, the sum of the exponentials) is
run on `Rows`, which stand for all neurons of a vector of samples at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from glassnet.core.activations import Activation, Identity, Softmax
from glassnet.core.formula import Formula
from glassnet.core.losses import Loss
from glassnet.core.objective import penalty_df, penalty_f
from glassnet.core.optimizers import Optimizer
from glassnet.engines.fused import primitives  # noqa: F401 - puts exp and its kin into UFUNCS
from glassnet.engines.fused.assembler import (
    F64,
    FUNCTIONS,
    I64,
    UFUNCS,
    Code,
    Module,
    NotCompilable,
    Opaque,
    Pointer,
    Pointing,
    Type,
    Value,
    spelled,
)
from glassnet.engines.fused.compiler import Library, load
from glassnet.engines.fused.steps import Steps
from glassnet.engines.fused.target import Kit


class Rows(Opaque):
    """(n, n_out) as a formula sees it: `at(j)` gives the vector of neuron j's samples.

    What is computed from them number by number is put off until a neuron is asked for; what looks
    along the neurons, `max` and `sum`, is a loop over them that is written on the spot.

    spare : (n_out, …) of memory in which the terms of the first sum are kept, so that e^z is not
        computed once for the sum and again for what is divided by it.
    """

    def __init__(
        self, code: Code, count: Value, at: Callable[[Value], Any], spare: list[Spare] | None = None
    ) -> None:
        self.code, self.count, self.at = code, count, at
        self.spare: list[Spare] = [] if spare is None else spare

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if ufunc.__name__ not in UFUNCS or method != "__call__" or options:
            raise NotCompilable(spelled(ufunc, method))
        return self._put_off(UFUNCS[ufunc.__name__], inputs, {})

    def __array_function__(self, function: Any, types: Any, inputs: Any, options: Any) -> Any:
        name = function.__name__
        if name in ("max", "amax", "sum"):
            return getattr(self, name.removeprefix("a"))(*inputs[1:], **options)
        if name not in FUNCTIONS:
            raise NotCompilable(f"np.{name}")
        return self._put_off(FUNCTIONS[name], inputs, options)

    def _put_off(self, operation: Callable[..., Any], inputs: Any, options: Any) -> Rows:
        def at(j: Value) -> Any:
            given = [x.at(j) if isinstance(x, Rows) else x for x in inputs]
            return run(operation, self.code, *given, **options)

        return Rows(self.code, self.count, at, self.spare)

    def max(self, axis: int | None = None, *, keepdims: bool = False) -> Rows:
        """The largest of a sample's neurons."""
        one = self.at(self.code.constant(0, I64)).type
        along(axis, keepdims=keepdims)
        result = self.code.variable(one, float("-inf"))
        with self.code.loop(0, self.count) as j:
            result.set(self.code.maximum(self.at(j), result.get()))
        return self._everywhere(result.get())

    def sum(self, axis: int | None = None, *, keepdims: bool = False) -> Rows:
        """The sum over a sample's neurons."""
        along(axis, keepdims=keepdims)
        one = self.at(self.code.constant(0, I64)).type
        if not one.real:
            raise NotCompilable("a sum of truths")
        result = self.code.variable(one, 0.0)
        fits = self.spare and self.spare[-1].tile.element == one.of(1)
        spare = self.spare.pop() if fits else None
        with self.code.loop(0, self.count) as j:
            term = self.code.rounded(self.at(j))
            result.set(result.get() + term)
            if spare is not None:
                spare.put(j, term)
        if spare is not None:
            self.at = spare.get
        return self._everywhere(result.get())

    def _everywhere(self, found: Value) -> Rows:
        return Rows(self.code, self.count, lambda j: found, self.spare)


@dataclass(frozen=True)
class Spare:
    """Memory for one vector of each neuron: the column at s of a tile (rows, ld)."""

    tile: Pointer
    ld: Value
    s: Value
    lanes: int

    def get(self, j: Value) -> Value:
        """What was put there."""
        return self.tile.vector(j * self.ld + self.s, self.lanes)

    def put(self, j: Value, value: Value) -> None:
        """Keep neuron j's vector."""
        self.tile.put(j * self.ld + self.s, value)


def along(axis: int | None, *, keepdims: bool) -> None:
    """Only along the neurons of a sample, and only so that the result meets them again."""
    if axis not in (1, -1) or not keepdims:
        raise NotCompilable("a sum or maximum other than along axis=1 with keepdims=True")


def _operator(name: str, *, swapped: bool = False) -> Callable[..., Any]:
    def run(self: Rows, *others: Any) -> Rows:
        inputs = (*others, self) if swapped else (self, *others)
        return self._put_off(UFUNCS[name], inputs, {})

    return run


for _symbol, _name in {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "pow": "power",
}.items():  # fmt: skip
    setattr(Rows, f"__{_symbol}__", _operator(_name))
    setattr(Rows, f"__r{_symbol}__", _operator(_name, swapped=True))
for _symbol, _name in {
    "neg": "negative", "abs": "absolute", "lt": "less", "le": "less_equal", "gt": "greater",
    "ge": "greater_equal", "eq": "equal", "ne": "not_equal",
}.items():  # fmt: skip
    setattr(Rows, f"__{_symbol}__", _operator(_name))


def run(formula: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """The formula's result on registers; `NotCompilable` where it has none."""
    try:
        return formula(*arguments, **options)
    except NotCompilable:
        raise
    except Exception as error:  # one's own code may fail in any way on what is no array
        raise NotCompilable(f"{type(error).__name__}: {error}") from error


def is_identity(activation: Activation) -> bool:
    """Whether a = z: then there is nothing to do."""
    return type(activation) is Identity


def of_rows(found: Any) -> Rows:
    """What a formula made of `Rows`, if it is such again."""
    if not isinstance(found, Rows):
        raise NotCompilable(f"a result of type {type(found).__name__}")
    return found


def refuse_own(formula: Formula, usual: type[Formula], *names: str) -> None:
    """Refuse a formula that overrides what is compiled as `usual` has it."""
    for name in names:
        if getattr(type(formula), name) is not getattr(usual, name):
            raise NotCompilable(f"a `{name}` of its own")


# ---- kernels of one formula each


@dataclass(frozen=True)
class Compiled:
    """Addresses of compiled functions, and the library that holds them in memory.

    "along" is no address: 1 for an activation that looks along the neurons.
    """

    addresses: dict[str, int]
    library: Library
    steps: Steps | None = None  # of an optimizer

    def __getitem__(self, name: str) -> int:
        return self.addresses[name]


def write_activation(module: Module, kit: Kit, activation: Activation) -> bool:
    """`learn(z, a, rows, ld)`: a = f(z), and da/dz in the place of z; `answer`: a alone.

    Gives back whether it looks along the neurons.
    `chain(d, s, a, rows, ld)`: dL/dz in the place of dL/da. All are (rows, ld).
    """
    mixes = isinstance(activation, Softmax)
    usual = Softmax if mixes else Activation
    refuse_own(activation, usual, "__call__", "slope", "chain")
    real = Pointing(kit.real)
    n, constants = kit.lanes, activation.constants
    f, df = type(activation).f, type(activation).df

    def elementwise(
        code: Code, z: Pointer, a: Pointer, rows: Value, ld: Value, *, slope: bool
    ) -> None:
        with code.loop(0, rows * ld, n) as s:
            x = z.vector(s, n)
            y = code.rounded(code.convert(run(f, x, *constants), kit.vector))
            if slope:
                z.put(s, code.convert(run(df, x, y, *constants), kit.vector))
            a.put(s, y)

    def along_rows(
        code: Code, z: Pointer, a: Pointer, rows: Value, ld: Value, *, slope: bool
    ) -> None:
        with code.loop(0, ld, n) as s:
            x, out = (Spare(tile, ld, s, n) for tile in (z, a))
            y = of_rows(run(f, Rows(code, rows, x.get, [out]), *constants))
            with code.loop(0, rows) as j:
                out.put(j, code.convert(y.at(j), kit.vector))
            if slope and not mixes:
                d = of_rows(run(df, Rows(code, rows, x.get), Rows(code, rows, out.get), *constants))
                with code.loop(0, rows) as j:
                    x.put(j, code.convert(d.at(j), kit.vector))

    def chain(code: Code, d: Pointer, s: Pointer, _: Pointer, rows: Value, ld: Value) -> None:
        with code.loop(0, rows * ld, n) as i:
            d.put(i, d.vector(i, n) * s.vector(i, n))

    def chain_of_softmax(
        code: Code, d: Pointer, _: Pointer, a: Pointer, rows: Value, ld: Value
    ) -> None:
        # Σ_i d_i·a_i·(δ_ij - a_j) = a_j·(d_j - Σ_i d_i·a_i)
        with code.loop(0, ld, n) as s:
            total = code.variable(kit.vector, 0.0)
            with code.loop(0, rows) as j:
                at = j * ld + s
                total.set(code.fma(d.vector(at, n), a.vector(at, n), total.get()))
            with code.loop(0, rows) as j:
                at = j * ld + s
                d.put(at, a.vector(at, n) * (d.vector(at, n) - total.get()))

    def write(form: Callable[..., None]) -> None:
        for name, slope in (("learn", True), ("answer", False)):
            module.define(name, [real, real, I64, I64], partial(form, slope=slope), public=True)

    form = attempt([along_rows] if mixes else [elementwise, along_rows], write, module)
    module.define(
        "chain",
        [real, real, real, I64, I64],
        chain_of_softmax if mixes else chain,
        public=True,
    )
    return bool(form is along_rows)


def attempt(forms: Sequence[Any], write: Callable[[Any], None], module: Module) -> Any:
    """Write the first of the forms that can be written, and say which it is."""
    written = len(module.texts)
    *others, last = forms
    for form in others:
        try:
            write(form)
        except NotCompilable:
            del module.texts[written:]
        else:
            return form
    write(last)
    return last


def write_loss(module: Module, kit: Kit, loss: Loss, *, closed: bool) -> None:
    """`learn(z, a, y, w, d, rows, ld)` → Σ_s w_s·ℓ_s, and d = w·dℓ/dz, or w·dℓ/da where the form
    is not closed; `cost`: the sum alone. z, a, y, d are (rows, ld), w is (ld,).
    """
    refuse_own(loss, Loss, "__call__", "slope", "from_z", "slope_z")
    real = Pointing(kit.real)
    n, constants, kind = kit.lanes, loss.constants, type(loss)
    f, df = (kind.fz, kind.dfz) if closed else (kind.f, kind.df)

    def tile(code: Code, z: Pointer, a: Pointer, y: Pointer, w: Pointer, d: Pointer,
             rows: Value, ld: Value, *, slope: bool, along_rows: bool) -> Value:  # fmt: skip
        total = code.variable(F64.of(n), 0.0)
        with code.loop(0, ld, n) as s:
            losses = code.variable(kit.vector, 0.0)
            weight = w.vector(s, n)
            given, out, target, delta = (Spare(t, ld, s, n) for t in (z if closed else a, a, y, d))

            def of_neuron(
                formula: Callable[..., Any], one: Spare, other: Spare
            ) -> Callable[[Value], Value]:
                if along_rows:
                    given_rows = (Rows(code, rows, spare.get) for spare in (one, other))
                    result = of_rows(run(formula, *given_rows, *constants))
                    return lambda j: code.convert(result.at(j), kit.vector)
                return lambda j: code.convert(
                    run(formula, one.get(j), other.get(j), *constants), kit.vector
                )

            cost = of_neuron(f, given, target)
            steep = of_neuron(df, out, target) if slope else None
            with code.loop(0, rows) as j:
                losses.set(losses.get() + cost(j))
                if steep is not None:
                    delta.put(j, weight * steep(j))
            wide = code.convert(losses.get(), F64.of(n))
            total.set(code.fma(code.convert(weight, F64.of(n)), wide, total.get()))
        return code.total(total.get())

    arguments: list[Type | Pointing] = [real, real, real, real, real, I64, I64]

    def write(form: bool) -> None:  # noqa: FBT001
        for name, slope in (("learn", True), ("cost", False)):
            body = partial(tile, slope=slope, along_rows=form)
            module.define(name, arguments, body, returns=F64, public=True)

    attempt([False, True], write, module)


def write_optimizer(module: Module, kit: Kit, optimizer: Optimizer) -> Steps:
    """`update(theta, g, slots, start, count, scale, step)` → 0, or NaN where a number is not.

    theta, g and each slot are the whole flat vectors; `count` numbers from `start` are updated.
    `step` is a row of the table of steps that is given back.
    """
    refuse_own(optimizer, Optimizer, "step", "rate")
    real, n = Pointing(kit.real), kit.lanes
    kind, constants = type(optimizer), optimizer.constants
    steps = Steps()
    lr, t = steps.start()

    def body(code: Code, theta: Pointer, g: Pointer, slots: Pointer, start: Value, count: Value,
             scale: Value, step: Pointer) -> Value:  # fmt: skip
        steps.load(step)
        places = [theta, *(code.address(slots[i], kit.real) for i in range(len(kind.slots)))]
        # a sum for each place: one for all would be a chain that every number waits for
        strange = [code.variable(kit.vector, 0.0) for _ in places]
        factor = code.convert(scale, kit.real)

        def update(at: Value, mask: Value | None) -> None:
            old = [place.vector(at, n, mask) for place in places]
            gradient = code.rounded(g.vector(at, n, mask) * factor)  # what a printed g is
            new = run(kind.f, old[0], gradient, lr, t, *old[1:], *constants)
            if not isinstance(new, tuple | list) or len(new) != len(places):
                new = new if isinstance(new, tuple | list) else [new]
                raise NotCompilable(f"{len(new)} results for theta and {len(kind.slots)} slots")
            for place, value, total in zip(places, new, strange, strict=True):
                fresh = code.convert(value, kit.vector)
                place.put(at, fresh, mask)
                total.set(code.fma(fresh, code.constant(0.0, kit.vector), total.get()))

        end = count - count % n
        with code.loop(0, end, n) as i:
            update(start + i, None)
        with code.when(end < count):
            update(start + end, code.first(count - end, n))
        total = strange[0].get()
        for more in strange[1:]:
            total = code.add(total, more.get())
        return code.convert(code.total(total), F64)

    arguments: list[Type | Pointing] = [
        real, real, Pointing(I64), I64, I64, F64, Pointing(F64),
    ]  # fmt: skip
    # written twice: the first time shows which numbers of a step it asks for
    for place in (Module(looks_up=module.looks_up), module):
        place.define("update", arguments, body, returns=F64, public=True)
    return steps


@lru_cache(maxsize=512)
def compiled(kit: Kit, formula: Any, *, closed: bool = False) -> Compiled:
    """The machine code of one formula."""
    module, along, steps = Module(looks_up=kit.target.looks_up), False, None
    try:
        if isinstance(formula, Activation):
            along = write_activation(module, kit, formula)
            names = ["learn", "answer", "chain"]
        elif isinstance(formula, Loss):
            write_loss(module, kit, formula, closed=closed)
            names = ["learn", "cost"]
        else:
            steps = write_optimizer(module, kit, formula)
            names = ["update"]
    except NotCompilable as error:
        raise NotCompilable(f"{type(formula).__name__}: {error}") from None
    library = load(str(module), kit.target)
    addresses = {name: library.address(name) for name in names}
    return Compiled({**addresses, "along": int(along)}, library, steps)


def write_penalty(module: Module, kit: Kit) -> None:
    """`penalise(theta, g, start, count, scale, l1, l2)`: g ← scale·g + the penalty's slope.

    `price(theta, start, count, l1, l2)` → the penalty itself.
    """
    real, n = Pointing(kit.real), kit.lanes

    def slope(code: Code, theta: Pointer, g: Pointer, start: Value, count: Value, scale: Value,
              l1: Value, l2: Value) -> None:  # fmt: skip
        factor, one, two = (code.convert(x, kit.real) for x in (scale, l1, l2))
        with code.loop(0, count, n) as i:
            mask = code.first(count - i, n)
            W = theta.vector(start + i, n, mask)
            scaled = g.vector(start + i, n, mask) * factor
            g.put(start + i, scaled + run(penalty_df, W, one, two), mask)

    def price(
        code: Code, theta: Pointer, start: Value, count: Value, l1: Value, l2: Value
    ) -> Value:
        total = code.variable(F64.of(n), 0.0)
        with code.loop(0, count, n) as i:
            mask = code.first(count - i, n)
            W = code.convert(theta.vector(start + i, n, mask), F64.of(n))
            total.set(total.get() + run(penalty_f, W, l1, l2))
        return code.total(total.get())

    module.define("penalise", [real, real, I64, I64, F64, F64, F64], slope)
    module.define("price", [real, I64, I64, F64, F64], price, returns=F64)
