from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from glassnet import datasets, plots
from glassnet.core.activations import Sigmoid, Softmax
from glassnet.core.backprop import forward
from glassnet.core.errors import BadFile, BadInput
from glassnet.core.network import Network
from glassnet.training.history import History

MOONS = datasets.moons(60, seed=1)
ARMS = datasets.spiral(60, arms=3, seed=1)
NET = Network.mlp(2, 3, 1, output=Sigmoid())
THETA = NET.init(0)


def history(validation: bool = False) -> History:
    return History(
        epoch=[1, 2, 3, 4],
        loss=[0.9, 0.5, 0.3, 0.2],
        objective=[0.9, 0.5, 0.3, 0.2],
        val_loss=[1.0, 0.6, 0.5, 0.4] if validation else [],
    )


KINDS: dict[str, Any] = {
    "loss_curve": lambda ax=None: plots.loss_curve(history(True), ax),
    "scatter": lambda ax=None: plots.scatter(MOONS.X, MOONS.y, ax),
    "decision_boundary": lambda ax=None: plots.decision_boundary(
        (NET, THETA), MOONS.X, MOONS.y, ax, steps=30
    ),
    "confusion": lambda ax=None: plots.confusion([0, 1, 1], [0, 1, 0], ax=ax),
    "predicted_vs_true": lambda ax=None: plots.predicted_vs_true([1, 2, 3], [1, 2, 4], ax),
    "network": lambda ax=None: plots.network((NET, THETA), ax, inputs=("across", "up")),
}


def points(ax: Axes) -> list[np.ndarray]:
    found = [part for part in ax.collections if isinstance(part, PathCollection)]
    return [np.asarray(part.get_offsets()) for part in found]


def lightness(colour: Any) -> float:
    """What is left of a colour in grey, 0 to 1."""
    return float(np.dot([0.299, 0.587, 0.114], to_rgb(colour)))


# ---------------------------------------------------------------- all of them


@pytest.mark.parametrize("draw", KINDS.values(), ids=KINDS)
def test_axes_are_taken_and_given_back(draw: Any) -> None:
    ax = Figure().add_subplot()
    assert draw(ax) is ax
    assert len(ax.get_children()) > 10


