"""The drawings in a real browser: what clicks, keys and drags tell, and what is on the screen."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from glassnet.lab.frame import frame, structure
from glassnet.lab.session import Session
from glassnet.lab.setting import Setting

pytestmark = pytest.mark.slow
sync_api = pytest.importorskip("playwright.sync_api", reason="needs Playwright for Python")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
if CHROMIUM is None:
    pytest.skip("needs Chromium: the drawings stay untested", allow_module_level=True)

SERVED = Path(__file__).with_name("served.py")


@pytest.fixture(scope="module")
def address():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # NiceGUI behaves otherwise where it believes itself under test
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "NICEGUI"))}
    command = [sys.executable, str(SERVED), str(port)]
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as server:
        try:
            for _ in range(300):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                assert server.poll() is None, server.stderr.read()
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}/"
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def visit(address, browser):
    """Opens the page with a query; faults of its scripts and requests elsewhere fail the test."""
    faults = []
    context = browser.new_context(viewport={"width": 1280, "height": 900})

    def only_here(route):
        if not route.request.url.startswith((address, "data:", "blob:")):
            faults.append(f"asked for {route.request.url}")
        route.continue_()

    def visited(query="", **media):
        page = context.new_page()
        page.emulate_media(**({"reduced_motion": "reduce"} | media))
        page.on("pageerror", lambda fault: faults.append(str(fault)))
        page.route("**/*", only_here)
        page.goto(f"{address}?{query}")
        page.locator(
            "[aria-label^='hidden neuron 1, answers'], [aria-label^='neuron 1']"
        ).first.wait_for()
        return page

    yield visited
    context.close()
    assert not faults


def told(page, name, count=1):
    """What the page's drawing has told, once it is at least so much."""
    deadline = time.monotonic() + 5
    while True:
        said = json.loads(page.locator(f"#told-{name}").text_content() or "[]")
        if len(said) >= count or time.monotonic() > deadline:
            return said
        time.sleep(0.02)


def test_every_neuron_bias_and_weight_says_its_value(visit):
    session = Session(Setting(optimizer="sgd"))
    found = frame(session, 1)
    page = visit()
    labels = page.locator("[role=button]").evaluate_all(
        "all => all.map(one => one.getAttribute('aria-label'))"
    )
    a = f"{found['a'][1][2]:.3g}".replace("-", "−")
    assert f"hidden neuron 3, answers {a}" in labels
    w = f"{found['W'][0][1 * 8 + 4]:.3g}".replace("-", "−")
    assert f"weight from input x2 to hidden neuron 5, {w}" in labels
    assert sum(label.startswith("weight") for label in labels) == 2 * 8 + 8
    assert sum(label.startswith("bias") for label in labels) == 8 + 1


def test_sign_is_told_by_dashes_and_size_by_thickness(visit):
    found = frame(Session(Setting(optimizer="sgd")), 1)
    page = visit()
    lines = page.locator(".gn-weight[data-layer='1'] > .gn-link").evaluate_all(
        "all => all.map(l => [l.getAttribute('stroke-dasharray'), +l.getAttribute('stroke-width')])"
    )
    W = np.array(found["W"][0])
    assert [dashes is not None for dashes, _ in lines] == (W < 0).tolist()
    assert np.argsort([width for _, width in lines]).tolist() == np.argsort(np.abs(W)).tolist()


def test_clicks_pick_and_a_second_click_lets_go(visit):
    page = visit()
    page.locator("[data-kind=neuron][data-layer='1'][data-unit='3']").click()
    assert told(page, "pick")[-1] == {"kind": "neuron", "layer": 1, "unit": 3, "source": 0}
    page.locator("[aria-pressed=true][data-unit='3']").wait_for()
    page.locator("[data-kind=neuron][data-layer='1'][data-unit='3']").click()
    assert told(page, "pick", 2)[-1]["kind"] == "none"
    page.locator("[data-kind=bias][data-layer='2']").click()
    assert told(page, "pick", 3)[-1] == {"kind": "bias", "layer": 2, "unit": 0, "source": 0}


