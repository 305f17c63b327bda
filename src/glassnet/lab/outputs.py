"""What one takes along: the model, a notebook, pictures, and the run as a command and as Python.

    what the session holds → a file's name and bytes, or text to copy

Each is what the library writes of the same state; nothing is computed for it here but the run's own
epochs, again, where the notebook records them.
"""

from __future__ import annotations

import io
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal
from zipfile import ZipFile, ZipInfo

import numpy as np

from glassnet.core.backprop import forward
from glassnet.core.errors import BadInput
from glassnet.core.formula import Array
from glassnet.core.initializers import Initializer
from glassnet.engines.base import Task
from glassnet.engines.reference import Reference
from glassnet.exchange import names
from glassnet.exchange.encodings import Category, Number
from glassnet.exchange.model import Model, save_model
from glassnet.lab import frame
from glassnet.lab.data import DRAWN, FIXED, Data, built_in, split, target, unscaled
from glassnet.lab.link import link
from glassnet.lab.problem import BURNT, Problem, left_out, of_counts, problem, rows_for
from glassnet.lab.session import Session
from glassnet.lab.setting import Change, Point, Setting
from glassnet.walkthrough.explain import place
from glassnet.walkthrough.notebook import export_notebook
from glassnet.walkthrough.notebook.literals import nested

if TYPE_CHECKING:
    from matplotlib.axes import Axes

What = Literal["network", "data", "curve"]
Kind = Literal["png", "svg"]

LITERALS = 600
"""Numbers of an own table that are written out in Python; of more there is a file."""
RECORDED = 15.0
"""Seconds that recording a notebook's run may take, as reckoned before."""
CURVE = 2000
"""Stretches of a long curve, each drawn by its lowest and its highest loss."""

_drawing = Lock()  # matplotlib's settings are of the process


@dataclass(frozen=True)
class File:
    """A name and what is in it."""

    name: str
    content: bytes


def goal(session: Session) -> int:
    """The epoch up to which the run is told: where one stands, else its end, else its aim."""
    return session.position.epoch or session.timeline.end or session.setting.epochs


def title(session: Session) -> str:
    """The data and the network in a few words."""
    return f"{session.data.name}, {session.problem.task.net}"


def _stem(session: Session) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", session.data.name.lower()).strip("-")[:40]
    return name or "network"


# ---------------------------------------------------------------- files


def model_file(session: Session) -> File:
    """The network as it stands, for `glassnet info`, `predict`, `walk` and `load_model`."""
    one, state = session.problem, session.state
    settings = {"lab": session.query(), "epoch": session.position.epoch}
    losses = session.timeline.curve()[: session.position.epoch]
    history = {"epochs": len(losses)} | ({"loss": float(losses[-1])} if len(losses) else {})
    model = Model(one.task, state.theta, one.data.encodings, one.data.target, settings, history)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        save_model(model, path)
        return File(f"{_stem(session)}.safetensors", path.read_bytes())


def notebook(session: Session) -> File:
    """The run as a notebook that needs NumPy alone; in a .zip where its arrays need a file.

    What was changed on the way cannot be told there: it begins after the last change.
    """
    end = goal(session)
    begin = max((change.epoch for change in session.changes if change.epoch <= end), default=0)
    one = session.timeline.problem_at(begin)
    epochs = end - begin or max(session.setting.epochs - begin, 1)
    seconds = _recording(one, epochs)
    if seconds > RECORDED:
        raise BadInput(
            f"a notebook of {epochs} epochs, which takes about {seconds:.0f} s to record",
            f"{RECORDED:.0f} s are allowed on this page",
            "Take it at an earlier epoch, or lower the number of epochs.",
        )
    view = session.view
    with TemporaryDirectory() as folder:
        written = export_notebook(
            one.task,
            one.data.X,
            one.data.y,
            state=session.timeline.at(begin),
            epochs=epochs,
            batch_size=one.batch,
            path=Path(folder) / f"{_stem(session)}.ipynb",
            layout="columns" if view.columns else "rows",
            names="seed" if view.seed_names else "math",
            title=title(session),
        )
        found = [File(path.name, path.read_bytes()) for path in written]
    return found[0] if len(found) == 1 else _zipped(f"{_stem(session)}.zip", found)


