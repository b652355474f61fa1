# SPDX-License-Identifier: Apache-2.0
"""Multi-layer perceptrons with scikit-learn's parameters."""

from __future__ import annotations

import numbers
import warnings
from abc import abstractmethod
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import jax.numpy as jnp
import numpy as np
import optax
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from flaxnn import nn, optim
from flaxnn.estimators._convergence import Convergence
from flaxnn.estimators._inputs import checked_data
from flaxnn.estimators._network import NetworkEstimator, Training
from flaxnn.estimators._parameters import check_choice, check_flags, check_number
from flaxnn.estimators._seeds import seed_of
from flaxnn.estimators._weighted import WeightedLoss, weight_of
from flaxnn.optim import lr_scheduler
from flaxnn.optim.lr_scheduler import Scheduler
from flaxnn.random import Generator
from flaxnn.training import Validation

_ACTIVATIONS = {
    "identity": nn.Identity,
    "logistic": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
}
SOLVERS = ("sgd", "adam")
LEARNING_RATES = ("constant", "invscaling", "adaptive")


@dataclass(frozen=True)
class _InverseScaling:
    """The factor of scikit-learn's "invscaling": a power of the samples seen."""

    samples: int
    power: float

    def __call__(self, epoch: Any) -> Any:
        return jnp.power(1.0 + epoch * self.samples, -self.power)