def test_of_many_links_the_nearest_is_hit(visit):
    page = visit("hidden=3")
    ends = page.locator("[data-kind=weight][data-layer='1'] > .gn-link").evaluate_all(
        """all => all.map(line => {
            const m = line.getScreenCTM();
            const at = (x, y) => [m.a * x + m.e, m.d * y + m.f];
            const v = n => +line.getAttribute(n);
            return [at(v('x1'), v('y1')), at(v('x2'), v('y2'))];
        })"""
    )
    ends = np.array(ends)
    start, end = ends[:, 0], ends[:, 1]
    # where the links of x1 and x2 to the first neuron come together: not the first in reach
    for k, source in ((0, 0), (3, 1)):
        spot = start[k] + 0.85 * (end[k] - start[k])
        page.mouse.click(*spot)
        picked = {"kind": "weight", "layer": 1, "unit": 0, "source": source}
        assert told(page, "pick", source + 1)[-1] == picked


def test_keys_walk_over_the_network(visit):
    page = visit()
    assert page.locator(".gn-network [tabindex='0']").count() == 1  # one stop of the Tab key
    page.locator("[data-kind=input][data-unit='0']").focus()
    for key, label in [
        ("ArrowDown", "input x2"),
        ("ArrowRight", "hidden neuron"),
        ("b", "bias of hidden neuron"),
        ("ArrowRight", "hidden neuron"),
        ("w", "weight from input x1 to hidden neuron"),
        ("ArrowDown", "weight from input x2 to hidden neuron"),
        ("ArrowRight", "hidden neuron"),
        ("ArrowRight", "output"),
        ("ArrowRight", "mean loss"),
    ]:
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith(label)
    page.keyboard.press("Enter")
    assert told(page, "pick")[-1]["kind"] == "loss"
    page.locator("[aria-pressed=true]").wait_for()
    page.keyboard.press("Escape")
    assert told(page, "pick", 2)[-1]["kind"] == "none"


def test_the_tooltip_has_every_digit(visit):
    found = frame(Session(Setting(optimizer="sgd")), 1)
    page = visit()
    page.locator("[data-kind=neuron][data-layer='2']").hover()
    tip = page.locator(".gn-network .gn-tip")
    assert repr(found["a"][2][0]).replace("-", "−") in tip.inner_text()
    assert repr(found["b"][1][0]).replace("-", "−").removesuffix(".0") in tip.inner_text()


@pytest.mark.parametrize(
    ("phase", "lit"),
    [("forward", [0, 1, 2]), ("backward", [1, 2]), ("update", [1, 2]), ("loss", [])],
)
def test_the_part_at_work_is_lit(visit, phase, lit):
    page = visit(f"phase={phase}")
    bands = page.locator(".gn-band").evaluate_all("all => all.map(b => b.hasAttribute('data-lit'))")
    assert [k for k, on in enumerate(bands) if on] == lit
    assert page.locator(".gn-loss-box").get_attribute("data-lit") == (
        "yes" if phase == "loss" else None
    )
    assert phase in page.locator(".gn-phase").inner_text().lower()


def screen(page, i, shape):
    """Where a point stands on the screen."""
    frame_ = page.locator(".gn-frame").bounding_box()
    (x0, x1), (y0, y1) = shape["range"]
    x, y = shape["points"]["x"][i], shape["points"]["y"][i]
    across = frame_["x"] + frame_["width"] * (x - x0) / (x1 - x0)
    return across, frame_["y"] + frame_["height"] * (y1 - y) / (y1 - y0)


def lonely(shape, held):
    """The point that is farthest from every other one."""
    p = shape["points"]
    spots = np.column_stack([p["x"], p["y"]])
    apart = np.linalg.norm(spots[:, None] - spots[None], axis=2) + 9 * np.eye(len(spots))
    apart[np.array(p["held"]) != held] = 0
    return int(apart.min(axis=1).argmax())


@pytest.mark.parametrize("held", [0, 1])
def test_a_click_on_a_point_tells_which(visit, held):
    shape = structure(Session(Setting(optimizer="sgd")))
    page = visit()
    i = lonely(shape, held)
    page.mouse.click(*screen(page, i, shape))
    assert told(page, "sample") == [{"row": shape["points"]["row"][i], "held": held}]


