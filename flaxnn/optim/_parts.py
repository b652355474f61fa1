# SPDX-License-Identifier: Apache-2.0
"""The transformations that others are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import optax

from flaxnn.optim._scalars import Tree


@dataclass(frozen=True)
class Part:
    """The update of a transformation, which may not take extra arguments."""

    update: Callable[..., Any]
    takes_extra: bool

    @classmethod
    def of(cls, transformation: optax.GradientTransformation) -> Part:
        extra = isinstance(transformation, optax.GradientTransformationExtraArgs)
        return cls(transformation.update, extra)

    def __call__(
        self, updates: Tree, state: Any, params: Tree = None, **extra: Any
    ) -> tuple[Tree, Any]:
        return self.update(updates, state, params, **extra if self.takes_extra else {})


def require_transformation(value: Any, where: str) -> None:
    """Raises unless the value is a transformation, and says how to make one."""
    if not isinstance(value, optax.GradientTransformation):
        hint = f"; call it: {value.__name__}(…)" if callable(value) else ""
        raise TypeError(
            f"{where}: expected an optax transformation such as optim.sgd(lr=0.01), "
            f"got {type(value).__name__}{hint}"
        )
