"""What a link says of lessons: which step stands beside the page, or a teacher's own task.

?lesson=xor&step=2                        a step of a built-in lesson: its state is its own
?data=iris&hide=layers&task=Look+around   a teacher's own: any state, and these two
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from glassnet.lab.lessons.controls import CONTROLS
from glassnet.lab.lessons.course import LESSONS
from glassnet.lab.lessons.lesson import Lesson, Step
from glassnet.lab.link import link
from glassnet.lab.session import Session

LETTERS = 600
"""The longest task of a link; what is beyond is left out."""

FIELDS = ("lesson", "step", "ticked", "hide", "task")
"""What in a link is about lessons; the rest is the state of the page."""


@dataclass(frozen=True)
class Beside:
    """What stands beside the page: a step of a lesson, or a teacher's own task.

    number : of the step, from 1. ticked : the steps that were done before.
    """

    lesson: Lesson | None = None
    number: int = 1
    ticked: frozenset[int] = frozenset()
    hide: tuple[str, ...] = ()
    task: str = ""

    @property
    def step(self) -> Step | None:
        """The step of the lesson."""
        return None if self.lesson is None else self.lesson.steps[self.number - 1]

    def address(self, number: int) -> str:
        """The query of another step of the lesson; what was ticked is kept."""
        assert self.lesson is not None
        return address(self.lesson, number, self.ticked)

    def query(self) -> str:
        """All of it in a link, to be put behind the state of the page."""
        pairs: list[tuple[str, str]] = []
        if self.lesson is not None:
            pairs += [("lesson", self.lesson.name), ("step", str(self.number))]
        if self.ticked:
            pairs.append(("ticked", "-".join(map(str, sorted(self.ticked)))))
        own = () if self.step is None else self.step.hide
        if self.hide and self.hide != own:
            pairs.append(("hide", ",".join(self.hide)))
        if self.task:
            pairs.append(("task", self.task))
        return urlencode(pairs)


def beside(query: str) -> Beside:
    """What a link asks to stand beside the page. A lesson that is not known is none."""
    given = dict(parse_qsl(query.lstrip("?")))
    lesson = LESSONS.get(given.get("lesson", ""))
    hidden = tuple(name for name in given.get("hide", "").split(",") if name in CONTROLS)
    task = given.get("task", "")[:LETTERS]
    if lesson is None:
        return Beside(hide=hidden, task=task)
    last = len(lesson.steps)
    number = min(max(_whole(given.get("step", "1")), 1), last)
    ticked = frozenset(map(_whole, given.get("ticked", "").split("-"))) & set(range(1, last + 1))
    return Beside(lesson, number, ticked, hidden or lesson.steps[number - 1].hide, task)


def resolved(query: str) -> str:
    """The query with the state in it: that of a lesson's step, unless the link has its own."""
    found = beside(query)
    own = [name for name, _ in parse_qsl(query.lstrip("?"), keep_blank_values=True)]
    if found.step is None or any(name not in (*FIELDS, "token") for name in own):
        return query
    return found.step.query


def address(lesson: Lesson, number: int = 1, ticked: Iterable[int] = ()) -> str:
    """The query of a step."""
    return Beside(lesson, number, frozenset(ticked), lesson.steps[number - 1].hide).query()


def own_link(session: Session, hide: Iterable[str] = (), task: str = "") -> str:
    """The page as it stands, with controls hidden and a task beside it."""
    kept = tuple(name for name in CONTROLS if name in set(hide))
    return "&".join(
        filter(None, [link(session), Beside(hide=kept, task=task.strip()[:LETTERS]).query()])
    )


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