def test_points_are_added_moved_and_deleted(visit):
    shape = structure(Session(Setting(optimizer="sgd")))
    page = visit()
    (x0, x1), (y0, y1) = shape["range"]
    page.get_by_role("radio", name="Add").check(force=True)
    page.get_by_role("combobox").select_option("1")
    place = page.locator(".gn-frame").bounding_box()
    page.mouse.click(place["x"] + place["width"] / 4, place["y"] + place["height"] / 4)
    (added,) = told(page, "point")
    cell = (x1 - x0) / place["width"]
    assert added["op"] == "add"
    assert added["c"] == 1
    assert added["x"] == pytest.approx(x0 + (x1 - x0) / 4, abs=cell)
    assert added["y"] == pytest.approx(y1 - (y1 - y0) / 4, abs=cell)
    page.get_by_role("radio", name="Move").check(force=True)
    i = lonely(shape, 0)
    x, y = screen(page, i, shape)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 20, y + 10, steps=3)
    page.mouse.up()
    moved = told(page, "point", 2)[-1]
    assert moved["op"] == "move"
    assert moved["row"] == shape["points"]["row"][i]
    assert moved["x"] == pytest.approx(shape["points"]["x"][i] + 20 * cell, abs=2 * cell)
    page.get_by_role("radio", name="Delete").check(force=True)
    other = int(
        np.argmax(
            np.abs(np.array(shape["points"]["x"]) - moved["x"])
            * (1 - np.array(shape["points"]["held"]))
        )
    )
    page.mouse.click(*screen(page, other, shape))
    assert told(page, "point", 3)[-1]["op"] == "delete"


