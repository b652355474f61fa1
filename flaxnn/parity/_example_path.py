# SPDX-License-Identifier: Apache-2.0
"""Where the recorded runs are that come with the package."""

from __future__ import annotations

import difflib
from pathlib import Path

_GOLDENS = Path(__file__).with_name("goldens")


def example_path(name: str) -> Path:
    """Returns where a recorded PyTorch run lies that comes with the package.

    ``wine_net.trace`` is a `Trace` of 40 Adam steps on wine, ``wine_net.safetensors``
    the `Reference` of that run. ``digits_run.pt`` is a checkpoint of a run on digits,
    inside its third epoch, and ``digits_run.safetensors`` the `Reference` of how
    PyTorch goes on from there. PyTorch 2.13.0 wrote them, on a CPU;
    ``goldens/make_recordings.py`` beside them makes them again.

    Args:
        name: One of the names above.

    Raises:
        ValueError: There is no such run.

    Example:
        >>> from flaxnn import parity
        >>> len(parity.Trace.open(example_path("wine_net.trace")))
        40
    """
    known = sorted(path.name for path in _GOLDENS.iterdir() if path.suffix != ".py")
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"name: expected one of {known}, got {name!r}{hint}")
    return _GOLDENS / name
