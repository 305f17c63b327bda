"""Take it with you: files, pictures, the run as a command and as Python, links for a class."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from nicegui import ui

from glassnet.core.errors import GlassnetError
from glassnet.lab import outputs, workers
from glassnet.lab.lessons import CONTROLS, LETTERS, own_link
from glassnet.lab.link import link, too_long
from glassnet.lab.outputs import File
from glassnet.lab.panels.fields import button
from glassnet.lab.panels.lesson import SHEET
from glassnet.lab.session import Session

PICTURES: dict[outputs.What, str] = {
    "network": "Network",
    "data": "Data and answers",
    "curve": "Loss curve",
}

COPY = """() => {
  const shown = document.getElementById("%s"), text = shown.textContent;
  const plain = () => {  // where a page may not write to the clipboard itself: plain http
    const area = document.createElement("textarea");
    area.value = text;
    shown.parentElement.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    emit(done);
  };
  if (navigator.clipboard) navigator.clipboard.writeText(text).then(() => emit(true), plain);
  else plain();
}"""


def out_panel(session: Session) -> OutPanel:
    """The button for the bar, and the dialog that it opens."""
    return OutPanel(session)


class OutPanel:
    """What is shown is made when the dialog opens, files when they are asked for."""

    def __init__(self, session: Session) -> None:
        self.session = session
        ui.add_css(SHEET)
        button("Take", self.open, icon="download", name="Take it with you").classes("lab-out")
        self.base = ""
        self.texts: dict[str, ui.label] = {}
        title = "take-title"
        self.dialog = ui.dialog().props(f"aria-labelledby={title}")
        with self.dialog, ui.card().classes("lab-dialog take"):
            with ui.element("div").classes("take-head"):
                ui.label("Take it with you").classes("lab-title").props(
                    f"id={title} role=heading aria-level=2"
                )
                button("Close", self.dialog.close)
            self.what = ui.label("").classes("take-note")
            self.wrong = ui.label("").classes("take-said").props("role=alert")
            self._files()
            self._copied("link", "Link to this page")
            self._copied("python", "Python that makes the same run")
            self._copied("command", "Command line")
            self._own()

    async def open(self) -> None:
        """As the page stands now."""
        session = self.session
        session.pause()
        # the page knows under which name it was reached
        self.base = await ui.run_javascript("location.origin + location.pathname", timeout=5.0)
        self.wrong.set_text("")
        stands = f"{outputs.title(session)}, as it stands after epoch {session.position.epoch}."
        if not session.position.epoch:
            stands += f" Notebook and Python train to epoch {outputs.goal(session)}."
        self.what.set_text(stands)
        self.rows.set_visibility(outputs.needs_rows(session))
        try:
            self._tell("python", outputs.python(session))
            self._tell("command", outputs.command_line(session))
        except GlassnetError as error:
            self.wrong.set_text(str(error))
        self._tell("link", self._address(link(session)))
        self._write_own()
        self.dialog.open()

    # ------------------------------------------------------------ files

    def _files(self) -> None:
        with ui.element("div").classes("take-group").props('role=group aria-label="Files"'):
            ui.label("Files").classes("lab-title")
            self._file("Model", outputs.model_file, "For glassnet info, predict, walk; safetensors")
            self._file("Notebook", outputs.notebook, "Every number of the run; needs NumPy alone")
            self.rows = self._file(
                "Training rows", outputs.rows_file, "X and y as rows.npz, which the Python reads"
            )
        with ui.element("div").classes("take-group").props('role=group aria-label="Pictures"'):
            ui.label("Pictures").classes("lab-title")
            for what, name in PICTURES.items():
                for kind in ("png", "svg"):
                    make = partial(outputs.picture, what=what, kind=kind)
                    self._file(f"{name}, {kind.upper()}", make)

    def _file(self, label: str, make: Callable[[Session], File], hint: str = "") -> ui.button:
        async def take() -> None:
            await self._download(made, make)

        made = button(label, take, icon="download", hint=hint, name=f"Download: {label}")
        return made

    async def _download(self, pressed: ui.button, make: Callable[[Session], File]) -> None:
        self.session.pause()
        self.wrong.set_text("")
        pressed.props("loading")
        try:
            file = await workers.drawing(partial(make, self.session))
        except GlassnetError as error:
            self.wrong.set_text(str(error))
        else:
            ui.download(file.content, file.name)
        finally:
            pressed.props(remove="loading")

    # ------------------------------------------------------------ text to copy

    def _copied(self, key: str, title: str) -> None:
        with ui.element("div").classes("take-group").props(f'role=group aria-label="{title}"'):
            with ui.element("div").classes("lab-title"):
                ui.label(title)
                copy = button("Copy", lambda: None, icon="content_copy", name=f"Copy: {title}")
            name = f"take-{key}"
            said = ui.label("").classes("lab-unseen").props("role=status")
            self.texts[key] = (
                ui.label("")
                .classes("take-text")
                .props(f'id={name} tabindex=0 role=textbox aria-readonly=true aria-label="{title}"')
            )

        def copied(done: bool) -> None:  # noqa: FBT001 - sent by the page
            words = "Copied" if done else "Select it and press Ctrl+C"
            said.set_text(words)
            copy.set_text(words)
            ui.timer(2.0, lambda: copy.set_text("Copy"), once=True)

        copy.on("click", lambda e: copied(e.args is not False), js_handler=COPY % name)

    def _tell(self, key: str, text: str) -> None:
        self.texts[key].set_text(text)

    # ------------------------------------------------------------ a link for a class

    def _own(self) -> None:
        with (
            ui.element("div").classes("take-group"),
            ui.expansion("A link for a class: a task beside the page, controls hidden"),
        ):
            self.task = ui.textarea("Task", on_change=self._write_own)
            self.task.props(f"outlined autogrow maxlength={LETTERS}").classes("take-task")
            self.hidden: dict[str, ui.checkbox] = {}
            ui.label("Hide").classes("lab-title")
            with ui.element("div").classes("take-hide").props('role=group aria-label="Hide"'):
                for name, (words, _) in CONTROLS.items():
                    self.hidden[name] = ui.checkbox(words, on_change=self._write_own)
            self._copied("own", "Link with the task")

    def _write_own(self) -> None:
        hide = [name for name, box in self.hidden.items() if box.value]
        own = own_link(self.session, hide, str(self.task.value or ""))
        self._tell("own", self._address(own))

    def _address(self, query: str) -> str:
        return too_long(query) or f"{self.base}?{query}"
