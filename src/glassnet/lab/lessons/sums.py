"""Sum or mean: what a learning rate means depends on it."""

from __future__ import annotations

from urllib.parse import quote

from glassnet.lab.lessons.controls import FEW
from glassnet.lab.lessons.done import below, both, epoch, rate_below
from glassnet.lab.lessons.lesson import Lesson, Step

_MEAN = "data=moons&held=0&optimizer=sgd:lr=0.1"

SUM = Lesson(
    "sum",
    "Sum or mean, and the learning rate",
    (
        Step(
            "The mean",
            "200 points. The gradient is that of the mean loss, so its length does not depend on "
            "how many points there are. With a learning rate of 0.1 the loss falls in every "
            "epoch: 0.7094 at first, 0.2627 in epoch 300.",
            "Train for 300 epochs, and look at the gradient of the selected weight: a sum over "
            "200 samples, divided by 200.",
            f"{_MEAN}&epochs=300&pick=weight.1.0.0",
            FEW,
            epoch(300),
        ),
        Step(
            "The same rate on the sum",
            "Only one thing is different: the objective is the sum. Its gradient is 200 times as "
            "long, so the same rate of 0.1 does what 20 would do on the mean.",
            "Take three epochs, one at a time (Shift and →). The loss leaps to 14.2. Here it "
            "happens to land well, later on; that was luck and no method.",
            f"{_MEAN}&reduction=sum&pick=weight.1.0.0&beside={quote(_MEAN)}",
            FEW,
            epoch(3),
        ),
        Step(
            "Divided by 200",
            "The sum again, with a rate of 0.1 / 200 = 0.0005. Beside it runs the mean with 0.1.",
            "Train for 300 epochs. The two curves lie on each other: they differ by less than "
            "1e-12. Where a rate is named, the reduction must be named too.",
            "data=moons&held=0&optimizer=sgd:lr=0.0005&reduction=sum&epochs=300"
            f"&beside={quote(_MEAN)}",
            FEW,
            epoch(300),
        ),
        Step(
            "Too large for anything",
            "The mean with a rate of 100. In more than 90 of the first 299 epochs the loss is "
            "higher than in the one before. Every step goes so far that the slope it followed no "
            "longer holds.",
            "Play 100 epochs and look. Then rewind, make the rate small enough, and get the "
            "loss below 0.1. Rates change while it runs, too.",
            "data=moons&held=0&optimizer=sgd:lr=100",
            FEW,
            both(below(0.1), rate_below(100)),
        ),
    ),
)
