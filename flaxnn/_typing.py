# SPDX-License-Identifier: Apache-2.0
"""The types that array functions are annotated with.

``Float[Array, "N C"]`` says dtype and shape. Type checkers see jaxtyping's types. At
run time they are jaxtyping's where it is installed (the test suite checks them on
every call) and otherwise stand-ins that take a subscript and drop the shape, so that
jaxtyping is no dependency. Every name is resolved when it is imported from here; only
``Array`` loads JAX.

Public functions take ``ArrayLike`` and check it themselves: at run time it is ``Any``,
so that a bad input meets the function's own error. Shapes are annotated on what they
return and on the private functions behind the checks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jax import Array as Array
    from jax.typing import DTypeLike as DTypeLike
    from jaxtyping import Bool as Bool
    from jaxtyping import Float as Float
    from jaxtyping import Inexact as Inexact
    from jaxtyping import Int as Int
    from jaxtyping import Integer as Integer
    from jaxtyping import Num as Num
    from jaxtyping import Shaped as Shaped
    from jaxtyping import UInt as UInt
    from numpy.typing import ArrayLike as ArrayLike

_KINDS = ("Bool", "Float", "Inexact", "Int", "Integer", "Num", "Shaped", "UInt")


class Unchecked:
    """Stands for every jaxtyping kind where jaxtyping is not installed."""

    def __class_getitem__(cls, item: tuple[object, str]) -> object:
        """Returns the array type without its shape."""
        array, _shape = item
        return array


def _kind(name: str) -> object:
    """Returns jaxtyping's kind of that name, or the stand-in."""
    try:
        import jaxtyping
    except ImportError:
        return Unchecked
    return getattr(jaxtyping, name)


def __getattr__(name: str) -> object:
    if name in _KINDS:
        return _kind(name)
    if name == "Array":
        import jax

        return jax.Array
    if name in ("ArrayLike", "DTypeLike"):
        return Any
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