def _recording(one: Problem, epochs: int) -> float:
    # seconds: the reference engine makes the run three times
    rows, updates = len(one.data.X), epochs
    if one.batch is not None:
        updates *= -(-rows // one.batch)
    layers = len(one.task.net.layers)
    return 3 * (updates * layers * 4e-5 + epochs * rows * one.task.net.n_params * 4e-9)


def _zipped(name: str, files: Sequence[File]) -> File:
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as archive:
        for file in files:  # without the time of day: the same state, the same bytes
            archive.writestr(ZipInfo(file.name), file.content)
    return File(name, buffer.getvalue())


def rows_file(session: Session) -> File:
    """The training rows of an own table as the network saw them, X and y, for `python`."""
    data = _table(session)
    buffer = io.BytesIO()
    np.savez(buffer, X=data.X, y=data.y)
    return File("rows.npz", buffer.getvalue())


def needs_rows(session: Session) -> bool:
    """Whether the lines of Python read `rows_file`."""
    return session.origin.data == "table" and not _few(_table(session))


def _table(session: Session) -> Data:
    if session.table is None:
        raise BadInput("no own table", "one is expected here", "Open a table first.")
    return unscaled(session.table) if of_counts(session.origin) else session.table


def _few(data: Data) -> bool:
    return data.X.size + data.y.size <= LITERALS


# ---------------------------------------------------------------- pictures


def picture(session: Session, what: What, kind: Kind = "png") -> File:
    """The network, the data with its answers, or the loss curve; the same state, the same bytes."""
    import matplotlib as mpl

    draw = {"network": _network, "data": _data, "curve": _curve}.get(what)
    if draw is None or kind not in ("png", "svg"):
        raise BadInput(f"a picture of {what!r} as {kind!r}", "network, data or curve; png or svg")
    plain: Any = {"svg.hashsalt": "glassnet", "text.parse_math": False}  # a $ in a name is a $
    buffer = io.BytesIO()
    with _drawing, mpl.rc_context(plain):
        ax = draw(session)
        metadata = {"Date": None} if kind == "svg" else {"Software": None}
        ax.figure.figure.savefig(buffer, format=kind, metadata=metadata)
    return File(f"{_stem(session)}-{what}.{kind}", buffer.getvalue())


def _network(session: Session) -> Axes:
    from glassnet import plots

    data = session.data
    model = (session.problem.task.net, session.state.theta)
    return plots.network(model, inputs=data.inputs, outputs=data.outputs)


def _data(session: Session) -> Axes:
    from glassnet import plots

    data, net, theta = session.data, session.problem.task.net, session.state.theta
    if not data.labels and net.n_in > 1:
        answers = forward(net, theta, data.X)[-1].a
        return plots.predicted_vs_true(data.y, answers)
    if not data.labels:
        across = np.linspace(data.X.min(), data.X.max(), 400)[:, None]
        ax = plots.scatter(np.column_stack([data.X[:, 0], data.y[:, 0]]),
                           inputs=(data.inputs[0], data.outputs[0]))  # fmt: skip
        ax.plot(across[:, 0], forward(net, theta, across)[-1].a[:, 0], color=plots.INK, lw=2)
        return ax
    if net.n_in == 1:
        raise BadInput("classes of one input", "a picture needs two inputs", "Take the curve.")
    i, j = session.view.axes
    others = frame.held(session)

    def answer(plane: Array) -> Array:
        rows = np.tile(others, (len(plane), 1))
        rows[:, i], rows[:, j] = plane.T
        return forward(net, theta, rows)[-1].a

    return plots.decision_boundary(
        answer,
        data.X[:, [i, j]],
        data.y,
        labels=data.labels,
        inputs=(data.inputs[i], data.inputs[j]),
    )


@dataclass(frozen=True)
class _Losses:
    epoch: Sequence[float]
    loss: Sequence[float]
    val_loss: Sequence[float]


def _curve(session: Session) -> Axes:
    from glassnet import plots

    loss = session.timeline.curve("loss")
    if not len(loss):
        raise BadInput("no epoch so far", "a curve needs at least one", "Press Play or Step.")
    held = session.timeline.curve("validation")
    chosen = _extremes(loss)
    measured = [] if np.isnan(held).any() else held[chosen].tolist()
    told = _Losses((chosen + 1).tolist(), loss[chosen].tolist(), measured)
    ax = plots.loss_curve(told, log=session.view.log and bool((loss > 0).all()))
    for k, pin in enumerate(session.pins, 2):
        other = pin.timeline.curve("loss")
        shown = _extremes(other)
        ax.plot(shown + 1, other[shown], color=plots.COLOURS[k], lw=1.0, label=pin.name)
    if session.pins:
        ax.legend(frameon=False)
    return ax


def _extremes(values: Array) -> np.ndarray:
    """Places of all values, or of the lowest and the highest of each of CURVE stretches."""
    if len(values) <= 2 * CURVE:
        return np.arange(len(values))
    bounds = np.linspace(0, len(values), CURVE + 1).astype(np.intp)
    found = {0, len(values) - 1}
    for low, high in pairwise(bounds.tolist()):
        part = values[low:high]
        found |= {int(low + part.argmin()), int(low + part.argmax())}
    return np.array(sorted(found))


# ---------------------------------------------------------------- the command line


def command_line(session: Session) -> str:
    """The `glassnet …` line that does the same; lines after a # say what it cannot."""
    if session.origin.data != "table":
        return f"glassnet lab --link {shlex.quote(link(session))}"
    said = ["# Columns that were left out on the page: add --ignore and their names."]
    beyond = _beyond(session)
    if beyond:
        said.append(f"# This line cannot say: {', '.join(beyond)}. The Python can.")
    return "\n".join([shlex.join(_train_words(session)), *said])


def _train_words(session: Session) -> list[str]:
    setting, data = session.origin, session.data
    task = _Program(session, 0, ()).first
    options: dict[str, Any] = {
        "--target": "COLUMN" if data.target is None else data.target.column,
        "--task": "classes" if data.labels else "numbers",
        "--hidden": ",".join(map(str, setting.hidden)) or "none",
        "--activation": ",".join(setting.activations) or "tanh",
        "--loss": names.as_text(task.loss),
        "--optimizer": setting.optimizer,
        "--epochs": goal(session),
        "--batch-size": setting.batch or "all",
        "--l1": setting.l1,
        "--l2": setting.l2,
        "--reduction": "mean" if setting.reduction == "batch" else setting.reduction,
        "--seed": setting.seed,
        "--validation": 0,
        "--patience": 0,
    }
    like_numbers = [
        one.column
        for one in data.encodings
        if isinstance(one, Category) and all(map(_is_number, one.levels))
    ]
    if like_numbers:
        options["--categories"] = ",".join(like_numbers)
    # with = in between, a name that begins with - is no option
    words = ["glassnet", "train", _file_of(data.name)]
    words += [f"{option}={value}" for option, value in options.items()]
    if setting.clip is not None:
        words.append(f"--clip={setting.clip}")
    if task.dropout is not None:
        words.append(f"--dropout={','.join(map(str, task.dropout.rates(task.net)[:-1]))}")
    return words if setting.bias else [*words, "--no-bias"]


def _beyond(session: Session) -> list[str]:
    setting, data = session.origin, session.data
    unscaled = any(
        isinstance(one, Number) and (one.mean, one.scale) == (0.0, 1.0) for one in data.encodings
    )
    end = goal(session)
    found = {
        "the reduction batch": setting.reduction == "batch",
        "this output": bool(setting.output),
        "these initial weights": bool(setting.initializer or setting.start),
        "columns that are not scaled": unscaled,
        "which rows are held for validation": data.held_X is not None,
        "points edited by hand": bool(setting.points),
        "what was changed on the way": any(change.epoch <= end for change in session.changes),
    }
    return [what for what, so in found.items() if so]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _file_of(name: str) -> str:
    # the name is the visitor's: it is quoted, and is never an option
    return f"./{name}" if name.startswith("-") else name or "TABLE"


# ---------------------------------------------------------------- Python


def python(session: Session) -> str:
    """The run in a few lines of Python, which end in the same bits on the same machine."""
    end = goal(session)
    changes = [change for change in session.changes if change.epoch <= end]
    return "\n".join(_Program(session, end, changes).lines()) + "\n"


@dataclass(frozen=True, eq=False)
class _Program:
    session: Session
    end: int
    changes: Sequence[Change]

    def lines(self) -> list[str]:
        """All of it."""
        origin = self.session.origin
        told = [*self.data(origin), *self.task(), *self.start(), *self.run()]
        needed = [
            ("from dataclasses import replace", any("replace(" in line for line in told)),
            ("import numpy as np", any("np." in line for line in told)),
        ]
        above = [line for line, used in needed if used]
        return [*above, "", "import glassnet as gn", "", *told][0 if above else 1 :]

    def data(self, setting: Setting, points: Sequence[Point] | None = None) -> list[str]:
        """X and y, as drawn, split, scaled and edited."""
        lines = _own(self.session) if setting.data == "table" else _built_in(setting)
        return [*lines, *_edits(self.session, setting.points if points is None else points)]

    def task(self) -> list[str]:
        """Network and task."""
        task = self.first
        net = task.net
        parts = [*map(str, net.sizes)]
        hidden = [layer.activation for layer in net.layers[:-1]]
        if hidden:
            same = all(one == hidden[0] for one in hidden)
            spelled = [spell(one) for one in hidden]
            parts.append(f"activation={spelled[0] if same else '[' + ', '.join(spelled) + ']'}")
        parts.append(f"output={spell(net.layers[-1].activation)}")
        if not net.layers[0].bias:
            parts.append("bias=False")
        others = [
            f"{field.name}={spell(getattr(task, field.name))}"
            for field in fields(Task)
            if field.name not in ("net", "loss", "optimizer")
            and getattr(task, field.name) != field.default
        ]
        given = ", ".join([spell(task.loss), spell(task.optimizer), *others])
        return [f"net = gn.Network.mlp({', '.join(parts)})", f"task = gn.Task(net, {given})"]

    @cached_property
    def first(self) -> Task:
        """The task before any change."""
        origin = self.session.origin
        if origin.data != "table":
            return problem(origin, built_in(origin)).task
        return problem(origin, rows_for(origin, _table(self.session))).task

    def start(self) -> list[str]:
        """The initial weights, drawn as the page draws them."""
        setting = self.session.origin
        initializer = names.initializer(setting.initializer) if setting.initializer else None
        named = "" if initializer is None else f", initializer={spell(initializer)}"
        legacy = setting.data.startswith("notebook")
        if not legacy and not setting.start:
            return [f"state = gn.start(task, {setting.seed}{named})"]
        made = "RandomState" if legacy else "default_rng"
        lines = [f"rng = np.random.{made}({setting.seed})"]
        burnt = BURNT.get(setting.data, 0)
        if burnt:
            lines.append(f"rng.uniform(size={burnt})  # what the notebook drew before")
        if setting.start:
            lines += [
                f"for _ in range({setting.start}):  # earlier starts",
                f"    {_draw(initializer)}",
            ]
        return [*lines, f"state = gn.start(task, rng{named})"]

    def run(self) -> Iterator[str]:
        """Training, with what was changed on the way, and its loss."""
        here, batch = 0, self.session.origin.batch
        points = self.session.origin.points
        for change in self.changes:
            if change.epoch > here:
                yield self.train(change.epoch - here, batch)
                here = change.epoch
            for name, value in change.fields:
                if name == "batch":
                    batch = value
                elif name == "optimizer":
                    yield from self.optimizer(value, change)
                elif name == "points":
                    yield from self.points(points, value)
                    points = value
                elif name == "dropout":
                    dropout = left_out(replace(self.session.origin, dropout=value), self.first.net)
                    yield f"task = replace(task, dropout={spell(dropout)})"
                elif name != "epochs":
                    yield f"task = replace(task, {name}={spell(value)})"
            if change.weights:
                yield from self.weights(change)
        if self.end > here:
            yield self.train(self.end - here, batch)
        if self.session.position.batch:
            yield f"# the page stands {self.session.position.batch} updates into the next epoch"
        yield ""
        yield "total = gn.Reference().sums(task, state.theta, (X, y, None))"
        yield "print(state.epoch, total.loss / total.weight)"

    def train(self, epochs: int, batch: int | None) -> str:
        """So many epochs."""
        settings = f"epochs={epochs}"
        if batch is not None:
            settings += f", batch_size={batch}"
        if isinstance(self.session.engine, Reference):
            settings += ', engine="reference"'
        return f"state = gn.last(gn.train(task, X, y, state, {settings})).state"

    def optimizer(self, text: str, change: Change) -> Iterator[str]:
        """Another optimizer, or another constant of the same."""
        after = names.optimizer(text)
        yield f"task = replace(task, optimizer={spell(after)})"
        if type(after) is not type(self._optimizer_before(change)):
            yield "slots = task.optimizer.start(state.theta)  # another optimizer begins anew"
            yield "state = replace(state, slots=slots, step=0)"

    def _optimizer_before(self, change: Change) -> Any:
        text = self.session.origin.optimizer
        for one in self.changes:
            if one is change:
                break
            text = dict(one.fields).get("optimizer", text)
        return names.optimizer(text)

    def points(self, before: Sequence[Point], after: Sequence[Point]) -> list[str]:
        """Points edited while it ran."""
        if tuple(after[: len(before)]) == tuple(before):
            return _edits(self.session, after[len(before) :])
        return self.data(self.session.origin, after)

    def weights(self, change: Change) -> Iterator[str]:
        """Weights typed over."""
        yield "theta = state.theta.copy()"
        for where, value in change.weights:
            name, index = place(where)
            yield f'net.named(theta)["{name}"][{", ".join(map(str, index))}] = {value!r}'
        yield "state = replace(state, theta=theta)"


def _draw(initializer: Initializer | None) -> str:
    return "net.init(rng)" if initializer is None else f"net.init(rng, {spell(initializer)})"


def _built_in(setting: Setting) -> list[str]:
    if setting.data in DRAWN:
        seed = setting.data_seed
        line = f"data = gn.datasets.{setting.data}({setting.n}, noise={setting.noise}, seed={seed})"
        n = setting.n
    else:
        name = "notebook_samples" if setting.data == "notebook" else setting.data
        line = f"data = gn.datasets.{name}()"
        n = _size(setting)
    _, second = split(n, setting.held, setting.data_seed)
    if len(second):
        lines = [
            line,
            f"order = np.random.default_rng([{setting.data_seed}, 1]).permutation({n})",
            f"rows = np.sort(order[{len(second)}:])  # the others are held for validation",
            "X, y = data.X[rows], data.y[rows]",
        ]
    else:
        lines = [line, "X, y = data.X, data.y"]
    if setting.scaled:
        lines += [
            "scale = X.std(axis=0)",
            "X = (X - X.mean(axis=0)) / np.where(scale > 0, scale, 1.0)",
        ]
    return lines


def _size(setting: Setting) -> int:
    return len(FIXED[setting.data]().X)


def _own(session: Session) -> list[str]:
    data = _table(session)
    if not _few(data):
        return ['with np.load("rows.npz") as rows:', '    X, y = rows["X"], rows["y"]']
    X, y = (nested(part, 13) for part in (data.X, data.y))
    return [f"X = np.array({X}, dtype=float)", f"y = np.array({y}, dtype=float)"]


def _edits(session: Session, points: Sequence[Point]) -> list[str]:
    """The edits of points as lines."""
    n_in, n_out = session.data.X.shape[1], session.data.y.shape[1]
    lines = []
    if any(kind == "move" for kind, *_ in points):
        lines.append("X, y = X.copy(), y.copy()")
    for kind, *given in points:
        if kind == "delete":
            row = int(given[0])
            lines.append(f"X, y = np.delete(X, {row}, axis=0), np.delete(y, {row}, axis=0)")
        elif kind == "add":
            answer = target(session.data, given[n_in], n_out).tolist()
            x = [float(one) for one in given[:n_in]]
            lines.append(f"X, y = np.vstack([X, {x}]), np.vstack([y, {answer}])")
        else:
            row, *x = int(given[0]), *map(float, given[1:])
            if len(x) == n_in:
                lines.append(f"X[{row}] = {x}")
            else:  # a point of a curve moves both ways
                lines.append(f"X[{row}], y[{row}] = {x[0]!r}, {x[1]!r}")
    return lines


def spell(value: Any) -> str:
    """A value as Python writes it with `import glassnet as gn`.

    >>> spell(names.optimizer("adam:lr=cosine(lr=0.1,steps=50)"))
    'gn.Adam(lr=gn.Cosine(lr=0.1, steps=50))'
    """
    if isinstance(value, str):
        return f'"{value}"'  # a name of glassnet's own
    if not is_dataclass(value):
        return repr(value)
    given = []
    for field in fields(value):
        own = getattr(value, field.name)
        if field.default is MISSING or own != field.default:
            given.append(f"{field.name}={spell(own)}")
    return f"gn.{type(value).__name__}({', '.join(given)})"
