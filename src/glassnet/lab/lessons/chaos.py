"""The edge of chaos: two starts side by side that differ in the last bit."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from glassnet.lab.lessons.controls import FEW
from glassnet.lab.lessons.done import epoch
from glassnet.lab.lessons.lesson import Lesson, Step

FIRST, NUDGED = 0.6075448519014384, 0.607544851901439
"""The first weight of the notebook's moons run, and the same times 1 + 1e-15."""

_MOONS = "data=notebook_moons"

_CALM = "data=notebook_moons&reduction=mean&optimizer=adam:lr=0.01&epochs=3000"


def _nudged(query: str) -> str:
    return quote(f"{query}&{urlencode({'change': f'0~W1[0,0]={NUDGED!r}'})}")


CHAOS = Lesson(
    "chaos",
    "The edge of chaos",
    (
        Step(
            "Two starts, one in 1e15 apart",
            "The notebook's moons run, and beside it the same run with one of its 30 weights "
            "larger by a quadrillionth: 0.607544851901439 in place of 0.6075448519014384. For "
            "more than three thousand epochs both answer 1 to everything, and the loss is 0.25.",
            "Play to epoch 5000. To all five digits that the notebook prints the two losses are "
            "the same.",
            f"{_MOONS}&epochs=5000&speed=0&beside={_nudged(_MOONS)}",
            FEW,
            epoch(5000),
        ),
        Step(
            "They part",
            "Measured where this was written: the two losses have the same bits up to epoch "
            "3718, agree to a millionth up to 5988, and differ by a tenth in 6209. Another "
            "machine may part elsewhere, for it rounds its sums in another order.",
            "Play to epoch 9000. Where do the curves part here? The learning rate of 0.1 on the "
            "sum of 1000 losses is one of 100 on their mean: every step overshoots.",
            f"{_MOONS}&at=5900&speed=0&log=1&beside={_nudged(_MOONS)}",
            FEW,
            epoch(9000),
        ),
        Step(
            "Smaller steps are calm",
            "The same two starts with Adam on the mean. Where the loss falls smoothly, a "
            "difference in the last bit stays there.",
            "Play to epoch 3000. The two losses agree to fourteen digits. So it is not the "
            "network that is chaotic, it is the way it was trained.",
            f"{_CALM}&speed=0&log=1&beside={_nudged(_CALM)}",
            FEW,
            epoch(3000),
        ),
    ),
)
