# SPDX-License-Identifier: Apache-2.0
"""One run that a training function of PyTorch is asked for.

PyTorch is imported when a method is called: the package is there without it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from flaxnn._criteria import moved
from flaxnn.parity._recording import Recording, Sample, samples

if TYPE_CHECKING:
    import torch

T = TypeVar("T")


@dataclass
class Variant:
    """What a training function is asked for, and what it hands its model to.

    `Reference.record` makes these and passes one to each call of the function.

    Attributes:
        name: What it is called.
        precision: ``"float32"`` or ``"float64"``.
        threads: How many threads PyTorch computes with.
        capability: The instruction set of ``ATEN_CPU_CAPABILITY``; empty for the
            machine's own.
        moves: The seed of the initial weights' moves by one ulp; None leaves them.
        steps: After how many steps the function should stop; None for the whole run.
    """

    name: str
    precision: str = "float32"
    threads: int = 1
    capability: str = ""
    moves: int | None = None
    steps: int | None = None
    _model: Any = field(default=None, init=False, repr=False, compare=False)
    _initial: dict[str, Sample] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def dtype(self) -> torch.dtype:
        """PyTorch's dtype, for the inputs."""
        import torch

        return getattr(torch, self.precision)

    def start(self, model: T) -> T:
        """Returns the model as this run starts from it: changed in place.

        The function calls it once, on the freshly drawn float32 model, before the
        optimiser is made.

        Args:
            model: A ``torch.nn.Module``.

        Raises:
            TypeError: It is no ``torch.nn.Module``.
            ValueError: Its parameters are not float32.
            RuntimeError: It is the function's second model.
        """
        import torch

        if not isinstance(model, torch.nn.Module):
            raise TypeError(
                "variant.start takes the torch.nn.Module to be trained, got "
                + type(model).__name__
            )
        if self._model is not None:
            raise RuntimeError(
                "variant.start was called twice: it takes the one model that is "
                "trained, which may hold others"
            )
        drawn = {p.dtype for p in model.parameters() if p.is_floating_point()}
        if drawn - {torch.float32}:
            raise ValueError(
                "variant.start takes a model drawn in float32, so that both dtypes "
                f"begin with the same weights, got {sorted(map(str, drawn))}"
            )
        self._initial = samples(_state(model))
        if self.moves is not None:
            with torch.no_grad():
                for parameter in model.parameters():
                    weights = moved(parameter.detach().numpy(), self.moves)
                    parameter.copy_(torch.from_numpy(weights))
        model.to(self.dtype)
        self._model = model
        return model

    def stop(self, losses: Any) -> bool:
        """Returns whether so many losses are enough, to end a loop that is longer.

        Args:
            losses: The losses so far, anything with a length.
        """
        return self.steps is not None and len(losses) >= self.steps

    @property
    def initial(self) -> dict[str, Sample]:
        """The floating-point tensors that the function passed to `start`."""
        return self._initial

    def fresh(self) -> Variant:
        """Returns the same variant, before its run."""
        return replace(self)

    def recording(self, losses: Any) -> Recording:
        """Returns the run, once the function has come back.

        Args:
            losses: What it returned.

        Raises:
            TypeError: It has not started a model, or returned no losses.
        """
        if self._model is None:
            raise TypeError(
                "the training function must pass its model to variant.start before "
                "it makes the optimiser"
            )
        if losses is None:
            raise TypeError(
                "the training function must return its losses, one float for each "
                "step; it returned None"
            )
        dtype = np.dtype(self.precision)
        return Recording.of(np.asarray(losses, dtype), _state(self._model))


def _state(model: torch.nn.Module) -> dict[str, np.ndarray]:
    """A model's tensors as arrays of their own."""
    return {
        name: tensor.detach().cpu().numpy().copy()
        for name, tensor in model.state_dict().items()
    }
