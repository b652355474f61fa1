# SPDX-License-Identifier: Apache-2.0
"""What several models of one architecture say together."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from flaxnn import nn
from flaxnn.data import Dataset, pixel_table
from flaxnn.sweeps._groups import structure
from flaxnn.sweeps._result import Sweep
from flaxnn.training import ModelState
from flaxnn.training._loop import to_floats
from flaxnn.training._pure import enough_precision, forward, model_dtype, split
from flaxnn.training._samples import Samples
from flaxnn.training._stacking import stacked

Outputs = Literal["logits", "probabilities"]

# How far the probabilities of a sample may be from 1 together.
_OFF = 1e-3


class Uncertainty(NamedTuple):
    """How unsure an ensemble is of each sample, in nats.

    Attributes:
        total: ``(N,)`` entropy of the averaged probabilities.
        expected: ``(N,)`` mean entropy of the members': what they are unsure of
            together (aleatoric).
        mutual_information: ``(N,)`` the difference: what they disagree about
            (epistemic).
    """

    total: np.ndarray
    expected: np.ndarray
    mutual_information: np.ndarray


class Ensemble:
    """Several classifiers of one architecture, asked together.

    All members are computed in one program, batch by batch. A model with one output
    is a classifier of two classes, and its output is for class 1.

    Args:
        members: A `Sweep`, whose lanes that are not finite are left out, or models.
        outputs: What a model's outputs are. None takes "probabilities" for a
            `flaxnn.nn.Sequential` that ends in a Softmax or a Sigmoid, and else
            "logits".
        batch_size: Samples at a time.

    Raises:
        TypeError: The members are no models.
        ValueError: There are none, their architectures differ, or an argument is out
            of range.

    Example:
        >>> import numpy as np
        >>> from flaxnn import models
        >>> from flaxnn.random import Generator
        >>> ensemble = Ensemble(
        ...     [models.SoftmaxRegression(2, 3, rngs=Generator(k)) for k in (0, 1)]
        ... )
        >>> x = np.array([[1.0, 2.0], [-1.0, 0.5]], np.float32)
        >>> ensemble.predict_proba(x).shape
        (2, 3)
        >>> ensemble.vote(x).shape, ensemble.disagreement(x).shape
        ((2,), (2,))
    """

    def __init__(
        self,
        members: Sweep | Sequence[Any],
        *,
        outputs: Outputs | None = None,
        batch_size: int = 256,
    ):
        if isinstance(members, Sweep):
            lanes = [k for k in range(len(members)) if k not in members.nonfinite]
            members = [members.model(k) for k in lanes]
        models = list(members)
        if not models:
            raise ValueError("an ensemble needs members, got none that is finite")
        if outputs not in (None, "logits", "probabilities"):
            raise ValueError(
                f"outputs must be 'logits' or 'probabilities', got {outputs!r}"
            )
        if isinstance(batch_size, bool) or not isinstance(batch_size, int):
            raise TypeError(f"batch_size must be an integer, got {batch_size!r}")
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        first = structure(models[0])
        for k, model in enumerate(models):
            if structure(model) != first:
                raise ValueError(
                    f"the architectures of members 0 and {k} differ, and one program "
                    f"computes one architecture:\n{models[0]}\n{model}"
                )
        self.outputs: Outputs = outputs or _outputs_of(models[0])
        self._graphdef, params, _ = split(models[0])
        self._dtype = model_dtype(params)
        self._count = len(models)
        self._batch_size = batch_size
        with enough_precision(self._dtype):
            self._states = stacked([ModelState.create(model) for model in models])

    def __len__(self) -> int:
        return self._count

    def members_proba(self, x: Any) -> np.ndarray:
        """Returns ``(members, N, C)`` probabilities, each member's own.

        Args:
            x: Inputs as for `flaxnn.predict`.

        Raises:
            ValueError: Outputs that are to be probabilities are none, or those that
                are to be logits are probabilities; or their shape is another.
        """
        if not isinstance(x, tuple | Dataset):
            x = (x,)
        with enough_precision(self._dtype):
            samples = Samples.of(x, self._dtype, stream=False, fields=1)
            arrays = tuple(map(jax.device_put, samples.arrays))
            table = jax.device_put(pixel_table().astype(self._dtype))
            size, count = min(self._batch_size, samples.count), samples.count
            parts = []
            for start in range(0, count, size):
                # A short batch is filled with rows that are cut off: one program.
                rows = np.minimum(np.arange(start, start + size), count - 1)
                part = _outputs(
                    self._graphdef, self._states, arrays, table, jnp.asarray(rows)
                )
                parts.append(np.asarray(part)[:, : count - start])
        return self._probabilities(np.concatenate(parts, axis=1))

    def _probabilities(self, found: np.ndarray) -> np.ndarray:
        """The outputs of all members as probabilities of every class."""
        if found.ndim == 2:
            found = found[..., None]
        if found.ndim != 3:
            raise ValueError(
                "a member of an ensemble of classifiers has outputs (N, C), (N, 1) or "
                f"(N,), got {found.shape[1:]}"
            )
        single = found.shape[2] == 1
        if self.outputs == "probabilities":
            _check_probabilities(found, single)
        elif not single and _sum_to_one(found):
            raise ValueError(
                "the members' outputs sum to 1 for every sample, so they are "
                "probabilities: pass outputs='probabilities'"
            )
        else:
            found = _sigmoid(found) if single else _softmax(found)
        return np.concatenate([1 - found, found], axis=2) if single else found

    def predict_proba(self, x: Any) -> np.ndarray:
        """Returns ``(N, C)`` probabilities, averaged over the members.

        Args:
            x: Inputs as for `flaxnn.predict`.
        """
        return self.members_proba(x).mean(axis=0)

    def predict(self, x: Any) -> np.ndarray:
        """Returns ``(N,)`` classes of the largest averaged probability.

        Args:
            x: Inputs as for `flaxnn.predict`.
        """
        return self.predict_proba(x).argmax(axis=1)

    def vote(self, x: Any) -> np.ndarray:
        """Returns ``(N,)`` classes that most members predict, the lowest of equal ones.

        Args:
            x: Inputs as for `flaxnn.predict`.
        """
        return self._votes(x).argmax(axis=1)

    def disagreement(self, x: Any) -> np.ndarray:
        """Returns ``(N,)`` the share of pairs of members whose classes differ.

        Args:
            x: Inputs as for `flaxnn.predict`.

        Raises:
            ValueError: There is one member only.
        """
        if len(self) < 2:
            raise ValueError("one member cannot disagree: expected at least two")
        votes = self._votes(x)
        alike = (votes * (votes - 1)).sum(axis=1) / (len(self) * (len(self) - 1))
        return 1 - alike

    def _votes(self, x: Any) -> np.ndarray:
        """``(N, C)`` how many members predict each class."""
        chances = self.members_proba(x)
        predicted = chances.argmax(axis=2)
        return np.stack(
            [(predicted == label).sum(axis=0) for label in range(chances.shape[2])],
            axis=1,
        )

    def uncertainty(self, x: Any) -> Uncertainty:
        """Returns the entropies of each sample, and the part that is disagreement.

        Args:
            x: Inputs as for `flaxnn.predict`.

        References:
            Depeweg et al., "Decomposition of uncertainty in Bayesian deep learning",
            2018.
        """
        chances = self.members_proba(x).astype(np.float64)
        total = _entropy(chances.mean(axis=0))
        expected = _entropy(chances).mean(axis=0)
        return Uncertainty(total, expected, np.maximum(total - expected, 0.0))

    def __repr__(self) -> str:
        return f"Ensemble({len(self)} members, outputs={self.outputs!r})"


def _outputs_of(model: Any) -> Outputs:
    last = model[len(model) - 1] if isinstance(model, nn.Sequential) else None
    ends = isinstance(last, nn.Softmax | nn.Sigmoid)
    return "probabilities" if ends else "logits"


@partial(jax.jit, static_argnums=0)
def _outputs(
    graphdef: nnx.GraphDef[Any],
    members: ModelState,
    arrays: tuple[jax.Array, ...],
    table: jax.Array,
    rows: jax.Array,
) -> Any:
    # The last array of a batch, the target elsewhere, is left as it is.
    *inputs, _ = to_floats((*(array[rows] for array in arrays), rows), table)

    def member(model: ModelState) -> jax.Array:
        output, _ = forward(
            graphdef, model.params, model.buffers, inputs, training=False
        )
        return jnp.asarray(output)

    return jax.vmap(member)(members)


def _check_probabilities(found: np.ndarray, single: bool) -> None:
    low, high = float(found.min()), float(found.max())
    if not (low >= 0 and high <= 1 + _OFF) or not (single or _sum_to_one(found)):
        raise ValueError(
            "expected probabilities, which are from 0 to 1 and sum to 1 for each "
            f"sample, got outputs from {low:g} to {high:g}: pass outputs='logits'"
        )


def _sum_to_one(found: np.ndarray) -> bool:
    sums = found.sum(axis=-1, dtype=np.float64)
    return bool(found.min() >= 0) and bool((np.abs(sums - 1) <= _OFF).all())


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    # The hyperbolic tangent does not overflow.
    return 0.5 * (1 + np.tanh(0.5 * logits))


def _entropy(chances: np.ndarray) -> np.ndarray:
    """The entropy of each distribution, in nats; 0 · log 0 is 0."""
    logs = np.log(np.where(chances > 0, chances, 1.0))
    return -(chances * logs).sum(axis=-1)
