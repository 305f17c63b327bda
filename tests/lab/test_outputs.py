from __future__ import annotations

import contextlib
import io
import json
import shlex
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassnet.cli import main
from glassnet.core.errors import BadInput
from glassnet.engines.reference import Reference
from glassnet.exchange.model import load_model
from glassnet.exchange.tables import read_table
from glassnet.lab import outputs, tables
from glassnet.lab.frame import frame
from glassnet.lab.link import link, opened
from glassnet.lab.outputs.pictures import extremes
from glassnet.lab.session import Session
from glassnet.lab.setting import PRESETS, Setting

PLANTS = """light,water,soil,bloomed
8,3,clay,yes
2,1,sand,no
6,4,loam,yes
3,4,clay,no
7,2,sand,yes
1,3,loam,no
5,5,clay,yes
4,1,sand,no
"""


def trained(setting: Setting | None = None, epochs: int = 12, **given: Any) -> Session:
    session = Session(setting, **given)
    train(session, epochs)
    return session


def train(session: Session, epochs: int) -> None:
    session.timeline.advance(epochs)
    session.go(session.position.epoch + epochs)


def ran(code: str) -> tuple[dict[str, Any], str]:
    """What a program leaves behind, and what it prints."""
    found: dict[str, Any] = {}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "<the run>", "exec"), found)
    return found, printed.getvalue().strip()


def same_run(session: Session) -> str:
    """The session's Python, once it has ended where the session stands."""
    code = outputs.python(session)
    found, printed = ran(code)
    np.testing.assert_array_equal(found["state"].theta, session.state.theta)
    epoch, loss = printed.split()
    assert int(epoch) == session.position.epoch
    data = session.data
    total = Reference().sums(session.problem.task, session.state.theta, (data.X, data.y, None))
    assert float(loss) == total.loss / total.weight
    shown = frame(session)["loss"]
    # above a certain size the page asks the fast engine, which adds in another order
    assert float(loss) == (shown if len(data.X) <= 1000 else pytest.approx(shown, rel=1e-14))
    return code


# ---------------------------------------------------------------- Python


@pytest.mark.parametrize("name", PRESETS)
def test_python_makes_the_run_of_each_preset_bit_for_bit(name: str) -> None:
    code = same_run(trained(PRESETS[name], 7))
    assert len(code.splitlines()) <= 18


CHANGED = {
    "minibatches": Setting(batch=32),
    "another seed and start": Setting(seed=5, start=2, data_seed=3, n=90, noise=0.25),
    "all rows learnt from, as they are": Setting(held=0.0, scaled=False),
    "penalties and a sum": Setting(l1=1e-3, l2=0.01, reduction="sum", optimizer="sgd:lr=0.01"),
    "clipped, and neurons left out": Setting(
        hidden=(8, 4), activations=("tanh",) * 2, clip=0.2, dropout=(0.5, 0.25), batch=50, seed=3
    ),
    "constants": Setting(
        data="iris",
        hidden=(4, 3),
        activations=("leakyrelu:alpha=0.2", "tanh"),
        optimizer="adam:lr=cosine(lr=0.05,steps=40),beta1=0.8",
    ),
    "a loss and a start of one's own": Setting(
        data="sine", loss="huber:delta=0.5", initializer="uniform:low=-0.5,high=0.5", bias=False
    ),
    "no hidden layer": Setting(data="circles", hidden=(), activations=()),
    "points edited by hand": Setting(
        points=(("add", 0.5, 0.2, 1.0), ("move", 3, 0.1, -0.7), ("delete", 0))
    ),
    "points of a curve": Setting(
        data="sine", held=0.0, points=(("move", 2, 0.3, 0.9), ("add", 1.5, -0.4))
    ),
    "a flower that nobody saw": Setting(data="iris", points=(("add", 0.1, 0.2, 0.3, 0.4, 2.0),)),
}


@pytest.mark.parametrize("setting", CHANGED.values(), ids=list(CHANGED))
def test_python_says_all_of_a_setting(setting: Setting) -> None:
    same_run(trained(setting))


def test_python_makes_what_was_changed_on_the_way() -> None:
    session = trained(Setting(batch=40), 5)
    session.edit("W1[0,2]", "-1/3")
    session.edit("b2[0]", "0,5")
    session.set(optimizer="sgd:lr=0.3", l2=0.01)
    train(session, 5)
    session.set(batch=None, reduction="sum", optimizer="sgd:lr=0.001", clip=2.0, dropout=0.25)
    train(session, 5)
    session.set(clip=None, dropout=0.0)
    train(session, 5)
    session.add_point((0.5, 0.2), 1)
    session.move_point(3, (0.1, 0.2))
    session.delete_point(0)
    session.set(optimizer="adam:lr=0.01")
    train(session, 5)
    session.set(optimizer="adam:lr=0.02")
    train(session, 5)
    code = same_run(session)
    assert 'net.named(theta)["W1"][0, 2] = -0.3333333333333333' in code
    # only between optimizers of two kinds is what one remembers let go
    assert code.count("another optimizer begins anew") == 1


