# SPDX-License-Identifier: Apache-2.0
"""What activations without options have in common."""

from __future__ import annotations

from flaxnn.functional._checks import check_inplace
from flaxnn.init import Source
from flaxnn.nn._module import Module


class Elementwise(Module):
    """An activation without options."""

    def __init__(self, *, rngs: Source | None = None):
        pass


class InplaceElementwise(Module):
    """An activation whose one option in PyTorch is to overwrite its input."""

    def __init__(self, inplace: bool = False, *, rngs: Source | None = None):
        check_inplace(inplace)
