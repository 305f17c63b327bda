"""How many times faster than each peer glassnet has to be, on a machine with AVX-512."""

from __future__ import annotations

PEERS = ("numpy", "sklearn", "torch", "compile", "jax", "ort")

# (workload, dtype): one thread, a number a peer in the order above; None where none is asked
ONE_THREAD: dict[tuple[str, str], tuple[float | None, ...]] = {
    ("W1", "float64"): (5, 15, 5, 4, 2.7, None),
    ("W1", "float32"): (6.5, 35, 7, 5, 2.2, None),
    ("W2", "float64"): (100, 500, 200, 150, 3.5, None),
    ("W3-32", "float64"): (4.5, 9, 16, 7, 1.7, None),
    ("W3-32", "float32"): (8, 19, 28, 13, 2.4, None),
    ("W3-200", "float64"): (2.4, 4.5, 6, 4.5, 1.6, None),
    ("W3-200", "float32"): (3, 6.5, 8.5, 4.5, 1.9, None),
    ("W4a", "float32"): (1.6, 2.2, 2.1, 1.6, 1.25, None),
    ("W4b", "float32"): (1.2, 1.6, 1.35, 1.15, 1.0, None),
    ("W5-row", "float32"): (8, 75, 15, 25, 20, 7),
    ("W5-tanh", "float32"): (1.45, 2.5, 3.5, 2.6, 1.5, 1.15),
    ("W5-relu", "float32"): (1.8, 3.3, 1.3, 1.3, 1.3, 1.15),
    ("W6", "float32"): (4, 8, 12, 5, 1.4, None),
}

TWO_THREADS: dict[tuple[str, str], tuple[float | None, ...]] = {
    ("W3-32", "float64"): (None, None, None, None, 3, None),
    ("W3-32", "float32"): (None, None, None, None, 2.4, None),
    ("W3-200", "float64"): (None, None, None, None, 2.8, None),
    ("W3-200", "float32"): (None, None, None, None, 3, None),
    ("W4a", "float32"): (2, 3.5, 2.8, 2, 1.5, None),
    ("W4b", "float32"): (1.9, 2.6, 1.6, 1.6, 1.2, None),
    ("W6", "float32"): (6, 11, 18, 8, 3.2, None),
}


def required(workload: str, dtype: str, threads: int, contender: str) -> float | None:
    """The ratio asked for, or None."""
    table = {1: ONE_THREAD, 2: TWO_THREADS}.get(threads, {})
    row = table.get((workload, dtype))
    return row[PEERS.index(contender)] if row and contender in PEERS else None
