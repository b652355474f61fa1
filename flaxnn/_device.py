# SPDX-License-Identifier: Apache-2.0
"""Choosing the device a run computes on."""

from __future__ import annotations

from typing import Any, TypeAlias

# `jax.Device`, whose type JAX does not tell type checkers.
Device: TypeAlias = Any

# Best first: what "auto" prefers when several are installed.
_PREFERENCE = ("tpu", "cuda", "rocm", "cpu")


def device(name: str = "auto") -> Device:
    """Returns a device by the name of its kind.

    Args:
        name: ``"cpu"``, ``"cuda"``, ``"rocm"``, ``"gpu"``, ``"tpu"``, one of them
            with an index (``"cuda:1"``), or ``"auto"`` for the best there is.

    Returns:
        A `jax.Device`, for ``jax.device_put`` or ``with jax.default_device(…)``.

    Raises:
        TypeError: The name is not a string.
        ValueError: The name is not a device's.
        RuntimeError: There is no such device; the message lists those there are.

    Torch:
        ``torch.device``, which documents use as ``"cuda" if available else "cpu"``:
        that is ``"auto"``.

    Example:
        >>> device("cpu").platform
        'cpu'
    """
    import jax

    if not isinstance(name, str):
        raise TypeError(f"a device's name is a string, got {type(name).__name__}")
    kind, _, index = name.partition(":")
    if kind == "auto" and not index:
        return next(found for kind in _PREFERENCE for found in _devices(jax, kind))
    if kind not in (*_PREFERENCE, "gpu") or (":" in name and not index.isdigit()):
        raise ValueError(
            f"unknown device {name!r}: expected 'auto', 'cpu', 'cuda', 'rocm', 'gpu' "
            "or 'tpu', with an index as in 'cuda:1' if wanted"
        )
    found = _devices(jax, kind)
    if int(index or 0) >= len(found):
        available = ", ".join(str(d) for d in jax.devices())
        raise RuntimeError(
            f"no device {name!r} here: JAX sees {available}; install the matching "
            "jax (for an NVIDIA GPU `pip install jax[cuda13]`, for a TPU "
            "`pip install jax[tpu]`) or choose 'auto'"
        )
    return found[int(index or 0)]


def _devices(jax: Any, kind: str) -> list[Device]:
    """The devices of a kind, none where its backend is not installed."""
    try:
        return jax.local_devices(backend=kind)
    except RuntimeError:
        return []
