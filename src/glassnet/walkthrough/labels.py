"""What stands along the sides of a matrix: samples, inputs by their names, neurons, outputs."""

from __future__ import annotations

from glassnet.walkthrough.matrices import Axis
from glassnet.walkthrough.step import Layout, Step

SAMPLES = Axis(lambda i: f"sample {i}", "sample")
OUTPUTS = Axis(lambda j: f"output {j}", "output")
NEURONS = Axis(lambda j: f"neuron {j}", "neuron")
NOTHING = Axis(lambda _: "", "row")


def axes(step: Step, layout: Layout, inputs: tuple[str, ...]) -> tuple[Axis, Axis]:
    """What the rows and what the columns of a step's matrix are."""
    if step.kind == "sample":
        return NOTHING, SAMPLES
    if step.kind == "jacobian":
        by = Axis(lambda j: f"by z of neuron {j}", "neuron")
        return Axis(lambda i: f"a of neuron {i}", "neuron"), by
    layer = step.layer or 0
    if step.kind == "data":
        # dz2_dW2 is a1: it belongs to layer 2, and its columns are the neurons of layer 1
        own = layer - 1 if step.name.startswith("dz") else 0 if step.name == "dL_dX" else layer
        across = OUTPUTS if step.name == "y" else places(own, inputs)
        return (across, SAMPLES) if layout == "columns" else (SAMPLES, across)
    if step.name.startswith("dz"):  # the weights once more, which know their layer
        layer = int(step.operands[0].removeprefix("W"))
    if len(step.shape) == 1:
        return NOTHING, places(layer, inputs)
    source = places(layer - 1, inputs)
    return Axis(lambda i: f"from {source.label(i)}", source.noun), places(layer, inputs)


def places(layer: int, inputs: tuple[str, ...]) -> Axis:
    """The neurons of a layer; the inputs for layer 0."""
    if layer > 0:
        return NEURONS
    return Axis(lambda i: inputs[i] if inputs else f"input {i}", "input")
