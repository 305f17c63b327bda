"""Names: in mathematics, in LaTeX and in the notebook's words, for any depth."""

from __future__ import annotations

import pytest

from glassnet.core.network import Network
from glassnet.walkthrough import naming

TWO = Network.mlp(4, 3, 1)
DEEP = Network.mlp(2, 3, 3, 3, 1)
ONE = Network.mlp(2, 1)

NAMES = [  # name, in mathematics, LaTeX, in a network of two layers as the notebook's
    ("X", "X", "X", "X"),
    ("z1", "z₁", "z_{1}", "hiddenLayer_linearTransform"),
    ("a1", "a₁", "a_{1}", "hiddenLayer_activations"),
    ("z2", "z₂", "z_{2}", "outputLayer_linearTransform"),
    ("a2", "a₂", "a_{2}", "output"),
    ("W1", "W₁", "W_{1}", "weights_input_hidden"),
    ("W2", "W₂", "W_{2}", "weights_hidden_output"),
    ("b1", "b₁", "b_{1}", "bias_hidden"),
    ("losses", "ℓ", r"\ell", "error"),
    ("J", "J", "J", "objective"),
    ("norm", "‖∂J/∂θ‖", r"\left\|\frac{\partial J}{\partial \theta}\right\|", "gradient_norm"),
    ("lr", "lr", r"\mathrm{lr}", "lr"),
    ("dL_da2", "∂L/∂a₂", r"\frac{\partial L}{\partial a_{2}}", "error_wrt_output"),
    ("dL_dX", "∂L/∂X", r"\frac{\partial L}{\partial X}", "error_wrt_X"),
    ("da2_dz2", "∂a₂/∂z₂", r"\frac{\partial a_{2}}{\partial z_{2}}",
     "output_wrt_outputLayer_linearTransform"),
    ("dz2_da1", "∂z₂/∂a₁", r"\frac{\partial z_{2}}{\partial a_{1}}",
     "outputLayer_linearTransform_wrt_hiddenLayer_activations"),
    ("dL_dW2", "∂L/∂W₂", r"\frac{\partial L}{\partial W_{2}}", "error_wrt_weights_hidden_output"),
    ("dJ_db1", "∂J/∂b₁", r"\frac{\partial J}{\partial b_{1}}", "objective_wrt_bias_hidden"),
    ("new_W1", "W₁′", "W_{1}'", "new_weights_input_hidden"),
    ("g_W1", "g[W₁]", "g_{W_{1}}", "g_weights_input_hidden"),
    ("m_W2", "m[W₂]", "m_{W_{2}}", "m_weights_hidden_output"),
    ("m_new_W2", "m′[W₂]", "m'_{W_{2}}", "m_new_weights_hidden_output"),
    ("v_hat_b2", "v̂[b₂]", r"\hat v_{b_{2}}", "v_hat_bias_output"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "math", "latex", "seed"), NAMES, ids=[n[0] for n in NAMES])
def test_names(name: str, math: str, latex: str, seed: str) -> None:
    assert naming.math(name) == math
    assert naming.latex(name) == latex
    assert naming.seed(name, TWO) == seed


@pytest.mark.parametrize(
    ("name", "net", "seed"),
    [
        ("W2", DEEP, "weights_hidden1_hidden2"),
        ("dL_dW1", DEEP, "error_wrt_weights_input_hidden1"),
        ("dL_dW4", DEEP, "error_wrt_weights_hidden3_output"),
        ("a3", DEEP, "hidden3Layer_activations"),
        ("dz3_da2", DEEP, "hidden3Layer_linearTransform_wrt_hidden2Layer_activations"),
        ("b4", DEEP, "bias_output"),
        ("W1", ONE, "weights_input_output"),
        ("a1", ONE, "output"),
        ("dz1_dX", ONE, "outputLayer_linearTransform_wrt_X"),
    ],
)
def test_any_depth_in_the_notebooks_words(name: str, net: Network, seed: str) -> None:
    assert naming.seed(name, net) == seed


def test_layers_beyond_nine() -> None:
    assert naming.math("dL_dW12") == "∂L/∂W₁₂"
    assert naming.latex("a10") == "a_{10}"
