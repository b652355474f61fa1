# SPDX-License-Identifier: Apache-2.0
"""What tells one sweep from another."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from flaxnn.data import fingerprint
from flaxnn.sweeps._recipe import Beginning
from flaxnn.sweeps._runner import Runner
from flaxnn.training import RunState, Validation
from flaxnn.training._checkpoints import run_manifest
from flaxnn.training._pure import named_metrics

# Longer lists are told by their ends and a digest.
_LONG = 12


def sweep_manifest(
    runner: Runner, first: Beginning, described: Mapping[str, Any]
) -> dict[str, Any]:
    """The manifest of a sweep, for JSON.

    Args:
        runner: What runs it.
        first: Its first lane before the first step.
        described: What lanes are made by.
    """
    state, lanes = runner.first_state(0, first), runner.lanes
    columns = {
        name: told_list([lane.configuration[name] for lane in lanes])
        for name in lanes[0].configuration
    }
    settings = {
        **described,
        "loss": runner.loss,
        runner.unit: runner.total,
        "save_every": runner.save_every,
        "schedule_every": runner.schedule_every,
        "freeze": tuple(runner.freeze),
        **runner.options,
    }
    return run_manifest(
        fingerprint(first.data),
        state.train,
        {
            "seeds": told_list([lane.seed for lane in lanes]),
            **columns,
            "initial weights": _digest(state),
            **{name: told(value) for name, value in settings.items()},
            "validation": _judged(runner.validation),
        },
    )


def _judged(validation: Validation | None) -> dict[str, Any] | None:
    if validation is None:
        return None
    metrics = named_metrics(validation.metrics)
    return {
        "data": fingerprint(validation.data),
        "metrics": {name: told(metric) for name, metric in metrics.items()},
        "every": validation.every,
        "batch_size": validation.batch_size,
    }


def _digest(state: RunState) -> str:
    """What a function without a name of its own, which makes models, is told by."""
    digest = hashlib.blake2b(digest_size=8)
    for leaf in jax.tree.leaves(state.train.params):
        digest.update(np.asarray(leaf).tobytes())
    return digest.hexdigest()


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
