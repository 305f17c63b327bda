"""MLPClassifier."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target, unique_labels
from sklearn.utils.validation import check_is_fitted, validate_data

from glassnet.core.activations import Activation, Sigmoid, Softmax
from glassnet.core.errors import BadInput
from glassnet.core.formula import Array
from glassnet.core.losses import Loss
from glassnet.estimators.parameters import CONSTRAINTS, LOSS
from glassnet.estimators.perceptron import Perceptron, checked_weight


class MLPClassifier(ClassifierMixin, Perceptron):
    """A multilayer perceptron that tells classes, as scikit-learn's and to the same numbers.

    Parameters
    ----------
    hidden_layer_sizes : neurons of each hidden layer.
    activation : of the hidden layers: "relu", "tanh", "logistic", "identity", another by name
        ("gelu", "leakyrelu:alpha=0.2"), an instance, or a list with one for each layer.
    solver : "adam", "sgd" and "lbfgs" are scikit-learn's and take the parameters below. Another by
        name ("adamw:lr=0.01,decay=0.1") or an instance brings its own.
    alpha : ½·alpha·ΣW², divided by the weight of the batch, is added to the loss.
    batch_size : rows an update; "auto" is 200, or all where there are fewer.
    learning_rate : "constant", "invscaling" or "adaptive", of "sgd"; or a schedule by name
        ("cosine:lr=0.01,steps=2000") or an instance, of "sgd" and "adam".
    learning_rate_init : of "sgd" and "adam".
    power_t : of "invscaling".
    max_iter : epochs at most; iterations of L-BFGS.
    shuffle : each epoch in another order.
    random_state : a whole number, a RandomState or None for NumPy's global one.
    tol : an epoch counts as gain where the loss falls by more (the score does not rise by less).
    verbose : print a line an epoch.
    warm_start : go on from the network of the fit before.
    momentum, nesterovs_momentum : of "sgd".
    early_stopping : stop by the score on rows that are held out, and go back to the best.
    validation_fraction : the share of rows held out.
    beta_1, beta_2, epsilon : of "adam".
    n_iter_no_change : epochs in a row without gain after which to stop.
    max_fun : evaluations of the loss by "lbfgs" at most.
    class_weight : a weight for each class, {label: weight}, or "balanced". It weighs the rows
        given to learn from, those that early stopping holds out among them; rows of `X_val` have
        the weights of `sample_weight_val` alone.
    loss : "log_loss", or another of glassnet's by name or an instance.
    output_activation : of the output layer; None for the one that belongs to the loss.
    l1 : l1·Σ|W| is added as the penalty of alpha is.
    clip_norm : the gradient is shortened to this norm where it is longer; not by "lbfgs".
    dropout : how probable it is that a hidden neuron is left out of an update: one number, or a
        list with one for each layer. `loss_` is then the loss with neurons left out, scores and
        answers are the whole network's. Which are left out is drawn from `random_state` once,
        after the initial weights and the rows held out, before the first order of the rows.
    initializer : of the weights, by name ("he") or an instance, with biases 0; None for
        scikit-learn's.
    dtype : "float32" or "float64"; None follows X, and answers are as wide as the rows asked.
    metrics : measured after each epoch on the rows held out, or else on all: "accuracy",
        "balanced_accuracy", "r2", "rmse", "mae", or functions of y_true and y_pred. The second of
        two functions "f" is called "f 2".
    callbacks : stages over the training stream: each takes the stream of epochs and yields it.
    progress : show a bar.
    restore_best : go back to the best epoch, by the validation loss or else the loss; None does so
        with `early_stopping`, by the score.
    history_size : keep no more epochs in `loss_curve_` and `history_`.
    checkpoint : a file from which a run that was interrupted goes on, to the same bits; another fit
        from other weights (`warm_start`) wants another file.
    engine : "auto", "fused", "reference" or an engine.

    Attributes
    ----------
    classes_ : the labels, in the order of the outputs.
    coefs_, intercepts_ : the weights and biases of each layer. They are the truth: what is put
        there counts in the next answer and the next fit.
    loss_, loss_curve_, best_loss_ : the loss of the last epoch, of each, the lowest.
    validation_scores_, best_validation_score_ : with `early_stopping`, else None.
    n_iter_, t_ : epochs of the last fit; samples seen in all.
    n_layers_, n_outputs_, out_activation_, n_features_in_, feature_names_in_ : as they say.
    network_ : the architecture, a `glassnet.Network`.
    history_ : loss, objective, validation loss and metrics of each epoch, a `glassnet.History`.

    See Also
    --------
    sklearn.neural_network.MLPClassifier : these are its parameters, up to `max_fun`, in order.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **CONSTRAINTS,
        "class_weight": [StrOptions({"balanced"}), dict, list, None],
        "loss": [StrOptions({"log_loss"}), *LOSS],
    }

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
        class_weight=None,
        loss="log_loss",
        output_activation=None,
        l1=0.0,
        clip_norm=None,
        dropout=0.0,
        initializer=None,
        dtype=None,
        metrics=None,
        callbacks=None,
        progress=False,
        restore_best=None,
        history_size=None,
        checkpoint=None,
        engine="auto",
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.class_weight = class_weight
        self.loss = loss
        self.output_activation = output_activation
        self.l1 = l1
        self.clip_norm = clip_norm
        self.dropout = dropout
        self.initializer = initializer
        self.dtype = dtype
        self.metrics = metrics
        self.callbacks = callbacks
        self.progress = progress
        self.restore_best = restore_best
        self.history_size = history_size
        self.checkpoint = checkpoint
        self.engine = engine

    # ---- fitting

    @available_if(lambda est: est._check_solver())
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Any:
        """Go through the samples once more, from where the network is.

        Parameters
        ----------
        X, y, sample_weight : as in `fit`.
        classes : all labels that will ever come; wanted in the first call.
        """
        if self.class_weight == "balanced":
            raise BadInput(
                "class_weight='balanced' in partial_fit, which does not see all labels",
                "weights by class are expected",
                "Try dict(zip(classes, compute_class_weight('balanced', classes=classes, y=y))).",
            )
        if _check_partial_fit_first_call(self, classes):
            self._label_binarizer = LabelBinarizer()
            if type_of_target(y).startswith("multilabel"):
                self._label_binarizer.fit(y)
            else:
                self._label_binarizer.fit(classes)
        return self._fit(X, y, sample_weight, incremental=True)

    def _read(
        self, X: Any, y: Any, *, incremental: bool, reset: bool, fitting: bool = True
    ) -> tuple[Any, np.ndarray, np.ndarray]:
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            dtype=(np.float64, np.float32) if self.dtype is None else self.dtype,
            reset=reset,
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "classes_") or (not self.warm_start and not incremental):
            self._label_binarizer = LabelBinarizer()
            self._label_binarizer.fit(y)
            self.classes_ = self._label_binarizer.classes_
        else:
            classes = unique_labels(y)
            if self.warm_start and fitting:
                if set(classes) != set(self.classes_):
                    raise ValueError(
                        "warm_start can only be used where `y` has the same classes as in the"
                        f" previous call to fit. Previously got {self.classes_}, `y` has {classes}"
                    )
            elif len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
                raise ValueError(
                    "`y` has classes not in `self.classes_`. "
                    f"`self.classes_` has {self.classes_}. 'y' has {classes}."
                )
        several = self._label_binarizer.y_type_.startswith("multilabel")
        if several and y.ndim == 1:
            raise BadInput(
                "y has one label a row",
                f"the classifier that goes on tells {len(self.classes_)}, each yes or no: a column"
                " each is expected",
            )
        # bool: a byte a target while the numbers of the transform are let go
        targets = self._label_binarizer.transform(y).astype(bool)
        return X, targets.reshape(-1, 1) if targets.ndim == 1 else targets, y

    def _weights(self, sample_weight: Any, X: Any, labels: np.ndarray) -> Array | None:
        weight = super()._weights(sample_weight, X, labels)
        if self.class_weight is None:
            return weight
        by_class = compute_sample_weight(self.class_weight, labels)
        return checked_weight(by_class if weight is None else weight * by_class, X)

    @property
    def _stratifies(self) -> bool:
        return self.n_outputs_ == 1

    def _output(self, loss: Loss) -> Activation:
        return Softmax() if self._label_binarizer.y_type_ == "multiclass" else Sigmoid()

    def _score_of(self, outputs: Array, targets: Array, weight: Array | None) -> float:
        """The share of rows that are wholly right, as `accuracy_score`."""
        if self._label_binarizer.y_type_ == "multiclass":
            right = outputs.argmax(axis=1) == targets.argmax(axis=1)
        else:
            right = ((outputs > 0.5) == targets).all(axis=1)
        return float(np.average(right, weights=weight))

    # ---- answers

    def _decode(self, outputs: Array) -> np.ndarray:
        if self.n_outputs_ == 1:
            outputs = outputs.ravel()
        return self._label_binarizer.inverse_transform(outputs)

    def _answers(self) -> dict[str, Callable[[Array], Any]]:
        classes = self.classes_
        if self._label_binarizer.y_type_.startswith("multilabel"):
            return {"predict": lambda a: (a > 0.5).astype(int), "predict_proba": lambda a: a}
        if self.n_outputs_ == 1:
            return {
                "predict": lambda a: classes[int(a[0] > 0.5)],
                "predict_proba": lambda a: np.array([1 - a[0], a[0]]),
            }
        return {"predict": lambda a: classes[a.argmax()], "predict_proba": lambda a: a}

    def predict(self, X: Any) -> np.ndarray:
        """The label of each row, (n,); for multilabel (n, n_classes)."""
        check_is_fitted(self)
        return self._decode(self._forward_pass_fast(X))

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class, (n, n_classes), in the order of `classes_`."""
        check_is_fitted(self)
        outputs = self._forward_pass_fast(X)
        if self.n_outputs_ == 1:
            p = outputs.ravel()
            return np.vstack([1 - p, p]).T
        return outputs

    def predict_log_proba(self, X: Any) -> Array:
        """The logarithms of `predict_proba`."""
        p = self.predict_proba(X)
        return np.log(p, out=p)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
