# SPDX-License-Identifier: Apache-2.0
"""Logistic regression with scikit-learn's interface."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
import optax
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from flaxnn import nn, optim
from flaxnn._compilation_cache import follow_environment
from flaxnn.estimators._convergence import Convergence
from flaxnn.estimators._inputs import FLOATS, checked_data
from flaxnn.estimators._labels import encoded, first_classes, weights_of
from flaxnn.estimators._logistic_solver import solve
from flaxnn.estimators._mlp_classifier import binary_cross_entropy, cross_entropy
from flaxnn.estimators._network import NetworkEstimator, Training
from flaxnn.estimators._parameters import check_choice, check_flags, check_number
from flaxnn.estimators._probabilities import (
    Link,
    codes_of,
    log_probabilities,
    probabilities,
)
from flaxnn.estimators._process import check_process
from flaxnn.estimators._scikit_learn import ClassifierMixin
from flaxnn.estimators._seeds import generator_of
from flaxnn.estimators._weighted import WeightedLoss
from flaxnn.random import Generator

_SOLVERS = ("lbfgs", "sgd", "adam")


def _takes_batches(estimator: Any) -> bool:
    """Whether the solver can go on with other data; else says what can."""
    if estimator.solver == "lbfgs":
        raise AttributeError(
            "partial_fit needs a solver of mini-batches, 'sgd' or 'adam': 'lbfgs' "
            "minimises over all data at once"
        )
    return True


class LogisticRegression(ClassifierMixin, NetworkEstimator):
    """Classifier with scikit-learn's objective of logistic regression.

    What is minimised is ``C · Σ weight · log loss + ½ ‖coef‖²``: with two classes of
    one score, with more of a softmax over a score for each. Intercepts are not
    penalised. It computes in the dtype of X: float32 stays float32, all else is
    float64. Another ``C``, ``tol`` or ``max_iter`` does not compile again.

    - ``"lbfgs"`` is L-BFGS (optax's, with its zoom line search) over all data, one
      compiled program. The features are centred and decorrelated by a change of
      variables, so it needs no scaled inputs; the minimum is the same. Where the dtype
      does not reach ``tol`` it ends when nothing gets better any more, which counts as
      converged.
    - ``"sgd"`` and ``"adam"`` train on mini-batches, by `flaxnn.fit`, for ``max_iter``
      epochs. The loss of a batch is ``Σ weight · log loss / Σ weight``, with a
      ``weight_decay`` for the coefficients of ``1 / (C · S)``, where ``S`` is the sum
      of the weights of all samples: the objective above divided by ``C · S``. Adam's
      decay is a part of the gradient, too, as in PyTorch's ``Adam``.

    Args:
        C: Inverse strength of the penalty, more than 0; ``np.inf`` for none.
        tol: For ``"lbfgs"``: it stops when no entry of the gradient of the objective
            divided by ``C · S`` is larger, as scikit-learn's does.
        fit_intercept: Whether scores have intercepts.
        class_weight: A weight for each label, ``"balanced"`` or None, multiplied with
            the sample weights.
        random_state: For ``"sgd"`` and ``"adam"``. An int gives PyTorch's numbers of
            that seed: initial weights and order of batches. None for a new seed each
            time, or a NumPy RandomState.
        solver: ``"lbfgs"``, ``"sgd"`` or ``"adam"``.
        max_iter: The most steps of ``"lbfgs"``; the epochs of the others.
        learning_rate_init: For ``"sgd"`` and ``"adam"``.
        batch_size: For ``"sgd"`` and ``"adam"``; ``"auto"`` for 200, or all samples
            where there are fewer.
        warm_start: Whether ``fit`` starts from the coefficients of the last call.
        verbose: Whether to print how the solver ended, or a line for each epoch.

    Attributes:
        classes_: ``(K,)`` the labels, sorted.
        coef_: ``(K, D)`` coefficients; ``(1, D)`` for two classes, of the second.
        intercept_: ``(K,)`` intercepts, or ``(1,)``; zeros without.
        n_iter_: ``(1,)`` steps or epochs done.
        n_features_in_: The number of features.
        feature_names_in_: Their names, where X has some.
        module_: After ``"sgd"`` and ``"adam"`` the `flaxnn.nn.Linear`, which
            `flaxnn.interop.save_checkpoint` takes.
        loss_curve_: After these the mean loss of each epoch, without the penalty.

    Torch:
        With ``"sgd"`` and ``"adam"`` a ``Linear``, a shuffled ``DataLoader`` and
        ``torch.optim.SGD`` or ``Adam`` (2.13.0) with the decay for the weight alone,
        after ``torch.manual_seed(random_state)``: initial weights and batches T0, the
        run T1 in float64 and T2 in float32.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True)
        >>> model = LogisticRegression().fit(X, y)
        >>> model.predict(X[:2]).tolist()
        [0, 0]
        >>> round(model.score(X, y), 4)
        0.9733
    """

    coef_: np.ndarray
    intercept_: np.ndarray
    classes_: np.ndarray
    n_iter_: Any
    module_: Any

    def __init__(
        self,
        C: float = 1.0,
        *,
        tol: float = 1e-4,
        fit_intercept: bool = True,
        class_weight: Any = None,
        random_state: Any = None,
        solver: str = "lbfgs",
        max_iter: int = 100,
        learning_rate_init: float = 0.01,
        batch_size: int | str = "auto",
        warm_start: bool = False,
        verbose: int = 0,
    ):
        self.C = C
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.random_state = random_state
        self.solver = solver
        self.max_iter = max_iter
        self.learning_rate_init = learning_rate_init
        self.batch_size = batch_size
        self.warm_start = warm_start
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fits the coefficients and returns the estimator.

        Args:
            X: Inputs ``(N, D)``: an array, a data frame or a sparse matrix, which
                ``"lbfgs"`` keeps sparse and the others make dense as a whole.
            y: Labels ``(N,)``.
            sample_weight: ``(N,)`` weights, or None.

        Raises:
            TypeError: A parameter is of the wrong kind.
            ValueError: A parameter is out of range, the data are bad or of one class,
                ``warm_start`` meets coefficients of another shape, or the loss gets nan
                or infinite, such as for too large a learning rate.
        """
        self._check_parameters()
        if self.solver != "lbfgs":
            self._fit_batches(X, y, sample_weight)
            return self
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=FLOATS)
        classes, codes = self._encoded(y)
        weights = weights_of(
            sample_weight, self.class_weight, classes, codes, np.float64
        )
        start = self._start(len(classes), X.shape[1])
        check_process()
        follow_environment()
        self._forget()
        found = solve(
            X,
            codes,
            weights,
            len(classes),
            C=float(self.C),
            fit_intercept=bool(self.fit_intercept),
            tol=float(self.tol),
            max_iter=int(self.max_iter),
            start=start,
        )
        self.classes_ = classes
        self.coef_, self.intercept_ = found.coef, found.intercept
        self.n_iter_ = np.array([found.steps], np.int32)
        ended = (
            f"{found.steps} steps to an objective of {found.objective:.8g}, its "
            f"largest derivative is {found.gradient:.2g}"
        )
        if self.verbose:
            print(f"LogisticRegression: {ended}")
        if not found.converged:
            warnings.warn(
                f"lbfgs failed to converge: {ended}, more than tol={self.tol}; raise "
                "max_iter or tol",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    @available_if(_takes_batches)
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None
    ) -> Self:
        """Trains for one epoch on these data and returns the estimator.

        The optimiser and the order of batches go on from the last call: k calls with
        the same data are ``fit`` with ``max_iter=k``. The weights of the samples of
        this call are what ``C`` is measured by.

        Args:
            X: As for `fit`.
            y: As for `fit`.
            sample_weight: As for `fit`.
            classes: All labels; needed at the first call.

        Raises:
            AttributeError: The solver is ``"lbfgs"``.
            ValueError: The labels are not known at the first call, or others later;
                else as `fit`.
        """
        self._check_parameters()
        known = first_classes(self, y, classes)
        self._fit_batches(X, y, sample_weight, incremental=True, classes=known)
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """Returns the scores ``(N, K)``; ``(N,)`` of the second of two classes.

        Args:
            X: Inputs, as for `fit`.
        """
        scores = self._scores(X)
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def predict(self, X: Any) -> np.ndarray:
        """Returns the ``(N,)`` labels with the largest scores.

        Args:
            X: Inputs, as for `fit`.
        """
        scores = self._scores(X)
        return self.classes_[codes_of(scores, self._link)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Returns the probability ``(N, K)`` of each label.

        Args:
            X: Inputs, as for `fit`.
        """
        scores = self._scores(X)
        return probabilities(scores, self._link)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Returns the logarithm of the probability ``(N, K)`` of each label.

        Args:
            X: Inputs, as for `fit`.
        """
        scores = self._scores(X)
        return log_probabilities(scores, self._link)

    @property
    def _link(self) -> Link:
        return "softmax" if len(self.classes_) > 2 else "sigmoid"

    def _scores(self, X: Any) -> np.ndarray:
        """``(N, K)`` scores, or ``(N, 1)``; sparse inputs stay sparse."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=FLOATS, reset=False)
        return X @ self.coef_.T + self.intercept_[None]

    def _encoded(self, y: Any, known: Any = None) -> tuple[np.ndarray, np.ndarray]:
        classes, codes = encoded(y, known)
        if len(classes) < 2:
            raise ValueError(
                "logistic regression needs samples of at least 2 classes in the data, "
                f"but the data contains only one class: {classes.tolist()[0]!r}"
            )
        return classes, codes

    def _start(self, classes: int, features: int) -> Any:
        """What ``warm_start`` begins with."""
        if not (self.warm_start and hasattr(self, "coef_")):
            return None
        shape = (1 if classes == 2 else classes, features)
        if self.coef_.shape != shape:
            raise ValueError(
                f"warm_start=True has coefficients of shape {self.coef_.shape} from "
                f"the last call, and these data need {shape}; use warm_start=False"
            )
        return self.coef_, self.intercept_

    def _fit_batches(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        incremental: bool = False,
        classes: Any = None,
    ) -> None:
        """Trains a linear layer by `flaxnn.fit`."""
        resume = incremental and hasattr(self, "module_")
        X, y = checked_data(self, X, y, reset=not resume)
        classes, codes = self._encoded(y, classes)
        dtype = self.coef_.dtype if resume else X.dtype
        X = X.astype(dtype, copy=False)
        weights = weights_of(sample_weight, self.class_weight, classes, codes, dtype)
        binary = len(classes) == 2
        start = None if resume else self._start(len(classes), X.shape[1])
        if not resume:
            self._forget()
        generator = self._generator_now() if resume else generator_of(self.random_state)
        layer = (
            self.module_
            if resume
            else self._layer(
                X.shape[1], 1 if binary else len(classes), start, generator, dtype
            )
        )
        auto = isinstance(self.batch_size, str)
        training = Training(
            loss=WeightedLoss(binary_cross_entropy if binary else cross_entropy, dtype),
            optimizer=self._optimizer(float(weights.sum(dtype=np.float64))),
            epochs=1 if incremental else int(self.max_iter),
            batch_size=min(200 if auto else int(self.batch_size), len(X)),
        )
        convergence = Convergence(
            len(X),
            training.batch_size,
            tol=None,
            patience=0,
            verbose=bool(self.verbose),
        )
        target = codes[:, None].astype(dtype) if binary else codes
        self._train(
            layer, (X, weights, target), training, generator, convergence, resume=resume
        )
        self.classes_ = classes
        self.coef_ = np.array(self.module_.weight.get_value())
        self.intercept_ = np.zeros(len(self.coef_), dtype)
        if self.module_.bias is not None:
            self.intercept_ = np.array(self.module_.bias.get_value())
        self.n_iter_ = np.array([self.n_iter_], np.int32)

    def _layer(
        self, features: int, scores: int, start: Any, rngs: Generator, dtype: Any
    ) -> nn.Linear:
        """The layer to begin with, as PyTorch draws it unless there is a start."""
        bias = bool(self.fit_intercept)
        layer = nn.astype(nn.Linear(features, scores, bias, rngs=rngs), dtype)
        if start is None:
            return layer
        tensors = {"weight": start[0], "bias": start[1]}
        if not bias:
            del tensors["bias"]
        return nn.load_state_dict(layer, tensors)

    def _optimizer(self, total: float) -> optax.GradientTransformation:
        """The optimiser; the penalty is a decay of the coefficients alone."""
        make = optim.sgd if self.solver == "sgd" else optim.adam
        decay = 0.0 if np.isinf(self.C) else 1 / (self.C * total)
        decayed = make(self.learning_rate_init, weight_decay=decay)
        if not self.fit_intercept:
            return decayed
        return optim.param_groups(
            {"*.bias": make(self.learning_rate_init)}, default=decayed
        )

    def _check_parameters(self) -> None:
        """Raises what is wrong with the parameters."""
        check_choice("solver", self.solver, _SOLVERS)
        check_number("C", self.C, 0, open_low=True)
        check_number("tol", self.tol, 0)
        check_number("max_iter", self.max_iter, 1, integer=True)
        check_number("learning_rate_init", self.learning_rate_init, 0, open_low=True)
        check_flags(self, "fit_intercept", "warm_start")
        if isinstance(self.batch_size, str):
            check_choice("batch_size", self.batch_size, ["auto"])
        else:
            check_number("batch_size", self.batch_size, 1, integer=True)

    def __sklearn_tags__(self) -> Any:
        """scikit-learn's tags: sparse inputs are taken."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
