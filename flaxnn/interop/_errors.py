# SPDX-License-Identifier: Apache-2.0
"""The one error for a file that cannot be read."""

from __future__ import annotations


class FileFormatError(ValueError):
    """A file is damaged, hostile or of a kind that is not supported.

    The message says what was found and what to do instead. Nothing that such a file
    asks for has been run.
    """
