# SPDX-License-Identifier: Apache-2.0
"""The line search of L-BFGS: a step length that meets the strong Wolfe conditions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

# PyTorch's, none of which its optimiser passes on from the user.
_DECREASE, _CURVATURE = 1e-4, 0.9
_SMALLEST_BRACKET = 1e-9


class Point(NamedTuple):
    """A step length along the direction, and the objective there.

    Attributes:
        t: The step length.
        value: The objective.
        slope: Its derivative along the direction.
        grad: Its gradient, ``(P,)``.
    """

    t: jax.Array
    value: jax.Array
    slope: jax.Array
    grad: jax.Array


class _Search(NamedTuple):
    """The search before its next evaluation.

    Attributes:
        t: The step length to try.
        done: Whether it is over: then there is nothing to try.
        evaluations: Those done.
        previous: The last point tried, while no bracket is known.
        zooming: Whether one is known.
        ends: The two ends of the bracket, in PyTorch's order.
        low: Which of them is the lower one.
        stalled: Whether the last trial came close to an end.
    """

    t: jax.Array
    done: jax.Array
    evaluations: jax.Array
    previous: Point
    zooming: jax.Array
    ends: Point
    low: jax.Array
    stalled: jax.Array


def strong_wolfe(
    evaluate: Callable[[jax.Array], Point],
    start: Point,
    t: jax.Array,
    largest: jax.Array,
    most: jax.Array,
) -> tuple[Point, jax.Array]:
    """The point found, and how many evaluations that took.

    Bracketing and zooming are one loop, so that the objective is compiled once.

    Args:
        evaluate: The objective at a step length.
        start: Where the search starts, at ``t = 0``.
        t: The first step length to try.
        largest: The largest size among the direction's components.
        most: How many evaluations there may be after the first.
    """

    def body(search: _Search) -> _Search:
        new = evaluate(search.t)
        over = search.evaluations >= most
        bracket, found = _bracketed(search, start, new, over)
        zoomed = _zoomed(search, start, new, over)
        after: _Search = _chosen(search.zooming, zoomed, bracket)
        first, second = _end(after.ends, 0), _end(after.ends, 1)
        width = jnp.abs(second.t - first.t) * largest
        small = width < _SMALLEST_BRACKET
        inside, stalled = _zoom_trial(first, second, search.stalled)
        known = search.zooming | found
        return after._replace(
            t=jnp.where(known, inside, _extrapolated(search.previous, new)),
            done=after.done | (known & small),
            evaluations=search.evaluations + 1,
            previous=new,
            zooming=known,
            stalled=known & stalled,
        )

    no, zero = jnp.asarray(False), jnp.zeros((), jnp.int32)
    begin = _Search(t, no, zero, start, no, _pair(start, start), zero, no)
    end = jax.lax.while_loop(lambda search: ~search.done, body, begin)
    return _end(end.ends, end.low), end.evaluations


def _bracketed(
    search: _Search, start: Point, new: Point, over: jax.Array
) -> tuple[_Search, jax.Array]:
    """The search if this point ends the first phase, and whether it does."""
    before = search.previous
    higher = (search.evaluations > 1) & (new.value >= before.value)
    too_high = _too_high(start, new) | higher
    flat = _is_flat(start, new)
    satisfied = flat & ~too_high & ~over
    first = _chosen(over, start, _chosen(satisfied, new, before))
    ends = _pair(first, new)
    found = over | too_high | flat | (new.slope >= 0)
    low = _lower(ends)
    return search._replace(ends=ends, low=low, done=over | satisfied), found


def _zoomed(search: _Search, start: Point, new: Point, over: jax.Array) -> _Search:
    """The search with a narrower bracket."""
    low, high = search.low, 1 - search.low
    lowest = _end(search.ends, low)
    refused = _too_high(start, new) | (new.value >= lowest.value)
    satisfied = ~refused & _is_flat(start, new)
    width = search.ends.t[high] - lowest.t
    turned = ~refused & ~satisfied & (new.slope * width >= 0)
    replaced = _chosen(turned, lowest, _end(search.ends, high))
    ends = _with_end(search.ends, high, _chosen(refused, new, replaced))
    ends = _with_end(ends, low, _chosen(refused, lowest, new))
    return search._replace(
        ends=ends, low=jnp.where(refused, _lower(ends), low), done=over | satisfied
    )


def _too_high(start: Point, new: Point) -> jax.Array:
    """Whether the objective has not sunk enough for this step length."""
    return new.value > start.value + _DECREASE * new.t * start.slope


def _is_flat(start: Point, new: Point) -> jax.Array:
    return jnp.abs(new.slope) <= -_CURVATURE * start.slope


def _extrapolated(before: Point, new: Point) -> jax.Array:
    """The next step length while the objective goes on sinking."""
    least = new.t + 0.01 * (new.t - before.t)
    return _interpolated(before, new, least, new.t * 10)


def _zoom_trial(
    first: Point, second: Point, stalled: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """The next step length in a bracket, and whether it is close to an end.

    Of two such in a row the second is moved inwards, and so is one on the end.
    """
    top, bottom = _maximum(first.t, second.t), _minimum(first.t, second.t)
    least, most = _ordered(first.t, second.t)
    t = _interpolated(first, second, least, most)
    margin = 0.1 * (top - bottom)
    close = _minimum(top - t, t - bottom) < margin
    moves = close & (stalled | (t >= top) | (t <= bottom))
    to_top = jnp.abs(t - top) < jnp.abs(t - bottom)
    moved = jnp.where(to_top, top - margin, bottom + margin)
    return jnp.where(moves, moved, t), close & ~moves


def _interpolated(
    one: Point, two: Point, least: jax.Array, most: jax.Array
) -> jax.Array:
    """Where the cubic through two points has its minimum, within bounds."""
    # The further point is the second; the rest of the formula is symmetric.
    near, far = _chosen(one.t <= two.t, (one, two), (two, one))
    middle = near.slope + far.slope - 3 * (near.value - far.value) / (near.t - far.t)
    square = middle**2 - near.slope * far.slope
    root = jnp.sqrt(jnp.maximum(square, 0))
    share = (far.slope + root - middle) / (far.slope - near.slope + 2 * root)
    found = far.t - (far.t - near.t) * share
    within = _minimum(_maximum(found, least), most)
    return jnp.where(square >= 0, within, (least + most) / 2)


# Python's min and max keep their first argument where a comparison fails, as with nan.
def _minimum(one: jax.Array, two: jax.Array) -> jax.Array:
    return jnp.where(two < one, two, one)


def _maximum(one: jax.Array, two: jax.Array) -> jax.Array:
    return jnp.where(two > one, two, one)


def _ordered(one: jax.Array, two: jax.Array) -> tuple[jax.Array, jax.Array]:
    return _chosen(one <= two, (one, two), (two, one))


def _chosen(condition: jax.Array, one: Any, two: Any) -> Any:
    """One of two trees."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), one, two)


def _pair(first: Point, second: Point) -> Point:
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), first, second)


def _end(ends: Point, index: jax.Array | int) -> Point:
    return jax.tree.map(lambda leaf: leaf[index], ends)


def _with_end(ends: Point, index: jax.Array, point: Point) -> Point:
    return jax.tree.map(lambda leaf, new: leaf.at[index].set(new), ends, point)


def _lower(ends: Point) -> jax.Array:
    """Which end is the lower one, the first where neither is."""
    first, second = ends.value
    return jnp.where(first <= second, 0, 1).astype(jnp.int32)
