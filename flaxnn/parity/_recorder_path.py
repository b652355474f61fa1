# SPDX-License-Identifier: Apache-2.0
"""Where the file is that records the PyTorch side."""

from __future__ import annotations

from pathlib import Path


def recorder_path() -> Path:
    """Returns the path of `recorder.py`, to be copied beside a PyTorch script.

    The file needs PyTorch only: neither flaxnn nor JAX where the script runs.

    Example:
        >>> recorder_path().name
        'recorder.py'
    """
    return Path(__file__).with_name("recorder.py")