def test_python_of_a_past_epoch_leaves_out_what_was_changed_later() -> None:
    session = trained(epochs=5)
    session.edit("W1[0,0]", "2")
    train(session, 5)
    session.go(3)
    assert "W1" not in same_run(session)


def test_python_before_the_first_epoch_trains_to_the_aim() -> None:
    assert "epochs=77" in outputs.python(Session(Setting(epochs=77)))


def test_python_names_the_engine_where_it_is_not_the_usual_one() -> None:
    session = trained(engine=Reference())
    assert 'engine="reference"' in same_run(session)
    assert "engine" not in outputs.python(trained())


def plants(held: float = 0.0, **settings: Any) -> Session:
    table = read_table(io_file(PLANTS))
    data = tables.choose(table, "bloomed", held=held)
    session = Session(Setting(hidden=(2,)))
    session.use_table(data)
    if settings:
        session.set(**settings)
    return session


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def io_file(text: str) -> Path:
    path = Path("plants.csv")
    path.write_text(text)
    return path


def test_python_holds_a_small_table_and_reads_a_large_one(monkeypatch: pytest.MonkeyPatch) -> None:
    session = plants()
    train(session, 6)
    assert not outputs.needs_rows(session)
    assert "rows.npz" not in same_run(session)
    monkeypatch.setattr("glassnet.lab.outputs.code.LITERALS", 10)
    assert outputs.needs_rows(session)
    Path("rows.npz").write_bytes(outputs.rows_file(session).content)
    session.delete_point(1)
    train(session, 3)
    assert "rows.npz" in same_run(session)


# ---------------------------------------------------------------- the command line


def test_the_command_opens_the_same_page() -> None:
    session = trained()
    session.edit("W1[0,1]", "0.25")
    train(session, 3)
    words = shlex.split(outputs.command_line(session))
    assert words[:3] == ["glassnet", "lab", "--link"]
    assert words[3] == link(session)
    assert opened(words[3]).setting == session.origin


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"clip": 0.05, "dropout": 0.5},
        {"hidden": (3, 4), "activations": ("tanh", "relu"), "dropout": (0.0, 0.5)},
    ],
    ids=["plain", "clipped, left out", "a rate each"],
)
def test_the_command_for_a_table_ends_in_the_same_weights(more: dict[str, Any]) -> None:
    session = plants(seed=3, l2=0.01, optimizer="adam:lr=0.05", batch=3, **more)
    train(session, 9)
    line = outputs.command_line(session).splitlines()[0]
    words = shlex.split(line)
    assert words[0] == "glassnet"
    assert main([*words[1:], "--no-pictures", "--out", "m.safetensors"]) == 0
    np.testing.assert_array_equal(load_model("m.safetensors").theta, session.state.theta)


def test_the_command_says_what_it_cannot() -> None:
    session = plants(held=0.25)
    session.new_start()
    train(session, 2)
    session.edit("W1[0,0]", "1")
    split, said, line = outputs.command_line(session).splitlines()
    for what in ("initial weights", "changed on the way"):
        assert what in said
    assert said.startswith("# ")
    assert split.startswith("# Another split")
    assert "--validation=0.25 " in line  # as many rows to learn from


def test_the_command_names_the_columns_that_were_left_out() -> None:
    table = read_table(io_file(PLANTS))
    first, *_ = (name for name in table.names if name != "bloomed")
    session = Session(Setting(hidden=(2,), seed=3))
    session.use_table(tables.choose(table, "bloomed", ignore=(first, "bloomed"), held=0))
    train(session, 5)
    line = outputs.command_line(session)
    assert f"--ignore={first}" in shlex.split(line)
    assert main([*shlex.split(line)[1:], "--no-pictures", "--out", "m.safetensors"]) == 0
    np.testing.assert_array_equal(load_model("m.safetensors").theta, session.state.theta)
    _, again = tables.of_model("m.safetensors", table)
    assert again.ignored == (first,)
    assert "ignore" not in outputs.command_line(plants())
    assert "#" not in outputs.command_line(plants())


def test_a_name_is_never_an_option_or_a_second_command() -> None:
    session = plants()
    assert session.table is not None
    for name in ("--debug", "a; rm -rf ~", "$(reboot)", "a\nb"):
        object.__setattr__(session.table, "name", name)
        session.use_table(session.table)
        words = shlex.split(outputs.command_line(session).split(" --target")[0])
        assert len(words) == 3
        assert words[2] == (f"./{name}" if name.startswith("-") else name)


# ---------------------------------------------------------------- files


