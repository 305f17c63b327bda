"""Lessons come by a link; what is taken home runs there and gives the same numbers."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from glassnet.exchange.model import load_model
from tests.lab.browser.conftest import Visit
from tests.lab.browser.lab import Lab, expect
from tests.lab.browser.run import Run, near


def test_a_lesson_is_a_link_with_a_text_and_something_to_do(visit: Visit) -> None:
    lab = visit("lesson=notebook")
    lesson = lab.page.get_by_role("region", name="Lesson")
    expect(lesson).to_contain_text("The notebook's network, step 1 of")
    expect(lesson).to_contain_text("Press Next once.")
    network = lab.page.locator(".gn-network > .gn-stage > svg[role=group]")
    expect(network).to_have_attribute("aria-label", re.compile("Network with 4-3-1 neurons"))
    expect(lab.page.get_by_label("Learning rate")).to_be_hidden()  # not needed in this step
    tick = lesson.get_by_role("status")
    expect(tick).to_have_text("")
    lab.next.click()
    expect(tick).to_have_text("✓")
    assert round(lab.drawn()["neuron", 2, 0, 0], 4) == 0.6833  # what the text says
    lesson.get_by_role("button", name="Next step").click()
    expect(lesson).to_contain_text("step 2 of")
    expect(lesson.get_by_role("button", name=re.compile("Step 1.*done"))).to_be_visible()
    lab.ready()
    lesson.get_by_role("button", name="End the lesson").click()
    expect(lesson).to_have_count(0)


def test_a_teacher_s_task_stands_beside_the_page_as_text(visit: Visit) -> None:
    lab = visit("data=xor&hide=learning,set&task=%3Cb%3ELook%3C%2Fb%3E+around")
    expect(lab.button("Own table")).to_be_hidden()
    expect(lab.page.get_by_role("region", name="Lesson")).to_contain_text("<b>Look</b> around")
    expect(lab.page.get_by_label("Learning rate")).to_be_hidden()


def taken(lab: Lab, name: str, folder: Path) -> Path:
    with lab.page.expect_download() as coming:
        lab.dialog.get_by_role("button", name=f"Download: {name}", exact=True).click()
    path = folder / coming.value.suggested_filename
    coming.value.save_as(path)
    return path


# In a process of its own: Playwright's loop runs in this one.
RUN = """
import sys
import nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=120, resources={"metadata": {"path": sys.argv[2]}}).execute()
for cell in notebook.cells:
    for output in cell.get("outputs", []):
        print(output.get("text", ""), end="")
"""


def ran(*words: str, folder: Path) -> str:
    """What a Python of its own says."""
    done = subprocess.run(
        [sys.executable, "-c", *words], capture_output=True, text=True, cwd=folder, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def trained(visit: Visit) -> Lab:
    """After five epochs, the dialog open."""
    lab = visit("at=5")
    expect(lab.figure("epoch")).to_have_text("5")
    lab.button("Take it with you").click()
    expect(lab.dialog).to_contain_text("as it stands after epoch 5")
    return lab


def test_the_model_file_holds_what_is_shown(trained: Lab, tmp_path: Path) -> None:
    model = load_model(taken(trained, "Model", tmp_path))
    assert np.array_equal(model.theta, Run().train(5).state.theta)


@pytest.mark.slow
def test_the_notebook_runs_and_proves_its_numbers(trained: Lab, tmp_path: Path) -> None:
    with zipfile.ZipFile(taken(trained, "Notebook", tmp_path)) as files:  # with its rows
        files.extractall(tmp_path)
    (path,) = tmp_path.glob("*.ipynb")
    said = ran(RUN, path.name, ".", folder=tmp_path)
    assert "✓ dL_dW1" in said
    assert "✓ loss at epoch 5" in said
    assert "✗" not in said


def test_the_python_makes_the_same_run(trained: Lab, tmp_path: Path) -> None:
    shown = trained.dialog.get_by_role("textbox", name="Python that makes the same run")
    script = shown.inner_text()
    epoch, loss = ran(script, folder=tmp_path).split()
    assert epoch == "5"
    assert f"{float(loss):.4g}" == trained.figure("loss").inner_text()


@pytest.mark.slow
@pytest.mark.parametrize("what", ["Network, SVG", "Loss curve, PNG", "Data and answers, PNG"])
def test_pictures_are_pictures(trained: Lab, tmp_path: Path, what: str) -> None:
    content = taken(trained, what, tmp_path).read_bytes()
    assert content.startswith(b"\x89PNG") if what.endswith("PNG") else b"<svg" in content[:2000]
    assert len(content) > 5000


def test_the_link_to_the_page_brings_it_again(trained: Lab, visit: Visit) -> None:
    shown = trained.dialog.get_by_role("textbox", name="Link to this page").inner_text()
    assert shown.startswith(trained.address)
    again = visit(shown.split("?")[1])
    expect(again.figure("epoch")).to_have_text("5")
    again.until(lambda: near(again.drawn(), trained.drawn(), within=0), [])
