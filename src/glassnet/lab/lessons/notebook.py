"""The notebook's network: forward and back by hand, then a thousand epochs."""

from __future__ import annotations

from glassnet.lab.lessons.controls import FEW
from glassnet.lab.lessons.done import below, epoch, followed
from glassnet.lab.lessons.lesson import Lesson, Step

NOTEBOOK = Lesson(
    "notebook",
    "The notebook's network",
    (
        Step(
            "Forward, by hand",
            "Three samples with four inputs each, three hidden neurons, one output, no bias: the "
            "network of the teaching notebook with its own initial weights. The first sample is "
            "1, 0, 0, 0. So z of the first hidden neuron is a single weight, 0.3745, and the "
            "other three links add nothing.",
            "Press Next once. On the right, follow z and a of the first hidden neuron. "
            "Then click the output: it answers 0.6833 where 1 is wanted.",
            "data=notebook&start=0&optimizer=sgd:lr=0.01&pick=neuron.1.0.0",
            (*FEW, "learning"),
            followed("forward"),
        ),
        Step(
            "Back: how much one weight matters",
            "Selected is the weight from the first hidden neuron to the output. Its partial "
            "derivative is a sum over the three samples of what the neuron answered times the "
            "output's δ: 0.5926·(−0.0685) + 0.7578·(−0.0542) + 0.7870·0.1459 = 0.0332.",
            "Press Next for the update. The learning rate is 0.01, so the weight goes from "
            "0.8324 to 0.8321. Work it out before you look.",
            "data=notebook&start=0&optimizer=sgd:lr=0.01&phase=backward&pick=weight.2.0.0",
            (*FEW, "learning"),
            followed("update"),
        ),
        Step(
            "A thousand epochs",
            "The same network, begun anew as the notebook does it, with a learning rate of 0.1. "
            "The loss begins at 0.1155. In epoch 1000 it is 0.00875.",
            "Open Step, and train until the loss is below 0.009. It takes 991 epochs. Then click "
            "into the curve and look at a weight on the way.",
            "data=notebook&speed=0",
            FEW,
            below(0.009),
        ),
        Step(
            "Before or after the update",
            "After 999 epochs the output for the first sample is 0.9156. The notebook prints this "
            "as its final output, for it computes the output before the last update.",
            "Press Next until Forward has come again: loss, backward, update, forward. After the "
            "last update the output is 0.9157. Each number belongs to one side of an update.",
            "data=notebook&at=999&phase=forward&pick=neuron.2.0.0",
            FEW,
            epoch(1000),
        ),
    ),
)
