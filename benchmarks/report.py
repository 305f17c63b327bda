"""The comparison as a table on the terminal, as JSON, as Markdown and as a picture for the docs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.contenders import CONTENDERS
from benchmarks.harness import Result, disagreements
from benchmarks.operations import operations
from benchmarks.peaks import Peaks
from benchmarks.targets import PEERS, required
from benchmarks.workloads import WORKLOADS, Workload

OURS = ("fused", "reference")
BITS = {"float64": "f64", "float32": "f32"}
LEAST_SHOWN = 0.04  # limits farther off than that are not drawn
COLOURS = {
    "reference": "#999999", "numpy": "#4c78a8", "sklearn": "#f58518", "torch": "#e45756",
    "compile": "#b279a2", "jax": "#54a24b", "ort": "#9d755d",
}  # fmt: skip


def groups(results: Iterable[Result]) -> Iterator[tuple[tuple[str, str, int], dict[str, Result]]]:
    """(workload, dtype, threads) with the results of its contenders, in order."""
    order, dtypes = list(WORKLOADS), list(BITS)

    def place(r: Result) -> tuple[int, int, int]:
        return r.threads, order.index(r.workload), dtypes.index(r.dtype)

    for _, some in groupby(sorted(results, key=place), key=place):
        found = list(some)
        first = found[0]
        yield (first.workload, first.dtype, first.threads), {r.contender: r for r in found}


def base_of(found: dict[str, Result]) -> Result | None:
    """glassnet's result: the fused engine's, or else the reference's."""
    return next((found[name] for name in OURS if name in found and found[name].seconds), None)


def as_measured(workload: Workload, rows: int) -> Workload:
    """The workload as it was run: in quick runs it has fewer rows."""
    return workload if rows == workload.rows else workload.quick()


def limit(result: Result, peaks: Peaks) -> float:
    """Seconds of one unit that no program can undercut."""
    workload = as_measured(WORKLOADS[result.workload], result.rows)
    return operations(workload, result.dtype).seconds(peaks, result.dtype, result.threads)


def number(x: float) -> str:
    """Three digits that count."""
    if x >= 99.95:
        return f"{x:,.0f}"
    return f"{x:.1f}" if x >= 9.995 else f"{x:.2f}" if x >= 0.0995 else f"{x:.2g}"


def verdict(result: Result, base: Result) -> tuple[str, bool | None]:
    """'5.4 (5 ✓)', and whether what is asked for was met; None where nothing is."""
    if result.error:
        return "error", None
    if result.median is None or base.median is None:
        return "", None
    ratio = result.median / base.median
    about = "≈ " if result.nearest else ""
    asked = required(result.workload, result.dtype, result.threads, result.contender)
    if asked is None or base.contender != "fused":
        return about + number(ratio), None
    met = ratio >= asked
    return f"{about}{number(ratio)} ({asked:g} {'✓' if met else '✗'})", met


def rows(
    results: Iterable[Result], peaks: Peaks, threads: int
) -> Iterator[tuple[list[str], list[bool | None]]]:
    """Of the table: cells, and for each whether it was met."""
    results = list(results)
    ours = leading(results)
    for (key, dtype, count), found in groups(results):
        base = base_of(found)
        if count != threads or base is None or base.median is None:
            continue
        workload = as_measured(WORKLOADS[key], base.rows)
        least = limit(base, peaks)
        cells = [
            f"{key} {BITS[dtype]}",
            f"{workload.unit}, {workload.of_what}",
            number(least * workload.scale),
            number(base.median * workload.scale)
            + ("" if base.contender == ours else " (Reference)"),
            f"{100 * least / base.median:.0f} %",
        ]
        marks: list[bool | None] = [None] * len(cells)
        for name in ("reference", *PEERS):
            if name == base.contender or name not in found:
                cells.append("")
                marks.append(None)
                continue
            text, met = verdict(found[name], base)
            cells.append(text)
            marks.append(met)
        yield cells, marks


def leading(results: Iterable[Result]) -> str:
    """Whom the table is about: the fused engine wherever it took part."""
    return "fused" if any(r.contender == "fused" and r.seconds for r in results) else "reference"


