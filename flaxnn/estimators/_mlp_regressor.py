# SPDX-License-Identifier: Apache-2.0
"""A regressor with scikit-learn's parameters for multi-layer perceptrons."""

from __future__ import annotations

from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import xlogy
from sklearn.utils.validation import column_or_1d

from flaxnn.estimators._labels import sample_weights
from flaxnn.estimators._mlp import Perceptron
from flaxnn.estimators._parameters import check_choice
from flaxnn.estimators._scikit_learn import RegressorMixin
from flaxnn.estimators._weighted import judge_of_regression


def half_squared_error(output: jax.Array, target: jax.Array) -> jax.Array:
    """Half of the squared error of each output."""
    return 0.5 * jnp.square(output - target)


def half_poisson_deviance(output: jax.Array, target: jax.Array) -> jax.Array:
    """Half of the Poisson deviance of the exponential of each output."""
    return jnp.exp(output) - target * output + xlogy(target, target) - target


_LOSSES = {"squared_error": half_squared_error, "poisson": half_poisson_deviance}


class MLPRegressor(RegressorMixin, Perceptron):
    """Regressor that is a multi-layer perceptron, with scikit-learn's parameters.

    The network is ``module_``, a `flaxnn.nn.Sequential` of linear layers and
    activations, with one output for each column of ``y``. It is trained by
    `flaxnn.fit`, in the dtype of X: float32 stays float32, all else is float64. An
    equal fit on data of the same shape finds its compilation again, also with another
    learning rate or ``alpha``.

    Args:
        loss: ``"squared_error"``, half of it, or ``"poisson"``, half of the deviance
            with an exponential behind the outputs, for ``y ≥ 0``. Over several outputs
            it is summed.
        hidden_layer_sizes: The sizes of the hidden layers.
        activation: ``"identity"``, ``"logistic"``, ``"tanh"`` or ``"relu"``.
        solver: ``"sgd"`` or ``"adam"``, with PyTorch's formulas.
        alpha: Strength of the L2 penalty ``½ α ΣW²`` of weights, not biases. It is in
            the loss, divided by the sum of the batch's sample weights.
        batch_size: Samples in a batch; ``"auto"`` for 200, or all where there are
            fewer.
        learning_rate: As for `MLPClassifier`.
        learning_rate_init: The learning rate.
        power_t: The power of ``learning_rate="invscaling"``.
        max_iter: How many epochs at most.
        shuffle: Whether each epoch has an order of its own.
        random_state: As for `MLPClassifier`.
        tol: By how much the loss, or the score, must get better.
        verbose: Whether to print a line for each epoch.
        warm_start: Whether ``fit`` goes on with the network of the last call.
        momentum: For ``"sgd"``.
        nesterovs_momentum: Whether momentum is Nesterov's.
        early_stopping: Whether to hold out samples, stop when their score R² does not
            get better, and take the network of the best epoch.
        validation_fraction: The share of samples that is held out.
        beta_1: Adam's decay of the first moment.
        beta_2: Adam's decay of the second moment.
        epsilon: Adam's summand in the denominator.
        n_iter_no_change: How many epochs in a row may be no better.

    Attributes:
        module_: The network, which `flaxnn.interop.save_checkpoint` takes.
        coefs_: Weights of the layers, ``(in, out)``.
        intercepts_: Biases of the layers.
        loss_curve_: The mean loss of each epoch; ``loss_`` is the last.
        best_loss_: The least of them; None with early stopping.
        validation_scores_: R² after each epoch, with early stopping.
        best_validation_score_: The greatest of them.
        n_iter_: How many epochs there were.
        t_: How many samples were visited.
        n_features_in_: The number of features.
        feature_names_in_: Their names, where X has some.
        n_outputs_: Outputs of the network.
        n_layers_: Layers with inputs and outputs counted.
        out_activation_: ``"identity"`` or ``"exp"``.

    Torch:
        As `MLPClassifier`. scikit-learn's class (1.9.1) descends on the same loss for
        several outputs, and reports the mean over them where this one reports the sum.

    Example:
        >>> import numpy as np
        >>> X = np.linspace(-1, 1, 50)[:, None]
        >>> net = MLPRegressor(
        ...     hidden_layer_sizes=(16,), learning_rate_init=0.05, random_state=0
        ... )
        >>> bool(net.fit(X, np.abs(X[:, 0])).score(X, np.abs(X[:, 0])) > 0.95)
        True
    """

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
    ):
        self.loss = loss
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

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fits the network and returns the estimator.

        Args:
            X: Inputs ``(N, D)``: an array, a data frame or a sparse matrix, which is
                made dense as a whole.
            y: Targets ``(N,)`` or ``(N, K)``.
            sample_weight: ``(N,)`` weights, or None.

        Raises:
            TypeError: A parameter is of the wrong kind.
            ValueError: A parameter is out of range, the data are bad, or the loss gets
                nan or infinite, such as for too large a learning rate.
        """
        self._fit(X, y, sample_weight)
        return self

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Trains for one epoch on these data and returns the estimator.

        The optimiser and the order of batches go on from the last call: k calls with
        the same data are ``fit`` with ``max_iter=k``.

        Args:
            X: As for `fit`.
            y: As for `fit`.
            sample_weight: As for `fit`.
        """
        self._fit(X, y, sample_weight, incremental=True)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Returns the prediction for each sample.

        Args:
            X: Inputs, as for `fit`.

        Returns:
            ``(N,)``, or ``(N, K)`` for several outputs.
        """
        outputs = self._outputs(X)
        if self.out_activation_ == "exp":
            outputs = np.exp(outputs)
        return outputs[:, 0] if self.n_outputs_ == 1 else outputs

    def _checked_parameters(self) -> tuple[int, ...]:
        check_choice("loss", self.loss, _LOSSES)
        return super()._checked_parameters()

    def _targets(
        self, y: np.ndarray, dtype: Any, classes: Any, *, goes_on: bool
    ) -> np.ndarray:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        target = y.astype(dtype).reshape(len(y), -1)
        poisson = self.loss == "poisson"
        if poisson and (target < 0).any():
            raise ValueError(
                "loss='poisson' needs targets that are not negative, got "
                f"{target.min():g}"
            )
        self.n_outputs_: int = target.shape[1]
        self.out_activation_ = "exp" if poisson else "identity"
        return target

    def _weights(
        self, sample_weight: Any, target: np.ndarray, dtype: Any
    ) -> np.ndarray:
        return sample_weights(sample_weight, len(target), dtype)

    def _loss(self) -> Any:
        return _LOSSES[self.loss]

    def _judge(self, validation: tuple[np.ndarray, ...]) -> tuple[dict[str, Any], Any]:
        _, weight, target = validation
        metric, score = judge_of_regression(
            weight, target, exponential=self.out_activation_ == "exp"
        )
        return {"error": metric}, score

    def __sklearn_tags__(self) -> Any:
        """scikit-learn's tags: several outputs at once are taken."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
