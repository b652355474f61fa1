# SPDX-License-Identifier: Apache-2.0
"""What recurrent layers share: their parameters, and layer upon layer."""

from __future__ import annotations

import math
import warnings
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from flaxnn import functional as F
from flaxnn import init
from flaxnn._typing import ArrayLike, DTypeLike
from flaxnn.functional._recurrent import (
    Step,
    Weights,
    recur,
)
from flaxnn.init import Source
from flaxnn.nn._dropout import mask_of
from flaxnn.nn._keys import key_stream
from flaxnn.nn._module import Module
from flaxnn.nn._parameter import Parameter


class Recurrent(Module):
    """A recurrent layer; which step it takes is its subclasses'."""

    # How many gates a step has, and how many arrays its state.
    gates: ClassVar[int] = 1
    states: ClassVar[int] = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        proj_size: int = 0,
        rngs: Source,
        dtype: DTypeLike = np.float32,
    ):
        _check_options(input_size, hidden_size, num_layers, bias, batch_first)
        _check_dropout(dropout, num_layers)
        if proj_size < 0:
            raise ValueError(
                "proj_size should be a positive integer or zero to disable "
                f"projections, got {proj_size}"
            )
        if proj_size >= hidden_size:
            raise ValueError(
                f"proj_size has to be smaller than hidden_size, got {proj_size} and "
                f"{hidden_size}"
            )
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout: float = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self.keys: nnx.RngStream | None = key_stream(rngs) if self.dropout > 0 else None
        bound = 1 / math.sqrt(hidden_size)
        for name, shape in self._shapes():
            array = init.uniform(shape, -bound, bound, rngs=rngs, dtype=dtype)
            setattr(self, name, Parameter(array))

    def _step(self) -> Step:
        """What one step computes."""
        raise NotImplementedError

    @property
    def _directions(self) -> tuple[str, ...]:
        """The end of the parameters' names of each direction."""
        return ("", "_reverse") if self.bidirectional else ("",)

    def _shapes(self) -> list[tuple[str, tuple[int, ...]]]:
        """Names and shapes of the parameters, in PyTorch's order."""
        rows, outputs = self.gates * self.hidden_size, self.proj_size
        hidden = outputs or self.hidden_size
        shapes: list[tuple[str, tuple[int, ...]]] = []
        for layer in range(self.num_layers):
            inputs = hidden * len(self._directions) if layer else self.input_size
            for suffix in self._directions:
                end = f"_l{layer}{suffix}"
                shapes += [(f"weight_ih{end}", (rows, inputs))]
                shapes += [(f"weight_hh{end}", (rows, hidden))]
                if self.bias:
                    shapes += [(f"bias_ih{end}", (rows,)), (f"bias_hh{end}", (rows,))]
                if outputs:
                    shapes += [(f"weight_hr{end}", (outputs, self.hidden_size))]
        return shapes

    def _parameter(self, name: str) -> jax.Array | None:
        parameter = getattr(self, name, None)
        return None if parameter is None else parameter.get_value()

    def _weights(self, end: str) -> Weights:
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        w_ih, w_hh, b_ih, b_hh = (self._parameter(name + end) for name in names)
        if w_ih is None or w_hh is None:
            raise AttributeError(f"{type(self).__name__} has lost a weight of {end}")
        return w_ih, w_hh, b_ih, b_hh

    def _sizes(self) -> tuple[int, ...]:
        """The width of each array of the state."""
        return (self.proj_size or self.hidden_size, self.hidden_size)[: self.states]

    def _run(
        self, input: ArrayLike, hx: tuple[ArrayLike, ...] | None
    ) -> tuple[jax.Array, tuple[jax.Array, ...]]:
        """Returns the last layer's outputs and every layer's last state."""
        x = jnp.asarray(input)
        if x.ndim not in (2, 3):
            raise ValueError(
                f"{type(self).__name__}: Expected input to be 2D or 3D, got {x.ndim}D "
                "instead"
            )
        batched = x.ndim == 3
        if not batched:
            x = jnp.expand_dims(x, 1)
        elif self.batch_first:
            x = jnp.swapaxes(x, 0, 1)
        self._check_input(x)
        state = self._state(x, hx, batched)
        outputs, last = self._layers(x, state)
        if not batched:
            return jnp.squeeze(outputs, 1), tuple(jnp.squeeze(h, 1) for h in last)
        if self.batch_first:
            outputs = jnp.swapaxes(outputs, 0, 1)
        return outputs, last

    def _check_input(self, x: jax.Array) -> None:
        weight, *_ = self._weights("_l0")
        dtype = jnp.asarray(weight).dtype
        if x.dtype != dtype:
            raise ValueError(
                f"RNN input dtype ({x.dtype}) does not match weight dtype ({dtype}). "
                f"Convert the input with .astype('{dtype}'), or the model with "
                f"flaxnn.astype(model, '{x.dtype}')"
            )
        if x.shape[-1] != self.input_size:
            raise RuntimeError(
                "input.size(-1) must be equal to input_size. Expected "
                f"{self.input_size}, got {x.shape[-1]}"
            )
        if x.shape[0] == 0:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")

    def _state(
        self, x: jax.Array, hx: tuple[ArrayLike, ...] | None, batched: bool
    ) -> tuple[jax.Array, ...]:
        """Returns the initial state: zeros, or what was passed once it is checked."""
        stacked = self.num_layers * len(self._directions)
        shapes = [(stacked, x.shape[1], size) for size in self._sizes()]
        if hx is None:
            return tuple(jnp.zeros(shape, x.dtype) for shape in shapes)
        arrays = tuple(jnp.asarray(h) for h in hx)
        if any(array.ndim != 2 + batched for array in arrays):
            raise RuntimeError(self._wrong_ndim(batched, [h.ndim for h in arrays]))
        if not batched:
            arrays = tuple(jnp.expand_dims(array, 1) for array in arrays)
        for k, (array, shape) in enumerate(zip(arrays, shapes, strict=True)):
            if array.shape != shape:
                which = "hidden" if self.states == 1 else f"hidden[{k}]"
                raise RuntimeError(
                    f"Expected {which} size {shape}, got {list(array.shape)}"
                )
        return arrays

    def _wrong_ndim(self, batched: bool, ndims: list[int]) -> str:
        kind = "batched 3-D" if batched else "unbatched 2-D"
        if self.states == 1:
            return (
                f"For {kind} input, hx should also be {2 + batched}-D but got "
                f"{ndims[0]}-D tensor"
            )
        return (
            f"For {kind} input, hx and cx should also be {2 + batched}-D but got "
            f"({ndims[0]}-D, {ndims[1]}-D) tensors"
        )

    def _layers(
        self, x: jax.Array, state: tuple[jax.Array, ...]
    ) -> tuple[jax.Array, tuple[jax.Array, ...]]:
        last: list[tuple[jax.Array, ...]] = []
        for layer in range(self.num_layers):
            outputs = []
            for suffix in self._directions:
                end = f"_l{layer}{suffix}"
                output, after = recur(
                    self._step(),
                    x,
                    tuple(h[len(last)] for h in state),
                    self._weights(end),
                    self._parameter(f"weight_hr{end}"),
                    reverse=suffix != "",
                )
                outputs.append(output)
                last.append(after)
            x = jnp.concatenate(outputs, axis=-1) if outputs[1:] else outputs[0]
            if layer < self.num_layers - 1:
                mask = mask_of(self.dropout, self.keys, self)
                x = F.dropout(x, self.dropout, self.training, mask=mask)
        return x, tuple(jnp.stack(arrays) for arrays in zip(*last, strict=True))

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        shown = f"{self.input_size}, {self.hidden_size}"
        for name, default in (
            ("proj_size", 0),
            ("num_layers", 1),
            ("bias", True),
            ("batch_first", False),
            ("dropout", 0),
            ("bidirectional", False),
        ):
            if getattr(self, name) != default:
                shown += f", {name}={getattr(self, name)}"
        return shown


