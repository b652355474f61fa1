# SPDX-License-Identifier: Apache-2.0
"""Options that are numbers: refused where they can be read, nan where they cannot."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np

from flaxnn._typing import Array, ArrayLike, Bool, Num
from flaxnn.functional._checks import host_value

if TYPE_CHECKING:
    Option = float | Array
else:
    # Python's and NumPy's integers are numbers too, which a run-time check of `float`
    # would refuse.
    Option = Any


def check_options(
    valid: Callable[..., Any], error: Callable[..., Exception], *options: Option
) -> Bool[Array, "..."] | None:
    """Raises unless the options are valid; returns whether they are if traced."""
    readable = [host_value(option) for option in options]
    if any(option is None for option in readable):
        return jnp.asarray(valid(*options))
    if not np.all(valid(*readable)):
        raise error(*readable)
    return None


def poison(
    result: Num[Array, "..."], valid: Bool[Array, "..."] | None
) -> Num[Array, "..."]:
    """Returns the result, nan if `check_options` found out that it must not be used."""
    if valid is None:
        return result
    return jnp.where(valid, result, jnp.nan).astype(result.dtype)


def as_option(option: ArrayLike, x: Num[Array, "..."]) -> Any:
    """Returns a number to use with x; with integers it is one, cut as C++ does."""
    if not jnp.issubdtype(x.dtype, jnp.integer):
        return option
    readable = host_value(option)
    if readable is None:
        return jnp.asarray(option).astype(x.dtype)
    bounds = jnp.iinfo(x.dtype)
    if not np.all((readable >= bounds.min) & (readable <= bounds.max)):
        raise RuntimeError(
            f"value cannot be converted to type {x.dtype}_t without overflow: expected "
            f"a number from {bounds.min} to {bounds.max}, got {readable}"
        )
    return jnp.asarray(readable.astype(x.dtype))
