# SPDX-License-Identifier: Apache-2.0
"""A classifier with scikit-learn's parameters for multi-layer perceptrons."""

from __future__ import annotations

from typing import Any, Self

import jax
import numpy as np
from sklearn.utils.multiclass import type_of_target

from flaxnn import functional as F
from flaxnn.estimators._labels import (
    encoded,
    sample_weights,
    weights_of,
)
from flaxnn.estimators._mlp import Perceptron
from flaxnn.estimators._predictions import NetworkClassifier
from flaxnn.estimators._probabilities import Link
from flaxnn.estimators._weighted import Correct, score_of


def cross_entropy(output: jax.Array, target: jax.Array) -> jax.Array:
    """The cross entropy of each sample's logits against its class."""
    return F.cross_entropy(output, target, reduction="none")


def binary_cross_entropy(output: jax.Array, target: jax.Array) -> jax.Array:
    """The cross entropy of each logit against 0 or 1."""
    return F.binary_cross_entropy_with_logits(output, target, reduction="none")


class MLPClassifier(NetworkClassifier, Perceptron):
    """Classifier that is a multi-layer perceptron, with scikit-learn's parameters.

    The network is ``module_``, a `flaxnn.nn.Sequential` of linear layers and
    activations: for two classes with one output and the logistic loss, for more with an
    output for each class and the cross entropy. A matrix of 0 and 1 as ``y`` is taken
    for several labels at once. It is trained by `flaxnn.fit`, in the dtype of X:
    float32 stays float32, all else is float64. An equal fit on data of the same shape
    finds its compilation again, also with another learning rate or ``alpha``.

    Args:
        hidden_layer_sizes: The sizes of the hidden layers.
        activation: ``"identity"``, ``"logistic"``, ``"tanh"`` or ``"relu"``.
        solver: ``"sgd"`` or ``"adam"``, with PyTorch's formulas.
        alpha: Strength of the L2 penalty ``½ α ΣW²`` of weights, not biases. It is in
            the loss, divided by the sum of the batch's sample weights.
        batch_size: Samples in a batch; ``"auto"`` for 200, or all where there are
            fewer.
        learning_rate: ``"constant"``; ``"invscaling"``, the rate divided by the
            samples seen to the power of ``power_t``; or ``"adaptive"``, a fifth
            whenever the run would stop. For ``"sgd"``.
        learning_rate_init: The learning rate.
        power_t: As said above.
        max_iter: How many epochs at most.
        shuffle: Whether each epoch has an order of its own.
        random_state: An int gives PyTorch's numbers of that seed: initial weights and
            order of batches. None for a new seed each time, or a NumPy RandomState.
        tol: By how much the loss, or the score, must get better.
        verbose: Whether to print a line for each epoch.
        warm_start: Whether ``fit`` goes on with the network of the last call.
        momentum: For ``"sgd"``.
        nesterovs_momentum: Whether momentum is Nesterov's.
        early_stopping: Whether to hold out samples, stop when their score does not get
            better, and take the network of the best epoch.
        validation_fraction: The share of samples that is held out.
        beta_1: Adam's decay of the first moment.
        beta_2: Adam's decay of the second moment.
        epsilon: Adam's summand in the denominator.
        n_iter_no_change: How many epochs in a row may be no better.
        class_weight: A weight for each label, ``"balanced"`` or None, multiplied with
            the sample weights.

    Attributes:
        classes_: ``(K,)`` the labels, sorted.
        module_: The network, which `flaxnn.interop.save_checkpoint` takes.
        coefs_: Weights of the layers, ``(in, out)``.
        intercepts_: Biases of the layers.
        loss_curve_: The mean loss of each epoch; ``loss_`` is the last.
        best_loss_: The least of them; None with early stopping.
        validation_scores_: The accuracy after each epoch, with early stopping.
        best_validation_score_: The greatest of them.
        n_iter_: How many epochs there were.
        t_: How many samples were visited.
        n_features_in_: The number of features.
        feature_names_in_: Their names, where X has some.
        n_outputs_: Outputs of the network.
        n_layers_: Layers with inputs and outputs counted.
        out_activation_: ``"softmax"`` or ``"logistic"``.

    Torch:
        ``torch.nn.Sequential`` of ``Linear`` and activations, a ``DataLoader``,
        ``torch.optim.SGD`` or ``Adam`` (2.13.0) and the loss with the penalty, after
        ``torch.manual_seed(random_state)``: initial weights and batches T0, the run T1
        in float64 and T2 in float32.

        scikit-learn's class (1.9.1) draws other numbers: uniform Glorot weights where
        PyTorch's layers draw smaller ones. Its Adam adds ``epsilon`` before the bias
        correction, and its momentum has the learning rate inside. ``"lbfgs"`` and
        ``max_fun`` are missing; ``class_weight`` and ``decision_function`` are more.

    Example:
        >>> import numpy as np
        >>> X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
        >>> y = ["no", "yes", "yes", "no"]
        >>> net = MLPClassifier((8,), learning_rate_init=0.1, tol=1e-3, random_state=0)
        >>> net.fit(X, y).predict([[0.1, 0.9], [0.9, 0.9]])
        array(['yes', 'no'], dtype='<U3')
    """

    def __init__(
        self,
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
        class_weight: Any = None,
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
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fits the network and returns the estimator.

        Args:
            X: Inputs ``(N, D)``: an array, a data frame or a sparse matrix, which is
                made dense as a whole.
            y: Labels ``(N,)``, or a matrix ``(N, K)`` of 0 and 1.
            sample_weight: ``(N,)`` weights, or None.

        Raises:
            TypeError: A parameter is of the wrong kind.
            ValueError: A parameter is out of range, the data are bad, or the loss gets
                nan or infinite, such as for too large a learning rate.
        """
        self._fit(X, y, sample_weight)
        return self

    def _targets(
        self, y: np.ndarray, dtype: Any, classes: Any, *, goes_on: bool
    ) -> np.ndarray:
        self._multilabel = type_of_target(y) == "multilabel-indicator"
        if self._multilabel:
            self.classes_: np.ndarray = np.arange(y.shape[1])
            self.n_outputs_: int = y.shape[1]
            self.out_activation_: str = "logistic"
            return y.astype(dtype)
        known = self.classes_ if goes_on else classes
        self.classes_, codes = encoded(y, known)
        if len(self.classes_) > 2:
            self.n_outputs_, self.out_activation_ = len(self.classes_), "softmax"
            return codes
        self.n_outputs_, self.out_activation_ = 1, "logistic"
        return codes[:, None].astype(dtype)

    def _weights(
        self, sample_weight: Any, target: np.ndarray, dtype: Any
    ) -> np.ndarray:
        if not self._multilabel:
            codes = target.reshape(-1).astype(np.int64)
            return weights_of(
                sample_weight, self.class_weight, self.classes_, codes, dtype
            )
        if self.class_weight is not None:
            raise ValueError("class_weight is for one label for each sample")
        return sample_weights(sample_weight, len(target), dtype)

    def _loss(self) -> Any:
        softmax = self.out_activation_ == "softmax"
        return cross_entropy if softmax else binary_cross_entropy

    def _strata(self, target: np.ndarray) -> np.ndarray | None:
        return None if self._multilabel else target.reshape(-1)

    def _judge(self, validation: tuple[np.ndarray, ...]) -> tuple[dict[str, Any], Any]:
        softmax = self.out_activation_ == "softmax"
        return {"correct": Correct(None if softmax else 0.0)}, score_of

    @property
    def _link(self) -> Link:
        return "softmax" if self.out_activation_ == "softmax" else "sigmoid"

    def __sklearn_tags__(self) -> Any:
        """scikit-learn's tags: several labels at once are taken."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
