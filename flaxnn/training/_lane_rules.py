# SPDX-License-Identifier: Apache-2.0
"""Operations of JAX on arrays whose last axis is the lanes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import Primitive

Shape = tuple[int, ...]


class Value(NamedTuple):
    """An array, and whether its last axis is the lanes."""

    array: Any
    lanes: bool

    @property
    def shape(self) -> Shape:
        """The shape that one lane has."""
        shape = jnp.shape(self.array)
        return shape[:-1] if self.lanes else shape

    @property
    def is_shared_number(self) -> bool:
        """Whether this is one number for all lanes."""
        return not self.lanes and not self.shape

    def with_lanes(self, count: int) -> Any:
        """The array with the lanes, which are alike where there were none."""
        return self.spread((*self.shape, count))

    def spread(self, whole: Shape) -> Any:
        """The array in a shape with lanes; of a number, alike in all of a lane."""
        if jnp.shape(self.array) == whole and self.lanes:
            return self.array
        axes = tuple(range(len(self.shape)))
        if self.lanes:
            axes = (*axes, len(whole) - 1)
        return lax.broadcast_in_dim(self.array, whole, axes)


@dataclass(frozen=True)
class Operation:
    """An operation that was traced for one lane, and its arguments for all.

    Attributes:
        primitive: Which.
        params: Its parameters for one lane.
        values: Its arguments.
        shape: The shape of its first result for one lane.
        count: How many lanes there are.
    """

    primitive: Primitive
    params: Mapping[str, Any]
    values: Sequence[Value]
    shape: Shape
    count: int

    @property
    def has_lanes(self) -> bool:
        """Whether the result depends on the lane."""
        return any(value.lanes for value in self.values)

    @property
    def whole(self) -> Shape:
        """The shape of the first result with the lanes."""
        return (*self.shape, self.count)

    def bind(self, *arrays: Any, **changes: Any) -> Any:
        """The operation on other arrays, with some of its parameters changed."""
        return self.primitive.bind(*arrays, **{**self.params, **changes})

    def result(self) -> Any:
        """The result: by a rule, or as `jax.vmap` does it where there is none."""
        arrays = [value.array for value in self.values]
        if not self.has_lanes:
            return self.bind(*arrays)
        rule = RULES.get(self.primitive.name)
        out = None if rule is None else rule(self)
        if out is None:
            axes = [-1 if value.lanes else None for value in self.values]
            out = jax.vmap(self.bind, in_axes=axes, out_axes=-1)(*arrays)
        return out


# A rule gives None where it does not know what to do.
Rule = Callable[[Operation], Any]


def _elementwise(op: Operation) -> Any:
    return op.bind(
        *(v.array if v.is_shared_number else v.spread(op.whole) for v in op.values)
    )


def _select(op: Operation) -> Any:
    which, *cases = op.values
    condition = which.array if which.is_shared_number else which.spread(op.whole)
    return op.bind(condition, *(case.spread(op.whole) for case in cases))


def _unchanged(op: Operation) -> Any:
    """Of what is told its axes from the front, and leaves the last alone."""
    return op.bind(*(value.array for value in op.values))


def _all_with_lanes(op: Operation) -> Any:
    return op.bind(*(value.with_lanes(op.count) for value in op.values))


def _broadcast_in_dim(op: Operation) -> Any:
    axes = (*op.params["broadcast_dimensions"], len(op.shape))
    return op.bind(op.values[0].array, shape=op.whole, broadcast_dimensions=axes)


def _reshape(op: Operation) -> Any:
    if op.params["dimensions"] is not None:
        return None
    return op.bind(op.values[0].array, new_sizes=op.whole)


def _transpose(op: Operation) -> Any:
    axes = (*op.params["permutation"], len(op.shape))
    return op.bind(op.values[0].array, permutation=axes)


def _slice(op: Operation) -> Any:
    strides = op.params["strides"]
    return op.bind(
        op.values[0].array,
        start_indices=(*op.params["start_indices"], 0),
        limit_indices=(*op.params["limit_indices"], op.count),
        strides=None if strides is None else (*strides, 1),
    )


def _pad(op: Operation) -> Any:
    operand, filling = op.values
    if filling.lanes:
        return None
    config = (*op.params["padding_config"], (0, 0, 0))
    return op.bind(operand.array, filling.array, padding_config=config)


def _dot_general(op: Operation) -> Any:
    """A sum of products, whose innermost loop runs over the lanes.

    Its terms are added in an order that does not depend on the number of lanes.
    """
    (contracted, batch) = op.params["dimension_numbers"]
    dtype = op.params["preferred_element_type"]
    left, right = (
        value
        if dtype is None
        else Value(lax.convert_element_type(value.array, dtype), value.lanes)
        for value in op.values
    )
    free = [
        [i for i in range(len(value.shape)) if i not in (*c, *b)]
        for value, c, b in zip((left, right), contracted, batch, strict=True)
    ]
    # The axes of the product: the batch, those of either side, the contracted ones.
    at = len(batch[0]) + len(free[0])
    end = at + len(free[1])
    whole = (
        *op.shape,
        *(left.shape[i] for i in contracted[0]),
        op.count,
    )
    product = lax.mul(
        _placed(
            left, whole, (batch[0], 0), (free[0], len(batch[0])), (contracted[0], end)
        ),
        _placed(right, whole, (batch[1], 0), (free[1], at), (contracted[1], end)),
    )
    return lax.reduce_sum(product, tuple(range(end, len(whole) - 1)))


def _placed(value: Value, whole: Shape, *groups: tuple[Sequence[int], int]) -> Any:
    """The array broadcast, with groups of its axes put from given places on."""
    axes = [i for group, _ in groups for i in group]
    places = [at + k for group, at in groups for k in range(len(group))]
    if value.lanes:
        axes.append(len(value.shape))
        places.append(len(whole) - 1)
    return lax.broadcast_in_dim(lax.transpose(value.array, axes), whole, places)


_ELEMENTWISE = """
abs acos acosh add add_any and asin asinh atan atan2 atanh cbrt ceil clamp
convert_element_type copy cos cosh digamma div eq erf erf_inv erfc exp exp2 expm1 floor
ge gt integer_pow is_finite le lgamma log log1p logistic lt max min mul ne neg nextafter
not or pow reduce_precision rem round rsqrt sign sin sinh sqrt square stop_gradient sub
tan tanh xor
"""

_UNCHANGED = """
argmax argmin cumlogsumexp cummax cummin cumprod cumsum reduce_and
reduce_max reduce_min reduce_or reduce_prod reduce_sum rev split squeeze
"""

RULES: dict[str, Rule] = {
    **dict.fromkeys(_ELEMENTWISE.split(), _elementwise),
    **dict.fromkeys(_UNCHANGED.split(), _unchanged),
    "select_n": _select,
    "concatenate": _all_with_lanes,
    "optimization_barrier": _all_with_lanes,
    "broadcast_in_dim": _broadcast_in_dim,
    "reshape": _reshape,
    "transpose": _transpose,
    "slice": _slice,
    "pad": _pad,
    "dot_general": _dot_general,
}
