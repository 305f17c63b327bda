"""XOR: what hidden neurons are for, and how many are enough."""

from __future__ import annotations

from glassnet.lab.lessons.controls import FEW
from glassnet.lab.lessons.done import below, epoch, typed
from glassnet.lab.lessons.lesson import Lesson, Step

XOR = Lesson(
    "xor",
    "XOR and hidden neurons",
    (
        Step(
            "No hidden layer",
            "Four points; the answer is 1 where exactly one input is 1. Without a hidden layer "
            "the boundary is one straight line, and no line has the two blue points on one side "
            "and the two orange ones on the other.",
            "Train for 500 epochs. Every answer becomes one half, and the loss 0.6931, which is "
            "ln 2: the best that can be done is to know nothing.",
            "data=xor&hidden=&activations=&speed=0",
            (*FEW, "layers", "learning"),
            epoch(500),
        ),
        Step(
            "Two hidden neurons, and luck",
            "Two hidden neurons are two lines, and that is enough, if they find their places. "
            "From this start they do not: two points are answered right, the other two with one "
            "half, and the loss rests at half of ln 2. Of the seeds 0 to 19 here 12 learn it, "
            "and 8 end like this.",
            "Train for 2000 epochs, then press New start (the die) and train again, until a start "
            "learns it, with a loss below 0.05. The third one does.",
            "data=xor&hidden=2&seed=4&speed=0",
            (*FEW, "learning"),
            below(0.05),
        ),
        Step(
            "Three hidden neurons",
            "One neuron more than needed, and there is a way down from almost everywhere: of the "
            "seeds 0 to 19 here 19 learn it.",
            "Train until the loss is below 0.05. From this start it takes 103 epochs.",
            "data=xor&speed=0",
            (*FEW, "learning"),
            below(0.05),
        ),
        Step(
            "What the neurons found",
            "The small map on each neuron shows what it answers over the two inputs: a soft step "
            "across a line. The output weighs the three and adds them up.",
            "Click each hidden neuron. Then click one of the three links to the output, press E "
            "and type 0: which points does the network now get wrong?",
            "data=xor&at=200&pick=neuron.1.0.0",
            (*FEW, "learning"),
            typed("W2"),
        ),
    ),
)
