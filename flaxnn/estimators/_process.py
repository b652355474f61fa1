# SPDX-License-Identifier: Apache-2.0
"""Computing in a process that was forked behind JAX's back."""

from __future__ import annotations

import os

# The process in which an estimator computed first; a fork inherits the number.
_computing_in: list[int] = []


def check_process() -> None:
    """Raises in the fork of a process whose estimators have computed.

    JAX's threads do not survive a fork, so the first computation would wait for ever.

    Raises:
        RuntimeError: This is such a fork.
    """
    here = os.getpid()
    if not _computing_in:
        _computing_in.append(here)
    elif _computing_in[0] != here:
        raise RuntimeError(
            "this process was forked from one that computes with JAX, whose threads do "
            "not survive a fork: use joblib's backend 'loky' (its default) or "
            "'threading', not 'multiprocessing'"
        )
