"""One thread for BLAS: on several it may split a product differently, and end in other bits.

Products that are too small to be split by any BLAS are left alone, so that small networks do not
pay for the switch (about 16 µs).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

from glassnet.core.network import Network

SMALL = 2**15
"""Multiplications up to which no BLAS takes a second thread (OpenBLAS begins at 2^18)."""

_lock = Lock()
_inside = 0  # how many are inside: the first to come in switches, the last to go out switches back
_limit: Any = None


@contextmanager
def one_thread(net: Network, rows: int) -> Iterator[None]:
    """Within it, products of a network's layers with so many rows run on one thread of BLAS."""
    if rows * max(layer.n_in * layer.n_out for layer in net.layers) <= SMALL:
        yield
        return
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _inside, _limit  # noqa: PLW0603 - BLAS has one setting for the whole process
    with _lock:
        if _inside == 0:
            _limit = _controller().limit(limits=1, user_api="blas")
        _inside += 1


def _leave() -> None:
    global _inside  # noqa: PLW0603
    with _lock:
        _inside -= 1
        if _inside == 0:
            _limit.restore_original_limits()


@cache
def _controller() -> Any:
    # loaded where a large product comes first: `import glassnet` stays light
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
