# SPDX-License-Identifier: Apache-2.0
"""What all estimators that train a network share: the run, and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from sklearn.utils.validation import check_is_fitted

from flaxnn.data import DataLoader
from flaxnn.estimators._convergence import Convergence
from flaxnn.estimators._inputs import checked_inputs
from flaxnn.estimators._process import check_process
from flaxnn.estimators._scikit_learn import BaseEstimator
from flaxnn.estimators._weighted import WeightedNetwork
from flaxnn.optim.lr_scheduler import Scheduler
from flaxnn.random import Generator
from flaxnn.training import RunState, TrainState, Validation, fit, predict
from flaxnn.training.callbacks import Callback

# scikit-learn's rule for an adaptive rate: a fifth, until it is no more than this.
_DIVISOR, _LEAST_RATE = 5.0, 1e-6


@dataclass(frozen=True)
class Training:
    """How a network is trained.

    Attributes:
        loss: The loss of the output of a `WeightedNetwork`.
        optimizer: The optimiser.
        epochs: How many epochs at most.
        batch_size: Samples in a batch.
        shuffle: Whether each epoch has an order of its own.
        penalized: As for `WeightedNetwork`.
        schedule: What changes the learning rate after each epoch, or None.
        adaptive: Whether the learning rate is divided by 5 where the run would stop.
        callbacks: Told of the run.
    """

    loss: Callable[..., Any]
    optimizer: optax.GradientTransformation
    epochs: int
    batch_size: int
    shuffle: bool = True
    penalized: bool = False
    schedule: Scheduler | None = None
    adaptive: bool = False
    callbacks: Sequence[Callback] = field(default=())


class NetworkEstimator(BaseEstimator):
    """Base of the estimators that train a network.

    A fitted one has the network as ``module_``. Everything that training goes on from
    is kept as NumPy arrays, and so is the network in a pickle, so that float64 arrays
    come back as such.
    """

    module_: Any
    n_iter_: int
    loss_: float
    loss_curve_: list[float]
    best_loss_: float | None
    best_validation_score_: float | None
    validation_scores_: list[float] | None
    # Whether a sample may be more than a row of features.
    _allow_nd: bool = False

    def _train(
        self,
        network: nnx.Module,
        arrays: tuple[np.ndarray, ...],
        training: Training,
        generator: Generator,
        convergence: Convergence,
        validation: Validation | None = None,
        *,
        resume: bool = False,
    ) -> None:
        """Trains a network and keeps what comes out.

        Args:
            network: The network to start from.
            arrays: Inputs, weights, targets.
            training: How.
            generator: What the order of batches is drawn from.
            convergence: Says when to stop.
            validation: What the epochs are judged by.
            resume: Whether to go on with the optimiser's state of the last call.
        """
        check_process()
        model = WeightedNetwork(network, penalized=training.penalized)
        loader = DataLoader(
            arrays, training.batch_size, training.shuffle, rngs=generator
        )
        state = self._resumed(model, training.optimizer, generator) if resume else None
        while True:
            run = fit(
                model,
                loader,
                loss=training.loss,
                optimizer=training.optimizer,
                epochs=training.epochs,
                schedule=training.schedule,
                state=state,
                validation=validation,
                callbacks=[convergence, *training.callbacks],
                # The guard's copies cost more than a small step; convergence looks.
                nonfinite="continue",
                progress=False,
            )
            state = run.state
            done = len(convergence.losses) >= training.epochs
            if done or not (convergence.stopped and training.adaptive):
                break
            lower = _lower_rate(state)
            if lower is None:
                break
            convergence.go_on()
            state = lower
        best = convergence.best_state
        trained = run.model if best is None else best.train.to_model(model)
        self.module_ = trained.network
        self._opt_state = _on_host(state.train.opt_state)
        self._steps = int(state.train.step)
        self._generator_state = generator.get_state()
        self._tell(convergence)

    def _tell(self, convergence: Convergence) -> None:
        """Sets the attributes that say how the run went."""
        validated = bool(convergence.scores)
        self.n_iter_ = len(convergence.losses)
        self.loss_ = convergence.losses[-1]
        self.loss_curve_ = [*self._earlier("loss_curve_"), *convergence.losses]
        self.best_loss_ = None if validated else convergence.best_loss
        self.validation_scores_ = None
        self.best_validation_score_ = None
        if validated:
            scores = [*self._earlier("validation_scores_"), *convergence.scores]
            self.validation_scores_ = scores
            self.best_validation_score_ = convergence.best_score

    def _earlier(self, name: str) -> list[float]:
        """A list of an earlier call that this one goes on with."""
        return getattr(self, name, None) or []

    def _forget(self) -> None:
        """Forgets what earlier calls have left."""
        for name in ("module_", "loss_curve_", "validation_scores_", "best_loss_"):
            vars(self).pop(name, None)
        vars(self).pop("best_validation_score_", None)

    def _resumed(
        self,
        model: WeightedNetwork,
        optimizer: optax.GradientTransformation,
        generator: Generator,
    ) -> RunState:
        """The state that the last call has left, at the beginning of an epoch."""
        with _precision(model):
            train = TrainState.create(model, optimizer)
        train = replace(
            train, opt_state=self._opt_state, step=np.asarray(self._steps, np.int32)
        )
        return RunState(train, generators=(generator.get_state(),))

    def _generator_now(self) -> Generator:
        """The generator where the last call has left it."""
        generator = Generator(0)
        generator.set_state(self._generator_state)
        return generator

    def _outputs(self, X: Any) -> np.ndarray:
        """The network's outputs ``(N, …)`` for inputs of any kind."""
        check_is_fitted(self)
        X = checked_inputs(self, X, allow_nd=self._allow_nd)
        check_process()
        return predict(self.module_, X)

    def __getstate__(self) -> dict[str, Any]:
        """The estimator's attributes, the network as plain arrays."""
        state: Any = super().__getstate__()
        module = state.get("module_")
        if isinstance(module, nnx.Module):
            state = {**state, "module_": _Frozen.of(module)}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Puts the network together again, in the dtypes that it had."""
        module = state.get("module_")
        if isinstance(module, _Frozen):
            state = {**state, "module_": module.module()}
        super().__setstate__(state)


@dataclass(frozen=True)
class _Frozen:
    """A network in a pickle: its structure, and its arrays as NumPy's."""

    structure: Any
    arrays: Any

    @classmethod
    def of(cls, module: nnx.Module) -> _Frozen:
        structure, state = nnx.split(module)
        return cls(structure, _on_host(nnx.to_pure_dict(state)))

    def module(self) -> nnx.Module:
        # Without this JAX would make float32 of float64 arrays.
        with jax.enable_x64(True):
            return nnx.merge(self.structure, jax.tree.map(jnp.asarray, self.arrays))


def _on_host(tree: Any) -> Any:
    return jax.tree.map(np.asarray, tree)


def _precision(model: nnx.Module) -> Any:
    """The context in which a model's arrays keep their dtype."""
    wide = any(
        getattr(leaf, "dtype", None) == "float64"
        for leaf in jax.tree.leaves(nnx.state(model))
    )
    return jax.enable_x64(wide)


def _lower_rate(state: RunState) -> RunState | None:
    """The state with a fifth of the learning rate; None where it is low enough."""
    inner: Any = state.train.opt_state
    rate = np.asarray(inner.hyperparams["lr"])
    if rate <= _LEAST_RATE:
        return None
    hyperparams: Mapping[str, Any] = {
        **inner.hyperparams,
        "lr": (rate / _DIVISOR).astype(rate.dtype),
    }
    train = replace(state.train, opt_state=inner._replace(hyperparams=hyperparams))
    return replace(state, train=train)