class Perceptron(NetworkEstimator):
    """Base of `MLPClassifier` and `MLPRegressor`, which document the parameters."""

    hidden_layer_sizes: Any
    activation: str
    solver: str
    alpha: float
    batch_size: Any
    learning_rate: str
    learning_rate_init: float
    power_t: float
    max_iter: int
    shuffle: bool
    random_state: Any
    tol: float
    verbose: bool
    warm_start: bool
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool
    validation_fraction: float
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: float

    n_outputs_: int
    n_layers_: int
    out_activation_: str
    t_: int

    @abstractmethod
    def _targets(
        self, y: np.ndarray, dtype: Any, classes: Any, *, goes_on: bool
    ) -> np.ndarray:
        """Targets that the loss takes; sets the attributes that say what they are."""

    @abstractmethod
    def _weights(
        self, sample_weight: Any, target: np.ndarray, dtype: Any
    ) -> np.ndarray:
        """The weight of each sample."""

    @abstractmethod
    def _loss(self) -> Any:
        """The loss of each sample and output."""

    @abstractmethod
    def _judge(self, validation: tuple[np.ndarray, ...]) -> tuple[dict[str, Any], Any]:
        """Metrics of a validation, and the score that they give."""

    @property
    def coefs_(self) -> list[np.ndarray]:
        """The layers' weights, each ``(in, out)`` as scikit-learn has them."""
        return [np.asarray(layer.weight.get_value()).T for layer in self._layers()]

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """The layers' biases, each ``(out,)``."""
        return [np.asarray(layer.bias.get_value()) for layer in self._layers()]

    def _layers(self) -> list[Any]:
        if not hasattr(self, "module_"):
            raise AttributeError(f"this {type(self).__name__} is not fitted yet")
        return [layer for layer in self.module_ if isinstance(layer, nn.Linear)]

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        incremental: bool = False,
        classes: Any = None,
    ) -> None:
        """Fits, or goes on with, the network."""
        hidden = self._checked_parameters()
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        goes_on = hasattr(self, "module_") and (self.warm_start or incremental)
        X, y = checked_data(self, X, y, reset=not goes_on, multi_output=True)
        if not goes_on:
            self._forget()
            self._seed = seed_of(self.random_state)
            self.t_ = 0
        dtype = self._layers()[0].weight.get_value().dtype if goes_on else X.dtype
        target = self._targets(y, dtype, classes, goes_on=goes_on)
        weights = self._weights(sample_weight, target, dtype)
        sizes = (X.shape[1], *hidden, self.n_outputs_)
        if goes_on:
            generator, network = self._generator_now(), self.module_
            self._check_sizes(sizes)
        else:
            generator = Generator(self._seed)
            network = _perceptron(sizes, self.activation, generator, dtype)
        arrays: tuple[np.ndarray, ...]
        arrays = (X.astype(dtype, copy=False), weights, target)
        validation, score = None, None
        if self.early_stopping:
            arrays, held_out = self._split(arrays)
            metrics, score = self._judge(held_out)
            validation = Validation(held_out, {**metrics, "weight": weight_of})
        samples = len(arrays[0])
        training = self._training(samples, dtype, incremental=incremental)
        convergence = Convergence(
            samples,
            training.batch_size,
            tol=None if incremental else self.tol,
            patience=self.n_iter_no_change,
            score=score,
            verbose=bool(self.verbose),
            **self._best(),
        )
        self._train(
            network,
            arrays,
            training,
            generator,
            convergence,
            validation,
            resume=incremental and goes_on,
        )
        self.n_layers_ = len(sizes)
        self.t_ += samples * self.n_iter_
        if (
            not incremental
            and not convergence.stopped
            and self.n_iter_ >= self.max_iter
        ):
            warnings.warn(
                f"{type(self).__name__}: the maximum of {self.max_iter} iterations was "
                "reached before the optimization converged; raise max_iter or tol",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _best(self) -> dict[str, float]:
        """The best loss and score of the calls that this one goes on with."""
        found = {
            "best_loss": getattr(self, "best_loss_", None),
            "best_score": getattr(self, "best_validation_score_", None),
        }
        return {name: value for name, value in found.items() if value is not None}

    def _training(self, samples: int, dtype: Any, *, incremental: bool) -> Training:
        auto = isinstance(self.batch_size, str)
        return Training(
            loss=WeightedLoss(self._loss(), dtype, alpha=self.alpha, outputs="sum"),
            optimizer=self._optimizer(),
            epochs=1 if incremental else int(self.max_iter),
            batch_size=min(200 if auto else int(self.batch_size), samples),
            shuffle=bool(self.shuffle),
            penalized=True,
            schedule=self._schedule(samples),
            adaptive=self.solver == "sgd" and self.learning_rate == "adaptive",
        )

    def _optimizer(self) -> optax.GradientTransformation:
        if self.solver == "sgd":
            return optim.sgd(
                self.learning_rate_init,
                self.momentum,
                nesterov=bool(self.nesterovs_momentum) and self.momentum > 0,
            )
        return optim.adam(
            self.learning_rate_init, (self.beta_1, self.beta_2), self.epsilon
        )

    def _schedule(self, samples: int) -> Scheduler | None:
        if self.solver != "sgd" or self.learning_rate != "invscaling":
            return None
        return lr_scheduler.lambda_lr(_InverseScaling(samples, float(self.power_t)))

    def _split(
        self, arrays: tuple[np.ndarray, ...]
    ) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
        """The part to train on and the part to judge by."""
        target = arrays[-1]
        rows, held_out = train_test_split(
            np.arange(len(target)),
            test_size=self.validation_fraction,
            random_state=self._seed % 2**32,
            stratify=self._strata(target),
        )
        if len(held_out) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or "
                "the size of your dataset."
            )
        return tuple(a[rows] for a in arrays), tuple(a[held_out] for a in arrays)

    def _strata(self, target: np.ndarray) -> np.ndarray | None:
        """What the two parts must have the same shares of, if anything."""
        return None

    def _check_sizes(self, sizes: tuple[int, ...]) -> None:
        """Raises unless the network that is gone on with has these sizes."""
        layers = self._layers()
        found = (layers[0].in_features, *(layer.out_features for layer in layers))
        if found != sizes:
            raise ValueError(
                f"cannot go on with a network of sizes {found}: parameters and data of "
                f"this call make it {sizes}; use warm_start=False"
            )

    def _checked_parameters(self) -> tuple[int, ...]:
        """Raises what is wrong with the parameters; gives the hidden layers' sizes."""
        check_choice("activation", self.activation, _ACTIVATIONS)
        check_choice("solver", self.solver, SOLVERS)
        check_choice("learning_rate", self.learning_rate, LEARNING_RATES)
        flags = ("shuffle", "warm_start", "nesterovs_momentum", "early_stopping")
        check_flags(self, *flags)
        check_number("alpha", self.alpha, 0)
        if isinstance(self.batch_size, str):
            check_choice("batch_size", self.batch_size, ["auto"])
        else:
            check_number("batch_size", self.batch_size, 1, integer=True)
        check_number("learning_rate_init", self.learning_rate_init, 0, open_low=True)
        check_number("power_t", self.power_t, 0)
        check_number("max_iter", self.max_iter, 1, integer=True)
        check_number("tol", self.tol, 0)
        check_number("momentum", self.momentum, 0, 1)
        fraction = self.validation_fraction
        check_number("validation_fraction", fraction, 0, 1, open_high=True)
        check_number("beta_1", self.beta_1, 0, 1, open_high=True)
        check_number("beta_2", self.beta_2, 0, 1, open_high=True)
        check_number("epsilon", self.epsilon, 0, open_low=True)
        check_number("n_iter_no_change", self.n_iter_no_change, 1)
        return _hidden_sizes(self.hidden_layer_sizes)

    def __sklearn_tags__(self) -> Any:
        """scikit-learn's tags: sparse inputs are taken."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _hidden_sizes(given: Any) -> tuple[int, ...]:
    """The sizes of the hidden layers, given as one number or several."""
    sizes = [given] if isinstance(given, numbers.Integral) else list(given)
    for size in sizes:
        check_number("hidden_layer_sizes", size, 1, integer=True)
    return tuple(int(size) for size in sizes)


def _perceptron(
    sizes: tuple[int, ...], activation: str, rngs: Generator, dtype: Any
) -> nn.Sequential:
    """Linear layers with an activation between them, drawn as PyTorch draws them."""
    layers: list[nn.Module] = []
    for index, pair in enumerate(pairwise(sizes)):
        if index:
            layers.append(_ACTIVATIONS[activation]())
        layers.append(nn.Linear(*pair, rngs=rngs))
    return nn.astype(nn.Sequential(*layers), dtype)