def test_points_by_keyboard(visit):
    page = visit()
    page.locator(".gn-point").focus()
    for key in ("Home", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    assert told(page, "sample") == [{"row": 1, "held": 0}]
    page.keyboard.press("Delete")
    assert told(page, "point") == [{"op": "delete", "row": 1}]
    page.get_by_role("radio", name="Add").check(force=True)
    page.locator(".gn-point").focus()
    for key in ("ArrowUp", "Enter"):
        page.keyboard.press(key)
    assert told(page, "point", 2)[-1]["op"] == "add"


@pytest.mark.parametrize("data", ["iris", "digits"])
def test_over_many_inputs_nothing_is_added(visit, data):
    page = visit(f"data={data}")
    assert page.get_by_role("radio", name="Add").is_disabled()
    assert page.get_by_role("radio", name="Move").is_disabled()
    more = page.locator("[data-kind=layer]:has(.gn-more)")
    shape = structure(Session(Setting(data=data, optimizer="sgd")))
    assert [text.strip() for text in more.all_text_contents()] == [
        f"… {count} more" for count in shape["elided"] if count
    ]


def test_one_input_is_a_line(visit):
    page = visit("data=sine")
    assert page.locator(".gn-data path.gn-answer-line").get_attribute("d").count("L") == 39


def test_the_curve_is_the_slider_of_time(visit):
    page = visit("epoch=40")
    slider = page.get_by_role("slider", name="shown epoch")
    assert slider.input_value() == "40"
    assert slider.get_attribute("aria-valuetext").startswith("epoch 40, loss 0.")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    assert told(page, "epoch") == [{"epoch": 39}]
    base = page.locator(".gn-curve-view .gn-base").bounding_box()
    page.mouse.move(base["x"] + base["width"] * 0.75, base["y"] - 20)
    page.mouse.down()
    page.mouse.move(base["x"] + base["width"] * 0.5, base["y"] - 20, steps=8)
    page.mouse.up()
    deadline = time.monotonic() + 5
    while told(page, "epoch")[-1] != {"epoch": 20} and time.monotonic() < deadline:
        time.sleep(0.02)
    assert told(page, "epoch")[-1] == {"epoch": 20}
    page.locator("input[aria-valuetext^='epoch 20, loss']").wait_for()


def test_the_curve_says_what_was_recorded_of_the_epoch_that_is_pointed_at(visit):
    session = Session(Setting(optimizer="sgd"))
    for _ in range(40):
        session.step_epochs()
    page = visit("epoch=40")
    legend = page.locator(".gn-curve-view .gn-legend")
    assert not re.search(r"\d", legend.inner_text())  # at rest the numbers stand elsewhere
    base = page.locator(".gn-curve-view .gn-base").bounding_box()
    page.mouse.move(base["x"] + base["width"] * 0.5, base["y"] - 20)
    during, after = (session.timeline.curve(name)[19] for name in ("loss", "validation"))
    told_ = legend.inner_text()
    assert "training loss during epoch 20" in told_
    assert f"{during:.4g}" in told_
    assert f"{after:.4g}" in told_
    tip = page.locator(".gn-curve-view .gn-tip").inner_text()
    assert f"training loss during it {float(during)!r}" in tip
    page.mouse.move(2, 2)
    assert not re.search(r"\d", legend.inner_text())
    now = f"{frame(session, 1)['loss']:#.3g}"  # of the state at the end of the epoch
    said = page.get_by_role("slider", name="shown epoch").get_attribute("aria-valuetext")
    last = session.timeline.curve("loss")[39]
    assert said.startswith(f"epoch 40, loss {now} at its end, {last:#.3g} during the epoch")


WRITTEN = ".gn-title, .gn-activation, .gn-formula, .gn-value, .gn-name"


@pytest.mark.parametrize("width", [768, 1280])
@pytest.mark.parametrize(
    "hidden", ["8", "8,8,8", "8,8,8,8,8", "8,8,8,8,8,8,8,8", "128,64,32", "128" + 7 * ",128"]
)
def test_nothing_written_in_the_network_lies_over_another(visit, width, hidden):
    page = visit(f"hidden={hidden}")
    page.set_viewport_size({"width": width, "height": 800})
    page.wait_for_timeout(300)
    over = page.locator(".gn-network .gn-stage").evaluate(
        """(stage, css) => {
            const all = [...stage.querySelectorAll(css)].map(e => [e.textContent, e])
                .filter(([text, e]) => text && e.getBoundingClientRect().width)
                .map(([text, e]) => [text, e.getBoundingClientRect()]);
            const out = [];
            all.forEach(([text, a], k) => all.slice(k + 1).forEach(([other, b]) => {
                const x = Math.min(a.right, b.right) - Math.max(a.left, b.left);
                const y = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
                if (x > 3 && y > 5) out.push([text, other, x, y]);
            }));
            return out;
        }""",
        WRITTEN,
    )
    assert over == []


def test_many_layers_stay_apart_and_are_scrolled_to(visit):
    page = visit("hidden=8,8,8,8,8,8,8,8")
    page.set_viewport_size({"width": 768, "height": 800})
    stage = page.locator(".gn-network .gn-stage")
    page.locator(".gn-stage.gn-scrolls").wait_for()
    boxes = [page.locator(f"[data-kind=neuron][data-layer='{layer}'][data-unit='0'] > .gn-box")
             .bounding_box() for layer in (1, 2)]  # fmt: skip
    assert boxes[1]["x"] - boxes[0]["x"] > 40
    assert boxes[1]["x"] - boxes[0]["x"] - boxes[0]["width"] > 20
    thickest = page.locator(".gn-weight > .gn-link").evaluate_all(
        "all => Math.max(...all.map(l => +l.getAttribute('stroke-width')))"
    )
    assert thickest < 4
    loss = page.locator("[data-kind=loss]")
    loss.click()  # comes into sight, and is what is hit
    assert told(page, "pick")[-1]["kind"] == "loss"
    assert stage.evaluate("stage => stage.scrollLeft") > 0
    page.set_viewport_size({"width": 1600, "height": 800})
    page.locator(".gn-stage:not(.gn-scrolls)").first.wait_for()


def test_what_narrow_columns_do_not_write_is_in_their_labels(visit):
    page = visit("hidden=8,8,8,8,8,8,8,8")
    formula = page.locator(".gn-formula").first
    assert formula.text_content() == ""
    foot = page.locator("[data-kind=layer][data-layer='3']")
    assert foot.get_attribute("aria-label") == "hidden layer 3: tanh, a = tanh z."


def test_an_open_tooltip_tells_the_newest_number(visit):
    page = visit()
    page.locator("[data-kind=bias][data-layer='1'][data-unit='2'] .gn-bias-box").hover()
    tip = page.locator(".gn-network .gn-tip")
    tip.get_by_text("b = 0", exact=True).wait_for()
    page.evaluate(
        """() => {
            const view = getElement(document.querySelector('.gn-network').id.slice(1));
            const {s, f} = JSON.parse(JSON.stringify({s: view.drawing.s, f: view.drawing.f}));
            f.b[0][2] = 0.125;
            view.structure(s); // what is typed over may come with another structure
            view.frame({...f, id: 1000});
        }"""
    )
    tip.get_by_text("b = 0.125", exact=True).wait_for()


@pytest.mark.parametrize(
    ("lo", "hi"),
    [
        (1e304, 1.3e304),
        (-1.7e308, 1.7e308),
        (1e-312, 5e-310),
        (123456.1, 123456.4),
        (0, 1e-7),
        (0, 1.6e6),
        (-2, 2),
    ],
)
def test_numbers_at_the_axes_say_where_they_stand(visit, lo, hi):
    values, texts = visit().evaluate(
        """async ([lo, hi]) => {
            const ink = await import("glassnet-ink");
            const values = ink.ticks(lo, hi, 4);
            return [values, ink.tickWords(values)];
        }""",
        [lo, hi],
    )
    said = [float(text.replace("−", "-").replace(",", "")) for text in texts]
    assert len(set(texts)) == len(texts) >= 2
    assert all(lo <= value <= hi for value in values)
    assert said == pytest.approx(values, abs=(values[1] - values[0]) / 100, rel=0)


def test_before_the_first_epoch_the_curve_says_what_it_will_be(visit):
    page = visit()
    assert "No epoch trained yet" in page.locator(".gn-empty").inner_text()
    assert not visit("epoch=2").locator(".gn-empty").is_visible()


def test_every_frame_is_acknowledged_once_and_drawn_fast(visit):
    page = visit("many=30")
    told(page, "drawn")
    for _ in range(3):
        before = len(told(page, "drawn"))
        page.get_by_role("button", name="burst").click()
        told(page, "drawn", before + 30)
    ids = [one["id"] for one in told(page, "drawn", 91)]
    assert sorted(ids) == list(range(1, 92))
    page.get_by_role("button", name="measure").click()
    timing = {}
    for _ in range(100):
        timing = json.loads(page.locator("#told-timing").text_content() or "{}")
        if timing:
            break
        time.sleep(0.05)
    assert timing["dropped"] > 0  # a burst is not drawn frame by frame
    assert timing["median"] < 8


def test_names_from_tables_are_text(visit):
    page = visit()
    page.evaluate(
        """() => {
            const id = document.querySelector('.gn-network').id.slice(1);
            const view = getElement(id);
            const s = structuredClone(JSON.parse(JSON.stringify(view.drawing.s)));
            s.names[0] = ['<img src=x onerror=window.harmed=1>', '<b>x</b>'];
            s.layers[1] = '<script>window.harmed=1</script>';
            view.structure(s);
        }"""
    )
    page.wait_for_timeout(200)
    assert page.evaluate("window.harmed") is None
    assert page.locator(".gn-network img, .gn-network b, .gn-network script").count() == 0


def brightness(page):
    """Of the decision map, 0 to 255, on average."""
    return page.evaluate(
        """() => {
            const canvas = document.querySelector('.gn-data canvas');
            const pen = canvas.getContext('2d');
            const all = pen.getImageData(0, 0, canvas.width, canvas.height).data;
            let [sum, n] = [0, 0];
            for (let i = 0; i < all.length; i += 4) {
                if (all[i + 3] === 255) [sum, n] = [sum + all[i] + all[i + 1] + all[i + 2], n + 3];
            }
            return sum / n;
        }"""
    )


def test_light_and_dark_repaint_the_maps(visit):
    page = visit(color_scheme="light")
    assert brightness(page) > 180
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(300)
    assert brightness(page) < 90
