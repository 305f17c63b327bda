"""Saturation and dead ReLUs: where slopes vanish."""

from __future__ import annotations

from glassnet.lab.lessons.controls import FEW
from glassnet.lab.lessons.done import below, epoch
from glassnet.lab.lessons.lesson import Lesson, Step

_STEEP = "data=circles&hidden=4&optimizer=sgd:lr=5&seed=2"

SATURATION = Lesson(
    "saturation",
    "Saturation and dead ReLUs",
    (
        Step(
            "Nothing moves",
            "The notebook's network, begun with weights between 10 and 20. Every z is above 11, "
            "there the sigmoid is flat, and its slope a·(1 − a) is below 0.00001. The gradient is "
            "the product of all slopes on the way.",
            "Train for 100 epochs: the loss stays at 0.1667, and the third sample stays wrong. "
            "Look at the slope of a hidden neuron.",
            "data=notebook&initializer=uniform:low=10,high=20&speed=0&phase=backward"
            "&pick=neuron.1.0.0",
            FEW,
            epoch(100),
        ),
        Step(
            "Small weights",
            "The same with weights between 0 and 1, as in the notebook. The slopes are between "
            "0.1 and 0.25, and the network learns.",
            "Train until the loss is below 0.01. Then look at the slopes again.",
            "data=notebook&speed=0&phase=backward&pick=neuron.1.0.0",
            FEW,
            below(0.01),
        ),
        Step(
            "A loss that does not fade",
            "The large weights again, with cross-entropy in place of the squared error. Its slope "
            "cancels that of the sigmoid: at the output δ = a − y, which is 1 for the third "
            "sample, however flat the sigmoid is.",
            "Train for 100 epochs. The loss falls from 13.84 to below 4. The hidden neurons are "
            "as flat as before, so only the weights to the output learn.",
            "data=notebook&initializer=uniform:low=10,high=20&loss=binarycrossentropy&speed=0"
            "&phase=backward&pick=neuron.2.0.0",
            FEW,
            epoch(100),
        ),
        Step(
            "Dead neurons",
            "Circles, four ReLU neurons and a learning rate of 5. The third step throws three of "
            "the four so far that their z is below 0 for every training point. There the slope of "
            "ReLU is 0, so their weights never change again.",
            "Take three epochs one by one (Shift and →), and click each neuron. Then train on: "
            "after 300 epochs one neuron is left, and 67 % of the training points are right.",
            f"{_STEEP}&activations=relu&pick=neuron.1.0.0",
            FEW,
            epoch(3),
        ),
        Step(
            "A leak",
            "The same start and rate with leaky ReLU: below 0 its slope is 0.01 and not 0. "
            "What is thrown too far can come back, or at least goes on learning.",
            "Train for 300 epochs. 98 % of the training points are right in the end.",
            f"{_STEEP}&activations=leakyrelu&epochs=300",
            FEW,
            epoch(300),
        ),
        Step(
            "Or smaller steps",
            "ReLU again, with a rate of 0.5. No neuron dies.",
            "Train until the loss is below 0.03.",
            "data=circles&hidden=4&optimizer=sgd:lr=0.5&seed=2&activations=relu&speed=0",
            FEW,
            below(0.03),
        ),
    ),
)
