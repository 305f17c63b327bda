"""An own table: sent from the browser, looked at, its target and columns chosen, then used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from nicegui import run, ui
from nicegui.elements.mixins.text_element import TextElement

from glassnet.core.errors import BadInput, GlassnetError
from glassnet.exchange.duck import Bounds
from glassnet.exchange.tables import Table
from glassnet.exchange.targets import Sort
from glassnet.lab.data import Data
from glassnet.lab.number import number
from glassnet.lab.session import Session
from glassnet.lab.tables import Preview, choose, preview, read_upload

ACCEPTED = ".csv,.tsv,.tab,.json,.jsonl,.ndjson,.parquet,.gz"

WIDEST = 12
"""Columns of the first rows that are shown; the list below has all."""

LINES = 60
"""Lines on inputs and notes that are shown."""

BOUNDS = Bounds()
TERMS = (
    "CSV, TSV, JSON, JSON Lines or Parquet, with the names of the columns first; the text ones "
    f"also as .gz. At most {BOUNDS.packed / 1e6:g} MB, {BOUNDS.rows:,} rows, {BOUNDS.columns} "
    "columns. The file is read by this lab alone and not kept."
)

SORTS = {"auto": "As the column says", "classes": "Classes", "numbers": "Numbers"}
ASKED: dict[str, Sort | None] = {"auto": None, "classes": "classes", "numbers": "numbers"}


def table_dialog(session: Session) -> TableDialog:
    """The dialog, closed; `open()` shows it."""
    return TableDialog(session)


class TableDialog:
    """What is chosen so far, and the data that it makes."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.table: Table | None = None
        self.seen: Preview | None = None
        self.data: Data | None = None
        self._asked = 0  # only the answer to the last question is shown
        self._reset()
        ui.add_css(Path(__file__).parent.parent / "table.css")
        title = "own-table-title"
        self.dialog = ui.dialog().props(f"aria-labelledby={title}")
        with self.dialog, ui.card().classes("lab-dialog own-table"):
            with ui.row().classes("own-head"):
                ui.label("Own table").classes("lab-title").props(
                    f"id={title} role=heading aria-level=2"
                )
                _button("Close", self.dialog.close)
            self._ask_for_file()
            self.message = ui.label("").classes("own-message").props("role=alert")
            self.body = ui.column().classes("own-body")

    def open(self) -> None:
        """Show it, with what was chosen last."""
        self.dialog.open()

    def show(self, table: Table) -> None:
        """Offer a table that has been read, with the target that its columns suggest."""
        self.table, self.seen = table, preview(table)
        self._reset()
        self.target = self.seen.target
        self._draw()

    def _reset(self) -> None:
        self.target = ""
        self.sort = "auto"
        self.left_out: set[str] = set()
        self.categories: set[str] = set()
        self.scaled = True
        self.held = 0.25

    # ------------------------------------------------------------ the file

    def _ask_for_file(self) -> None:
        self.upload = ui.upload(
            on_upload=lambda e: self._received(e.file),
            on_rejected=lambda: self._say(f"The file has more than {BOUNDS.packed / 1e6:g} MB."),
            max_file_size=BOUNDS.packed,
            auto_upload=True,
        ).classes("own-hidden")
        sent = f"getElement({self.upload.id}).$refs.qRef"
        with ui.element("div").classes("own-drop") as drop:
            # a plain input: reached by Tab, opened by Enter or the space bar, named by its label
            with ui.element("label"):
                TextElement(tag="span", text="Choose a file, or drop it here").classes("own-label")
                file = ui.element("input").props(f"type=file accept={ACCEPTED}")
            ui.label(TERMS).classes("own-terms")
        file.on(
            "change",
            js_handler=f"(e) => {{ {sent}.reset(); {sent}.addFiles(e.target.files); "
            "e.target.value = ''; }",
        )
        drop.on("dragover", js_handler="(e) => e.preventDefault()")
        drop.on(
            "drop",
            js_handler="(e) => { e.preventDefault(); "
            f"{sent}.reset(); {sent}.addFiles(e.dataTransfer.files); }}",
        )

    async def _received(self, file: Any) -> None:
        """Read what came, in a process of its own; the name is shown and goes no further."""
        self._asked += 1
        asked = self._asked
        self.body.clear()
        self.table = self.data = None
        if file.size() > BOUNDS.packed:
            self._say(f"The file has more than {BOUNDS.packed / 1e6:g} MB.")
            return
        self._say("Reading …")
        try:
            table = await run.io_bound(read_upload, await file.read(), file.name)
        except GlassnetError as error:
            if asked == self._asked:
                self._say(str(error))
            return
        if asked == self._asked and table is not None:
            self._say("")
            self.show(table)
            await self._fit()

    # ------------------------------------------------------------ what is shown

    def _draw(self) -> None:
        seen = self.seen
        assert seen is not None
        self.body.clear()
        with self.body:
            with ui.element("section").props('aria-label="First rows"').classes("own-part"):
                ui.label(f"{seen.source}: {_count(seen)}").classes("own-subtitle")
                self._first_rows(seen)
            with ui.element("section").props('aria-label="What is learnt"').classes("own-part"):
                self._choices(seen)
            with ui.element("section").props('aria-label="Columns"').classes("own-part"):
                self._columns(seen)
            with ui.element("section").props('aria-label="What comes of it"').classes("own-part"):
                ui.label("What comes of it").classes("own-subtitle")
                self.outcome = ui.column().classes("own-lines")
            with ui.row().classes("own-foot"):
                self.use = _button("Use this table", self._use).classes("lab-primary")
                self.problem = ui.label("").classes("own-message").props("role=alert")

    def _first_rows(self, seen: Preview) -> None:
        with _scrolled("First rows"), ui.element("table").classes("own-rows"):
            with ui.element("thead"), ui.element("tr"):
                _cell("th", "row", "scope=col")
                for column in seen.columns[:WIDEST]:
                    head = _cell("th", column.name, "scope=col")
                    head.classes("own-number" if column.kind == "number" else "")
            with ui.element("tbody"):
                for row, cells in zip(seen.numbers, seen.cells, strict=True):
                    with ui.element("tr"):
                        _cell("th", str(row), "scope=row")
                        for cell, column in zip(cells, seen.columns[:WIDEST], strict=False):
                            right = column.kind == "number"
                            made = _cell("td", cell or "missing")
                            made.classes("own-number" if right else "")
                            made.classes("" if cell else "own-missing")
        more = len(seen.names) - WIDEST
        if more > 0:
            ui.label(f"and {more} more columns, listed below").classes("own-quiet")

    def _choices(self, seen: Preview) -> None:
        with ui.row().classes("own-choices"):
            target = ui.select(list(seen.names), value=self.target, label="Column to learn")
            sort = ui.select(SORTS, value=self.sort, label="Learn it as")
            held = ui.input("Validation share", value=f"{self.held:g}")
            scaled = ui.switch("Standardise numbers", value=self.scaled)
        for box in (target, sort, held):
            box.props("outlined dense options-dense" if box is not held else "outlined dense")
        target.on_value_change(lambda e: self._change(target=e.value, sort="auto"))
        sort.on_value_change(lambda e: self._change(sort=e.value))
        scaled.on_value_change(lambda e: self._change(scaled=bool(e.value)))
        held.on("keydown.enter", lambda: self._share(held)).on("blur", lambda: self._share(held))
        self._sort_box = sort
        self.why = ui.label(f"Offered because {seen.why}.").classes("own-quiet")

    def _columns(self, seen: Preview) -> None:
        ui.label("Columns to learn from").classes("own-subtitle")
        self._boxes: dict[str, ui.checkbox] = {}
        with _scrolled("Columns").classes("own-tall"), ui.element("table").classes("own-columns"):
            with ui.element("thead"), ui.element("tr"):
                for head in ("Column", "Taken as", "Holds", "Missing"):
                    _cell("th", head, "scope=col")
            with ui.element("tbody"):
                for column in seen.columns:
                    with ui.element("tr"):
                        with ui.element("td"):
                            self._tick(column.name)
                        with ui.element("td"):
                            self._kind(column.name, column.kind)
                        _cell("td", column.about)
                        _cell("td", column.where or "none")
        self._show_target()

    def _tick(self, name: str) -> None:
        box = ui.checkbox(name, value=name not in self.left_out).classes("own-tick")

        async def ticked() -> None:
            (self.left_out.discard if box.value else self.left_out.add)(name)
            await self._fit()

        box.on_value_change(ticked)
        self._boxes[name] = box

    def _kind(self, name: str, kind: str) -> None:
        if kind != "number":
            ui.label(kind)
            return
        chosen = ui.select(["number", "category"], value="number").classes("own-kind")
        # set by key: a name may hold quotes
        chosen.props("outlined dense options-dense").props["aria-label"] = f"{name} is taken as"

        async def changed() -> None:
            is_category = chosen.value == "category"
            (self.categories.add if is_category else self.categories.discard)(name)
            await self._fit()

        chosen.on_value_change(changed)

    # ------------------------------------------------------------ what is chosen

    async def _change(self, **chosen: Any) -> None:
        if all(getattr(self, name) == value for name, value in chosen.items()):
            return
        for name, value in chosen.items():
            setattr(self, name, value)
        self._sort_box.value = self.sort
        if "target" in chosen:
            assert self.seen is not None
            offered = self.target == self.seen.target
            self.why.set_text(f"Offered because {self.seen.why}." if offered else "")
            self._show_target()
        await self._fit()

    async def _share(self, box: ui.input) -> None:
        try:
            held = number(str(box.value))
            if not 0 <= held <= 0.9:
                raise BadInput(f"a share of {held:g}", "0 to 0.9 is allowed")
        except GlassnetError as error:
            self.data = None
            self.use.disable()
            self.problem.set_text(str(error))
            return
        if held != self.held or self.data is None:
            self.held = held
            await self._fit()

    def _show_target(self) -> None:
        for name, box in self._boxes.items():
            box.set_enabled(name != self.target)
            box.set_text(f"{name}: to be learnt" if name == self.target else name)

    async def _fit(self) -> None:
        """Make the data anew; what it says is what will be used."""
        table = self.table
        assert table is not None
        self._asked += 1
        asked = self._asked
        self.data = None
        self.use.disable()
        try:
            data = await run.io_bound(
                choose,
                table,
                self.target,
                sort=ASKED[self.sort],
                ignore=tuple(self.left_out - {self.target}),
                categories=tuple(self.categories - self.left_out - {self.target}),
                scaled=self.scaled,
                held=self.held,
            )
        except GlassnetError as error:
            if asked == self._asked:
                self.problem.set_text(str(error))
                self.outcome.clear()
            return
        if asked != self._asked or data is None:
            return
        self.data = data
        self.problem.set_text("")
        self.use.enable()
        self.outcome.clear()
        with self.outcome:
            for line in told(data):
                ui.label(line)
            ui.label("How each input is made").classes("own-subtitle own-apart")
            for line in _cut(data.scaling):
                ui.label(line)

    def _use(self) -> None:
        if self.data is None:
            return
        try:
            self.session.use_table(self.data)
        except GlassnetError as error:
            self.problem.set_text(str(error))
            return
        self.dialog.close()

    def _say(self, text: str) -> None:
        self.message.set_text(text)


