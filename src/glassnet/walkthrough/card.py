"""The card of conventions: what must be said before two people can compare their numbers.

And how the same network is written elsewhere, where it can be, with what differs there.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from glassnet.core import activations, losses, optimizers
from glassnet.core.formula import Formula
from glassnet.core.network import Network
from glassnet.core.optimizers import LBFGS, Optimizer
from glassnet.core.schedules import Schedule
from glassnet.engines.base import Task
from glassnet.walkthrough import formulas
from glassnet.walkthrough.expression import call, name
from glassnet.walkthrough.step import Layout
from glassnet.walkthrough.trace import Trace


@dataclass(frozen=True)
class Card:
    """Labels and what they say; and the network in the words of other libraries."""

    rows: tuple[tuple[str, str], ...]
    spellings: dict[str, str]

    def _repr_html_(self) -> str:
        from glassnet.walkthrough.html import of_card

        return of_card(self)


def card(trace: Trace, *, layout: Layout = "rows", digits: int | None = 4) -> Card:
    """The conventions of a trace. digits is how many are shown; None for all of them."""
    task, net = trace.task, trace.net
    n = len(trace.X)
    if layout == "columns":
        samples = f"columns: X is (n_in, n) = {(net.n_in, n)}"
        z = "z = Wᵀ @ x"
    else:
        samples = f"rows: X is (n, n_in) = {(n, net.n_in)}"
        z = "z = x @ W"
    biased = [layer.bias for layer in net.layers]
    bias = "one for each neuron" if all(biased) else "none" if not any(biased) else "in some layers"
    half = isinstance(task.loss, losses.SquaredError)
    summed = "" if isinstance(task.loss, losses.CrossEntropy) else " Summed over the outputs."
    reduced = {
        "mean": "mean: the objective J is L/N, so the gradient does not grow with the samples",
        "sum": "sum: the objective J is L, so the gradient grows with the number of samples",
    }
    rows = [
        ("network", f"{net}, {net.n_params} parameters"),
        ("samples", samples),
        ("W", f"(n_in, n_out): {z}{' + b' if any(biased) else ''}"),
        ("bias", bias),
        (
            "loss",
            task.loss.formula + (" With the half." if half else "") + summed,
        ),
        (
            "L",
            "the losses of all samples added up"
            + (", by their weights" if _weighted(trace) else ""),
        ),
        ("reduction", reduced[task.reduction]),
        ("penalty", _penalty(task)),
        ("update", f"{task.optimizer}, number {trace.step + 1}; ′ marks what comes after it"),
        ("parameters", "as given" if trace.step == 0 else f"after {trace.step} updates"),
        ("dtype", str(trace.theta.dtype)),
        ("digits", _digits(digits)),
        ("counting", "layers from 1; samples, neurons and places such as W2[1,0] from 0"),
    ]
    if task.dropout is not None and dropped(task) and trace.samples is not None:
        rates = ", ".join(f"{rate:g}" for rate in task.dropout.rates(net)[:-1])
        said = f"rate {rates} of the hidden layers, seed {task.dropout.seed}: what is kept is "
        rows.insert(8, ("dropout", said + "divided by 1 − rate, so predictions need nothing"))
    if task.clip is not None:
        rows.insert(8, ("clipping", f"the gradient is shortened to the norm {task.clip:g}"))
    return Card(tuple(rows), spellings(task, trace.theta.dtype.name))


def spellings(task: Task, dtype: str = "float64") -> dict[str, str]:
    """The same network elsewhere, by library."""
    return {
        "glassnet": _glassnet(task),
        "scikit-learn": _scikit_learn(task),
        "PyTorch": _pytorch(task, dtype),
        "Keras": _keras(task),
        "NumPy, as the notebook": _numpy(task.net),
    }


def _weighted(trace: Trace) -> bool:
    return trace.samples is not None and trace.samples[2] is not None


def _penalty(task: Task) -> str:
    terms = [f"{task.l1:g}·Σ|W|"] * bool(task.l1) + [f"½·{task.l2:g}·ΣW²"] * bool(task.l2)
    if not terms:
        return "none"
    return " + ".join(terms) + ", on weights, not on biases, not divided by N"


def _digits(digits: int | None) -> str:
    if digits is None:
        return "all: each number is shown so that it can be read back bit for bit"
    return f"{digits} are shown, computed from full precision: the last one shown may differ"


# ---------------------------------------------------------------- elsewhere


def _made(value: Formula) -> str:
    # gn.Adam(lr=0.01), as Python says it; constants at their defaults are left out
    shown = []
    for field in fields(value):
        constant = getattr(value, field.name)
        if constant != field.default:
            said = _made(constant) if isinstance(constant, Formula) else repr(constant)
            shown.append(f"{field.name}={said}")
    kind = type(value)
    home = "gn." if kind.__module__.startswith("glassnet.core.") else ""  # or one's own
    return f"{home}{kind.__name__}({', '.join(shown)})"


def _glassnet(task: Task) -> str:
    net = task.net
    hidden = [layer.activation for layer in net.layers[:-1]]
    said = ", ".join(map(str, net.sizes))
    if len({layer.bias for layer in net.layers}) > 1:
        dense = [
            f"gn.Dense({layer.n_in}, {layer.n_out}, {_made(layer.activation)}, bias={layer.bias})"
            for layer in net.layers
        ]
        return f"net = gn.Network(({', '.join(dense)}))\n{_glassnet_task(task)}"
    if hidden:
        one = _made(hidden[0])
        alike = all(activation == hidden[0] for activation in hidden)
        said += (
            f", activation={one}" if alike else f", activation=[{', '.join(map(_made, hidden))}]"
        )
    said += f", output={_made(net.layers[-1].activation)}"
    said += "" if net.layers[-1].bias else ", bias=False"
    return f"net = gn.Network.mlp({said})\n{_glassnet_task(task)}"


def _glassnet_task(task: Task) -> str:
    rest = "" if task.reduction == "mean" else ', reduction="sum"'
    rest += f", l1={task.l1!r}" if task.l1 else ""
    rest += f", l2={task.l2!r}" if task.l2 else ""
    rest += f", clip={task.clip!r}" if task.clip is not None else ""
    if dropped(task):
        assert task.dropout is not None
        rest += f", dropout=gn.Dropout({task.dropout.rate!r}, seed={task.dropout.seed})"
    return f"task = gn.Task(net, {_made(task.loss)}, {_made(task.optimizer)}{rest})"


def dropped(task: Task) -> bool:
    """Whether neurons are left out in training."""
    return task.dropout is not None and any(task.dropout.rates(task.net))


SKLEARN = {
    activations.Sigmoid: "logistic",
    activations.Tanh: "tanh",
    activations.ReLU: "relu",
    activations.Identity: "identity",
}


def _scikit_learn(task: Task) -> str:
    net = task.net
    output, hidden = net.layers[-1].activation, {layer.activation for layer in net.layers[:-1]}
    pairs: dict[tuple[type, type], str] = {
        (losses.BinaryCrossEntropy, activations.Sigmoid): "MLPClassifier(",
        (losses.CrossEntropy, activations.Softmax): "MLPClassifier(",
        (losses.SquaredError, activations.Identity): "MLPRegressor(",
        (losses.Poisson, activations.Exp): 'MLPRegressor(loss="poisson", ',
    }
    made = pairs.get((type(task.loss), type(output)))
    why = []
    if made is None:
        why.append(f"no {task.loss} with {output}")
    if len(hidden) > 1 or not all(type(one) in SKLEARN for one in hidden):
        why.append("one activation for all hidden layers, of logistic, tanh, relu, identity")
    if not all(layer.bias for layer in net.layers):
        why.append("always a bias")
    if not net.layers[:-1]:
        why.append("at least one hidden layer")
    if task.reduction == "sum":
        why.append("always the mean over the samples")
    if task.l1:
        why.append("no l1")
    if task.clip is not None:
        why.append("no clipping")
    why += ["no dropout"] * dropped(task)
    solvers: dict[type, str] = {
        optimizers.SGD: 'solver="sgd", momentum=0, nesterovs_momentum=False',
        optimizers.Momentum: 'solver="sgd", momentum={momentum}, nesterovs_momentum=False',
        optimizers.Nesterov: 'solver="sgd", momentum={momentum}',
        optimizers.Adam: 'solver="adam", beta_1={beta1}, beta_2={beta2}, epsilon={eps}',
        optimizers.LBFGS: 'solver="lbfgs"',
    }
    solver = solvers.get(type(task.optimizer))
    if solver is None:
        why.append("solver sgd, adam or lbfgs")
    if why or made is None or solver is None:
        return f"not to be had there: {'; '.join(why)}"
    sizes = ", ".join(str(layer.n_out) for layer in net.layers[:-1])
    comma = "," if len(net.layers) == 2 else ""
    named = SKLEARN[type(net.layers[0].activation)]
    solver = solver.format(**formulas.constants(task.optimizer))
    rate = "" if isinstance(task.optimizer, LBFGS) else f", learning_rate_init={_rate(task)}"
    said = f'{made}hidden_layer_sizes=({sizes}{comma}), activation="{named}", {solver}{rate}, '
    said += f"alpha={_alpha(task)})"
    if isinstance(task.optimizer, Optimizer) and isinstance(task.optimizer.lr, Schedule):
        said += f"\n# the rate of the first update; then by {task.optimizer.lr}"
    said += "\n# its penalty is alpha/(2·N)·ΣW²: divided by the samples, so alpha is l2·N"
    if net.n_out > 1 and isinstance(task.loss, losses.SquaredError | losses.Poisson):
        said += "\n# reports the loss as a mean over the outputs too"
    if net.n_out == 2 and isinstance(task.loss, losses.CrossEntropy):
        said += "\n# of two classes it makes one output, logistic"
    return said


def _alpha(task: Task) -> str:
    return f"{task.l2!r} * n_samples" if task.l2 else "0"


def _rate(task: Task) -> str:
    assert isinstance(task.optimizer, Optimizer)
    return repr(task.optimizer.rate(0))


TORCH: dict[type, str] = {
    activations.Sigmoid: "nn.Sigmoid()",
    activations.Tanh: "nn.Tanh()",
    activations.ReLU: "nn.ReLU()",
    activations.LeakyReLU: "nn.LeakyReLU({alpha})",
    activations.ELU: "nn.ELU({alpha})",
    activations.GELU: "nn.GELU()",
    activations.SiLU: "nn.SiLU()",
    activations.Softplus: "nn.Softplus(threshold=1e9)",
    activations.Softmax: "nn.Softmax(dim=1)",
}


def _pytorch(task: Task, dtype: str) -> str:
    net = task.net
    folded = task.loss.closes(net.layers[-1].activation)  # the loss takes the sums z
    parts, own = [], []
    rates = task.dropout.rates(net) if task.dropout is not None else (0.0,) * len(net.layers)
    for k, (layer, rate) in enumerate(zip(net.layers, rates, strict=True), 1):
        bias = "" if layer.bias else ", bias=False"
        parts.append(f"nn.Linear({layer.n_in}, {layer.n_out}{bias})")
        left_out = [f"nn.Dropout({rate!r})"] * bool(rate)
        if isinstance(layer.activation, activations.Identity) or (folded and k == len(net.layers)):
            parts += left_out
            continue
        written = TORCH.get(type(layer.activation))
        if written is None:
            own.append(type(layer.activation).__name__)
            written = f"{own[-1]}()"
        parts += [written.format(**formulas.constants(layer.activation)), *left_out]
    cost: dict[type, tuple[str, str]] = {
        losses.SquaredError: ("nn.MSELoss", "it has no half, and its mean is over the outputs too"),
        losses.BinaryCrossEntropy: ("nn.BCEWithLogitsLoss", "its mean is over the outputs too")
        if folded
        else ("nn.BCELoss", "its mean is over the outputs too"),
        losses.CrossEntropy: ("nn.CrossEntropyLoss", "it takes sums z, and class numbers for y")
        if folded
        else ("nn.NLLLoss", "it takes ln a"),
        losses.Huber: ("nn.HuberLoss", "its mean is over the outputs too"),
        losses.Absolute: ("nn.L1Loss", "its mean is over the outputs too"),
        losses.Poisson: ("nn.PoissonNLLLoss", "it leaves out the part that depends on y alone"),
    }
    settings = ""
    if isinstance(task.loss, losses.Huber):
        settings = f"delta={task.loss.delta!r}, "
    elif isinstance(task.loss, losses.Poisson) and not folded:
        settings = "log_input=False, "
    named = cost.get(type(task.loss))
    if named is None:
        loss = f"# {type(task.loss).__name__}: to be written by hand"
    else:
        loss = f'loss = {named[0]}({settings}reduction="{task.reduction}")  # {named[1]}'
    if own:
        loss += f"\n# to be written by hand: {', '.join(own)}"
    double = ".double()" if dtype == "float64" else ""
    body = ", ".join(parts)
    return (
        f"model = nn.Sequential({body}){double}\n{loss}\n# W is (n_out, n_in) there: weight = W.T"
    )


KERAS: dict[type, str] = {
    activations.Sigmoid: '"sigmoid"',
    activations.Tanh: '"tanh"',
    activations.ReLU: '"relu"',
    activations.LeakyReLU: "keras.layers.LeakyReLU(negative_slope={alpha})",
    activations.ELU: "keras.layers.ELU(alpha={alpha})",
    activations.GELU: '"gelu"',
    activations.SiLU: '"silu"',
    activations.Softplus: '"softplus"',
    activations.Identity: '"linear"',
    activations.Softmax: '"softmax"',
    activations.Exp: '"exponential"',
}


def _keras(task: Task) -> str:
    lines = [f"keras.Input(shape=({task.net.n_in},))"]
    rates = task.dropout.rates(task.net) if task.dropout is not None else [0] * len(task.net.layers)
    for layer, rate in zip(task.net.layers, rates, strict=True):
        named = KERAS.get(type(layer.activation), f'"{type(layer.activation).__name__}  (own)"')
        named = named.format(**formulas.constants(layer.activation))
        bias = "" if layer.bias else ", use_bias=False"
        lines.append(f"keras.layers.Dense({layer.n_out}, activation={named}{bias})")
        lines += [f"keras.layers.Dropout({rate!r})"] * bool(rate)
    cost: dict[type, str] = {
        losses.SquaredError: "mse  (no half; its mean is over the outputs too)",
        losses.BinaryCrossEntropy: "binary_crossentropy  (its mean is over the outputs too)",
        losses.CrossEntropy: "categorical_crossentropy",
        losses.Huber: "keras.losses.Huber(delta={delta})  (its mean is over the outputs too)",
        losses.Absolute: "mae  (its mean is over the outputs too)",
        losses.Poisson: "poisson  (without the part that depends on y alone)",
    }
    named = cost.get(type(task.loss), f"{type(task.loss).__name__}  (own)")
    named = named.format(**formulas.constants(task.loss))
    body = ", ".join(lines)
    return f"model = keras.Sequential([{body}])\n# loss: {named}; W is (n_in, n_out), as here"


def _numpy(net: Network) -> str:
    # samples are columns there, so parameters agree number for number, and data are transposed
    lines = []
    for k, layer in enumerate(net.layers, 1):
        below = "X" if k == 1 else f"a{k - 1}"
        bias = f" + b{k}[:, None]" if layer.bias else ""
        f = formulas.fixed(formulas.of_activation(layer.activation).f, layer.activation)
        f = f.replace(name("z"), name(f"z{k}"))
        if isinstance(layer.activation, activations.Softmax):
            f = call("softmax", name(f"z{k}").T).T
        lines.append(f"z{k} = W{k}.T @ {below}{bias}; a{k} = {f.code()}")
    return "\n".join(lines)
