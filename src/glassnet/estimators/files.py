"""Estimators as files without pickle: the fitted one, and a run that was interrupted."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from math import inf, isfinite
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.preprocessing import LabelBinarizer

from glassnet.core.errors import BadFile, BadInput
from glassnet.core.formula import Array
from glassnet.core.schedules import Schedule
from glassnet.engines.base import Samples, State, Task
from glassnet.engines.chance import Carried, Chance
from glassnet.estimators.formulas import twin
from glassnet.estimators.parameters import as_plain, dropout
from glassnet.exchange.checkpoint import load_checkpoint, save_checkpoint
from glassnet.exchange.files import check_writable
from glassnet.exchange.model import Model, load_model, save_model, slot_names
from glassnet.exchange.stored import task_as_json
from glassnet.training.history import History

DROPPED = ("random_state", "metrics", "callbacks", "engine", "checkpoint")
"""Parameters that are left out of a file where they are objects of the program."""

NOT_OF_A_RUN = (
    *("max_iter", "verbose", "warm_start", "metrics", "callbacks", "progress", "history_size"),
    *("checkpoint", "engine"),
)
"""Parameters that may change between a run and its continuation."""


def stored_task(est: Any, task: Task) -> Task:
    """The task in formulas that have a name in files, and a penalty as of all rows at once."""
    rows = max(1, est.t_ // max(1, est.n_iter_))
    return replace(
        task,
        loss=twin(task.loss),
        optimizer=twin(task.optimizer),
        reduction="mean",
        l1=task.l1 / rows,
        l2=task.l2 / rows,
    )


# ---------------------------------------------------------------- models


def save(est: Any, path: str | os.PathLike[str]) -> None:
    """Write a fitted estimator into a model file."""
    net = est.network_
    settings: dict[str, Any] = {
        "estimator": type(est).__name__,
        "params": {name: plain_parameter(name, value) for name, value in est.get_params().items()},
        "n_iter": int(est.n_iter_),
        "t": int(est.t_),
        "loss": number(est.loss_) if hasattr(est, "loss_") else None,
    }
    for name in ("loss_curve_", "validation_scores_"):
        curve = getattr(est, name, None)
        settings[name] = None if curve is None else [number(value) for value in curve]
    if hasattr(est, "feature_names_in_"):
        settings["feature_names_in"] = est.feature_names_in_.tolist()
    if hasattr(est, "classes_"):
        dates = est.classes_.dtype.kind in "mM"  # which JSON has not, but their numbers
        settings |= {
            "classes": (est.classes_.astype(np.int64) if dates else est.classes_).tolist(),
            "classes_dtype": est.classes_.dtype.str,
            "multilabel": est._label_binarizer.y_type_.startswith("multilabel"),
        }
    if isinstance(getattr(est, "class_weight", None), dict | list):
        settings["class_weight"] = pairs(est.class_weight)
    task = stored_task(est, est._task(net, est._rule()))
    settings["descent"], slots = memory(est, task)
    history = est.history_.summary() if len(est.history_) else {}
    theta = est._theta(copy=True)
    save_model(Model(task, theta, settings=settings, history=history, slots=slots), path)


def memory(est: Any, task: Task) -> tuple[dict[str, Any] | None, dict[str, Array]]:
    """What `partial_fit` goes on from beside theta: numbers, and the optimizer's slots by name."""
    descent = getattr(est, "_optimizer", None)
    # an optimizer that changed since the fit has no use for them; what diverged is no memory
    if (
        descent is None
        or type(descent.rule) is not type(est._rule())
        or not all(np.isfinite(slot).all() for slot in descent.slots)
    ):
        return None, {}
    names = task.optimizer.slots  # type: ignore[union-attr]
    numbers = {
        "step": int(descent.step),
        "rate": None if isinstance(descent.rate, Schedule) else float(descent.rate),
        "seed": descent.seed,
        "without_gain": int(est._no_improvement_count),
        "best": number(est.best_loss_ if est.best_loss_ is not None else best_score(est)),
    }
    return numbers, dict(zip(names, descent.slots, strict=True))


def best_score(est: Any) -> float:
    """The best validation score, of a fit with early stopping."""
    return float(est.best_validation_score_)


