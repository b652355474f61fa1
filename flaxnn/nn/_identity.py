# SPDX-License-Identifier: Apache-2.0
"""The layer that does nothing."""

from __future__ import annotations

from typing import Any

from flaxnn.nn._module import Module


class Identity(Module):
    """Returns its input, whatever it is.

    Args:
        *args: Ignored.
        **kwargs: Ignored, ``rngs`` too.

    Torch:
        ``torch.nn.Identity``, 2.13.0, T0.

    Example:
        >>> Identity(54, unused=0.1)(3)
        3
    """

    def __init__(self, *args: Any, **kwargs: Any):
        pass

    def forward(self, input: Any) -> Any:
        """Returns the input."""
        return input
