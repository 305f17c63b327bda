"""Products of matrices, as blocks that stay in registers. Everything large ends up here.

A block holds so many rows of so many vectors of C. For each k it loads one row of B, as vectors,
and as many numbers of A as it has rows; each of them times the row of B is added to a row of C.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from glassnet.engines.fused.assembler import (
    I64,
    Code,
    Function,
    Module,
    Pointer,
    Pointing,
    Type,
    Value,
    Variable,
)
from glassnet.engines.fused.target import Kit

BIAS = 1
"""C begins at the bias of its row, not at 0."""
ADD = 2
"""The product is added to what C holds."""
FROM = 4
"""C begins at what it holds: for one row alone, whose biases lie along it."""
PANEL = 128
"""How deep a panel of B is: with four vectors to a row it stays in the first-level cache."""


@dataclass(frozen=True)
class Products:
    """The functions that multiply.

    whole : C (M, N) from A (M, K) and B (K, N), all of K at once.
    deep : the same, in steps of PANEL where K is larger than one and a half of them.
    """

    whole: Function
    deep: Function


def products(module: Module, kit: Kit) -> Products:
    """Write them into a module."""
    real = Pointing(kit.real)
    arguments: list[Type | Pointing] = [
        real,
        I64,
        real,
        I64,
        I64,
        real,
        I64,
        I64,
        I64,
        I64,
        real,
        I64,
    ]
    blocks = {
        (rows, wide): module.define(
            f"block_{rows}x{wide}",
            [real, I64, real, I64, I64, real, I64, I64, real, I64, I64],
            block(kit, rows, wide),
        )
        for wide, heights in kit.rows.items()
        for rows in heights
    }
    whole = module.define("product", arguments, product(kit, blocks))
    deep = module.define("product_deep", arguments, in_panels(whole))
    return Products(whole, deep)


def block(kit: Kit, rows: int, wide: int) -> Callable[..., None]:
    """C[r, v] (+)= bias_r + Σ_k A[r·ar + k·ak]·B[k, v], rows × (wide vectors), in registers."""
    n = kit.lanes

    def body(
        code: Code,
        C: Pointer,  # (rows, wide·n), rows ldc apart
        ldc: Value,
        A: Pointer,  # (rows, K), element (r, k) at r·ar + k·ak
        ar: Value,
        ak: Value,
        B: Pointer,  # (K, wide·n), rows ldb apart
        ldb: Value,
        K: Value,
        bias: Pointer,  # (rows,)
        flags: Value,
        left: Value,  # how many lanes of the last vector are C's
    ) -> None:
        sums = [[code.variable(kit.vector, 0.0) for _ in range(wide)] for _ in range(rows)]
        with code.when((flags & BIAS) != 0):
            for r in range(rows):
                b = code.splat(bias[r], n)
                for v in range(wide):
                    sums[r][v].set(b)
        if rows == 1:
            ends = [None] * (wide - 1) + [code.first(left, n)]
            with code.when((flags & FROM) != 0):
                for v in range(wide):
                    sums[0][v].set(C.vector(v * n, n, ends[v]))
        a_rows = [A.at(ar * r) for r in range(rows)]
        with code.loop(0, K) as k:
            row = B.at(k * ldb)
            b_row = [row.vector(v * n, n) for v in range(wide)]
            for r in range(rows):
                a = code.splat(a_rows[r][k * ak], n)
                for v in range(wide):
                    sums[r][v].set(code.fma(a, b_row[v], sums[r][v].get()))
        c_rows = [C.at(ldc * r) for r in range(rows)]
        tail = code.first(left, n)

        def places() -> Iterator[tuple[Variable, Pointer, Value | None]]:
            for r in range(rows):
                for v in range(wide):
                    yield sums[r][v], c_rows[r].at(v * n), tail if v == wide - 1 else None

        with code.when((flags & ADD) != 0):
            for total, place, mask in places():
                total.set(place.vector(0, n, mask) + total.get())
        for total, place, mask in places():
            place.put(0, total.get(), mask)

    return body


def product(kit: Kit, blocks: dict[tuple[int, int], Function]) -> Callable[..., None]:
    """C (+)= bias + A·B, (M, N), in panels of B as wide as a block, and blocks down each panel."""
    n = kit.lanes

    def body(
        code: Code,
        C: Pointer,
        ldc: Value,
        A: Pointer,
        ar: Value,
        ak: Value,
        B: Pointer,
        ldb: Value,
        M: Value,
        N: Value,
        K: Value,
        bias: Pointer,
        flags: Value,
    ) -> None:
        column = code.variable(I64, 0)

        def panel(wide: int) -> None:
            at = column.get()
            left = code.variable(I64, N - at - (wide - 1) * n)
            with code.when(left.get() > n):
                left.set(n)
            row = code.variable(I64, 0)
            for rows in kit.rows[wide]:

                def fits(rows: int = rows, row: Variable = row) -> Value:
                    left = M - row.get()
                    # eight rows are two blocks of four, not one of six and one of two
                    return (left >= rows) & (left != 8) if rows == 6 else left >= rows

                with code.repeat(fits):
                    r = row.get()
                    code.call(
                        blocks[rows, wide],
                        C.at(r * ldc + at),
                        ldc,
                        A.at(r * ar),
                        ar,
                        ak,
                        B.at(at),
                        ldb,
                        K,
                        bias.at(r),
                        flags,
                        left.get(),
                    )
                    row.set(r + rows)
            column.set(at + wide * n)

        for wide in kit.rows:  # as wide as it goes while more than half of the block is in use
            with code.repeat(lambda wide=wide: N - column.get() > (wide // 2 + wide // 4) * n):
                panel(wide)

    return body


def in_panels(whole: Function) -> Callable[..., None]:
    """The same product, PANEL of K at a time where K is large."""

    def body(code: Code, *arguments: Any) -> None:
        C, ldc, A, ar, ak, B, ldb, M, N, K, bias, flags = arguments
        how = code.variable(I64, flags)
        step = code.select(K > PANEL + PANEL // 2, PANEL, K)
        with code.loop(0, K, step) as k:
            depth = code.select(K - k < step, K - k, step)
            code.call(
                whole, C, ldc, A.at(k * ak), ar, ak, B.at(k * ldb), ldb, M, N, depth,
                bias, how.get(),
            )  # fmt: skip
            how.set(code.constant(ADD, I64))

    return body


def dots(module: Module, kit: Kit, *, lanes: bool) -> Function:
    """G (M, N) from A (M, s) and D (N, s): the products along rows, for narrow layers.

    lanes : G is (M, N, n), one sum a lane; `ADD` goes on with them. Else each is folded, at the
    end, to one number of G (M, N).
    """
    real = Pointing(kit.real)
    arguments: list[Type | Pointing] = [real, I64, real, I64, real, I64, I64, I64, I64, I64]
    # A's rows × D's rows
    shapes = [(4, 4), (4, 1), (1, 4), (1, 1)]
    name = "lane_dots" if lanes else "dots"
    blocks = {
        shape: module.define(
            f"{name}_{shape[0]}x{shape[1]}",
            [real, I64, real, I64, real, I64, I64, I64],
            dot_block(kit, *shape, lanes=lanes),
        )
        for shape in shapes
    }

    def body(
        code: Code,
        G: Pointer,
        ldg: Value,
        A: Pointer,
        lda: Value,
        D: Pointer,
        ldd: Value,
        M: Value,
        N: Value,
        vectors: Value,
        flags: Value,
    ) -> None:
        width = kit.lanes if lanes else 1
        row = code.variable(I64, 0)
        for high in (4, 1):
            with code.repeat(lambda high=high: row.get() + high <= M):
                m = row.get()
                column = code.variable(I64, 0)
                for wide in (4, 1):
                    with code.repeat(lambda column=column, wide=wide: column.get() + wide <= N):
                        c = column.get()
                        code.call(
                            blocks[high, wide], G.at((m * ldg + c) * width), ldg,
                            A.at(m * lda), lda, D.at(c * ldd), ldd, vectors, flags,
                        )  # fmt: skip
                        column.set(c + wide)
                row.set(m + high)

    return module.define(name, arguments, body)


def dot_block(kit: Kit, high: int, wide: int, *, lanes: bool) -> Callable[..., None]:
    """G[r, c] (+)= Σ_s A[r, s]·D[c, s], vectors along s."""
    n = kit.lanes

    def body(
        code: Code,
        G: Pointer,
        ldg: Value,
        A: Pointer,
        lda: Value,
        D: Pointer,
        ldd: Value,
        vectors: Value,
        flags: Value,
    ) -> None:
        sums = [[code.variable(kit.vector, 0.0) for _ in range(wide)] for _ in range(high)]
        spots = [[(ldg * r + c) for c in range(wide)] for r in range(high)]
        if lanes:
            with code.when((flags & ADD) != 0):
                for r in range(high):
                    for c in range(wide):
                        sums[r][c].set(G.vector(spots[r][c] * n, n))
        a_rows, d_rows = ([P.at(ld * i) for i in range(count)] for P, ld, count in
                          ((A, lda, high), (D, ldd, wide)))  # fmt: skip
        with code.loop(0, vectors) as v:
            s = v * n
            d = [row.vector(s, n) for row in d_rows]
            for r in range(high):
                a = a_rows[r].vector(s, n)
                for c in range(wide):
                    sums[r][c].set(code.fma(a, d[c], sums[r][c].get()))
        for r in range(high):
            for c in range(wide):
                if lanes:
                    G.put(spots[r][c] * n, sums[r][c].get())
                    continue
                total = code.variable(kit.real, code.total(sums[r][c].get()))
                with code.when((flags & ADD) != 0):
                    total.set(G[spots[r][c]] + total.get())
                G[spots[r][c]] = total.get()

    return body
