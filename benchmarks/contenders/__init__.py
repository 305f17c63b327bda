"""Who takes part: a module each, written as its experts would.

A module has `prepare(job)`, which gives back a function without arguments: one timed turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from benchmarks.workloads import Workload


@dataclass(frozen=True)
class Contender:
    """A program that does the workloads.

    module : within this folder.
    needs : modules without which it is left out.
    at_once : whether it runs all epochs of a turn within compiled code.
    trains, predicts : which workloads it takes part in.
    compared : the epochs whose losses are held to glassnet's; later ones are chaos in some of these
        networks, or have another order.
    loose : times farther from glassnet's losses than others may lie.
    nearest : workloads that it cannot do exactly, and what it does in their place.
    """

    name: str
    label: str
    module: str
    needs: tuple[str, ...]
    at_once: bool = False
    trains: bool = True
    compared: int = 2
    loose: float = 1.0
    nearest: tuple[tuple[str, str], ...] = ()

    def missing(self) -> str | None:
        """The first module it needs that is not installed."""
        for name in self.needs:
            try:
                found = find_spec(name)
            except ModuleNotFoundError:  # its package is missing
                found = None
            if found is None:
                return name
        return None

    def covers(self, workload: Workload) -> bool:
        return self.trains or workload.kind != "train"

    def epochs(self, workload: Workload) -> int:
        """Epochs of a turn."""
        return workload.epochs if self.at_once else workload.few


NO_SIGMOID_AT_THE_END = "biases, and an output without its sigmoid"

CONTENDERS = {
    c.name: c
    for c in (
        Contender(
            "fused", "glassnet", "glassnet_engines", ("glassnet.engines.fused",), at_once=True
        ),
        Contender("reference", "glassnet, Reference", "glassnet_engines", ("glassnet",)),
        Contender("numpy", "NumPy", "numpy_loop", ("numpy",)),
        Contender(
            "sklearn", "scikit-learn", "scikit_learn", ("sklearn",), compared=1,
            loose=10.0,  # its Adam adds eps to √v, not to √v̂
            nearest=(("W1", NO_SIGMOID_AT_THE_END), ("W2", NO_SIGMOID_AT_THE_END)),
        ),
        Contender("torch", "PyTorch", "torch_eager", ("torch",)),
        Contender("compile", "torch.compile", "torch_compiled", ("torch",)),
        Contender("jax", "JAX", "jax_scan", ("jax",), at_once=True),
        Contender("ort", "ONNX Runtime", "onnx_runtime", ("onnxruntime", "onnx"), trains=False),
    )
}  # fmt: skip
