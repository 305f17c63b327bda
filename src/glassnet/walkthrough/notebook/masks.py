"""Dropout in a notebook: the same masks from a dozen lines of NumPy."""

from __future__ import annotations

from collections.abc import Iterator

from glassnet.walkthrough.notebook.cells import Cell, assigned, code, text
from glassnet.walkthrough.notebook.lesson import Lesson, Pen

SAID = (
    "Dropout: in each update hidden neurons are left out by chance, and those that are kept count "
    "for more. `mask` draws as glassnet does, not from a stream but from the place of each number: "
    "by Philox4x32-10 (Salmon, Moraes, Dror, Shaw, 2011). Its counter is the row in the batch, the "
    "neuron divided by 4, the layer, and the updates so far; its key is the seed."
)

MASK = '''
def mask(layer, rate, updates, n, neurons):
    """{shape}: 0 with probability `rate`, else 1/(1 - rate)."""
    row, four = np.ogrid[:n, : -(-neurons // 4)]
    shape, word = (n, four.size), 2**32 - 1
    c = [np.full(shape, x, np.uint64) for x in (row, four, layer, updates % 2**32)]
    k = [{low}, {high}]
    for _ in range(10):
        p, q = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
        c = [(q >> 32) ^ c[1] ^ k[0], q & word, (p >> 32) ^ c[3] ^ k[1], p & word]
        k = [(k[0] + 0x9E3779B9) & word, (k[1] + 0xBB67AE85) & word]
    drawn = np.stack(c, axis=-1).reshape(n, -1)[:, :neurons]
    m = np.where(drawn >= round(rate * 2**32), 1 / (1 - rate), 0.0).astype(np.{dtype})
    return {turned}
'''


def masked(one: Lesson) -> dict[int, float]:
    """The layers that leave neurons out, and their rates."""
    dropout = one.task.dropout
    rates = () if dropout is None else dropout.rates(one.net)
    return {k: rate for k, rate in enumerate(rates, 1) if rate}


def function(pen: Pen) -> Iterator[Cell]:
    """The function `mask`, where it is needed."""
    dropout, rows = pen.one.task.dropout, pen.layout == "rows"
    if not masked(pen.one) or dropout is None:
        return
    low, high = dropout.key
    source = MASK.strip("\n").format(
        low=low,
        high=high,
        dtype=pen.one.state.theta.dtype,
        turned="m" if rows else "m.T",
        shape="(n, neurons)" if rows else "(neurons, n)",
    )
    yield text(SAID, f"{pen.one.prefix}mask-text")
    yield code(source.splitlines(), f"{pen.one.prefix}mask")


def drawn(pen: Pen, updates: int | str) -> list[str]:
    """`m1 = mask(…)` of each layer that leaves neurons out."""
    n = "len(X)" if pen.layout == "rows" else "X.shape[1]"
    lines = []
    for k, rate in masked(pen.one).items():
        size = pen.one.net.layers[k - 1].n_out
        lines += assigned(pen.spell(f"m{k}"), f"mask({k}, {rate!r}, {updates}, {n}, {size})")
    return lines