def pairs(class_weight: Any) -> Any:
    """Weights by label as JSON has them, whose keys are texts alone: [[label, weight], ...]."""
    if isinstance(class_weight, list):
        return {"each": [pairs(one) for one in class_weight]}
    found = [[as_plain(label), float(weight)] for label, weight in class_weight.items()]
    for label, _ in found:
        if not isinstance(label, str | int | float):
            raise BadInput(
                f"class_weight has the label {label!r}",
                "in a file, labels of weights are texts or numbers",
                "Try set_params(class_weight=None) before save.",
            )
    return found


def unpaired(said: Any) -> Any:
    """What `pairs` wrote, by label again."""
    if isinstance(said, dict):
        return [unpaired(one) for one in said["each"]]
    return {label: float(weight) for label, weight in said}


def load(cls: type, path: str | os.PathLike[str]) -> Any:
    """The estimator of a class that `save` wrote."""
    model = load_model(path)
    said = model.settings
    if said.get("estimator") != cls.__name__:
        raise BadInput(
            f"{os.fspath(path)} holds {said.get('estimator', 'a model that is no estimator')}",
            f"{cls.__name__} is expected",
            "Read it with glassnet.load_model, or with the load of its own class.",
        )
    try:
        return _made(cls, model)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadFile(
            f"{os.fspath(path)} is damaged: {type(error).__name__} in its settings",
            f"what {cls.__name__}.save wrote is expected",
        ) from error


def _made(cls: type, model: Model) -> Any:
    said = dict(model.settings)
    params = dict(said["params"])
    params["hidden_layer_sizes"] = tuple(np.atleast_1d(params["hidden_layer_sizes"]).tolist())
    if params["n_iter_no_change"] == "inf":
        params["n_iter_no_change"] = inf
    if "class_weight" in said:
        params["class_weight"] = unpaired(said["class_weight"])
    est = cls(**params)
    est._validate_params()
    net = model.net
    if "classes" in said:
        est._label_binarizer = binarizer = LabelBinarizer()
        kind = np.dtype(said["classes_dtype"])
        classes = np.array(said["classes"], np.int64 if kind.kind in "mM" else kind).astype(kind)
        binarizer.fit(np.eye(len(classes), dtype=int) if said["multilabel"] else classes)
        binarizer.classes_ = est.classes_ = classes
    est.n_features_in_ = net.n_in
    if "feature_names_in" in said:
        est.feature_names_in_ = np.array(said["feature_names_in"], dtype=object)
    est.n_iter_, est.t_ = int(said["n_iter"]), int(said["t"])
    est.n_layers_, est.n_outputs_ = len(net.sizes), net.n_out
    est.history_ = History()
    est._bind(net, model.theta.copy())
    if est.network_ != net:
        raise ValueError("another network")
    est._named_output()
    if said["validation_scores_"] is not None:
        est._keep_best(model.theta)
    if said["loss"] is not None:
        est.loss_ = said["loss"]
    if said["loss_curve_"] is not None:
        est.loss_curve_ = [np.nan if value is None else value for value in said["loss_curve_"]]
        scores = said["validation_scores_"]
        est.validation_scores_ = scores
        est._no_improvement_count = 0
        est.best_loss_ = np.nanmin([inf, *est.loss_curve_]) if scores is None else None
        best = None if scores is None else max((s for s in scores if s is not None), default=-inf)
        est.best_validation_score_ = best
    if said.get("descent") is not None:
        _remember(est, model, said["descent"])
    return est


def _remember(est: Any, model: Model, said: dict[str, Any]) -> None:
    """Take over what `memory` told."""
    est._optimizer = descent = est._descent(model.net)
    if set(model.slots) != set(slot_names(model.task)):
        raise ValueError("slots are missing")
    descent.slots = tuple(model.slots[name] for name in slot_names(model.task))
    descent.step = int(said["step"])
    descent.seed = None if said["seed"] is None else int(said["seed"])
    if said["rate"] is not None:
        descent.rate = float(said["rate"])
    est._no_improvement_count = int(said["without_gain"])
    if est.validation_scores_ is None:
        est.best_loss_ = inf if said["best"] is None else float(said["best"])
    else:
        est.best_validation_score_ = -inf if said["best"] is None else float(said["best"])


