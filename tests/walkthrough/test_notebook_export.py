"""Exported notebooks: run where glassnet cannot be imported, they prove their own numbers."""

from __future__ import annotations

import builtins
import contextlib
import io
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

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
from glassnet.core.errors import BadInput
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
from glassnet.core.network import Network
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
from glassnet.core.schedules import Cosine, Exponential, InverseScaling, Staircase, Warmup
from glassnet.engines.base import Task
from glassnet.engines.divergence import Divergence
from glassnet.training.stream import last, start, train
from glassnet.walkthrough.notebook import export_notebook
from glassnet.walkthrough.notebook.literals import nested
from glassnet.walkthrough.notebook.writing import as_text
from glassnet.walkthrough.trace import trace

BLOCKED = {"glassnet", "matplotlib", "scipy", "sklearn"}
LITERAL = re.compile(r"(?<![\w.\"])-?\d+\.\d+(?:e-?\d+)?(?![\w\"])")


def run(path: Path) -> str:
    """What a .py form prints, run here with NumPy and Python's own library alone."""
    real = builtins.__import__

    def guarded(name: str, given: Any = None, *rest: Any) -> Any:
        if (given or {}).get("__name__") == "exported" and name.partition(".")[0] in BLOCKED:
            raise ImportError(name)
        return real(name, given, *rest)

    said = io.StringIO()
    code = compile(path.read_text("utf-8"), str(path), "exec")
    builtins.__import__ = guarded
    try:
        with (
            contextlib.redirect_stdout(said),
            contextlib.chdir(path.parent),
            np.errstate(all="ignore"),
        ):
            exec(code, {"__name__": "exported"})
    finally:
        builtins.__import__ = real
    return said.getvalue()


def data(n: int = 6, inputs: int = 2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(n, inputs))
    return X, (X[:, :1] > 0).astype(float)


def small(optimizer: Any = None, **rest: Any) -> Task:
    net = Network.mlp(2, 3, 1, activation=Tanh(), output=Sigmoid())
    return Task(net, BinaryCrossEntropy(), optimizer or SGD(0.5), **rest)


# ---------------------------------------------------------------- any network

HIDDEN = [Sigmoid(), Tanh(), ReLU(), LeakyReLU(), LeakyReLU(0.3), ELU(0.4), GELU(), SiLU(),
          Softplus(), Identity(), Softmax()]  # fmt: skip
ENDS = [
    (Sigmoid(), BinaryCrossEntropy()), (Softmax(), CrossEntropy()), (Exp(), Poisson()),
    (Identity(), SquaredError()), (Sigmoid(), SquaredError()), (Tanh(), Huber(0.3)),
    (Identity(), Absolute()), (Identity(), Pinball(0.3)), (Softmax(), SquaredError()),
    (Sigmoid(), CrossEntropy()),
]  # fmt: skip
OPTIMIZERS = [SGD(0.1), Momentum(0.05), Nesterov(0.05), RMSProp(), Adam(0.01),
              AdamW(0.01, decay=0.1), SGD(Cosine(0.1, 20)), Adam(Exponential(0.05)),
              SGD(Warmup(0.1, 10)), SGD(Staircase(0.1, 0.5, 7)),
              SGD(InverseScaling(0.1))]  # fmt: skip


