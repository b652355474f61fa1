"""What tells one sweep from another."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from flaxnn.data import fingerprint
from flaxnn.sweeps._groups import Lane
from flaxnn.training import RunState, Validation
from flaxnn.training._checkpoints import run_manifest
from flaxnn.training._pure import named_metrics

# Longer lists are told by their ends and a digest.
_LONG = 12


def sweep_manifest(
    data: Any,
    first: RunState,
    lanes: Sequence[Lane],
    validation: Validation | None,
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """The manifest of a sweep, for JSON.

    Args:
        data: What the first lane trains on.
        first: Its state.
        lanes: All lanes.
        validation: What they are judged by.
        settings: What else decides the numbers.
    """
    columns = {
        name: told_list([lane.configuration[name] for lane in lanes])
        for name in lanes[0].configuration
    }
    judged = None
    if validation is not None:
        judged = {
            "data": fingerprint(validation.data),
            "metrics": {n: told(m) for n, m in named_metrics(validation.metrics).items()},
            "every": validation.every,
            "batch_size": validation.batch_size,
        }
    return run_manifest(
        fingerprint(data),
        first.train,
        {
            "seeds": told_list([lane.seed for lane in lanes]),
            **columns,
            **{name: told(value) for name, value in settings.items()},
            "validation": judged,
        },
    )


def told_list(values: Sequence[Any]) -> str:
    """The values as a text that differs where they differ, short even for many."""
    texts = [told(value) for value in values]
    if len(texts) <= _LONG:
        return f"[{', '.join(texts)}]"
    digest = hashlib.blake2b("\n".join(texts).encode(), digest_size=6).hexdigest()
    return f"[{texts[0]}, {texts[1]}, … {texts[-1]}], {len(texts)} values, {digest}"


def told(value: Any) -> str:
    """A value as a text that is the same in another process."""
    if isinstance(value, functools.partial):
        options = [*map(told, value.args)]
        options += [f"{name}={told(one)}" for name, one in value.keywords.items()]
        return f"partial({', '.join([told(value.func), *options])})"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {told(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return f"({', '.join(map(told, value))})"
    if hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    # Without the addresses of functions and objects in it.
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))