def told(data: Data) -> list[str]:
    """What a table became, in lines: rows, inputs, the answer, notes."""
    held = 0 if data.held_X is None else len(data.held_X)
    answers = f"{len(data.labels)} classes: {_some(data.labels)}" if data.labels else "numbers"
    lines = [
        f"{len(data.X):,} rows to learn from, {held:,} to measure on.",
        f"{data.X.shape[1]} inputs. The answer: {answers}.",
    ]
    return lines + _cut(data.notes)


def _cut(lines: Sequence[str]) -> list[str]:
    more = len(lines) - LINES
    return [*lines[:LINES], *([f"and {more} more lines"] if more > 0 else [])]


def _some(names: Sequence[str], most: int = 8) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _count(seen: Preview) -> str:
    return f"{seen.rows:,} rows, {len(seen.columns)} columns"


def _cell(tag: str, text: str, props: str = "") -> TextElement:
    """A cell of a table: its text is text, whatever stands in it."""
    return TextElement(tag=tag, text=text).props(props)


def _scrolled(label: str) -> ui.element:
    """A part that scrolls by itself, by keyboard too."""
    made = ui.element("div").classes("own-scroll")
    return made.props(f'tabindex=0 role=region aria-label="{label}, to be scrolled"')


def _button(label: str, act: Callable[[], Any]) -> ui.button:
    return ui.button(label, on_click=act, color=None).props("flat no-caps").classes("lab-button")
