# SPDX-License-Identifier: Apache-2.0
"""Our own runs: as they are, in another dtype, and from weights moved by one ulp."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
import optax
from flax import nnx

from flaxnn._criteria import moved
from flaxnn.data import DataLoader
from flaxnn.nn import Rule, astype, to_state_dict
from flaxnn.parity._noise import NoiseFloor
from flaxnn.parity._recording import Recording
from flaxnn.training import fit

Names = Mapping[str, str] | Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Naming:
    """What a model's tensors are called in PyTorch: see `flaxnn.nn.load_state_dict`.

    Attributes:
        names: Paths and names.
        rules: Rules for parameters.
        flatten: Sizes of what is flattened.
    """

    names: Names = ()
    rules: Sequence[Rule] = ()
    flatten: Mapping[str, Sequence[int]] = field(default_factory=dict)

    def tensors(self, model: Any) -> dict[str, np.ndarray]:
        """Returns a model's arrays under PyTorch's names, in PyTorch's layouts.

        Args:
            model: The model.
        """
        return to_state_dict(
            model, names=self.names, rules=self.rules, flatten=self.flatten
        )


@dataclass(frozen=True)
class Port:
    """A run of ours that can be made as often as needed.

    Attributes:
        model: The NNX module before the first step, in float32.
        data: What it is trained on.
        loss: The loss.
        optimizer: The optimiser.
        length: ``{"epochs": n}`` or ``{"steps": n}``.
        naming: What its tensors are called.
        options: Further arguments of `flaxnn.fit`.
    """

    model: Any
    data: Any
    loss: Callable[..., Any]
    optimizer: optax.GradientTransformation
    length: Mapping[str, int]
    naming: Naming = field(default_factory=Naming)
    options: Mapping[str, Any] = field(default_factory=dict)

    def run(
        self, dtype: str, *, steps: int | None = None, moves: int | None = None
    ) -> Recording:
        """Returns one run; every Generator is back where it was behind it.

        Args:
            dtype: ``"float32"`` or ``"float64"``.
            steps: How many steps, where not the whole run.
            moves: The seed of the weights' moves by one ulp; None leaves them.
        """
        model = self.model if moves is None else with_moved_weights(self.model, moves)
        generators = self._generators()
        before = [generator.get_state() for generator in generators]
        try:
            trained = fit(
                astype(model, dtype),
                self.data,
                loss=self.loss,
                optimizer=self.optimizer,
                nonfinite="continue",
                progress=False,
                **(self.length if steps is None else {"steps": steps}),
                **self.options,
            )
        finally:
            for generator, state in zip(generators, before, strict=True):
                generator.set_state(state)
        losses = np.asarray(trained.history["loss"], dtype)
        return Recording.of(losses, self.naming.tensors(trained.model))

    def floor(self, plain: Recording, count: int) -> NoiseFloor:
        """Returns the noise floor of this run, from perturbed ones beside it.

        Args:
            plain: The float32 run from the weights as they are.
            count: How many runs start from weights moved by one ulp.
        """
        runs = {"as it is": plain}
        runs |= {
            f"one ulp, seed {seed}": self.run("float32", moves=seed)
            for seed in range(count)
        }
        return NoiseFloor.of(runs, "flaxnn")

    def _generators(self) -> list[Any]:
        """The Generators that a run draws from."""
        found = [self.options.get("rngs")]
        if isinstance(self.data, DataLoader):
            found += [self.data.rngs, *self.data.generators]
        return [
            generator
            for k, generator in enumerate(found)
            if generator is not None
            and all(generator is not other for other in found[:k])
        ]


def with_moved_weights(model: Any, seed: int) -> Any:
    """Returns a copy whose floating-point parameters are moved by one ulp.

    Args:
        model: The model; it is not changed.
        seed: What the directions are drawn from.
    """
    graphdef, params, rest = nnx.split(model, nnx.Param, ...)

    def move(leaf: Any) -> Any:
        array = np.asarray(leaf)
        return moved(array, seed) if array.dtype.kind == "f" else leaf

    return nnx.merge(graphdef, jax.tree.map(move, params), rest)
