"""exp, log and their kin against 40 digits: errors, special values, equal bits everywhere."""

from __future__ import annotations

import ctypes
import re
from functools import cache

import mpmath
import numpy as np
import pytest

from glassnet.engines.fused import primitives
from glassnet.engines.fused.assembler import F32, F64, I64, UFUNCS, Module, Pointing
from glassnet.engines.fused.compiler import load
from glassnet.engines.fused.primitives import PRIMITIVES
from glassnet.engines.fused.target import Target, generic, host

mpmath.mp.dps = 40

LEVELS = [None, 2, 3, 4]
"""The machine at hand, and those of x86-64's levels that it can stand for. 2 has no FMA."""

NEEDS = {2: ("sse4.2",), 3: ("avx2", "fma"), 4: ("avx512f", "avx512dq", "avx512vl", "avx512bw")}


def machine(level: int | None) -> Target:
    if level is None:
        return host()
    if not host().x86 or not all(f"+{f}" in host().features.split(",") for f in NEEDS[level]):
        pytest.skip("this machine does not know these instructions")
    return generic(level)


def text(kind, lanes, looks_up):
    """All functions as loops over arrays, `lanes` numbers at a time."""
    vector = kind.of(lanes)

    def over(function):
        def body(code, *arguments):
            *inputs, out, n = arguments
            with code.loop(0, n, lanes) as i:
                code.store(out.at(i), function(code, *(code.load(x.at(i), vector) for x in inputs)))

        return body

    module = Module(looks_up=looks_up)
    for name in (*PRIMITIVES, "power", *SIGNED):
        count = 2 if name == "power" else 1
        arguments = [*[Pointing(kind)] * (count + 1), I64]
        function = SIGNED.get(name) or getattr(primitives, name)
        module.define(name, arguments, over(function), public=True)
    return str(module)


SIGNED = {
    "decay": lambda code, x: primitives.exp(code, -code.absolute(x)),
    "growth": lambda code, x: primitives.exp(code, code.negative(-code.absolute(x))),
}
"""e^-|x|, whose argument is known never to be positive, and e^|x|."""


@cache
def library(dtype, lanes, level, looks_up):
    target = machine(level)
    if looks_up is None:
        looks_up = target.looks_up
    return load(text(F64 if dtype == np.float64 else F32, lanes, looks_up), target)


