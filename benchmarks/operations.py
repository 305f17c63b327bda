"""What a workload must cost at least: operations and bytes, each at the machine's own peak.

Only what no program can leave out is counted: the products' multiply-adds, one exponential for each
sigmoid, tanh or class, one division for each sigmoid, tanh or softmax row, the optimizer's step,
data read once an epoch, parameters and slots read and written once a step.

The processor's pipes for multiplying, its divider and its memory work at the same time. So
multiply-adds and exponentials (polynomials, made of multiply-adds) add up; divisions and roots add
up; bytes add up; and the longest of the three is the limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from benchmarks.peaks import Peaks
from benchmarks.workloads import Workload
from glassnet import Adam, Sigmoid, Softmax, Tanh

ADAM = 7  # m: a product and a multiply-add; v: two and one; one to add eps, one to step


@dataclass(frozen=True)
class Operations:
    """Of one unit: an epoch, a row, all rows."""

    multiply_adds: int
    exponentials: int
    divisions: int
    roots: int
    data_bytes: int  # read once
    step_bytes: int  # parameters and slots, read and written, of all steps
    step_size: int  # the bytes of parameters and slots themselves: where they lie

    def parts(self, peaks: Peaks, dtype: str) -> dict[str, float]:
        """Seconds by what takes them, on one core."""
        pace = peaks.paces[dtype]
        return {
            "multiplying": self.multiply_adds / pace.multiply_adds
            + self.exponentials / pace.exponentials,
            "dividing": self.divisions / pace.divisions + self.roots / pace.roots,
            "memory": self.data_bytes / peaks.bandwidth(self.data_bytes)
            + self.step_bytes / peaks.bandwidth(self.step_size),
        }

    def seconds(self, peaks: Peaks, dtype: str, threads: int = 1) -> float:
        """The limit. Several cores share one memory, the rest is divided among them."""
        parts = self.parts(peaks, dtype)
        memory = parts.pop("memory")
        return max(memory, *(part / threads for part in parts.values()))


def operations(workload: Workload, dtype: str) -> Operations:
    net, optimizer = workload.task.net, workload.task.optimizer
    n = 1 if workload.kind == "row" else workload.rows
    size = 8 if dtype == "float64" else 4
    trains = workload.kind == "train"
    products = [n_in * n_out for n_in, n_out in pairwise(net.sizes)]
    # forward and dL_dW everywhere, dL_dx but for the first layer
    multiply_adds = 3 * sum(products) - products[0] if trains else sum(products)
    exponentials = divisions = 0
    for layer in net.layers:
        if isinstance(layer.activation, Sigmoid | Tanh):
            exponentials += layer.n_out
            divisions += layer.n_out
        if isinstance(layer.activation, Softmax):
            exponentials += layer.n_out
            divisions += 1
    columns = net.n_in + net.n_out
    if not trains:
        return Operations(
            n * multiply_adds, n * exponentials, n * divisions, 0, n * columns * size, 0, 0
        )
    steps = -(-n // (workload.batch or n))
    updates, adam = steps * net.n_params, isinstance(optimizer, Adam)
    kept = 3 if adam else 1  # theta, m, v
    return Operations(
        multiply_adds=n * multiply_adds + updates * (ADAM if adam else 1),
        exponentials=n * exponentials,
        divisions=n * divisions + updates * adam,
        roots=updates * adam,
        data_bytes=n * columns * size,
        step_bytes=updates * kept * 2 * size,
        step_size=net.n_params * kept * size,
    )
