"""The drawings of 'How the fused engine works', as SVG: `python docs/images/draw.py`.

They stand within the page, not beside it, so that they take its colours, light or dark.
"""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent
INK, FAINT, LINE = (
    f"var(--color-foreground-{name})" for name in ("primary", "muted", "border")
)  # furo's
BLUE, ORANGE, GREEN = "#4c8fc9", "#e08a3c", "#58a55c"


def text(
    x: float, y: float, words: str, *, at: str = "start", ink: str = INK, more: str = ""
) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{at}" fill="{ink}" {more}>{words}</text>'


def small(x: float, y: float, words: str, at: str = "start", ink: str = FAINT) -> str:
    return text(x, y, words, at=at, ink=ink, more='font-size="13"')


def box(
    x: float, y: float, w: float, h: float, fill: str = "none", *, deep: float = 0.35, r: float = 0,
    line: str = LINE,
) -> str:  # fmt: skip
    return (
        f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="{r}" fill="{fill}" '
        f'fill-opacity="{deep}" stroke="{line}"/>'
    )


def arrow(x: float, y: float, to_x: float, to_y: float) -> str:
    return (
        f'<line x1="{x}" y1="{y}" x2="{to_x}" y2="{to_y}" stroke="{FAINT}" stroke-width="1.5" '
        'marker-end="url(#tip)"/>'
    )


def save(name: str, height: int, label: str, parts: list[str]) -> None:
    tip = (
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="{FAINT}"/></marker></defs>'
    )
    head = (
        f'<svg class="drawing" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 520 {height}" '
        f'role="img" aria-label="{label}" font-size="15" font-family="inherit">'
    )
    (HERE / f"{name}.svg").write_text("\n".join([head, tip, *parts, "</svg>", ""]), "utf-8")


def run() -> None:
    """Loops within loops, all of them within one call."""
    parts = [
        box(4, 4, 512, 296, r=8), text(16, 26, "one call of compiled code: n epochs"),
        box(18, 38, 484, 250, r=8), text(30, 60, "a batch: one update"),
        box(32, 72, 456, 142, BLUE, deep=0.08, r=8),
        text(44, 94, "a slab: as many tiles as half of L2 holds"),
    ]  # fmt: skip
    for i, name in enumerate(("tile 1", "tile 2", "tile 3")):
        x = 44 + 146 * i
        parts += [
            box(x, 106, 138, 98, BLUE, r=6), text(x + 69, 126, name, at="middle"),
            small(x + 69, 147, "gather rows", "middle", INK),
            small(x + 69, 165, "forward, loss", "middle", INK),
            small(x + 69, 183, "backward to", "middle", INK),
            small(x + 69, 198, "dL/dz", "middle", INK),
        ]  # fmt: skip
    parts += [
        arrow(260, 216, 260, 232), box(32, 236, 456, 42, ORANGE, r=6),
        text(260, 254, "dL/dW: summed over the tiles, in order;", at="middle"),
        text(260, 272, "θ updated at once, while dL/dW is in the cache", at="middle"),
    ]  # fmt: skip
    save("fused-run", 304, "A run: epochs, batches, slabs and tiles, one within the other", parts)


def tiles() -> None:
    """Rows of X, chosen by the shuffled order, become columns of a tile."""
    parts = [text(74, 20, "X: samples first", at="middle")]
    chosen = {5: 0, 2: 1, 7: 2, 0: 3}  # row of X, column of the tile
    cell, left, top = 28, 18, 34
    for r in range(9):
        for c in range(4):
            fill = BLUE if r in chosen else "none"
            parts.append(
                box(left + c * cell, top + r * cell, cell, cell, fill, deep=0.15 + 0.15 * c)
            )
        if r in chosen:
            parts.append(text(left + 4 * cell + 8, top + r * cell + 19, f"{r}", ink=FAINT))
    parts.append(small(left + 2 * cell, top + 9 * cell + 20, "a sample's features", "middle"))
    parts.append(small(left + 2 * cell, top + 9 * cell + 36, "lie side by side", "middle"))
    parts += [
        small(228, 112, "order", "middle"), text(228, 132, "5, 2, 7, 0, …", at="middle"),
        arrow(168, 146, 288, 146),
        small(228, 168, "gather through", "middle"), small(228, 184, "a transpose", "middle"),
    ]  # fmt: skip
    left, top = 306, 62
    parts.append(text(left + 98, 20, "a tile: features first", at="middle"))
    for j in range(4):
        for s in range(7):
            fill = BLUE if s < 4 else "none"
            parts.append(
                box(left + s * cell, top + j * cell, cell, cell, fill, deep=0.15 + 0.15 * j)
            )
    for row, s in chosen.items():
        parts.append(text(left + s * cell + 14, top - 7, f"{row}", at="middle", ink=FAINT))
    parts.append(small(left + 5.5 * cell, top - 7, "next …", "middle"))
    parts += [
        (
            f'<rect x="{left}" y="{top + cell}" width="{4 * cell}" height="{cell}" fill="none" '
            f'stroke="{ORANGE}" stroke-width="3"/>'
        ),
        arrow(left + 40, top + 4 * cell + 26, left + 40, top + 2 * cell + 5),
        small(left, top + 4 * cell + 44, "one vector: a feature"),
        small(left, top + 4 * cell + 60, "of four samples"),
        small(left, top + 4 * cell + 84, "one instruction works"),
        small(left, top + 4 * cell + 100, "on all of them"),
    ]  # fmt: skip
    save("fused-tiles", 336, "Rows of X, in shuffled order, become the columns of a tile", parts)


