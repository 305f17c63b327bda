"""One thread for all, and the ratios at the end of the run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from threadpoolctl import threadpool_limits

from benchmarks.limit import Paces, measure

RESULTS: list[dict[str, Any]] = []


@pytest.fixture(autouse=True, scope="session")
def paces() -> Iterator[Paces]:
    """The paces of one core; NumPy's BLAS has one thread for them and for all that follows."""
    with threadpool_limits(limits=1):  # the ratio is of programs, not of machines
        yield measure()


@pytest.fixture
def results() -> list[dict[str, Any]]:
    """Where a benchmark leaves what is to be printed at the end."""
    return RESULTS


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not RESULTS:
        return
    write = terminalreporter.write_line
    terminalreporter.section("beside the plain notebook loop, one thread, float64")
    write("The limit is the operations of an epoch at this core's pace; see benchmarks/README.md.")
    write("")
    write(
        f"{'µs an epoch':<26}{'notebook':>10}{'glassnet':>10}{'ratio':>8}"
        f"{'limit':>10}{'glassnet/limit':>16}"
    )
    for row in RESULTS:
        write(
            f"{row['job']:<26}{row['plain']:>10.2f}{row['ours']:>10.2f}"
            f"{row['ours'] / row['plain']:>8.2f}{row['limit']:>10.3f}"
            f"{row['ours'] / row['limit']:>16.1f}"
        )
    write("")
    write("ratio: median of glassnet over median of the notebook; below 1 glassnet is the faster.")
