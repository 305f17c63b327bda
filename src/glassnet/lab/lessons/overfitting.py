"""Overfitting: learnt by heart, and what helps."""

from __future__ import annotations

from urllib.parse import quote

from glassnet.lab.lessons.done import epoch
from glassnet.lab.lessons.lesson import Lesson, Step

_SMALL = "data=moons&n=60&noise=0.35&held=0.5&data_seed=2&hidden=16&epochs=3000"

OVERFITTING = Lesson(
    "overfitting",
    "Overfitting, L2 and dropout",
    (
        Step(
            "Learnt by heart",
            "30 noisy points to learn from, 30 others to measure on, 16 hidden neurons. The "
            "training loss falls to 0.002 and all 30 points are right. The validation loss is "
            "lowest in epoch 2, with 0.54, and ends above 3.",
            "Train for 3000 epochs, and look at the border in the map: it winds around single "
            "points. Click into the curve where the validation loss was lowest.",
            f"{_SMALL}&speed=0",
            ("draw",),
            epoch(3000),
        ),
        Step(
            "A price on large weights",
            "L2 = 0.03 adds half of 0.03 times the sum of all squared weights to the objective. "
            "Beside it runs the network without.",
            "Train for 3000 epochs. The validation loss ends at 0.55 and not at 3.1; the training "
            "loss stays higher, at 0.36. Try other values of L2.",
            f"{_SMALL}&l2=0.03&speed=0&beside={quote(_SMALL)}",
            ("draw",),
            epoch(3000),
        ),
        Step(
            "Neurons left out by chance",
            "No penalty, but dropout: for each sample of each update a hidden neuron is left out "
            "with probability 0.5. None can rely on what another makes up for. The training loss "
            "of the curve is that of the thinned networks: in the last 500 epochs it jumps "
            "between 0.12 and 0.47. Beside it runs the network without.",
            "Train for 3000 epochs. The validation loss, of the whole network, ends at 0.87 and "
            "not at 3.1. Look at the mask m of the selected neuron, and at the next sample's "
            "(press D). Then set Dropout to 0 and train on: the points are learnt by heart again.",
            f"{_SMALL}&dropout=0.5&speed=0&pick=neuron.1.0.0&beside={quote(_SMALL)}",
            ("draw",),
            epoch(3000),
        ),
        Step(
            "More data",
            "No penalty, but 200 points to learn from in place of 30. Nothing smooths like data: "
            "the validation loss ends at 0.31, the training loss at 0.22.",
            "Train for 3000 epochs, and compare the two curves with those of the first step.",
            "data=moons&n=400&noise=0.35&held=0.5&data_seed=2&hidden=16&epochs=3000&speed=0",
            ("draw",),
            epoch(3000),
        ),
    ),
)
