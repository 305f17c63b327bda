"""How each quantity of a network is called: in mathematics, in LaTeX, and in the notebook's words.

A quantity has one name in glassnet, of letters and digits: `dL_dW2`. Here it is spelled ∂L/∂W₂ for
a reader, and `error_wrt_weights_hidden_output` for one who knows the notebook. Layers count from 1;
`new_W2` is W2 after the update, `m_W2` the optimizer's m of W2, before it.
"""

from __future__ import annotations

import re
from collections.abc import Container

from glassnet.core.network import Network

SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
PARAMETER = re.compile(r"(?P<before>.*_)?(?P<letter>[Wb])(?P<layer>\d+)$")
HATS = {"m_hat": "m̂", "v_hat": "v̂"}
LATEX_HATS = {"m_hat": r"\hat m", "v_hat": r"\hat v"}


def math(name: str) -> str:
    """∂L/∂W₂ for dL_dW2."""
    if derivative := re.fullmatch(r"d(\w+?)_d(\w+)", name):
        return f"∂{math(derivative[1])}/∂{math(derivative[2])}"
    if name == "losses":
        return "ℓ"
    if name == "norm":
        return "‖∂J/∂θ‖"
    if found := PARAMETER.fullmatch(name):
        own = found["letter"] + found["layer"].translate(SUBSCRIPTS)
        before = (found["before"] or "").removesuffix("_")
        if not before:
            return own
        if before == "new":
            return f"{own}′"
        if before.endswith("_new"):
            return f"{before.removesuffix('_new')}′[{own}]"
        return f"{HATS.get(before, before)}[{own}]"
    if found := re.fullmatch(r"([a-z])(\d+)", name):
        return found[1] + found[2].translate(SUBSCRIPTS)
    return name


def latex(name: str) -> str:
    r"""\frac{\partial L}{\partial W_{2}} for dL_dW2."""
    if derivative := re.fullmatch(r"d(\w+?)_d(\w+)", name):
        above, below = latex(derivative[1]), latex(derivative[2])
        return rf"\frac{{\partial {above}}}{{\partial {below}}}"
    if name == "losses":
        return r"\ell"
    if name == "norm":
        return r"\left\|\frac{\partial J}{\partial \theta}\right\|"
    if found := PARAMETER.fullmatch(name):
        own = f"{found['letter']}_{{{found['layer']}}}"
        before = (found["before"] or "").removesuffix("_")
        if not before:
            return own
        if before == "new":
            return f"{own}'"
        if before.endswith("_new"):
            return f"{before.removesuffix('_new')}'_{{{own}}}"
        return f"{LATEX_HATS.get(before, before)}_{{{own}}}"
    if found := re.fullmatch(r"([a-z])(\d+)", name):
        return f"{found[1]}_{{{found[2]}}}"
    return name if len(name) == 1 else rf"\mathrm{{{name}}}"


def seed(name: str, net: Network) -> str:
    """error_wrt_weights_hidden_output for dL_dW2, in a network of any depth."""
    fixed = {
        "X": "X",
        "y": "y",
        "w": "sample_weights",
        "losses": "error",
        "L": "total_error",
        "N": "number_of_samples",
        "penalty": "penalty",
        "J": "objective",
        "norm": "gradient_norm",
        "lr": "lr",
        "t": "t",
    }
    if name in fixed:
        return fixed[name]
    if derivative := re.fullmatch(r"d(\w+?)_d(\w+)", name):
        upper = {"L": "error", "J": "objective"}.get(derivative[1]) or seed(derivative[1], net)
        return f"{upper}_wrt_{seed(derivative[2], net)}"
    if found := PARAMETER.fullmatch(name):
        number = int(found["layer"])
        if found["letter"] == "W":
            own = f"weights_{layer_name(number - 1, net)}_{layer_name(number, net)}"
        else:
            own = f"bias_{layer_name(number, net)}"
        return f"{found['before'] or ''}{own}"
    if found := re.fullmatch(r"([zamh])(\d+)", name):
        number, depth = int(found[2]), len(net.layers)
        if found[1] == "a" and number == depth:
            return "output"
        what = {"z": "linearTransform", "a": "activations", "m": "mask", "h": "masked"}[found[1]]
        return f"{layer_name(number, net)}Layer_{what}"
    return name


def handed(k: int, values: Container[str]) -> str:
    """What layer k hands to the one above: h1, or a1 where no neuron is left out; X for layer 0."""
    if k == 0:
        return "X"
    return f"h{k}" if f"h{k}" in values else f"a{k}"


def layer_name(number: int, net: Network) -> str:
    """Input, hidden (hidden1, hidden2, … where there are several), output."""
    depth = len(net.layers)
    if number == 0:
        return "input"
    if number == depth:
        return "output"
    return "hidden" if depth == 2 else f"hidden{number}"
