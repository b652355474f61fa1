# SPDX-License-Identifier: Apache-2.0
"""Exceptions that have no counterpart in PyTorch."""

from __future__ import annotations


class DataNotFoundError(FileNotFoundError):
    """A data set is in none of the places where it was looked for."""


class CorruptDataError(ValueError):
    """A file is damaged, or does not hold what it should."""


class MissingPackageError(ImportError):
    """An optional package is needed and is not installed."""
