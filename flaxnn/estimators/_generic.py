# SPDX-License-Identifier: Apache-2.0
"""Any module behind scikit-learn's interface: its parameters and its run."""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from sklearn.model_selection import train_test_split

from flaxnn import nn
from flaxnn.estimators._convergence import Convergence
from flaxnn.estimators._inputs import checked_data
from flaxnn.estimators._network import NetworkEstimator, Training
from flaxnn.estimators._parameters import check_flags, check_number, suggestion
from flaxnn.estimators._seeds import seed_of
from flaxnn.estimators._weighted import PlainLoss, WeightedLoss, weight_of
from flaxnn.random import Generator
from flaxnn.training import Validation

# What `module__x`, `loss__x` and `optimizer__x` are parameters of.
_OWNERS = ("module", "loss", "optimizer")


class ModuleEstimator(NetworkEstimator):
    """Base of `Classifier` and `Regressor`, which document the parameters."""

    module: Any
    loss: Any
    optimizer: Any
    lr: float | None
    max_epochs: int
    batch_size: int
    shuffle: bool
    schedule: Any
    random_state: Any
    early_stopping: bool
    validation_fraction: float
    tol: float
    n_iter_no_change: float
    warm_start: bool
    callbacks: Any
    verbose: bool
    _parameters: dict[str, Any]

    _allow_nd = True

    @abstractmethod
    def _targets(self, y: np.ndarray, classes: Any, *, goes_on: bool) -> dict[str, int]:
        """Learns what the targets are; gives the sizes that a module may want."""

    @abstractmethod
    def _arrays(
        self, y: np.ndarray, sample_weight: Any, shape: tuple[int, ...], dtype: Any
    ) -> tuple[np.ndarray | None, np.ndarray]:
        """Weights, None where all are equal, and targets for outputs of a shape."""

    @abstractmethod
    def _judge(
        self, weight: np.ndarray, target: np.ndarray
    ) -> tuple[dict[str, Any], Any]:
        """Metrics of a validation, and the score that they give."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Returns all parameters, those of module, loss and optimizer among them.

        Args:
            deep: Whether to include those of parameters that are estimators.
        """
        return {**super().get_params(deep), **self._parameters}

    def set_params(self, **params: Any) -> Self:
        """Sets parameters and returns the estimator.

        Args:
            **params: Parameters, also such as ``module__hidden=…``.
        """
        nested = {name: value for name, value in params.items() if _is_nested(name)}
        self._parameters = {**self._parameters, **nested}
        super().set_params(**{n: v for n, v in params.items() if n not in nested})
        return self

    def _of(self, owner: str) -> dict[str, Any]:
        """The parameters of the module, the loss or the optimiser."""
        prefix = f"{owner}__"
        return {
            name.removeprefix(prefix): value
            for name, value in self._parameters.items()
            if name.startswith(prefix)
        }

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
        self._check_parameters()
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        goes_on = hasattr(self, "module_") and (self.warm_start or incremental)
        X, y = checked_data(
            self, X, y, reset=not goes_on, allow_nd=True, multi_output=True
        )
        sizes = self._targets(y, classes, goes_on=goes_on)
        if goes_on:
            generator, network = self._generator_now(), self.module_
        else:
            self._forget()
            self._seed = seed_of(self.random_state)
            generator = Generator(self._seed)
            network = self._network({"in_features": X.shape[1], **sizes}, generator)
            network = nn.astype(network, X.dtype)
            self._dtype = X.dtype
        X = X.astype(self._dtype, copy=False)
        weight, target = self._arrays(
            y, sample_weight, _output_shape(network, X), self._dtype
        )
        loss = self._loss(weighted=weight is not None)
        if weight is None:
            weight = np.ones(len(X), self._dtype)
        arrays: tuple[np.ndarray, ...] = (X, weight, target)
        validation, score = None, None
        if self.early_stopping:
            arrays, held_out = self._split(arrays)
            metrics, score = self._judge(*held_out[1:])
            validation = Validation(held_out, {**metrics, "weight": weight_of})
        self._train(
            network,
            arrays,
            self._training(loss, len(arrays[0]), incremental=incremental),
            generator,
            Convergence(
                len(arrays[0]),
                self.batch_size,
                tol=self.tol if self.early_stopping else None,
                patience=self.n_iter_no_change,
                score=score,
                verbose=bool(self.verbose),
            ),
            validation,
            resume=incremental and goes_on,
        )

    def _training(self, loss: Any, samples: int, *, incremental: bool) -> Training:
        return Training(
            loss=loss,
            optimizer=self._optimizer(),
            epochs=1 if incremental else int(self.max_epochs),
            batch_size=min(int(self.batch_size), samples),
            shuffle=bool(self.shuffle),
            schedule=self.schedule,
            callbacks=tuple(self.callbacks),
        )

    def _network(self, sizes: Mapping[str, int], rngs: Generator) -> Any:
        """The module that was given, or a new one drawn from the generator."""
        given = self._of("module")
        if isinstance(self.module, nnx.Module):
            if given:
                raise TypeError(
                    f"module is a module already, and takes no {sorted(given)}: pass "
                    "its class"
                )
            return self.module
        _check_names(self.module, "module", given)
        known = _signature(self.module)
        for name, size in sizes.items():
            if name in known and known[name].default is inspect.Parameter.empty:
                given.setdefault(name, size)
        network = self.module(**given, rngs=rngs)
        if not isinstance(network, nnx.Module):
            raise TypeError(
                "module must be a class or function that gives a flaxnn.nn.Module, "
                f"got {type(network).__name__} from it"
            )
        return network

    def _loss(self, *, weighted: bool) -> Any:
        """The loss of the output of a `WeightedNetwork`."""
        given = self._of("loss")
        if not isinstance(self.loss, type):
            if given:
                raise TypeError(
                    f"loss is no class, and takes no {sorted(given)}: pass its class"
                )
            if weighted:
                raise ValueError(
                    "sample and class weights need the loss of each sample: pass the "
                    "class of a loss that takes reduction='none', such as "
                    "loss=flaxnn.nn.CrossEntropyLoss"
                )
            return PlainLoss(self.loss)
        _check_names(self.loss, "loss", given)
        if not weighted:
            return PlainLoss(self._in_dtype(self.loss(**given)))
        if "reduction" not in _signature(self.loss) or given.get("reduction") == "sum":
            raise ValueError(
                f"sample and class weights make a mean of the loss of each sample, and "
                f"{self.loss.__name__} gives none here: it must take reduction='none', "
                "and loss__reduction must be left out"
            )
        each = self.loss(**{**given, "reduction": "none"})
        return WeightedLoss(self._in_dtype(each), self._dtype)

    def _in_dtype(self, loss: Any) -> Any:
        is_module = isinstance(loss, nn.Module)
        return nn.astype(loss, self._dtype) if is_module else loss

    def _optimizer(self) -> optax.GradientTransformation:
        given = self._of("optimizer")
        _check_names(self.optimizer, "optimizer", given)
        rate = "lr" if "lr" in _signature(self.optimizer) else "learning_rate"
        if self.lr is not None:
            given.setdefault(rate, self.lr)
        return self.optimizer(**given)

    def _split(
        self, arrays: tuple[np.ndarray, ...]
    ) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
        """The part to train on and the part to judge by."""
        rows, held_out = train_test_split(
            np.arange(len(arrays[0])),
            test_size=self.validation_fraction,
            random_state=self._seed % 2**32,
            stratify=self._strata(arrays[-1]),
        )
        return tuple(a[rows] for a in arrays), tuple(a[held_out] for a in arrays)

    def _strata(self, target: np.ndarray) -> np.ndarray | None:
        """What the two parts must have the same shares of, if anything."""
        return None

    def _check_parameters(self) -> None:
        """Raises what is wrong with the parameters."""
        for name in self._parameters:
            if not _is_nested(name):
                raise TypeError(
                    f"{type(self).__name__} got an unexpected parameter {name!r}."
                    + suggestion(name, [*self._get_param_names(), *_OWNERS])
                    + " Those of the module, the loss and the optimizer are written "
                    "module__x, loss__x and optimizer__x"
                )
        for owner in _OWNERS:
            if not callable(getattr(self, owner)):
                raise TypeError(
                    f"{owner} must be a class or function, got {getattr(self, owner)!r}"
                )
        if self.lr is not None:
            check_number("lr", self.lr, 0)
        check_number("max_epochs", self.max_epochs, 1, integer=True)
        check_number("batch_size", self.batch_size, 1, integer=True)
        check_flags(self, "shuffle", "early_stopping", "warm_start")
        fraction = self.validation_fraction
        check_number("validation_fraction", fraction, 0, 1, open_high=True)
        check_number("tol", self.tol, 0)
        check_number("n_iter_no_change", self.n_iter_no_change, 1)

    def __sklearn_tags__(self) -> Any:
        """scikit-learn's tags: sparse inputs are taken."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _is_nested(name: str) -> bool:
    owner, separator, rest = name.partition("__")
    return owner in _OWNERS and bool(separator and rest)


def _signature(factory: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    # The signature of Flax's classes themselves is their metaclass's.
    made = factory.__init__ if isinstance(factory, type) else factory
    return inspect.signature(made).parameters


def _check_names(
    factory: Callable[..., Any], owner: str, given: Mapping[str, Any]
) -> None:
    """Raises unless a class or function takes parameters of these names."""
    known = _signature(factory)
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in known.values()):
        return
    for name in given:
        if name not in known:
            what = getattr(factory, "__name__", repr(factory))
            near = suggestion(f"{owner}__{name}", [f"{owner}__{n}" for n in known])
            raise TypeError(
                f"{owner}__{name} was given, but {what} takes no {name!r}.{near}"
            )


def _output_shape(network: nnx.Module, X: np.ndarray) -> tuple[int, ...]:
    """The shape of the network's output for one sample, found without computing."""
    graphdef, state = nnx.split(network)

    def output(state: Any, x: jax.Array) -> jax.Array:
        model = nnx.merge(graphdef, state)
        model.eval()
        return model(x)  # pyright: ignore[reportCallIssue]

    with jax.enable_x64(X.dtype == np.float64):
        shape = jax.eval_shape(output, state, jnp.asarray(X[:1])).shape
    return shape[1:]
