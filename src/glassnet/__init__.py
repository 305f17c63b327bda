"""glassnet: neural networks you can see through.

The mathematics is in `core`, to be read from top to bottom; what most programs need of it and of
the floors above stands here. Nothing beyond NumPy is loaded until it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from glassnet.core.activations import (
    ELU,
    GELU,
    Activation,
    Exp,
    Identity,
    LeakyReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from glassnet.core.backprop import Partials, Pass, backward, forward
from glassnet.core.dropout import Dropout
from glassnet.core.errors import BadFile, BadInput, GlassnetError
from glassnet.core.initializers import Glorot, He, Initializer, LeCun, Uniform, Zeros
from glassnet.core.losses import (
    Absolute,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    Loss,
    Pinball,
    Poisson,
    SquaredError,
)
from glassnet.core.network import Dense, Network
from glassnet.core.optimizers import (
    LBFGS,
    SGD,
    Adam,
    AdamW,
    Momentum,
    Nesterov,
    Optimizer,
    RMSProp,
)
from glassnet.core.schedules import (
    Constant,
    Cosine,
    Exponential,
    InverseScaling,
    Schedule,
    Staircase,
    Warmup,
)
from glassnet.engines.base import Engine, State, Task
from glassnet.engines.chance import Chance
from glassnet.engines.divergence import Divergence
from glassnet.engines.reference import Reference
from glassnet.training.history import History
from glassnet.training.metrics import accuracy, mae, r2, rmse
from glassnet.training.progress import progress
from glassnet.training.stages import (
    for_seconds,
    keep_best,
    printing,
    saving,
    until_flat,
    until_loss,
)
from glassnet.training.stream import Epoch, last, start, train
from glassnet.walkthrough.check import check_gradients

if TYPE_CHECKING:
    from glassnet import datasets, estimators, plots
    from glassnet.engines.fused import Fused
    from glassnet.exchange.model import Model, load_model, save_model
    from glassnet.exchange.tables import Table, read_table
    from glassnet.tabular import Recipe, fit, trace_table
    from glassnet.walkthrough.notebook import export_notebook
    from glassnet.walkthrough.trace import trace

__version__ = "0.1.0"

# rooms whose libraries are heavy (DuckDB, LLVM, matplotlib, scikit-learn) open when first asked for
LATER = {
    "Fused": "glassnet.engines.fused",
    "Model": "glassnet.exchange.model",
    "load_model": "glassnet.exchange.model",
    "save_model": "glassnet.exchange.model",
    "Table": "glassnet.exchange.tables",
    "read_table": "glassnet.exchange.tables",
    "Recipe": "glassnet.tabular",
    "fit": "glassnet.tabular",
    "trace_table": "glassnet.tabular",
    "trace": "glassnet.walkthrough.trace",
    "export_notebook": "glassnet.walkthrough.notebook",
}
ROOMS = ("datasets", "estimators", "plots")


def __getattr__(name: str) -> Any:
    if name in ROOMS:
        return import_module(f"glassnet.{name}")
    if name in LATER:
        value = getattr(import_module(LATER[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'glassnet' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__


__all__ = [
    "ELU",
    "GELU",
    "LBFGS",
    "SGD",
    "Absolute",
    "Activation",
    "Adam",
    "AdamW",
    "BadFile",
    "BadInput",
    "BinaryCrossEntropy",
    "Chance",
    "Constant",
    "Cosine",
    "CrossEntropy",
    "Dense",
    "Divergence",
    "Dropout",
    "Engine",
    "Epoch",
    "Exp",
    "Exponential",
    "Fused",
    "GlassnetError",
    "Glorot",
    "He",
    "History",
    "Huber",
    "Identity",
    "Initializer",
    "InverseScaling",
    "LeCun",
    "LeakyReLU",
    "Loss",
    "Model",
    "Momentum",
    "Nesterov",
    "Network",
    "Optimizer",
    "Partials",
    "Pass",
    "Pinball",
    "Poisson",
    "RMSProp",
    "ReLU",
    "Recipe",
    "Reference",
    "Schedule",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "SquaredError",
    "Staircase",
    "State",
    "Table",
    "Tanh",
    "Task",
    "Uniform",
    "Warmup",
    "Zeros",
    "accuracy",
    "backward",
    "check_gradients",
    "datasets",
    "estimators",
    "export_notebook",
    "fit",
    "for_seconds",
    "forward",
    "keep_best",
    "last",
    "load_model",
    "mae",
    "plots",
    "printing",
    "progress",
    "r2",
    "read_table",
    "rmse",
    "save_model",
    "saving",
    "start",
    "trace",
    "trace_table",
    "train",
    "until_flat",
    "until_loss",
]