@given(
    hidden=st.lists(st.tuples(st.sampled_from(HIDDEN), st.integers(1, 3)), max_size=3),
    end=st.sampled_from(ENDS),
    optimizer=st.sampled_from(OPTIMIZERS),
    inputs=st.integers(1, 3),
    outputs=st.integers(1, 3),
    rows=st.integers(1, 8),
    bias=st.booleans(),
    reduction=st.sampled_from(["mean", "sum"]),
    penalties=st.sampled_from([(0.0, 0.0), (0.01, 0.0), (0.0, 0.1), (0.01, 0.1)]),
    clip=st.sampled_from([None, 0.5]),
    weighted=st.booleans(),
    dtype=st.sampled_from([np.float64, np.float32]),
    layout=st.sampled_from(["rows", "columns"]),
    names=st.sampled_from(["math", "seed"]),
    batch_size=st.sampled_from([None, 3]),
    epochs=st.sampled_from([1, 12]),
    seed=st.integers(0, 1000),
)
@settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_any_network_proves_its_numbers(
    tmp_path: Path, hidden: Any, end: Any, optimizer: Any, inputs: int, outputs: int, rows: int,
    bias: bool, reduction: Any, penalties: Any, clip: Any, weighted: bool, dtype: Any,
    layout: Any, names: Any, batch_size: Any, epochs: int, seed: int,
) -> None:  # fmt: skip
    output, loss = end
    if isinstance(output, Softmax) or isinstance(loss, CrossEntropy):
        outputs = max(outputs, 2)
    rng = np.random.default_rng(seed)
    sizes = [size for _, size in hidden]
    activations = [activation for activation, _ in hidden]
    net = Network.mlp(inputs, *sizes, outputs, activation=activations, output=output, bias=bias)
    l1, l2 = penalties
    task = Task(net, loss, optimizer, reduction, l1, l2, clip)
    X = rng.normal(size=(rows, inputs))
    y = np.eye(outputs)[rng.integers(0, outputs, rows)]
    if outputs == 1:
        y = rng.integers(0, 2, (rows, 1)).astype(float)
    weight = rng.random(rows) + 0.1 if weighted else None
    path = tmp_path / "any.py"
    try:
        export_notebook(
            task, X, y, weight=weight, state=start(task, seed, dtype=dtype), path=path,
            epochs=epochs, batch_size=batch_size, layout=layout, names=names,
        )  # fmt: skip
    except Divergence:
        assume(False)
    said = run(path)
    checks, code = said.count("✓"), path.read_text("utf-8")
    assert checks == code.count('\ncheck("') + code.count("\ncheck(\n")
    # forward, loss, backward and update of every layer at least
    assert checks > 8 * len(net.layers)


def test_every_gradient_and_three_losses_are_compared(tmp_path: Path) -> None:
    task, (X, y) = small(Adam(0.01), l2=0.1), data()
    path = tmp_path / "a.py"
    export_notebook(task, X, y, state=start(task, 0), path=path)
    said = run(path)
    for layer in (1, 2):
        for name in (f"dL_dW{layer}", f"dL_db{layer}", f"dJ_dW{layer}", f"new_W{layer}",
                     f"z{layer}", f"a{layer}", f"dL_dz{layer}"):  # fmt: skip
            assert f"✓ {name}\n" in said
    for epoch in (1, 10, 100):
        assert f"✓ loss at epoch {epoch}\n" in said


def test_its_numbers_are_those_of_the_engine(tmp_path: Path) -> None:
    task, (X, y) = small(), data()
    state = start(task, 0)
    path = tmp_path / "a.py"
    export_notebook(task, X, y, state=state, path=path, epochs=12)
    losses = [epoch.loss for epoch in train(task, X, y, state, epochs=12)]
    code = path.read_text("utf-8")
    for epoch in (1, 10, 12):
        assert f'check("loss at epoch {epoch}", history[{epoch - 1}], {losses[epoch - 1]!r}' in code


# ---------------------------------------------------------------- one altered literal