@pytest.mark.parametrize("draw", KINDS.values(), ids=KINDS)
def test_without_axes_there_is_a_figure_of_its_own(draw: Any, tmp_path: Path) -> None:
    first, second = draw(), draw()
    assert first.figure is not second.figure
    plots.save(first, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


@pytest.mark.parametrize("name", [name for name in KINDS if name != "network"])
def test_axes_are_labelled(name: str) -> None:
    ax = KINDS[name]()
    assert ax.get_xlabel()
    assert ax.get_ylabel()
    assert not ax.spines["top"].get_visible()


def test_no_display_no_pyplot_and_nothing_before_it_is_drawn() -> None:
    code = """if True:
        import io, sys
        import glassnet.plots as plots
        before = "matplotlib" in sys.modules
        plots.scatter([[0, 1], [1, 0]], [0, 1]).figure.savefig(io.BytesIO())
        print(before, "matplotlib.figure" in sys.modules, "matplotlib.pyplot" in sys.modules)
    """
    run = [sys.executable, "-c", code]
    shown = subprocess.run(run, capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["False", "True", "False"]


def test_a_loss_below_0_is_seen() -> None:
    assert plots.loss_curve([3.0, 2.0, 1.0]).get_ylim()[0] == 0
    for curve in (
        plots.loss_curve([1.0, -2.0, -3.0]),  # as a log-likelihood of one's own has it
        plots.loss_curve([3.0, 2.0, 1.0], validation=[1.0, 0.0, -3.0]),
    ):
        low, high = curve.get_ylim()
        assert low < -3.0 < 1.0 < high


def test_threads_draw_the_same_pictures(tmp_path: Path) -> None:
    def one(k: int) -> bytes:
        path = tmp_path / f"{k}.png"
        plots.save(plots.decision_boundary((NET, THETA), MOONS.X, MOONS.y, steps=50), path)
        return path.read_bytes()

    with ThreadPoolExecutor(4) as pool:
        pictures = set(pool.map(one, range(4)))
    assert pictures == {one(9)}


def test_colours_and_marks_differ_in_grey() -> None:
    blue, orange = (lightness(colour) for colour in plots.COLOURS[:2])
    assert orange - blue > 0.25
    assert len(set(plots.MARKERS)) == len(plots.MARKERS) >= len(plots.COLOURS)
    shades = [lightness(shade) for shade in plots.SHADES]
    assert shades[0] < shades[1] < shades[2] - 0.05
    assert shades[-1] - shades[0] > 0.15


# ---------------------------------------------------------------- loss


def test_loss_curve_of_a_history() -> None:
    ax = plots.loss_curve(history(validation=True))
    training, validation = ax.lines
    assert np.array_equal(training.get_xydata(), [[1, 0.9], [2, 0.5], [3, 0.3], [4, 0.2]])  # type: ignore[arg-type]
    assert np.array_equal(np.asarray(validation.get_ydata()), [1.0, 0.6, 0.5, 0.4])
    assert training.get_linestyle() != validation.get_linestyle()
    assert abs(lightness(training.get_color()) - lightness(validation.get_color())) > 0.25
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["training", "validation"]
    assert ax.get_ylim()[0] == 0


def test_loss_curve_of_numbers() -> None:
    ax = plots.loss_curve([3.0, 2.0, 1.0], log=True)
    assert ax.get_yscale() == "log"
    assert np.asarray(ax.lines[0].get_xdata()).tolist() == [1, 2, 3]
    assert ax.get_legend() is None
    ax = plots.loss_curve([3.0, 2.0], validation=[4.0, 3.0])
    assert np.asarray(ax.lines[1].get_ydata()).tolist() == [4, 3]


@pytest.mark.parametrize("losses", [[], [[1.0, 2.0]]])
def test_losses_that_are_none(losses: Any) -> None:
    with pytest.raises(BadInput, match="one number an epoch"):
        plots.loss_curve(losses)
    with pytest.raises(BadInput, match="one number an epoch"):
        plots.loss_curve([1.0, 2.0], validation=[1.0])


# ---------------------------------------------------------------- samples


@pytest.mark.parametrize("form", ["column", "flat", "names"])
def test_scatter_of_two_classes(form: str) -> None:
    y: Any = {
        "column": MOONS.y,
        "flat": MOONS.classes,
        "names": np.array(MOONS.labels)[MOONS.classes],
    }[form]
    ax = plots.scatter(MOONS.X, y, labels=MOONS.labels)
    for k, shown in enumerate(points(ax)):
        assert np.array_equal(shown, MOONS.X[MOONS.classes == k])
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == list(MOONS.labels)
    paths = [part.get_paths()[0].vertices.shape for part in ax.collections]  # type: ignore[union-attr]
    assert paths[0] != paths[1]


def test_scatter_of_many_classes_and_of_none() -> None:
    shown = points(plots.scatter(ARMS.X, ARMS.y))
    assert [len(part) for part in shown] == [20, 20, 20]
    assert np.array_equal(shown[2], ARMS.X[ARMS.classes == 2])
    ax = plots.scatter(ARMS.X, inputs=("east", "north"))
    assert np.array_equal(points(ax)[0], ARMS.X)
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_legend()) == ("east", "north", None)


@pytest.mark.parametrize(
    ("X", "y", "labels", "message"),
    [
        (np.zeros((3, 4)), np.zeros(3), (), "Choose two inputs"),
        (np.zeros((0, 2)), np.zeros(0), (), r"\(n, 2\) is expected"),
        (np.zeros((3, 2)), np.zeros(2), (), "2 targets for 3 samples"),
        (np.zeros((3, 2)), [0, 1, 2], ("a", "b"), "the 2 labels"),
        (np.zeros((3, 2)), [0, 1, 0.5], ("a", "b"), "the 2 labels"),
        (np.zeros((3, 2)), ["a", "b", "c"], ("a", "b"), "a class 'c'"),
    ],
)
def test_samples_that_cannot_be_drawn(X: Any, y: Any, labels: Any, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        plots.scatter(X, y, labels=labels)


# ---------------------------------------------------------------- boundary


def steep(X: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-20 * (X[:, :1] - 0.3)))


def test_boundary_lies_where_the_probability_is_half() -> None:
    ax = plots.decision_boundary(steep, MOONS.X, MOONS.y, labels=MOONS.labels)
    (line,) = [part for part in ax.collections if hasattr(part, "levels")]
    vertices = np.concatenate([path.vertices for path in line.get_paths()])
    assert np.abs(vertices[:, 0] - 0.3).max() < 0.01
    shade = ax.collections[0].get_array()
    assert shade is not None
    grid = np.asarray(shade).reshape(300, 300)
    assert grid[:, 0].max() < 0.01
    assert grid[:, -1].min() > 0.99
    assert ax.collections[0].get_clim() == (0, 1)
    bar = ax.figure.axes[1]
    assert bar.get_ylabel() == "probability of lower moon"
    assert len(points(ax)) == 2


def test_boundary_of_a_network_is_that_of_its_function() -> None:
    def function(X: np.ndarray) -> np.ndarray:
        return forward(NET, THETA, X)[-1].a

    shades = [
        np.asarray(
            plots.decision_boundary(p, MOONS.X, MOONS.y, steps=20).collections[0].get_array()
        )
        for p in ((NET, THETA), function, (NET, THETA.astype(np.float32)))
    ]
    assert np.array_equal(shades[0], shades[1])
    assert np.allclose(shades[0], shades[2], atol=1e-6)
    assert [shade.dtype for shade in shades] == [np.float64, np.float64, np.float32]


def test_boundary_of_three_classes() -> None:
    def corners(X: np.ndarray) -> np.ndarray:
        angle = np.arctan2(X[:, 1], X[:, 0])
        z = 9 * np.cos(angle[:, None] - np.array([0.0, 2.1, -2.1]))
        return Softmax().f(z)

    ax = plots.decision_boundary(corners, ARMS.X, ARMS.y, labels=ARMS.labels, steps=80)
    (image,) = [part for part in ax.images if isinstance(part, AxesImage)]
    pixels = np.asarray(image.get_array())
    assert pixels.shape == (80, 80, 3)
    assert len(np.unique(pixels[[40, 78, 2], [78, 15, 15]].round(2), axis=0)) == 3
    assert pixels.min() > 0.4  # light enough for the samples on it
    assert len(points(ax)) == 3


def test_a_sure_network_has_no_boundary() -> None:
    ax = plots.decision_boundary(lambda X: np.full((len(X), 1), 0.9), MOONS.X, MOONS.y, steps=20)
    assert not [part for part in ax.collections if hasattr(part, "levels")]


def test_predictions_of_the_wrong_shape() -> None:
    with pytest.raises(BadInput, match=r"predictions of shape \(100,\)"):
        plots.decision_boundary(lambda X: np.zeros(len(X)), MOONS.X, MOONS.y, steps=10)


# ---------------------------------------------------------------- confusion


def test_confusion_counts_beside_an_outsider() -> None:
    from sklearn.metrics import confusion_matrix

    rng = np.random.default_rng(0)
    true, predicted = rng.integers(0, 4, (2, 200))
    counts, names = plots.confusion_counts(true, predicted)
    assert np.array_equal(counts, confusion_matrix(true, predicted))
    assert names == ("0", "1", "2", "3")
    one_hot, _ = plots.confusion_counts(np.eye(4)[true], np.eye(4)[predicted])
    assert np.array_equal(one_hot, counts)


def test_a_class_that_nobody_saw_keeps_its_place() -> None:
    counts, names = plots.confusion_counts([0, 0], [0, 2], ("ant", "bee", "cow"))
    assert names == ("ant", "bee", "cow")
    assert counts.tolist() == [[1, 0, 1], [0, 0, 0], [0, 0, 0]]


def test_confusion_shows_counts_and_names() -> None:
    true, predicted = ["cow", "ant", "ant", "bee"], ["cow", "ant", "bee", "bee"]
    ax = plots.confusion(true, predicted)
    assert [text.get_text() for text in ax.texts] == [*"110", *"010", *"001"]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["ant", "bee", "cow"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["ant", "bee", "cow"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted class", "true class")
    shares = np.asarray(ax.images[0].get_array())
    assert shares.tolist() == [[0.5, 0.5, 0], [0, 1, 0], [0, 0, 1]]
    dark = ax.texts[4]
    assert lightness(dark.get_color()) > 0.9  # white on the dark cell


def test_confusion_of_unequal_numbers() -> None:
    with pytest.raises(BadInput, match="2 true and 1 predicted"):
        plots.confusion([0, 1], [0])


# ---------------------------------------------------------------- predicted against true


def test_predicted_vs_true() -> None:
    ax = plots.predicted_vs_true([1.0, 2.0, 3.0], [1.5, 2.0, 2.0], name="price in €")
    assert points(ax)[0].tolist() == [[1, 1.5], [2, 2], [3, 2]]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("true price in €", "predicted price in €")
    assert ax.get_xlim() == ax.get_ylim()
    line = np.asarray(ax.lines[0].get_xydata())
    assert np.array_equal(line[:, 0], line[:, 1])


def test_predicted_vs_true_of_two_outputs() -> None:
    true, predicted = np.arange(6.0).reshape(3, 2), np.arange(6.0).reshape(3, 2)[::-1]
    ax = plots.predicted_vs_true(true, predicted)
    assert [part.tolist() for part in points(ax)] == [
        [[0, 4], [2, 2], [4, 0]],
        [[1, 5], [3, 3], [5, 1]],
    ]
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()][1:] == ["output 1", "output 2"]


def test_predicted_vs_true_of_unequal_shapes() -> None:
    with pytest.raises(BadInput, match="same shape"):
        plots.predicted_vs_true(np.zeros(3), np.zeros((3, 1)))


# ---------------------------------------------------------------- files


def test_a_picture_is_large_enough_for_a_slide(tmp_path: Path) -> None:
    from PIL import Image

    plots.save(plots.scatter(MOONS.X, MOONS.y), tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size == (1280, 960)


@pytest.mark.parametrize(("name", "begin"), [("a.svg", b"<?xml"), ("a.pdf", b"%PDF")])
def test_other_formats(tmp_path: Path, name: str, begin: bytes) -> None:
    plots.save(plots.loss_curve([2.0, 1.0]), tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(begin)


def test_what_cannot_be_written_leaves_files_alone(tmp_path: Path) -> None:
    ax = plots.loss_curve([2.0, 1.0])
    there = tmp_path / "there.xyz"
    there.write_text("mine")
    with pytest.raises(BadInput, match=re.escape("Try .png")):
        plots.save(ax, there)
    assert there.read_text() == "mine"
    with pytest.raises(BadFile, match="does not exist"):
        plots.save(ax, tmp_path / "nowhere" / "a.png")
    assert list(tmp_path.iterdir()) == [there]


# ---------------------------------------------------------------- networks


def test_a_network_shows_its_weights_by_number_colour_line_and_width() -> None:
    net = Network.mlp(2, 1, 1, output=Sigmoid())
    theta = np.array([0.5, -2.0, 0.25, 1.0, -0.125])
    ax = plots.network((net, theta))
    assert {"0.5", "-2", "1", "b = 0.25", "b = -0.125"} <= {t.get_text() for t in ax.texts}
    links = [line for line in ax.lines if len(line.get_xdata()) == 2]
    assert [line.get_linestyle() for line in links] == ["-", "--", "-"]
    widths = [line.get_linewidth() for line in links]
    assert widths[1] > widths[2] > widths[0]


def test_of_a_wide_network_the_rest_is_counted() -> None:
    net = Network.mlp(12, 30, 3, output=Softmax())
    ax = plots.network((net, net.init(0)), most=5)
    said = [text.get_text() for text in ax.texts]
    assert [text for text in said if "more" in text] == [
        "and 7 more\ninputs",
        "and 25 more\ntanh",
    ]
