"""Why a bias: circles are not learnt without."""

from __future__ import annotations

from glassnet.lab.lessons.done import below, epoch, typed
from glassnet.lab.lessons.lesson import Lesson, Step

BIAS = Lesson(
    "bias",
    "Why a bias",
    (
        Step(
            "Without biases",
            "Circles, and a network whose neurons have no bias. tanh is odd: what such a network "
            "answers at x and at −x always adds up to 1, whatever its weights. In the middle it "
            "answers exactly one half. Circles look the same from both sides, so it must fail.",
            "Press Play and let it try for 500 epochs. The loss stays near ln 2 = 0.693, "
            "which is what guessing costs.",
            "data=circles&bias=0&speed=0",
            ("split", "bias", "layers"),
            epoch(500),
        ),
        Step(
            "More neurons do not help",
            "The same with 32 hidden neurons. Count its weights: 96. The answers at x and at −x "
            "still add up to 1.",
            "Train for 500 epochs. Add a layer, if you like, and try again.",
            "data=circles&bias=0&hidden=32&speed=0",
            ("split", "bias"),
            epoch(500),
        ),
        Step(
            "One number for each neuron",
            "Four hidden neurons with a bias each: five more numbers, the output's among them. "
            "They move each neuron's line away from the middle.",
            "Train until the loss is below 0.05. It takes 485 epochs.",
            "data=circles&speed=0&pick=bias.1.0.0",
            ("split",),
            below(0.05),
        ),
        Step(
            "Take one away",
            "The trained network. Selected is the bias of the output: it says how much "
            "the output answers where all hidden neurons are silent.",
            "Type 0 over it (press E) and watch the map. Then train on: what does the network do "
            "about it?",
            "data=circles&at=2000&pick=bias.2.0.0",
            ("split",),
            typed("b"),
        ),
    ),
)