def test_one_altered_literal_makes_it_fail(tmp_path: Path) -> None:
    task, (X, y) = small(Momentum(0.1), l2=0.1), data()
    path = tmp_path / "a.py"
    export_notebook(task, X, y, state=start(task, 0), path=path, epochs=10)
    code = path.read_text("utf-8")
    begin = code.index("X = np.array")
    end = code.index("## The update")
    places = [m for m in LITERAL.finditer(code, begin, end) if "# " not in _line(code, m.start())]
    assert len(places) > 100
    chosen = np.random.default_rng(0).choice(len(places), 40, replace=False)
    for i in chosen:
        found = places[i]
        other = repr(float(found[0]) * 1.001 + 1e-5)
        path.write_text(code[: found.start()] + other + code[found.end() :], "utf-8")
        with pytest.raises(AssertionError, match=r"is off by|shape"):
            run(path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("lr = 0.1  ", "lr = 0.1001  "),
        ("momentum = 0.9\n", "momentum = 0.91\n"),
        ("l2 = 0.1\n", "l2 = 0.11\n"),
        ("np.tanh(z)", "np.sin(z)"),
        ("dL_dW1 = X.T @ dL_dz1", "dL_dW1 = 2 * X.T @ dL_dz1"),
        ("1 - a1**2\n", "1 - a1\n"),
        ("history.append(L / N)", "history.append(L)"),
    ],
)
def test_altered_code_makes_it_fail(tmp_path: Path, old: str, new: str) -> None:
    task, (X, y) = small(Momentum(0.1), l2=0.1), data()
    path = tmp_path / "a.py"
    export_notebook(task, X, y, state=start(task, 0), path=path, epochs=10)
    code = path.read_text("utf-8")
    first, last_ = code.find(old), code.rfind(old)
    assert first >= 0
    # by hand and in the loop; in the first update there is no momentum yet
    for place in {last_} if "momentum" in old else {first, last_}:
        path.write_text(code[:place] + new + code[place + len(old) :], "utf-8")
        with pytest.raises(AssertionError, match="is off by"):
            run(path)


def _line(code: str, place: int) -> str:
    return code[code.rfind("\n", 0, place) + 1 : place]


# ---------------------------------------------------------------- files


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    task, (X, y) = small(Adam(0.01)), data(700)
    written = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        files = export_notebook(
            task, X, y, state=start(task, 0), path=tmp_path / folder / "a.ipynb", epochs=3
        )
        written.append([(file.name, file.read_bytes()) for file in files])
    assert written[0] == written[1]
    assert [name for name, _ in written[0]] == ["a.ipynb", "a.npz"]


def test_the_notebook_is_valid_and_its_cells_have_names_of_their_own(tmp_path: Path) -> None:
    task, (X, y) = small(), data()
    (path,) = export_notebook(task, X, y, state=start(task, 0), path=tmp_path / "a.ipynb")
    found = nbformat.read(path, as_version=4)
    nbformat.validate(found)
    names = [cell.id for cell in found.cells]
    assert len(set(names)) == len(names)
    assert any(name.endswith("-dL_dW2") for name in names)
    assert [cell.source for cell in found.cells][-1] == "# your cell"


def test_both_forms_hold_the_same_code(tmp_path: Path) -> None:
    task, (X, y) = small(), data()
    for name in ("a.ipynb", "a.py"):
        export_notebook(task, X, y, state=start(task, 0), path=tmp_path / name)
    cells = nbformat.read(tmp_path / "a.ipynb", as_version=4).cells
    parts = (tmp_path / "a.py").read_text("utf-8").split("# %%\n")[1:]
    code = [re.split(r"\n\n# %% \[markdown\]", part)[0].strip() for part in parts]
    assert code == [cell.source for cell in cells if cell.cell_type == "code"]


def test_many_numbers_go_into_one_file_without_pickles(tmp_path: Path) -> None:
    task, (X, y) = small(), data(1500)
    files = export_notebook(task, X, y, state=start(task, 0), path=tmp_path / "big.py", epochs=3)
    assert [file.name for file in files] == ["big.py", "big.npz"]
    code = files[0].read_text("utf-8")
    assert 'np.load("big.npz", allow_pickle=False)' in code
    assert len(LITERAL.findall(code)) < 2100
    stored = np.load(files[1], allow_pickle=False)
    assert (stored["X"] == X).all()
    run(files[0])
    # a number altered in the file is found as well
    arrays = dict(stored)
    arrays["recorded_z1"] = arrays["recorded_z1"] + np.eye(1500, 3) * 1e-3
    np.savez_compressed(files[1], **arrays)
    with pytest.raises(AssertionError, match="z1 is off by"):
        run(files[0])