def block() -> None:
    """A block of C in registers, one step of k."""
    parts = []
    cell, left, top = 26, 196, 150
    for r in range(4):
        for v in range(4):
            for lane in range(2):
                x = left + (2 * v + lane) * cell
                parts.append(box(x, top + r * cell, cell, cell, GREEN, deep=0.3))
        for v in range(1, 4):
            x = left + 2 * v * cell
            parts.append(
                f'<line x1="{x}" y1="{top}" x2="{x}" y2="{top + 4 * cell}" stroke="{INK}" '
                'stroke-width="1.5"/>'
            )
    parts.append(text(left + 4 * cell, top + 4 * cell + 22, "C: stays in registers", at="middle"))
    parts.append(small(left + 4 * cell, top + 4 * cell + 40, "(four vectors to a row)", "middle"))
    for k in range(3):  # B: rows k
        for c in range(8):
            fill = ORANGE if k == 1 else "none"
            parts.append(box(left + c * cell, 44 + k * 30, cell, cell - 2, fill, deep=0.45))
    parts.append(text(left + 4 * cell, 30, "B: one row, as vectors", at="middle"))
    parts.append(text(left + 8 * cell + 10, 44 + 30 + 18, "k"))
    for k in range(3):  # A: columns k
        for r in range(4):
            fill = BLUE if k == 1 else "none"
            parts.append(box(76 + k * 34, top + r * cell, cell, cell, fill, deep=0.45))
    parts.append(text(123, top - 10, "k", at="middle"))
    parts.append(text(123, top + 4 * cell + 22, "A: one number", at="middle"))
    parts.append(text(123, top + 4 * cell + 40, "for each row", at="middle"))
    y = top + cell + 13
    parts += [arrow(138, y, left - 3, y)]
    parts += [
        small(418, top + 22, "C row"), small(418, top + 40, "+= A number"),
        small(418, top + 58, "   · B row"),
    ]  # fmt: skip
    save("fused-block", 300, "A block of C in registers: one number of A times one row of B", parts)


def threads() -> None:
    """Two phases: tiles are shared out, then rows of dL/dW."""
    parts = [text(8, 20, "Phase 1: the tiles are shared out")]
    colours = (BLUE, BLUE, ORANGE, ORANGE)
    for t, colour in enumerate(colours):
        x = 8 + t * 127
        parts.append(box(x, 32, 119, 46, colour, r=6))
        parts.append(text(x + 59, 52, f"tile {t + 1}", at="middle"))
        parts.append(small(x + 59, 70, f"thread {1 + t // 2}", "middle", INK))
    parts += [
        (
            f'<line x1="8" y1="96" x2="508" y2="96" stroke="{INK}" stroke-width="2" '
            'stroke-dasharray="7 5"/>'
        ),
        small(258, 116, "all threads meet", "middle"),
        text(8, 150, "Phase 2: the rows of each dL/dW are shared out"),
    ]  # fmt: skip
    for r in range(6):
        y = 164 + r * 30
        colour = BLUE if r < 3 else ORANGE
        parts.append(box(8, y, 152, 26, colour))
        parts.append(small(84, y + 18, f"row {r + 1}: thread {1 + r // 3}", "middle", INK))
        if r in (1, 4):
            parts.append(text(172, y + 18, "= xᵀ·dL/dz of tile 1 + 2 + 3 + 4"))
    parts += [
        small(8, 364, "Whoever computes a row: the same sum, in the same order, and then"),
        small(8, 382, "the update of that row of W."),
    ]  # fmt: skip
    save("fused-threads", 392, "Threads share the tiles, then the rows of the gradient", parts)


def groups() -> None:
    """Lanes, folded; groups, added in order."""
    parts = []
    for g in range(3):
        y, colour = 30 + g * 66, (BLUE, BLUE, ORANGE)[g]
        parts.append(box(8, y, 142, 44, colour, r=6))
        parts.append(text(79, y + 19, f"group {g + 1} of samples", at="middle"))
        parts.append(small(79, y + 37, f"thread {1 + g // 2}", "middle", INK))
        parts += [box(182 + lane * 26, y + 9, 26, 26, colour) for lane in range(4)]
        parts += [arrow(152, y + 22, 178, y + 22), arrow(290, y + 22, 322, y + 22)]
        parts.append(box(326, y + 9, 26, 26, colour))
        parts.append(arrow(354, y + 22, 410, 118 + (g - 1) * 9))
    parts += [
        small(234, 20, "tiny: a sum for each lane", "middle"), small(339, 20, "folded", "middle"),
        box(414, 92, 98, 52, GREEN, r=6), text(463, 114, "1 + 2 + 3", at="middle"),
        small(463, 133, "in this order", "middle", INK), arrow(463, 146, 463, 172),
        text(463, 192, "update", at="middle"), small(463, 210, "each thread its part", "middle"),
    ]  # fmt: skip
    save(
        "fused-groups",
        226,
        "Each group of samples sums by itself; the sums are added in order",
        parts,
    )


if __name__ == "__main__":
    for drawing in (run, tiles, block, threads, groups):
        drawing()
