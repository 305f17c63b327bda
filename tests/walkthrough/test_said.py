"""What Python's prompt says of a trace, and settings of how it is shown that there are not."""

import numpy as np
import pytest

import glassnet as gn
from glassnet.walkthrough.trace import Trace


def small() -> Trace:
    net = gn.Network.mlp(2, 3, 1)
    return gn.trace(net, np.ones((2, 2)), [[1.0], [0.0]], theta=net.init(0))


def test_the_prompt_says_what_it_is_and_how_to_see_more() -> None:
    # Python's own words for a dataclass were pages of arrays, stored in every notebook too
    trace = small()
    assert repr(trace) == (
        f"<update 1 of a network 2-3-1 on 2 samples: {len(trace)} steps. "
        "print(trace.text()) shows them>"
    )
    assert repr(trace["dL_dW2"]) == "<dL_dW2, ∂L/∂W₂: shape (3, 1), before update 1>"
    one = trace.explain("dL_dW2", 1, 0)
    assert repr(one) == (
        f"<dL_dW2[1,0] = {one.value:.6g}, in 3 workings. "
        'print(trace.text("dL_dW2[1,0]")) writes it out>'
    )
    assert trace.text(one.asked)
    assert repr(trace.explain("X", 0, 0)).startswith("<X[0,0] = 1, in 1 working. ")


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"layout": "diagonal"}, "layout='diagonal', 'rows' or 'columns' is expected"),
        ({"names": "latin"}, "names='latin', 'math' or 'seed' is expected"),
        ({"digits": 0}, "digits=0, 1 to 17 are expected"),
        ({"digits": -2}, "digits=-2, 1 to 17 are expected"),
        ({"digits": 18}, "digits=18, 1 to 17 are expected"),
    ],
)
@pytest.mark.parametrize("face", ["text", "html"])
def test_both_faces_refuse_what_there_is_not(face: str, setting: dict, said: str) -> None:
    with pytest.raises(gn.BadInput, match=said):
        getattr(small(), face)(**setting)