def plain_parameter(name: str, value: Any) -> Any:
    """A parameter as JSON has it; the default's None where it is an object of the program."""
    if name == "n_iter_no_change" and value == inf:
        return "inf"
    if name == "dtype" and value is not None:
        return np.dtype(value).name
    if name == "class_weight" and isinstance(value, dict | list):
        return None  # its keys are labels, which JSON would turn into text: see `pairs`
    plain = as_plain(value)
    if name in DROPPED:
        try:
            json.dumps(plain)
        except TypeError:
            return "auto" if name == "engine" else None
    return plain


def number(value: Any) -> float | None:
    """A finite number, or None."""
    return float(value) if isfinite(value) else None


# ---------------------------------------------------------------- checkpoints


def fingerprint(est: Any, samples: Samples, held_out: Samples | None) -> str:
    """What a run is: SHA-256 of the parameters that lead it and of all its rows."""
    params = {k: repr(v) for k, v in est.get_params().items() if k not in NOT_OF_A_RUN}
    if dropout(est.dropout, 0) is None:
        del params["dropout"]  # such runs were there before it
    digest = hashlib.sha256(json.dumps([type(est).__name__, params], sort_keys=True).encode())
    # a warm fit begins at weights that neither parameters nor rows tell of
    begin = (est._theta(),) if len(est.history_) or est.t_ else ()
    for part in (*samples, *(held_out or ()), *begin):
        if part is None:
            continue
        matrix = getattr(part, "matrix", None)
        arrays = [part] if matrix is None else [matrix.data, matrix.indices, matrix.indptr]
        for array in arrays:
            digest.update(repr(array.shape).encode())
            for row in range(0, len(array), 2**16):  # a copy of a part at most
                digest.update(np.ascontiguousarray(array[row : row + 2**16]).tobytes())
    return digest.hexdigest()


class Checkpoint:
    """The file of a run, and what run it belongs to."""

    def __init__(self, est: Any, task: Task, samples: Samples, held_out: Samples | None) -> None:
        if not isinstance(est.random_state, int | np.integer):
            raise BadInput(
                f"checkpoint with random_state={est.random_state!r}",
                "a whole number is expected: a run that goes on begins from the same chance",
                "Try random_state=0.",
            )
        self.path = Path(est.checkpoint)
        task_as_json(stored_task(est, task))  # refuses now what no file can hold
        check_writable(self.path)
        self.run = fingerprint(est, samples, held_out)

    def save(
        self, est: Any, task: Task, state: State, best: Array | None, curves: dict[str, Any]
    ) -> None:
        """Write where a run stands."""
        carried = state.chance
        if isinstance(carried, Carried):
            chance, order = carried.chance, carried.order
        else:
            chance, order = carried, None
        columns = {name: np.asarray(column, np.float64) for name, column in curves.items()}
        columns |= {f"history {name}": column for name, column in est.history_.arrays().items()}
        if order is not None:
            columns["order"] = order.astype(np.float64)
        plain = State(state.theta, state.slots, state.step, state.epoch, chance)
        save_checkpoint(
            self.path,
            stored_task(est, task),
            plain,
            best=best,
            settings={"run": self.run},
            curves=columns,
        )

    def load(
        self, est: Any, *, carried: bool
    ) -> tuple[State, Array | None, dict[str, Array]] | None:
        """Where the run stood, and None where it has not begun."""
        if not self.path.exists():
            return None
        stored = load_checkpoint(self.path)
        if stored.settings.get("run") != self.run:
            raise BadInput(
                f"{self.path} is the checkpoint of another run",
                "the same samples, parameters and first weights are expected",
                "Remove it to begin anew.",
            )
        curves = dict(stored.curves)
        est.history_ = History.from_arrays(
            {name[8:]: curves.pop(name) for name in list(curves) if name.startswith("history ")}
        )
        state = stored.state
        if carried:
            assert isinstance(state.chance, Chance)
            order = curves.pop("order", None)
            whole = None if order is None else order.astype(np.int64)
            chance = Carried(state.chance, whole)
            state = State(state.theta, state.slots, state.step, state.epoch, chance)
        return state, stored.best, curves
