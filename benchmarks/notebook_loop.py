"""The training loop as the teaching notebook writes it: columns, np.dot, fresh arrays each time."""

from __future__ import annotations

from typing import Any

import numpy as np


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def train(
    X: Any, y: Any, weights_input_hidden: Any, weights_hidden_output: Any, *, lr: float, epochs: int
) -> tuple[Any, Any, list[float]]:
    """X (n_in, n), y (1, n). Both weights after the last update, and the loss of every epoch."""
    losses = []
    for _ in range(epochs):
        hidden_linear = np.dot(weights_input_hidden.T, X)
        hidden = sigmoid(hidden_linear)
        output_linear = np.dot(weights_hidden_output.T, hidden)
        output = sigmoid(output_linear)

        error = np.square(y - output) / 2

        error_wrt_output = -(y - output)
        output_wrt_output_linear = np.multiply(output, (1 - output))
        error_wrt_weights_hidden_output = np.dot(
            hidden, (error_wrt_output * output_wrt_output_linear).T
        )

        hidden_wrt_hidden_linear = np.multiply(hidden, (1 - hidden))
        error_wrt_weights_input_hidden = np.dot(
            X,
            (
                hidden_wrt_hidden_linear
                * np.dot(weights_hidden_output, (output_wrt_output_linear * error_wrt_output))
            ).T,
        )

        weights_hidden_output = weights_hidden_output - lr * error_wrt_weights_hidden_output
        weights_input_hidden = weights_input_hidden - lr * error_wrt_weights_input_hidden
        losses.append(np.average(error))
    return weights_input_hidden, weights_hidden_output, losses
