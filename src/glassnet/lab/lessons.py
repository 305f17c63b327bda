"""Lessons: steps that are links, each with a text, something to do, and a look whether it was done.

    ?lesson=xor&step=2                        a step of a built-in lesson: its state is its own
    ?data=iris&hide=layers&task=Look+around   a teacher's own: any state, and these two

Every number in a text was measured by this library, and a test measures it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode

from glassnet.exchange import names
from glassnet.lab.link import link
from glassnet.lab.position import PHASES
from glassnet.lab.session import Session

LETTERS = 600
"""The longest task of a link; what is beyond is left out."""

FIELDS = ("lesson", "step", "ticked", "hide", "task")
"""What in a link is about lessons; the rest is the state of the page."""

Done = Callable[[Session], bool]


@dataclass(frozen=True)
class Step:
    """A state to begin from, what is to be seen there, and what to do.

    query : the state, as a link has it. hide : controls that are not needed, by name.
    done : whether it was done, from what the session shows; None where nothing can tell.
    """

    title: str
    text: str
    task: str
    query: str
    hide: tuple[str, ...] = ()
    done: Done | None = None


@dataclass(frozen=True)
class Lesson:
    """Some steps under one title."""

    name: str
    title: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Beside:
    """What stands beside the page: a step of a lesson, or a teacher's own task.

    number : of the step, from 1. ticked : the steps that were done before.
    """

    lesson: Lesson | None = None
    number: int = 1
    ticked: frozenset[int] = frozenset()
    hide: tuple[str, ...] = ()
    task: str = ""

    @property
    def step(self) -> Step | None:
        """The step of the lesson."""
        return None if self.lesson is None else self.lesson.steps[self.number - 1]

    def address(self, number: int) -> str:
        """The query of another step of the lesson; what was ticked is kept."""
        assert self.lesson is not None
        return address(self.lesson, number, self.ticked)

    def query(self) -> str:
        """All of it in a link, to be put behind the state of the page."""
        pairs: list[tuple[str, str]] = []
        if self.lesson is not None:
            pairs += [("lesson", self.lesson.name), ("step", str(self.number))]
        if self.ticked:
            pairs.append(("ticked", "-".join(map(str, sorted(self.ticked)))))
        own = () if self.step is None else self.step.hide
        if self.hide and self.hide != own:
            pairs.append(("hide", ",".join(self.hide)))
        if self.task:
            pairs.append(("task", self.task))
        return urlencode(pairs)


# ---------------------------------------------------------------- links


def beside(query: str) -> Beside:
    """What a link asks to stand beside the page. A lesson that is not known is none."""
    given = dict(parse_qsl(query.lstrip("?")))
    lesson = LESSONS.get(given.get("lesson", ""))
    hidden = tuple(name for name in given.get("hide", "").split(",") if name in CONTROLS)
    task = given.get("task", "")[:LETTERS]
    if lesson is None:
        return Beside(hide=hidden, task=task)
    last = len(lesson.steps)
    number = min(max(_whole(given.get("step", "1")), 1), last)
    ticked = frozenset(map(_whole, given.get("ticked", "").split("-"))) & set(range(1, last + 1))
    return Beside(lesson, number, ticked, hidden or lesson.steps[number - 1].hide, task)


def resolved(query: str) -> str:
    """The query with the state in it: that of a lesson's step, unless the link has its own."""
    found = beside(query)
    own = [name for name, _ in parse_qsl(query.lstrip("?"), keep_blank_values=True)]
    if found.step is None or any(name not in (*FIELDS, "token") for name in own):
        return query
    return found.step.query


def address(lesson: Lesson, number: int = 1, ticked: Iterable[int] = ()) -> str:
    """The query of a step."""
    return Beside(lesson, number, frozenset(ticked), lesson.steps[number - 1].hide).query()


def own_link(session: Session, hide: Iterable[str] = (), task: str = "") -> str:
    """The page as it stands, with controls hidden and a task beside it."""
    kept = tuple(name for name in CONTROLS if name in set(hide))
    return "&".join(
        filter(None, [link(session), Beside(hide=kept, task=task.strip()[:LETTERS]).query()])
    )


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0


# ---------------------------------------------------------------- controls to hide

_DATA, _LEARNING, _NETWORK = ".lab-data", ".lab-learning", ".lab-network"


def _fields(where: str, *labels: str) -> str:
    return ", ".join(f'{where} .lab-field:has([aria-label="{label}"])' for label in labels)


