"""The lessons in the order in which they are offered."""

from __future__ import annotations

from glassnet.lab.lessons.bias import BIAS
from glassnet.lab.lessons.chaos import CHAOS
from glassnet.lab.lessons.lesson import Lesson
from glassnet.lab.lessons.notebook import NOTEBOOK
from glassnet.lab.lessons.overfitting import OVERFITTING
from glassnet.lab.lessons.saturation import SATURATION
from glassnet.lab.lessons.sums import SUM
from glassnet.lab.lessons.xor import XOR

LESSONS: dict[str, Lesson] = {
    lesson.name: lesson for lesson in (NOTEBOOK, BIAS, XOR, SUM, SATURATION, OVERFITTING, CHAOS)
}
"""All lessons, by the name that a link has for them."""
