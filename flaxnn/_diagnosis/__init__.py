# SPDX-License-Identifier: Apache-2.0
"""What on this machine makes runs slow or wrong, and what to do about it."""

from flaxnn._diagnosis._advice import advice
from flaxnn._diagnosis._facts import facts
from flaxnn._diagnosis._finding import Finding

__all__ = ["Finding", "advice", "facts"]
