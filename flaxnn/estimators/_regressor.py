# SPDX-License-Identifier: Apache-2.0
"""Any module as a regressor."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from flaxnn import nn, optim
from flaxnn.estimators._generic import ModuleEstimator
from flaxnn.estimators._labels import sample_weights
from flaxnn.estimators._scikit_learn import RegressorMixin
from flaxnn.estimators._weighted import judge_of_regression


class Regressor(RegressorMixin, ModuleEstimator):
    """Regressor that trains any module, such as a network ported from PyTorch.

    Parameters of the module, the loss and the optimiser are given, searched and set as
    ``module__hidden``, ``loss__beta`` and ``optimizer__momentum``. Where the module's
    class must be told ``in_features`` or ``out_features`` and they are not given, they
    are what the data have. It is trained by `flaxnn.fit`, in the dtype of X: float32
    stays float32, all else is float64.

    Args:
        module: A class or function that takes ``rngs=`` and gives a module of one
            input, or a module, whose weights are then the first.
        loss: The class of a loss ``(output, target)``, or a function or module that is
            one. Targets have the shape of the outputs.
        optimizer: A function that takes ``lr=`` and gives an optimiser.
        lr: The learning rate; None for the optimiser's own default.
        max_epochs: How many epochs.
        batch_size: Samples in a batch.
        shuffle: Whether each epoch has an order of its own.
        schedule: One of `flaxnn.optim.lr_scheduler`, stepped after each epoch.
        random_state: As for `Classifier`.
        early_stopping: Whether to hold out samples, stop when their score R² does not
            get better, and take the network of the best epoch.
        validation_fraction: The share of samples that is held out.
        tol: By how much the score must get better.
        n_iter_no_change: How many epochs in a row may be no better.
        warm_start: Whether ``fit`` goes on with the network of the last call.
        callbacks: Of `flaxnn.training.callbacks`.
        verbose: Whether to print a line for each epoch.
        **parameters: ``module__x``, ``loss__x`` and ``optimizer__x``.

    Attributes:
        module_: The trained module, which `flaxnn.interop.save_checkpoint` takes.
        loss_curve_: The mean loss of each epoch; ``loss_`` is the last.
        best_loss_: The least of them; None with early stopping.
        validation_scores_: R² after each epoch, with early stopping.
        best_validation_score_: The greatest of them.
        n_iter_: How many epochs there were.
        n_features_in_: The number of features: ``X.shape[1]``.
        feature_names_in_: Their names, where X has some.

    Torch:
        As `Classifier`.

    Example:
        >>> import numpy as np
        >>> X = np.linspace(-1, 1, 40)[:, None]
        >>> net = Regressor(nn.Linear, lr=0.5, max_epochs=50, random_state=0)
        >>> round(net.fit(X, 3 * X[:, 0] + 1).score(X, 3 * X[:, 0] + 1), 3)
        1.0
    """

    def __init__(
        self,
        module: Any,
        *,
        loss: Any = nn.MSELoss,
        optimizer: Any = optim.sgd,
        lr: float | None = 0.01,
        max_epochs: int = 10,
        batch_size: int = 128,
        shuffle: bool = True,
        schedule: Any = None,
        random_state: Any = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        tol: float = 1e-4,
        n_iter_no_change: float = 10,
        warm_start: bool = False,
        callbacks: Any = (),
        verbose: bool = False,
        **parameters: Any,
    ):
        self.module = module
        self.loss = loss
        self.optimizer = optimizer
        self.lr = lr
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.schedule = schedule
        self.random_state = random_state
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.verbose = verbose
        self._parameters = parameters

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Trains the module and returns the estimator.

        Args:
            X: Inputs ``(N, …)``: an array, a data frame or a sparse matrix, which is
                made dense as a whole.
            y: Targets ``(N,)`` or ``(N, K)``.
            sample_weight: ``(N,)`` weights, or None.

        Raises:
            TypeError: A parameter is of the wrong kind, or nothing takes it.
            ValueError: A parameter is out of range, the data are bad, or the loss gets
                nan or infinite.
        """
        self._fit(X, y, sample_weight)
        return self

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Trains for one epoch on these data and returns the estimator.

        The optimiser and the order of batches go on from the last call.

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
            ``(N,)`` or ``(N, K)``, as the targets were.
        """
        outputs = self._outputs(X)
        return outputs.reshape(len(outputs)) if self._flat else outputs

    def _targets(self, y: np.ndarray, classes: Any, *, goes_on: bool) -> dict[str, int]:
        self._flat = y.ndim == 1
        return {"out_features": int(np.prod(y.shape[1:]))}

    def _arrays(
        self, y: np.ndarray, sample_weight: Any, shape: tuple[int, ...], dtype: Any
    ) -> tuple[np.ndarray | None, np.ndarray]:
        if np.prod(y.shape[1:]) != np.prod(shape):
            raise ValueError(
                f"the module's output for a sample has shape {shape}, and its target "
                f"{y.shape[1:]}: they must be of one size"
            )
        target = y.astype(dtype).reshape(-1, *shape)
        if sample_weight is None:
            return None, target
        return sample_weights(sample_weight, len(y), dtype), target

    def _judge(
        self, weight: np.ndarray, target: np.ndarray
    ) -> tuple[dict[str, Any], Any]:
        metric, score = judge_of_regression(weight, target)
        return {"error": metric}, score

    def __sklearn_tags__(self) -> Any:
        """scikit-learn's tags: several outputs at once are taken."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