def header(results: Iterable[Result]) -> list[str]:
    name = CONTENDERS[leading(results)].label
    peers = [CONTENDERS[peer].label for peer in PEERS]
    return ["workload", "time of", "limit", name, "of limit", "Reference", *peers]


def print_table(results: list[Result], peaks: Peaks, threads: int, console: Console) -> None:
    table = Table(title=f"glassnet is faster by: {told(threads)}", title_justify="left")
    for i, name in enumerate(header(results)):
        table.add_column(name, justify="left" if i < 2 else "right")
    for cells, marks in rows(results, peaks, threads):
        colours = {True: "green", False: "red", None: ""}
        table.add_row(
            *(
                f"[{colours[met]}]{cell}[/]" if met is not None else cell
                for cell, met in zip(cells, marks, strict=True)
            )
        )
    console.print(table)


def told(threads: int) -> str:
    """Threads, and the clock."""
    return "one thread, processor time" if threads == 1 else f"{threads} threads, wall time"


def who(r: Result) -> str:
    return f"{CONTENDERS[r.contender].label} at {r.workload} {BITS[r.dtype]}, {told(r.threads)},"


def remarks(results: list[Result], missing: dict[str, str]) -> list[str]:
    """What a reader of the table has to know: who is left out, who failed, who did other work."""
    verdicts = [
        met
        for _, found in groups(results)
        if (base := base_of(found)) is not None
        for r in found.values()
        if (met := verdict(r, base)[1]) is not None
    ]
    lines = []
    if verdicts:
        lines.append(
            f"In brackets what is asked for: ✓ met, ✗ not met; {sum(verdicts)} of {len(verdicts)} "
            "are met."
        )
    lines += [
        f"{CONTENDERS[name].label} is left out: {module} is not installed."
        for name, module in missing.items()
    ]
    lines += [f"{who(r)} failed: {r.error}" for r in results if r.error]
    lines += [
        f"{who(r)} did other arithmetic: its first losses or its outputs lie {r.apart:.1e} apart."
        for r in disagreements(results)
    ]
    lines += [
        f"{who(r)} warned: {text}" for r in results if r.contender in OURS for text in r.warnings
    ]
    nearest = {(r.contender, r.workload, r.nearest) for r in results if r.nearest}
    for contender, workload, text in sorted(nearest):
        lines.append(f"≈ {CONTENDERS[contender].label} at {workload}: the nearest it does, {text}.")
    return lines


# ---------------------------------------------------------------- files


def as_json(
    results: list[Result], peaks: Peaks, machine: dict[str, Any], missing: dict[str, str]
) -> dict[str, Any]:
    """All that was measured, and what it is held to."""
    told_results = []
    for _, found in groups(results):
        base = base_of(found)
        for r in found.values():
            entry = r.as_json()
            entry["limit"] = limit(r, peaks)
            entry["required"] = required(r.workload, r.dtype, r.threads, r.contender)
            if base is not None and r.median is not None and base.median is not None:
                entry["ratio"] = r.median / base.median
                entry["met"] = verdict(r, base)[1]
            told_results.append(entry)
    return {
        "machine": machine,
        "peaks": peaks.as_json(),
        "missing": missing,
        "workloads": {key: w.about for key, w in WORKLOADS.items()},
        "results": told_results,
    }


COMPUTED = ("limit", "required", "ratio", "met")


def read(path: Path) -> tuple[list[Result], Peaks, dict[str, Any], dict[str, str]]:
    """What `as_json` wrote."""
    told = json.loads(path.read_text(encoding="utf-8"))
    results = [
        Result.from_json({k: v for k, v in entry.items() if k not in COMPUTED})
        for entry in told["results"]
    ]
    return results, Peaks.from_json(told["peaks"]), told["machine"], told["missing"]


