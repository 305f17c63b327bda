"""Φ and φ, and where the coefficients of Φ come from."""

from __future__ import annotations

from collections.abc import Iterator

import mpmath as mp
import numpy as np
import pytest

from glassnet.core.normal import ERFCX, normal_cdf, normal_pdf

Z = np.concatenate([np.linspace(-37.0, 10.0, 471), [-1e-300, -1e-9, 0.0, 1e-9, 1e-300]])


@pytest.fixture(autouse=True)
def _fifty_digits() -> Iterator[None]:
    with mp.workdps(50):
        yield


def exact_cdf(z: float) -> mp.mpf:
    return mp.erfc(-mp.mpf(z) / mp.sqrt(2)) / 2


def test_cdf_to_fourteen_digits():
    exact = np.array([float(exact_cdf(z)) for z in Z])
    cdf = normal_cdf(Z)
    near = Z > -8
    np.testing.assert_allclose(cdf[near], exact[near], rtol=2e-14, atol=0)
    # farther out exp(-z²/2) itself loses digits, as many as z²/2 has before its point
    np.testing.assert_allclose(cdf, exact, rtol=2e-13, atol=0)
    np.testing.assert_allclose(cdf, exact, rtol=0, atol=5e-16)


def test_pdf_is_its_derivative():
    z = np.linspace(-8.0, 8.0, 161)
    exact = [float(mp.exp(-(mp.mpf(x) ** 2) / 2) / mp.sqrt(2 * mp.pi)) for x in z]
    np.testing.assert_allclose(normal_pdf(z), exact, rtol=1e-14, atol=0)
    h = mp.mpf(10) ** -15
    slope = [float((exact_cdf(x + h) - exact_cdf(x - h)) / (2 * h)) for x in map(mp.mpf, z)]
    np.testing.assert_allclose(normal_pdf(z), slope, rtol=1e-13, atol=0)


def test_far_out_and_nan():
    for dtype in (np.float64, np.float32):
        z = np.array([-1e4, 1e4, np.nan, -np.inf, np.inf], dtype=dtype)
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            cdf, pdf = normal_cdf(z), normal_pdf(z)
        np.testing.assert_array_equal(cdf, np.array([0, 1, np.nan, 0, 1], dtype=dtype))
        np.testing.assert_array_equal(pdf, np.array([0, 0, np.nan, 0, 0], dtype=dtype))
        assert cdf.dtype == pdf.dtype == dtype


def test_coefficients_come_from_the_definition():
    """Interpolates p(t) = (1 + 2x)·e^(x²)·erfc(x) at Chebyshev's nodes anew, with 60 digits."""
    nodes, degree = 80, 23
    with mp.workdps(60):
        angles = [mp.pi * (2 * i + 1) / (2 * nodes) for i in range(nodes)]
        values = []
        for angle in angles:
            t = mp.cos(angle)
            x = mp.mpf("3.75") * (1 + t) / (1 - t)
            values.append((1 + 2 * x) * mp.exp(x * x) * mp.erfc(x))
        chebyshev = [
            2 * mp.fsum(v * mp.cos(k * a) for v, a in zip(values, angles, strict=True)) / nodes
            for k in range(degree + 1)
        ]
        chebyshev[0] /= 2
        # from Σ c_k T_k(t) to powers of t, by T_(k+1) = 2t·T_k - T_(k-1)
        power = [mp.mpf(0)] * (degree + 1)
        before, now = [mp.mpf(1)], [mp.mpf(0), mp.mpf(1)]
        for c in chebyshev:
            for i, coefficient in enumerate(before):
                power[i] += c * coefficient
            after = [mp.mpf(0), *(2 * n for n in now)]
            for i, coefficient in enumerate(before):
                after[i] -= coefficient
            before, now = now, after
    assert len(ERFCX) == degree + 1
    np.testing.assert_allclose(ERFCX, [float(p) for p in power], rtol=1e-15, atol=0)
