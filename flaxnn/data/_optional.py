# SPDX-License-Identifier: Apache-2.0
"""Packages that only some data sets need."""

from __future__ import annotations

import importlib
from typing import Any

from flaxnn._errors import MissingPackageError


def require(module: str, package: str) -> Any:
    """Returns a module, imported at first use, of a package that may be missing."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingPackageError(
            f"{package} is needed here and could not be imported ({error}): "
            'pip install "flaxnn[data]"'
        ) from error