def run(name, *inputs, dtype=np.float64, lanes=8, level=None, looks_up=None):
    compiled = library(dtype, lanes, level, looks_up)
    kinds = [*[ctypes.c_void_p] * (len(inputs) + 1), ctypes.c_int64]
    function = ctypes.CFUNCTYPE(None, *kinds)(compiled.address(name))
    n = len(inputs[0])
    whole = -(-n // lanes) * lanes
    padded = [np.resize(np.asarray(x, dtype), whole) for x in inputs]
    out = np.empty(whole, dtype)
    function(*(x.ctypes.data for x in padded), out.ctypes.data, whole)
    return out[:n]


def errors(y, exact):
    """Distances from the exact numbers, in units in the last place of y's dtype."""
    kind = y.dtype.type
    apart = []
    for a, b in zip(y, exact, strict=True):
        nearest = kind(b)
        if np.isinf(nearest) or np.isinf(a):
            apart.append(0.0 if a == nearest else np.inf)
        else:
            apart.append(float(abs(mpmath.mpf(float(a)) - b) / float(abs(np.spacing(nearest)))))
    return np.array(apart)


EXACT = {
    "exp": mpmath.exp,
    "expm1": mpmath.expm1,
    "log": mpmath.log,
    "log1p": mpmath.log1p,
    "tanh": mpmath.tanh,
    "exp2": lambda x: mpmath.power(2, x),
    "log2": lambda x: mpmath.log(x, 2),
    "log10": mpmath.log10,
    "sinh": mpmath.sinh,
    "cosh": mpmath.cosh,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "arctan": mpmath.atan,
}


def draw(low, high, n=400):
    return np.random.default_rng(17).uniform(low, high, n)


def magnitudes(low=-1022, high=1024):
    """A number out of every octave."""
    octaves = np.arange(low, high)
    return 2.0**octaves * np.random.default_rng(18).uniform(1, 2, len(octaves))


def both(x):
    return np.concatenate([-x, x])


ARGUMENTS = {
    "exp": [draw(-708, 709.78), draw(-1, 1), both(magnitudes(-1022, 9)), draw(709.4, 709.78, 40)],
    "expm1": [draw(-40, 709.7), draw(-1.1, 0.4), draw(0.345, 0.45), both(magnitudes(-1000, 9))],
    "log": [magnitudes(), draw(0.5, 2), draw(0.9, 1.1), 1 + both(magnitudes(-52, 0))[52:]],
    "log1p": [magnitudes(-1000), draw(-1, 3), draw(-0.3, 0.42), -magnitudes(-1000, 0)],
    "tanh": [draw(-20, 20), draw(-1, 1), both(magnitudes(-1000, 6)), draw(0.1, 0.3)],
    "exp2": [draw(-1021, 1024), draw(-1, 1), draw(1023.4, 1023.9, 40)],
    "log2": [magnitudes(), draw(0.5, 2)],
    "log10": [magnitudes(), draw(0.5, 2)],
    "sinh": [draw(-709, 709), draw(-2, 2), both(magnitudes(-1000, 9))],
    "cosh": [draw(-709, 709), draw(-2, 2)],
    "sin": [draw(-1e6, 1e6), draw(-7, 7), np.pi / 2 * np.arange(-100, 100)],
    "cos": [draw(-1e6, 1e6), draw(-7, 7), np.pi / 2 * np.arange(-100, 100)],
    "arctan": [draw(-3, 3), both(magnitudes())],
}

# units in the last place, as the docstrings say them
LIMITS = {
    "exp": 1.35,
    "expm1": 1.65,
    "log": 0.95,
    "log1p": 1.5,
    "tanh": 2.6,
    "exp2": 1.2,
    "log2": 1.7,
    "log10": 1.9,
    "sinh": 2.3,
    "cosh": 1.5,
    "sin": 2.3,
    "cos": 2.3,
    "arctan": 1.55,
}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", EXACT)
def test_digits_in_float64(name, level):
    x = np.concatenate(ARGUMENTS[name])
    got = run(name, x, level=level)
    error = errors(got, [EXACT[name](mpmath.mpf(float(a))) for a in x])
    worst = error.argmax()
    assert error[worst] < LIMITS[name], (x[worst], got[worst])


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", EXACT)
@np.errstate(all="ignore")
def test_digits_in_float32_at_numbers_of_every_exponent(name, level):
    bits = np.arange(0, 2**32, 2**32 // 300_007, dtype=np.int64).astype(np.uint32)
    x = np.concatenate([bits.view(np.float32), np.concatenate(ARGUMENTS[name]).astype(np.float32)])
    exact = getattr(np, name)(x.astype(np.float64))
    got = run(name, x, dtype=np.float32, lanes=16, level=level)
    nearest = exact.astype(np.float32)
    if name in {"exp", "exp2"}:  # flushed, or kept: what is below the smallest normal number
        keep = ~(exact < 1.9e-38)
        assert np.all((got[~keep] == 0) | (np.abs(got[~keep] - exact[~keep]) < 1e-44))
        x, got, exact, nearest = x[keep], got[keep], exact[keep], nearest[keep]
    if name in {"sin", "cos"}:
        keep = ~(np.abs(x) > 1e6)
        x, got, exact, nearest = x[keep], got[keep], exact[keep], nearest[keep]
    finite = np.isfinite(nearest)
    assert np.array_equal(got[~finite], nearest[~finite], equal_nan=True)
    error = np.abs(got - exact)[finite] / np.abs(np.spacing(nearest[finite]))
    # below the normal numbers a unit is large beside what is lost of them
    limit = np.where(np.abs(nearest[finite]) < 2.0**-125, 2.01, LIMITS[name])
    worst = (error - limit).argmax()
    assert error[worst] < limit[worst], (x[finite][worst], got[finite][worst])


SPECIAL = np.array(
    [np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 1, -1, 2, -2, 0.5, -0.5, 100, -100, 1e4, -1e4]
)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", EXACT)
@np.errstate(all="ignore")
def test_special_values_are_numpys(name, dtype, level):
    x = SPECIAL.astype(dtype)
    if name in {"sin", "cos", "cosh", "sinh", "log10"}:
        x = x[~(np.abs(x) == 0) | ~np.signbit(x)]
    got, wanted = run(name, x, dtype=dtype, level=level), getattr(np, name)(x)
    exact = ~np.isfinite(wanted) | (wanted == 0) | (np.abs(wanted) == 1)
    exact &= ~((np.abs(x) == 100) & np.isfinite(wanted))
    assert np.array_equal(got[exact], wanted[exact], equal_nan=True)
    np.testing.assert_allclose(got, wanted, rtol=3e-6 if dtype == np.float32 else 1e-15, atol=4e-38)


@pytest.mark.parametrize("name", EXACT)
def test_nan_goes_through_whatever_its_bits(name):
    x = np.array([0x7FF8000000000001, 0x7FF8000000000FFF, 0xFFFFFFFFFFFFFFFF], np.uint64)
    assert np.isnan(run(name, x.view(np.float64))).all()


def test_ends_of_exp():
    x = [709.782712893384, 709.7827128933842, -708.0, -708.1, -745.0, -1e300, 1e300]
    y = run("exp", x)
    assert abs(y[0] / 1.797693134862273e308 - 1) < 1e-15
    assert y[1] == y[6] == np.inf
    assert abs(y[2] / 3.307553003638408e-308 - 1) < 1e-15
    assert np.array_equal(y[3:6], [0, 0, 0])


def test_log_of_numbers_below_the_normal_ones():
    x = np.array([5e-324, 1e-320, 2.2e-308, 2.2250738585072014e-308])
    assert errors(run("log", x), [mpmath.log(float(a)) for a in x]).max() < LIMITS["log"]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_tanh_is_odd_saturates_and_never_passes_1(dtype):
    x = np.concatenate([draw(0, 30, 20_000), magnitudes(-100, 100)]).astype(dtype)
    up, down = (run("tanh", sign * x, dtype=dtype, lanes=16) for sign in (1, -1))
    assert np.array_equal(up, -down)
    assert up.max() == 1
    assert np.all(up[x >= 20] == 1)
    small = x < np.sqrt(np.finfo(dtype).eps) / 2
    assert np.array_equal(up[small], x[small])


def test_arctan_of_large_numbers_has_pis_digits():
    x = both(10 ** draw(0.5, 5))
    assert errors(run("arctan", x), [mpmath.atan(float(a)) for a in x]).max() < 0.65


@pytest.mark.parametrize("level", LEVELS)
def test_powers_of_beta_for_a_million_steps(level):
    t = np.unique(np.floor(10 ** draw(0, 6, 300)))
    for beta in (0.5, 0.9, 0.95, 0.99, 0.999, 0.9999, 0.999999):
        y = run("power", np.full_like(t, beta), t, level=level)
        exact = [mpmath.power(beta, float(s)) for s in t]
        seen = np.array([e > 1e-300 for e in exact])
        assert errors(y[seen], [e for e in exact if e > 1e-300]).max() < 3
        assert np.all(y[~seen] < 1.1e-300)


@pytest.mark.parametrize("level", LEVELS)
def test_powers(level):
    a = np.concatenate([draw(0.1, 3), magnitudes(-300, 300), draw(0.71, 0.77)])
    b = np.concatenate([draw(-5, 5), draw(-2, 2, 600), draw(1500, 2000)])
    exact = [mpmath.power(float(x), float(y)) for x, y in zip(a, b, strict=True)]
    error = errors(run("power", a, b, level=level), exact)
    assert error.max() < 20  # 4e-15
    assert np.median(error) < 0.5


def test_powers_far_beyond_all_numbers_are_0_and_inf():
    a = np.array([0.9, 1.1, 0.7, 1 + 2.0**-52, 1 - 2.0**-53, 3.0])
    for huge in (1e20, 1e250, 1.7e308):
        assert np.array_equal(run("power", a, np.full(6, huge)), [0, np.inf, 0, np.inf, 0, np.inf])
        assert np.array_equal(run("power", a, np.full(6, -huge)), [np.inf, 0, np.inf, 0, np.inf, 0])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@np.errstate(all="ignore")
def test_powers_of_special_values_are_numpys(dtype):
    numbers = [*SPECIAL, 3, -3, 2.0**53, -(2.0**53), 2.0**53 - 1, 1e30, -1e30, 1e-30, 0.1]
    a, b = map(np.ravel, np.meshgrid(np.array(numbers, dtype), np.array(numbers, dtype)))
    got, wanted = run("power", a, b, dtype=dtype), np.power(a, b)
    exact = ~np.isfinite(wanted) | (wanted == 0) | (np.abs(wanted) == 1)
    assert np.array_equal(got[exact], wanted[exact], equal_nan=True)
    np.testing.assert_allclose(got, wanted, rtol=1e-6 if dtype == np.float32 else 1e-14)
    signed = ~np.isnan(wanted)
    assert np.array_equal(np.signbit(got[signed]), np.signbit(wanted[signed]))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", [*EXACT, "power"])
def test_equal_bits_in_one_lane_and_in_many_and_on_wider_machines(name, dtype):
    x = np.concatenate([draw(-3, 30, 64), SPECIAL])
    inputs = [x, x[::-1]] if name == "power" else [x]
    alone = run(name, *inputs, dtype=dtype, lanes=1)
    for lanes in (4, 8, 16):
        together = run(name, *inputs, dtype=dtype, lanes=lanes)
        assert np.array_equal(alone, together, equal_nan=True)
    # without the table, which is AVX-512's alone
    alone = run(name, *inputs, dtype=dtype, lanes=1, looks_up=False)
    narrow = run(name, *inputs, dtype=dtype, lanes=4, level=3)  # skips where there is none
    assert np.array_equal(alone, narrow, equal_nan=True)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@np.errstate(over="ignore")
def test_a_known_sign_changes_no_bit_of_exp(dtype, level):
    """What is left out where x = -|…| is not missed: the bits are those of exp."""
    x = np.concatenate([draw(0, 800, 4000), draw(0, 3), magnitudes(-1022, 1024), SPECIAL])
    x = x.astype(dtype)
    for lanes in (1, 4, 16):
        how = {"dtype": dtype, "lanes": lanes, "level": level}
        for name, argument in (("decay", -np.abs(x)), ("growth", np.abs(x))):
            assert np.array_equal(run(name, x, **how), run("exp", argument, **how), equal_nan=True)


@pytest.mark.parametrize("level", [2, 3, 4])
def test_nothing_is_called(level):
    import llvmlite.binding as llvm

    if not host().x86:
        pytest.skip("levels are x86-64's")
    target = generic(level).machine()
    for kind, lanes in ((F64, 1), (F64, 8), (F32, 1), (F32, 16)):
        module = llvm.parse_assembly(text(kind, lanes, generic(level).looks_up))
        module.triple, module.data_layout = generic(level).triple, str(target.target_data)
        assert not re.findall(r"\bcall\w*\s+\S+", target.emit_assembly(module))


@pytest.mark.parametrize("name", [*EXACT, "power"])
def test_a_product_is_rounded_before_a_function_takes_it(name):
    function = getattr(primitives, name)
    module = Module(looks_up=host().looks_up)

    def body(code, x, y, out):
        x, y = (code.load(a.at(0), F64.of(8)) for a in (x, y))
        second = [x * y] if name == "power" else []
        code.store(out.at(0), function(code, x * y, *second))

    module.define("products", [Pointing(F64)] * 3, body, public=True)
    compiled = load(str(module), host())
    x, y, out = draw(0.1, 3, 8), draw(5.1, 9, 8) / 3, np.empty(8)
    run_it = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3)(compiled.address("products"))
    run_it(x.ctypes.data, y.ctypes.data, out.ctypes.data)
    inputs = [x * y] * (2 if name == "power" else 1)
    assert np.array_equal(out, run(name, *inputs))


def test_numpys_functions_on_values_are_these():
    assert set(PRIMITIVES) == set(EXACT)
    assert set(PRIMITIVES) <= set(UFUNCS)
    assert all(isinstance(getattr(np, name), np.ufunc) for name in PRIMITIVES)