CONTROLS: dict[str, tuple[str, str]] = {
    "set": ("the choice of data, own tables", _fields(_DATA, "Set")),
    "points": ("number, noise and seed of the points", _fields(_DATA, "Points", "Noise", "Seed")),
    "split": (
        "validation and scaling",
        _fields(_DATA, "Validation share") + f", {_fields(_DATA, 'Validation share')} ~ .q-toggle",
    ),
    "draw": ("adding and moving points", ".lab-data .gn-tools"),
    "layers": ("layers, neurons, activations", ".lab-layers"),
    "answer": ("output and loss", _fields(_NETWORK, "Output", "Loss")),
    "weights": ("initial weights and seed", _fields(_NETWORK, "Initial weights", "Seed")),
    "bias": ("the switch for biases", f"{_NETWORK} .q-toggle"),
    "learning": ("everything about how it learns", _LEARNING),
    "optimizer": ("the optimizer", _fields(_LEARNING, "Optimizer") + f", {_LEARNING} > .lab-bar"),
    "rate": ("the learning rate", _fields(_LEARNING, "Learning rate")),
    "batch": ("rows an update", _fields(_LEARNING, "Batch")),
    "objective": ("sum or mean", _fields(_LEARNING, "Reduction")),
    "penalties": ("L1 and L2", _fields(_LEARNING, "L1", "L2")),
    "clip": ("the clipping of gradients", _fields(_LEARNING, "Clip")),
    "dropout": ("dropout", _fields(_LEARNING, "Dropout")),
    "play": ("Play", ".lab-play"),
    "start": ("New start", '.lab-run [aria-label="New start"]'),
    "arithmetic": ("the arithmetic", ".lab-arithmetic"),
    "time": ("the loss curve", ".lab-time"),
    "take": ("what can be taken along", ".lab-out"),
    "lessons": ("the list of lessons", ".lab-lessons"),
}
"""What a link can hide: by name, in words, and where it is on the page."""


def style(hide: Iterable[str]) -> str:
    """The rule that hides some controls."""
    places = [CONTROLS[name][1] for name in hide]
    return f"{', '.join(places)} {{ display: none !important; }}" if places else ""


# ---------------------------------------------------------------- whether it was done


def epoch(least: int) -> Done:
    """So many epochs are behind the state that is shown."""
    return lambda session: session.position.epoch >= least


def followed(phase: str) -> Done:
    """The first update was followed so far, or a whole epoch is done."""
    wanted = PHASES.index(phase)  # type: ignore[arg-type]

    def done(session: Session) -> bool:
        reached = session.position.phase
        return session.position.epoch > 0 or (reached in PHASES and PHASES.index(reached) >= wanted)

    return done


def loss(session: Session) -> float:
    """The loss recorded in the epoch that is shown; infinite before the first."""
    at = session.position.epoch
    return float(session.timeline.curve()[at - 1]) if at else float("inf")


def below(most: float) -> Done:
    """The loss is below a number."""
    return lambda session: loss(session) < most


def typed(letter: str) -> Done:
    """A weight (W) or a bias (b) was typed over."""
    return lambda session: any(
        where.startswith(letter) for change in session.changes for where, _ in change.weights
    )


def rate_below(most: float) -> Done:
    """The learning rate is below a number."""

    def done(session: Session) -> bool:
        optimizer = names.optimizer(session.setting.optimizer)
        rate = getattr(optimizer, "lr", None)
        return isinstance(rate, float | int) and rate < most

    return done


def both(*parts: Done) -> Done:
    """All of them."""
    return lambda session: all(part(session) for part in parts)


# ---------------------------------------------------------------- the lessons