def test_the_model_file_holds_the_weights_that_are_shown() -> None:
    session = trained(Setting(batch=50), 4)
    session.step_batch()  # in the midst of an epoch
    file = outputs.model_file(session)
    Path(file.name).write_bytes(file.content)
    model = load_model(file.name)
    np.testing.assert_array_equal(model.theta, session.state.theta)
    assert model.task == session.problem.task
    assert model.settings["lab"] == session.query()
    assert outputs.model_file(session) == file


def test_the_model_of_a_table_predicts_its_cells() -> None:
    session = plants()
    train(session, 200)
    Path("m.safetensors").write_bytes(outputs.model_file(session).content)
    model = load_model("m.safetensors")
    said = model.predict_table(read_table("plants.csv"))
    assert said.values.tolist() == ["yes", "no", "yes", "no", "yes", "no", "yes", "no"]


def code_of(notebook: str) -> str:
    cells = json.loads(notebook)["cells"]
    parts = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
    # pictures are not what is asked here
    return "\n\n".join(part for part in parts if "plt." not in part or "import numpy" in part)


def test_the_notebook_runs_and_proves_the_run() -> None:
    session = trained(PRESETS["notebook"], 40)
    file = outputs.notebook(session)
    assert file.name.endswith(".ipynb")
    found, _ = ran(code_of(file.content.decode()))
    trained_to = np.concatenate([found["W1"].ravel(), found["W2"].ravel()])
    np.testing.assert_allclose(trained_to, session.state.theta, rtol=1e-9)


def test_the_notebook_clips_and_leaves_out_as_the_page_does() -> None:
    session = trained(replace(PRESETS["xor"], clip=0.1, dropout=0.5, batch=2), 9)
    file = outputs.notebook(session)
    found, _ = ran(code_of(file.content.decode()))
    named = session.problem.task.net.named(session.state.theta)
    np.testing.assert_allclose(found["W1"], named["W1"], rtol=1e-9)


def test_a_notebook_whose_arrays_are_many_comes_with_them_in_a_zip() -> None:
    session = trained(epochs=20)
    session.edit("W1[0,0]", "0.75")
    train(session, 15)
    file = outputs.notebook(session)
    assert file == outputs.notebook(session)
    with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
        assert sorted(Path(name).suffix for name in archive.namelist()) == [".ipynb", ".npz"]
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        archive.extractall()
    notebook = next(Path().glob("*.ipynb")).read_text()
    found, _ = ran(code_of(notebook))
    W1 = session.problem.task.net.named(session.state.theta)["W1"]
    np.testing.assert_allclose(found["W1"], W1, rtol=1e-9)


def test_a_notebook_that_takes_long_is_refused_by_name() -> None:
    session = Session(Setting(data="digits", hidden=(64,), epochs=2000))
    with pytest.raises(BadInput, match="notebook of 2000 epochs"):
        outputs.notebook(session)
    masked = Session(Setting(n=2000, hidden=(100,), epochs=300, dropout=0.5))
    with pytest.raises(BadInput, match="notebook of 300 epochs"):  # masks take their time too
        outputs.notebook(masked)


# ---------------------------------------------------------------- pictures


@pytest.mark.parametrize("what", ["network", "data", "curve"])
@pytest.mark.parametrize("kind", ["png", "svg"])
def test_the_same_state_gives_the_same_picture(what: Any, kind: Any) -> None:
    one, two = (trained(PRESETS["circles"], 5) for _ in range(2))
    file = outputs.picture(one, what, kind)
    assert file == outputs.picture(two, what, kind)
    start = {"png": b"\x89PNG", "svg": b"<?xml"}[kind]
    assert file.content.startswith(start)
    assert file.name == f"circles-{what}.{kind}"
    train(two, 5)
    assert file != outputs.picture(two, what, kind)


@pytest.mark.parametrize("name", ["sine", "iris", "digits", "notebook"])
def test_every_kind_of_data_can_be_drawn(name: str) -> None:
    session = trained(PRESETS[name], 2)
    for what in ("network", "data", "curve"):
        assert outputs.picture(session, what, "svg").content  # type: ignore[arg-type]


def test_a_curve_needs_an_epoch() -> None:
    with pytest.raises(BadInput, match="no epoch"):
        outputs.picture(Session(), "curve")
    with pytest.raises(BadInput, match="picture of"):
        outputs.picture(Session(), "curve", "exe")  # type: ignore[arg-type]


def test_long_curves_keep_their_spikes() -> None:
    losses = np.linspace(1.0, 0.5, 50_000)
    losses[33_333] = 7.0
    losses[44_444] = 0.001
    chosen = extremes(losses)
    assert {0, 33_333, 44_444, 49_999} <= set(chosen.tolist())
    assert len(chosen) < 5_000


def test_a_name_in_a_picture_is_no_formula() -> None:
    session = plants()
    assert session.table is not None
    inputs = ("$x^{$", *session.table.inputs[1:])
    object.__setattr__(session.table, "inputs", inputs)
    session.use_table(session.table)
    train(session, 2)
    assert outputs.picture(session, "network", "svg").content
    assert outputs.picture(session, "data", "svg").content