def markdown(
    results: list[Result], peaks: Peaks, machine: dict[str, Any], missing: dict[str, str]
) -> str:
    """For the page of the docs, which includes it as it stands."""
    parts = []
    for threads in sorted({r.threads for r in results}):
        names = header(results)
        parts += [f"**{told(threads)[0].upper()}{told(threads)[1:]}**", ""]
        parts.append("| " + " | ".join(names) + " |")
        parts.append("|---|---|" + "--:|" * (len(names) - 2))
        for cells, marks in rows(results, peaks, threads):
            bold = [f"**{c}**" if met is False else c for c, met in zip(cells, marks, strict=True)]
            parts.append("| " + " | ".join(bold) + " |")
        parts.append("")
    for line in remarks(results, missing):
        parts += [line, ""]
    peak = peaks.paces
    pace = "; ".join(
        f"{BITS[d]} {2e-9 * p.multiply_adds:.0f} GFLOP/s, e^x {1e-9 * p.exponentials:.1f}, "
        f"division {1e-9 * p.divisions:.1f}, root {1e-9 * p.roots:.1f} G/s"
        for d, p in peak.items()
    )
    reads = ", ".join(f"{1e-9 * pace:.0f}" for _, pace in sorted(peaks.reading.items()))
    versions = ", ".join(f"{name} {v}" for name, v in machine["versions"].items())
    parts += [
        (
            f"Machine: {machine['processor']} ({machine['simd']}), {machine['cores']} cores, "
            f"{', '.join(machine['caches'])}. One core's peaks ({peaks.how}): {pace}; reading "
            f"from 16 KiB, 256 KiB, 4 MiB, 256 MiB: {reads} GB/s."
        ),
        "",
        f"Versions: {versions}. Made on {machine['date'][:10]} by `{machine['command']}`.",
        "",
    ]
    return "\n".join(parts)


def picture(results: list[Result], peaks: Peaks, path: Path) -> None:
    """How many times longer than glassnet everybody takes, and how far the limit lies below."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "benchmarks"  # the same figures, the same file
    import matplotlib.pyplot as plt

    counts = sorted({r.threads for r in results})
    shown = [
        (place, found, base)
        for place, found in groups(results)
        if (base := base_of(found)) is not None
    ]
    most = max(sum(place[2] == count for place, *_ in shown) for count in counts)
    fig, axes = plt.subplots(
        1, len(counts), figsize=(6.5 * len(counts), 1.6 + 0.34 * most), squeeze=False
    )
    drawn = set()
    for ax, count in zip(axes[0], counts, strict=True):
        lines = [one for one in shown if one[0][2] == count]
        for y, (_, found, base) in enumerate(lines):
            assert base.median is not None
            share = limit(base, peaks) / base.median
            if share >= LEAST_SHOWN:
                ax.plot([share], [y], "k|", ms=11, mew=2)
            for name, r in found.items():
                if r.median is not None and name in COLOURS and r is not base:
                    ax.plot([r.median / base.median], [y], "o", color=COLOURS[name], ms=6)
                    drawn.add(name)
        ax.axvline(1.0, color="black", lw=1)
        ax.set_yticks(range(len(lines)), [f"{k} {BITS[d]}" for (k, d, _), *_ in lines])
        ax.set_ylim(len(lines) - 0.5, -0.5)
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
        ax.set_xlabel("time beside glassnet's (1); | is the physical limit")
        ax.set_title(told(count), loc="left")
        ax.grid(axis="x", alpha=0.3)
    handles = [
        plt.Line2D([], [], marker="o", ls="", color=COLOURS[n], label=CONTENDERS[n].label)
        for n in COLOURS
        if n in drawn
    ]
    fig.legend(handles=handles, loc="lower center", ncols=4, frameon=False)
    fig.tight_layout(rect=(0, 0.07, 1, 1))
    fig.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    plt.close(fig)


def write(
    folder: Path,
    results: list[Result],
    peaks: Peaks,
    machine: dict[str, Any],
    missing: dict[str, str],
) -> list[Path]:
    """speed.json, speed.md and speed.svg in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    data, text, drawn = (folder / f"speed.{kind}" for kind in ("json", "md", "svg"))
    data.write_text(json.dumps(as_json(results, peaks, machine, missing), indent=1) + "\n", "utf-8")
    text.write_text(markdown(results, peaks, machine, missing), "utf-8")
    picture(results, peaks, drawn)
    return [data, text, drawn]
