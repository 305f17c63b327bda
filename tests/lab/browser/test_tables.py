"""An own table through the dialog: what is shown, what is learnt, what is refused."""

from __future__ import annotations

import gzip
import re
import zlib

import numpy as np
import pytest

from glassnet.lab.data import Data
from glassnet.lab.setting import Setting
from glassnet.lab.tables import choose, read_upload
from tests.lab.browser.conftest import Visit
from tests.lab.browser.lab import Lab, expect
from tests.lab.browser.run import Run, near

rng = np.random.default_rng(3)
SIZE = rng.uniform(20, 120, 48).round(1)
TOWN = rng.choice(["Jena", "Ulm", "Kiel"], 48)
PRICE = (SIZE * 3 + (TOWN == "Kiel") * 50 + rng.normal(0, 5, 48)).round(1)
KIND = np.where(PRICE < 150, "low", np.where(PRICE < 280, "middle", "high"))


def table(**columns: np.ndarray) -> bytes:
    """CSV."""
    rows = [
        ",".join(columns),
        *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True)),
    ]
    return "\n".join(rows).encode()


def send(lab: Lab, content: bytes, name: str = "own.csv") -> None:
    if not lab.dialog.count():
        lab.button("Own table").click()
    file = lab.dialog.locator(".own-drop input[type=file]")
    file.set_input_files({"name": name, "mimeType": "text/csv", "buffer": content})


def use(lab: Lab) -> None:
    button = lab.dialog.get_by_role("button", name="Use this table")
    expect(button).to_be_enabled()
    button.click()
    expect(lab.dialog).to_have_count(0)


def own(data: Data) -> Run:
    """The run that the library makes of it."""
    setting = Setting().with_data("table")
    return Run(Setting(**{**vars(setting), "held": 0.0}), data)


def test_categories_and_numbers_are_learnt_as_three_classes(lab: Lab) -> None:
    content = table(size=SIZE, town=TOWN, kind=KIND)
    send(lab, content)
    expect(lab.dialog).to_contain_text("own.csv: 48 rows, 3 columns")
    expect(lab.dialog).to_contain_text("3 classes: high, low, middle")
    use(lab)
    data = choose(read_upload(content, "own.csv"), "kind")
    run = own(data)
    assert data.inputs[0] == "size"
    assert len(data.inputs) == 4
    lab.until(lambda: near(lab.drawn(), run.drawn(), within=1e-15), [])
    network = lab.page.locator(".gn-network")
    for name in (*data.labels, "size"):
        expect(network.get_by_text(name, exact=True).first).to_be_visible()
    lab.press("Shift+ArrowRight")
    expect(lab.figure("epoch")).to_have_text("1")
    trained = own(data).train(1)
    lab.until(lambda: near(lab.drawn(), trained.drawn(), within=1e-15), [])


def test_a_column_of_numbers_is_learnt_as_a_number(lab: Lab) -> None:
    content = table(price=PRICE, size=SIZE, town=TOWN)
    send(lab, content)
    lab.dialog.get_by_role("combobox", name="Column to learn").focus()
    lab.press("Enter")
    lab.page.get_by_role("option", name="price", exact=True).click()
    expect(lab.dialog).to_contain_text("The answer: numbers.")
    use(lab)
    run = own(choose(read_upload(content, "own.csv"), "price"))
    lab.until(lambda: near(lab.drawn(), run.drawn(), within=1e-15), [])
    expect(lab.page.locator(".gn-activation")).to_have_text(["tanh", "identity"])
    lab.press("ArrowRight", "ArrowRight")
    expect(lab.next).to_have_text("Next: backward")


def test_missing_values_are_named_and_a_column_is_left_out(lab: Lab) -> None:
    content = b"a,b,wanted\n" + b"".join(
        b"%d,%b,%b\n" % (k, b"" if k == 4 else b"%d" % (k * k), b"yes" if k % 3 else b"no")
        for k in range(30)
    )
    send(lab, content)
    expect(lab.dialog).to_contain_text("30 rows, 3 columns")
    expect(lab.dialog.get_by_text(re.compile(r"row 5")).first).to_be_visible()
    box = lab.dialog.get_by_role("checkbox", name="b", exact=True)
    expect(box).to_be_checked()
    box.click()
    expect(lab.dialog).to_contain_text("1 inputs. The answer: 2 classes: no, yes")
    use(lab)
    run = own(choose(read_upload(content, "own.csv"), "wanted", ignore=("b",)))
    lab.until(lambda: near(lab.drawn(), run.drawn(), within=1e-15), [])


MARK = "<img src=x onerror=window.hit=1><script>window.hit=1</script>{{7*7}}"


def test_text_of_a_table_is_text(lab: Lab) -> None:
    names = [MARK, f"{MARK}2", "y"]
    rows = [f'"{MARK}",{k},{"<b>one</b>" if k % 2 else MARK}' for k in range(20)]
    quoted = ",".join(f'"{name}"' for name in names)
    send(lab, "\n".join([quoted, *rows]).encode(), f"{MARK}.csv")
    button = lab.dialog.get_by_role("button", name="Use this table")
    expect(button).to_be_visible()
    expect(lab.dialog.locator(".own-rows").get_by_text("<img src=x").first).to_be_visible()
    use(lab)
    lab.button("All numbers as a table").click()
    expect(lab.dialog).to_be_visible()
    assert lab.page.evaluate("window.hit") is None
    assert not lab.page.locator("img[src=x]").count()
    assert lab.page.get_by_text("49").count() == 0


HOSTILE = {
    "empty.csv": b"",
    "picture.csv": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40,
    "not.parquet": b"PAR1" + b"\0" * 500 + b"PAR1",
    "bomb.csv.gz": gzip.compress(b"a,b\n" + b"1,2\n" * 6_000_000, 9),
    "cut.json": b'[{"a": 1, "b": [',
    "wide.csv": ",".join(f"c{k}" for k in range(5000)).encode() + b"\n" + b"1," * 4999 + b"1\n",
    "page.xlsx": zlib.compress(b"PK" * 1000),
    "../../../etc/passwd": b"root:x:0:0\n",
}


@pytest.mark.slow
def test_what_is_no_table_is_refused_in_one_line_and_the_page_goes_on(lab: Lab) -> None:
    for name, content in HOSTILE.items():
        send(lab, content, name)
        message = lab.dialog.locator(".own-message").first
        expect(message).not_to_have_text(re.compile(r"^(Reading …)?$"), timeout=30_000)
        said = message.inner_text()
        assert "\n" not in said
        assert "Traceback" not in said
        assert "/tmp" not in said
        expect(lab.dialog.get_by_role("button", name="Use this table")).to_have_count(0)
        lab.dialog.get_by_role("button", name="Close").click()
        expect(lab.dialog).to_have_count(0)
    before = lab.still()
    assert not near(before[0], Run().drawn(), within=1e-15)  # still the moons
    lab.press("ArrowRight")
    expect(lab.next).to_have_text("Next: loss")


@pytest.mark.slow
def test_a_file_that_is_too_large_is_not_even_sent(visit: Visit) -> None:
    lab = visit()
    sent: list[str] = []
    lab.page.on("request", lambda r: sent.append(r.url) if r.method == "POST" else None)
    send(lab, b"a,b\n" + b"1,2\n" * 5_100_000, "large.csv")
    expect(lab.dialog.locator(".own-message").first).to_contain_text("more than 20 MB")
    assert not [url for url in sent if "upload" in url]
