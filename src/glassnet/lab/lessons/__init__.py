"""Lessons: steps that are links, each with a text, something to do, and a look whether it was done.

    lesson, controls, done → a file for each lesson → course → links

Every number in a text was measured by this library, and a test measures it again.
"""

from glassnet.lab.lessons.controls import CONTROLS, style
from glassnet.lab.lessons.course import LESSONS
from glassnet.lab.lessons.lesson import Lesson, Step
from glassnet.lab.lessons.links import LETTERS, Beside, address, beside, own_link, resolved

__all__ = [
    "CONTROLS",
    "LESSONS",
    "LETTERS",
    "Beside",
    "Lesson",
    "Step",
    "address",
    "beside",
    "own_link",
    "resolved",
    "style",
]