_FEW = ("draw", "split")

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
            (*_FEW, "learning"),
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
            (*_FEW, "learning"),
            followed("update"),
        ),
        Step(
            "A thousand epochs",
            "The same network, begun anew as the notebook does it, with a learning rate of 0.1. "
            "The loss begins at 0.1155. In epoch 1000 it is 0.00875.",
            "Open Step, and train until the loss is below 0.009. It takes 991 epochs. Then click "
            "into the curve and look at a weight on the way.",
            "data=notebook&speed=0",
            _FEW,
            below(0.009),
        ),
        Step(
            "Before or after the update",
            "After 999 epochs the output for the first sample is 0.9156. The notebook prints this "
            "as its final output, for it computes the output before the last update.",
            "Press Next until Forward has come again: loss, backward, update, forward. After the "
            "last update the output is 0.9157. Each number belongs to one side of an update.",
            "data=notebook&at=999&phase=forward&pick=neuron.2.0.0",
            _FEW,
            epoch(1000),
        ),
    ),
)

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
            (*_FEW, "layers", "learning"),
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
            (*_FEW, "learning"),
            below(0.05),
        ),
        Step(
            "Three hidden neurons",
            "One neuron more than needed, and there is a way down from almost everywhere: of the "
            "seeds 0 to 19 here 19 learn it.",
            "Train until the loss is below 0.05. From this start it takes 103 epochs.",
            "data=xor&speed=0",
            (*_FEW, "learning"),
            below(0.05),
        ),
        Step(
            "What the neurons found",
            "The small map on each neuron shows what it answers over the two inputs: a soft step "
            "across a line. The output weighs the three and adds them up.",
            "Click each hidden neuron. Then click one of the three links to the output, press E "
            "and type 0: which points does the network now get wrong?",
            "data=xor&at=200&pick=neuron.1.0.0",
            (*_FEW, "learning"),
            typed("W2"),
        ),
    ),
)

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
            _FEW,
            epoch(300),
        ),
        Step(
            "The same rate on the sum",
            "Only one thing is different: the objective is the sum. Its gradient is 200 times as "
            "long, so the same rate of 0.1 does what 20 would do on the mean.",
            "Take three epochs, one at a time (Shift and →). The loss leaps to 14.2. Here it "
            "happens to land well, later on; that was luck and no method.",
            f"{_MEAN}&reduction=sum&pick=weight.1.0.0&beside={quote(_MEAN)}",
            _FEW,
            epoch(3),
        ),
        Step(
            "Divided by 200",
            "The sum again, with a rate of 0.1 / 200 = 0.0005. Beside it runs the mean with 0.1.",
            "Train for 300 epochs. The two curves lie on each other: they differ by less than "
            "1e-12. Where a rate is named, the reduction must be named too.",
            "data=moons&held=0&optimizer=sgd:lr=0.0005&reduction=sum&epochs=300"
            f"&beside={quote(_MEAN)}",
            _FEW,
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
            _FEW,
            both(below(0.1), rate_below(100)),
        ),
    ),
)

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
            _FEW,
            epoch(100),
        ),
        Step(
            "Small weights",
            "The same with weights between 0 and 1, as in the notebook. The slopes are between "
            "0.1 and 0.25, and the network learns.",
            "Train until the loss is below 0.01. Then look at the slopes again.",
            "data=notebook&speed=0&phase=backward&pick=neuron.1.0.0",
            _FEW,
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
            _FEW,
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
            _FEW,
            epoch(3),
        ),
        Step(
            "A leak",
            "The same start and rate with leaky ReLU: below 0 its slope is 0.01 and not 0. "
            "What is thrown too far can come back, or at least goes on learning.",
            "Train for 300 epochs. 98 % of the training points are right in the end.",
            f"{_STEEP}&activations=leakyrelu&epochs=300",
            _FEW,
            epoch(300),
        ),
        Step(
            "Or smaller steps",
            "ReLU again, with a rate of 0.5. No neuron dies.",
            "Train until the loss is below 0.03.",
            "data=circles&hidden=4&optimizer=sgd:lr=0.5&seed=2&activations=relu&speed=0",
            _FEW,
            below(0.03),
        ),
    ),
)

_SMALL = "data=moons&n=60&noise=0.35&held=0.5&data_seed=2&hidden=16&epochs=3000"

OVERFITTING = Lesson(
    "overfitting",
    "Overfitting and L2",
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
            _FEW,
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
            _FEW,
            epoch(9000),
        ),
        Step(
            "Smaller steps are calm",
            "The same two starts with Adam on the mean. Where the loss falls smoothly, a "
            "difference in the last bit stays there.",
            "Play to epoch 3000. The two losses agree to fourteen digits. So it is not the "
            "network that is chaotic, it is the way it was trained.",
            f"{_CALM}&speed=0&log=1&beside={_nudged(_CALM)}",
            _FEW,
            epoch(3000),
        ),
    ),
)

LESSONS: dict[str, Lesson] = {
    lesson.name: lesson for lesson in (NOTEBOOK, BIAS, XOR, SUM, SATURATION, OVERFITTING, CHAOS)
}
"""All lessons, by the name that a link has for them."""
