# SPDX-License-Identifier: Apache-2.0
"""The ``flaxnn`` command."""

from flaxnn.cli._main import main

__all__ = ["main"]