def test_batches_are_those_that_were_drawn(tmp_path: Path) -> None:
    task, (X, y) = small(Adam(0.05)), data(20)
    state = start(task, 5)
    files = export_notebook(
        task, X, y, state=state, path=tmp_path / "a.py", epochs=10, batch_size=8
    )
    order, _ = state.chance.permutation(20)
    assert (np.load(files[1])["orders"][0] == order).all()
    said = run(files[0])
    assert "✓ loss at epoch 10\n" in said
    end = last(train(task, X, y, state, epochs=10, batch_size=8)).state
    assert str(end.theta[0])[:8] in said


@given(st.floats(allow_nan=False, allow_infinity=False))
@settings(max_examples=100, derandomize=True)
def test_literals_read_back_to_the_same_bits(value: float) -> None:
    array = np.array([[value, 1.0]])
    back = np.array(eval(nested(array)), dtype=float)
    assert back.tobytes() == array.tobytes()
    with np.errstate(over="ignore"):
        narrow = array.astype(np.float32)
    if np.isfinite(narrow).all():
        assert np.array(eval(nested(narrow)), dtype=np.float32).tobytes() == narrow.tobytes()


# ---------------------------------------------------------------- where it is run


def test_as_a_program_with_nothing_but_numpy(tmp_path: Path) -> None:
    task, (X, y) = small(), data()
    export_notebook(task, X, y, state=start(task, 0), path=tmp_path / "a.py", epochs=10)
    guard = (
        "import sys\n"
        "class Blocked:\n"
        "    def find_spec(self, name, *rest):\n"
        f"        if name.split('.')[0] in {BLOCKED!r}:\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Blocked())\n"
        "import runpy\n"
        "runpy.run_path('a.py')\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", guard],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "✓ loss at epoch 10" in done.stdout


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_in_jupyter_where_glassnet_cannot_be_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: Any
) -> None:
    from nbclient import NotebookClient

    monkeypatch.delenv("MPLBACKEND", raising=False)  # the kernel chooses the one of notebooks
    task, (X, y) = small(Adam(0.05)), data()
    (path,) = export_notebook(
        task, X, y, state=start(task, 0), path=tmp_path / "a.ipynb", layout=layout
    )
    found = nbformat.read(path, as_version=4)
    guard = nbformat.v4.new_code_cell(
        "import sys\n"
        "class Blocked:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name.split('.')[0] == 'glassnet':\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Blocked())\n"
        "try:\n"
        "    import glassnet\n"
        "except ImportError:\n"
        "    print('no glassnet here')\n"
    )
    found.cells.insert(0, guard)
    done = NotebookClient(
        found, timeout=120, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    said = "".join(
        output.get("text", "")
        for cell in done.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    )
    assert said.startswith("no glassnet here")
    assert "✓ dL_dW1" in said
    assert "✓ loss at epoch 100" in said
    pictures = [
        output
        for cell in done.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 2  # the loss curve, the decision boundary


def test_cells_can_be_run_again(tmp_path: Path) -> None:
    task, (X, y) = small(Momentum(0.1)), data()
    (path,) = export_notebook(task, X, y, state=start(task, 0), path=tmp_path / "a.py")
    code = path.read_text("utf-8")
    # from the initial weights on, twice
    again = code[code.index("def initial_weights") :]
    path.write_text(code + "\n" + again, "utf-8")
    assert run(path).count("✓ loss at epoch 100") == 2


# ---------------------------------------------------------------- one's own functions

SLOPE = 1.5


def bend(z: Any) -> Any:
    return np.where(z > 0, SLOPE * z, z)


@dataclass(frozen=True)
class Swish(Activation):
    """a = z/(1 + e^(-beta·z))."""

    beta: float = 1.3

    @staticmethod
    def f(z: Any, beta: float) -> Any:
        return z / (1 + np.exp(-beta * z))

    @staticmethod
    def df(z: Any, a: Any, beta: float) -> Any:
        s = 1 / (1 + np.exp(-beta * z))
        return s + beta * z * s * (1 - s)


@dataclass(frozen=True)
class Bent(Activation):
    """a = bend z, and steeper from 2 on."""

    k: float = 0.5

    @staticmethod
    def f(z: Any, k: float) -> Any:
        out = bend(z).copy()
        out[z > 2] += k * (z[z > 2] - 2) ** 2
        return out

    @staticmethod
    def df(z: Any, a: Any, k: float) -> Any:
        out = np.where(z > 0, SLOPE, 1.0)
        out[z > 2] += 2 * k * (z[z > 2] - 2)
        return out


@dataclass(frozen=True)
class LogCosh(Loss):
    """ℓ = ln cosh(a - y)."""

    @staticmethod
    def f(a: Any, y: Any) -> Any:
        return np.log(np.cosh(a - y))

    @staticmethod
    def df(a: Any, y: Any) -> Any:
        return np.tanh(a - y)


@dataclass(frozen=True)
class Lion(Optimizer):
    """θ ← θ - lr·sign(beta·m + (1 - beta)·g)."""

    beta: float = 0.9
    slots = ("m",)

    @staticmethod
    def f(theta: Any, g: Any, lr: float, t: int, m: Any, beta: float) -> Any:
        return theta - lr * np.sign(beta * m + (1 - beta) * g), 0.99 * m + 0.01 * g


@dataclass(frozen=True)
class Halving(Optimizer):
    """Half the rate after three updates."""

    k: float = 0.9
    slots = ("m",)

    @staticmethod
    def f(theta: Any, g: Any, lr: float, t: int, m: Any, k: float) -> Any:
        if t > 3:
            lr = lr / 2
        m = k * m + g
        return theta - lr * m, m


@dataclass(frozen=True)
class Lagging(Optimizer):
    """θ ← θ - lr·m, with the m from before; m ← keep·m + g."""

    keep: float = 0.9
    slots = ("m",)

    @staticmethod
    def f(theta: Any, g: Any, lr: float, t: int, m: Any, keep: float) -> Any:
        return theta - lr * m, keep * m + g


@pytest.mark.parametrize("optimizer", [Lion(0.01), Halving(0.01), Lagging(0.01)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("layout", "names"), [("rows", "math"), ("columns", "seed")])
def test_ones_own_functions_follow(
    tmp_path: Path, optimizer: Any, dtype: Any, layout: Any, names: Any
) -> None:
    X, y = data(8)
    net = Network.mlp(2, 3, 3, 3, 1, activation=[Swish(), Bent(), Bent(0.1)])
    task = Task(net, LogCosh(), optimizer)
    path = tmp_path / "own.py"
    export_notebook(
        task, X, y, state=start(task, 0, dtype=dtype), path=path, epochs=10, layout=layout,
        names=names,
    )  # fmt: skip
    run(path)
    code = path.read_text("utf-8")
    assert "return z / (1 + np.exp(-1.3 * z))" in code  # a formula where there is one
    assert "SLOPE = 1.5" in code  # a source where there is none, with what it needs
    assert "np.log(np.cosh(a - y))" in code


@dataclass(frozen=True)
class Foreign(Activation):
    """a = erf z, by SciPy."""

    @staticmethod
    def f(z: Any) -> Any:
        from scipy import special

        return special.erf(np.asarray(z, dtype=float))

    @staticmethod
    def df(z: Any, a: Any) -> Any:
        return 2 / np.sqrt(np.pi) * np.exp(-z * z)


def test_what_cannot_be_written_is_said_in_a_line(tmp_path: Path) -> None:
    X, y = data()
    task = Task(Network.mlp(2, 2, 1, activation=Foreign()), SquaredError(), SGD(0.1))
    with pytest.raises(BadInput, match=r"Foreign\.\w+ has no formula, and it imports scipy"):
        export_notebook(task, X, y, state=start(task, 0), path=tmp_path / "a.py")
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------- numbers at the edge


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("layout", ["rows", "columns"])
@pytest.mark.parametrize("classes", [2, 3])
def test_saturated_outputs_keep_their_digits(tmp_path: Path, classes: int, layout: Any) -> None:
    X = np.array([[1.0, 0.0], [-1.0, 0.0], [20.0, 1.0], [-20.0, 1.0]])
    right = np.array([0, 1, 0, 1])
    if classes == 2:
        task = Task(Network.mlp(2, 1, output=Sigmoid()), BinaryCrossEntropy(), SGD(0.1))
        theta, y = np.array([50.0, 0.0, 0.0]), 1.0 - right[:, None]
    else:
        task = Task(Network.mlp(2, 3, output=Softmax()), CrossEntropy(), SGD(0.1))
        theta, y = np.array([50.0, -50.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]), np.eye(3)[right]
    path = tmp_path / "a.py"
    export_notebook(task, X, y, theta=theta, path=path, epochs=10, layout=layout)
    run(path)


def test_chaos_is_said_and_not_asserted(tmp_path: Path) -> None:
    X, y = data()
    path = tmp_path / "a.py"
    task = Task(Network.mlp(2, 6, 1, activation=Tanh()), Huber(0.3), SGD(8.0))
    export_notebook(task, X, y, state=start(task, 0), path=path, epochs=200)
    code = path.read_text("utf-8")
    assert "Such a run is chaotic" in code
    assert 'check("loss at epoch 1"' in code
    assert 'check("loss at epoch 200"' not in code
    run(path)


# ---------------------------------------------------------------- bad input


def test_a_trace_can_be_exported(tmp_path: Path) -> None:
    task, (X, y) = small(Adam(0.01)), data()
    state = last(train(task, X, y, start(task, 0), epochs=3)).state
    path = tmp_path / "a.py"
    export_notebook(trace(task, X, y, state=state), path=path, epochs=5)
    code = path.read_text("utf-8")
    assert "t = 4  # the number of this update" in code
    run(path)


def test_bad_input_is_refused_in_a_line(tmp_path: Path) -> None:
    task, (X, y) = small(), data()
    state, path = start(task, 0), tmp_path / "a.py"
    good: dict[str, Any] = {"state": state, "path": path}
    with pytest.raises(BadInput, match=r"ends in '.txt'"):
        export_notebook(task, X, y, state=state, path=tmp_path / "a.txt")
    with pytest.raises(BadInput, match="layout='up'"):
        export_notebook(task, X, y, **good, layout="up")  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="names='x'"):
        export_notebook(task, X, y, **good, names="x")  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="epochs=0"):
        export_notebook(task, X, y, **good, epochs=0)
    with pytest.raises(BadInput, match="no samples"):
        export_notebook(task, **good)
    with pytest.raises(BadInput, match="trace without targets"):
        export_notebook(trace(task, X, state=state), path=path)
    with pytest.raises(BadInput, match="cannot be written"):
        export_notebook(task, X, y, state=state, path=tmp_path / "no" / "a.py", epochs=1)
    quasi = Task(task.net, task.loss, LBFGS())
    with pytest.raises(BadInput, match="L-BFGS is SciPy's"):
        export_notebook(quasi, X, y, theta=state.theta, path=path)
    export_notebook(quasi, X, y, theta=state.theta, path=path, optimizer=SGD(0.1), epochs=2)
    run(path)


@pytest.mark.parametrize(
    ("title", "line"),
    [
        ("Learning price_in_oslo", "Learning price_in_oslo"),
        ("Learning $a$ in <b>", r"Learning \$a\$ in \<b>"),
        ("Learning _a_ and [x](y) `z` *w*", r"Learning \_a\_ and \[x](y) \`z\` \*w\*"),
        ("Learning a\nb", "Learning a b"),
    ],
)
def test_a_title_with_the_name_of_a_column_is_text(title: str, line: str) -> None:
    assert as_text(title) == line