def _check_options(
    input_size: int, hidden_size: int, num_layers: int, bias: bool, batch_first: bool
) -> None:
    for name, switch in (("bias", bias), ("batch_first", batch_first)):
        if not isinstance(switch, bool):
            raise TypeError(
                f"{name} should be of type bool, got: {type(switch).__name__}"
            )
    for name, size in (("input_size", input_size), ("hidden_size", hidden_size)):
        if not isinstance(size, int):
            raise TypeError(f"{name} should be of type int, got: {type(size).__name__}")
        if size <= 0:
            raise ValueError(f"{name} must be greater than zero, got {size}")
    if num_layers <= 0:
        raise ValueError(f"num_layers must be greater than zero, got {num_layers}")


def _check_dropout(dropout: float, num_layers: int) -> None:
    number = isinstance(dropout, int | float) and not isinstance(dropout, bool)
    if not number or not 0 <= dropout <= 1:
        raise ValueError(
            "dropout should be a number in range [0, 1] representing the probability "
            f"of an element being zeroed, got {dropout!r}"
        )
    if dropout > 0 and num_layers == 1:
        warnings.warn(
            "dropout option adds dropout after all but last recurrent layer, so "
            "non-zero dropout expects num_layers greater than 1, but got "
            f"dropout={dropout} and num_layers={num_layers}",
            stacklevel=5,
        )
