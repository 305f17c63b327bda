"""Lesson: the text of a step beside the page, what to do, a tick once it was done; the others."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from nicegui import ui

from glassnet.lab.lessons import LESSONS, Beside, Lesson, address, beside, style
from glassnet.lab.link import link
from glassnet.lab.panels.fields import button
from glassnet.lab.session import News, Session

SHEET = Path(__file__).parent.parent / "take.css"


def lesson_menu(session: Session) -> ui.button:
    """The list of lessons, for the bar."""
    made = button("Lessons", lambda: None, icon="school", name="Lessons").classes("lab-lessons")
    with made, ui.menu().props('aria-label="Lessons"').classes("lab-menu"):
        for lesson in LESSONS.values():
            item = ui.menu_item(lesson.title, on_click=partial(_open, session, address(lesson)))
            item.props("role=menuitem")
    return made


def lesson_panel(session: Session, query: str = "") -> LessonPanel:
    """What a link asks for beside the page; where it asks for nothing, nothing."""
    return LessonPanel(session, beside(query))


def _open(session: Session, query: str) -> None:
    session.pause()  # the page that is left trains no more
    ui.navigate.to(f"?{query}")


class LessonPanel:
    """One step. `query()` is what a link of the page needs, to bring it again."""

    def __init__(self, session: Session, shown: Beside) -> None:
        self.session = session
        self.shown = shown
        self.done = shown.number in shown.ticked
        self.tick: ui.label | None = None
        ui.add_css(SHEET)
        if shown.hide:
            ui.add_css(style(shown.hide))
        if shown.lesson is None and not shown.task:
            return
        with ui.element("section").classes("lesson").props('aria-label="Lesson"'):
            if shown.lesson is not None and shown.step is not None:
                self._head(shown.lesson)
                ui.label(shown.step.text).classes("lesson-text")
            self._task()
        session.subscribe(self._hear)
        self._hear("frame")

    def query(self) -> str:
        """The lesson's part of a link."""
        return self.shown.query()

    def _head(self, lesson: Lesson) -> None:
        shown, step = self.shown, self.shown.step
        assert step is not None
        with ui.element("div").classes("lesson-head"):
            ui.label(step.title).classes("lab-title").props("role=heading aria-level=2")
            ui.label(f"{lesson.title}, step {shown.number} of {len(lesson.steps)}").classes(
                "lesson-name"
            )
            with ui.element("nav").classes("lesson-steps").props('aria-label="Steps"'):
                for number, one in enumerate(lesson.steps, 1):
                    done = " ✓" if number in shown.ticked else ""
                    what = f"Step {number}: {one.title}{', done' if done else ''}"
                    made = button(f"{number}{done}", partial(self._go, number), name=what)
                    made.tooltip(one.title)
                    if number == shown.number:
                        made.props("aria-current=step")
                if shown.number < len(lesson.steps):
                    button("Next step", lambda: self._go(shown.number + 1))
                button("End the lesson", lambda: _open(self.session, link(self.session)))

    def _task(self) -> None:
        shown, step = self.shown, self.shown.step
        with ui.element("div").classes("lesson-task"):
            if step is not None and step.done is not None:
                self.tick = ui.label("").classes("lesson-tick").props("role=status")
                self._draw_tick()
            # text is text: a task of a link is anybody's
            ui.label(shown.task or (step.task if step else ""))

    def _draw_tick(self) -> None:
        assert self.tick is not None
        self.tick.set_text("✓" if self.done else "")
        words = "done" if self.done else "not done yet"
        self.tick.props(f'aria-label="{words}"' + (" data-done" if self.done else ""))

    def _hear(self, news: News) -> None:
        step = self.shown.step
        if self.done or self.tick is None or step is None or step.done is None:
            return
        if step.done(self.session):
            self.done = True
            self._draw_tick()

    def _go(self, number: int) -> None:
        ticked = self.shown.ticked | ({self.shown.number} if self.done else set())
        assert self.shown.lesson is not None
        _open(self.session, address(self.shown.lesson, number, ticked))
