"""The drawings as the page's elements: what travels to the browser, and nothing else."""

import re
from pathlib import Path

import pytest

pytest.importorskip("nicegui", reason="the lab's drawings need the extra `lab`")

from nicegui import Client, ui

from glassnet.lab.drawings import views
from glassnet.lab.frame import frame, structure
from glassnet.lab.session import Session
from glassnet.lab.setting import Setting

HERE = Path(views.__file__).parent
SCRIPTS = sorted(HERE.glob("*.js"))
VIEWS = [views.NetworkView, views.DataView, views.CurveView]


@pytest.fixture
def page():
    with Client(ui.page("/drawings-test"), request=None) as client:
        yield client
    client.delete()


def sent(view):
    """What the browser gets of an element."""
    return view._to_dict()["props"]


@pytest.mark.parametrize("view", VIEWS)
def test_wants_nothing_a_frame_does_not_have(view):
    assert view.wants <= frame(Session(Setting()), 1).keys()


@pytest.mark.parametrize("view", VIEWS)
def test_carries_the_newest_structure_and_frame(page, view):
    one = view()
    assert "start" not in one._to_dict().get("props", {})
    session = Session(Setting())
    shape, first = structure(session), frame(session, 1)
    one.structure(shape)
    one.frame(first)
    one.frame(first | {"id": 2})
    assert sent(one)["start"]["structure"] == shape
    assert sent(one)["start"]["frame"]["id"] == 2
    one.structure(shape | {"cells": 3})  # a frame of the former network is not shown with it
    assert "frame" not in sent(one)["start"]


@pytest.mark.parametrize("view", VIEWS)
def test_sends_only_what_it_draws(page, view):
    one = view()
    one.frame({"id": 1, "private": "nothing of the drawings"} | dict.fromkeys(view.wants, 0))
    assert sent(one)["start"]["frame"].keys() == view.wants


@pytest.mark.parametrize("view", VIEWS)
def test_the_files_are_there(view):
    assert view.component.path.parent == HERE
    assert {library.path.name for library in view.exposed_libraries} <= {p.name for p in SCRIPTS}
    assert (HERE / "lab.css").is_file()


@pytest.mark.parametrize("path", [*SCRIPTS, HERE / "lab.css"], ids=lambda path: path.name)
def test_loads_nothing_from_elsewhere_and_makes_no_markup(path):
    text = path.read_text().replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|//cdn|@import|url\(", text)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|v-html|eval\(", text)


def test_every_name_that_is_used_is_imported():
    ink = (HERE / "glassnet-ink.js").read_text()
    offered = set(re.findall(r"^export (?:function|const|class) (\w+)", ink, re.MULTILINE))
    for path in SCRIPTS:
        for line in re.findall(r'import \{([^}]*)\} from "glassnet-ink"', path.read_text()):
            names = {name.strip() for name in line.split(",")}
            assert names <= offered
            rest = path.read_text().split("\n", 8)[-1]
            assert not {name for name in names if not re.search(rf"\b{name}\b", rest)}
