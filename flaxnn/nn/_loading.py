# SPDX-License-Identifier: Apache-2.0
"""Which tensor goes into which place of a model, and all that does not fit."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from flaxnn.nn._layouts import LAYOUTS
from flaxnn.nn._names import Leaf

# What wraps a module, and puts the name of its attribute before those of the tensors.
PREFIXES = {
    "module.": "DataParallel",
    "_orig_mod.": "torch.compile",
    "model.": "Lightning",
}


class PrefixWarning(UserWarning):
    """The names of the tensors had a prefix, which was left off.

    ``load_state_dict`` recognises ``module.`` (DataParallel and
    DistributedDataParallel), ``_orig_mod.`` (``torch.compile``), ``model.`` (Lightning)
    and one behind the other, where the names fit the model without it.
    """


def without_prefix(
    tensors: Mapping[str, Any], expected: Collection[str], *, stacklevel: int
) -> dict[str, Any]:
    """Returns the tensors without a wrapper's prefix, where that makes names fit."""
    best, prefix, longer = dict(tensors), "", ""
    while counts := {p: n for p in PREFIXES if (n := _count(tensors, longer + p))}:
        longer += max(counts, key=counts.__getitem__)
        stripped = {name.removeprefix(longer): value for name, value in tensors.items()}
        fits = sum(name in expected for name in stripped)
        if len(stripped) == len(tensors) and fits > sum(n in expected for n in best):
            best, prefix = stripped, longer
    if prefix:
        wrappers = [who for start, who in PREFIXES.items() if start in prefix]
        warnings.warn(
            f"the names of the tensors begin with {prefix!r} ({', '.join(wrappers)}), "
            "which was left off",
            PrefixWarning,
            stacklevel=stacklevel + 1,
        )
    return best


def _count(tensors: Mapping[str, Any], prefix: str) -> int:
    return sum(name.startswith(prefix) for name in tensors)


def assigned(
    leaves: Sequence[Leaf], tensors: Mapping[str, Any]
) -> list[tuple[Leaf, str]]:
    """Returns each leaf and its name in the tensors, or else its likeliest."""
    return [
        (leaf, next((name for name in leaf.names if name in tensors), leaf.names[0]))
        for leaf in leaves
    ]


def as_array(value: Any) -> Any:
    """The value as an array; PyTorch's tensors too, without importing PyTorch."""
    if isinstance(value, np.ndarray | jax.Array):
        return value
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        if "bfloat16" in str(value.dtype):  # PyTorch has no way to NumPy's
            value = value.float()
    return np.asarray(value)


def unfit_names(
    pairs: Sequence[tuple[Leaf, str]],
    tensors: Mapping[str, Any],
    missing: Sequence[str],
    unexpected: Sequence[str],
) -> list[str]:
    """PyTorch's lines on names that are missing and unexpected, and nearest names."""
    leaves = {name: leaf for leaf, name in pairs}
    faults = []
    if missing:
        told = ", ".join(f'"{name}"{_in_flax(name, leaves[name])}' for name in missing)
        faults.append(f"Missing key(s) in state_dict: {told}.")
    if unexpected:
        told = ", ".join(f'"{name}"' for name in unexpected)
        faults.append(f"Unexpected key(s) in state_dict: {told}.")
    for name in unexpected:
        value = tensors[name]
        if isinstance(value, Mapping):
            faults.append(f"{name!r} is a dictionary itself; is it the one to load?")
            continue
        near = difflib.get_close_matches(name, missing or [*leaves], n=1)
        alike = [n for n in missing if leaves[n].shape == np.shape(value)]
        if near or len(alike) == 1:
            match = (near or alike)[0]
            path = _in_flax(match, leaves[match])
            faults.append(f"did you mean {match!r}{path} for {name!r}?")
    return faults


def _in_flax(name: str, leaf: Leaf) -> str:
    return "" if leaf.path == name else f" (in Flax {leaf.path})"


def unfit_arrays(
    pairs: Sequence[tuple[Leaf, str]], tensors: Mapping[str, Any], *, kinds: bool = True
) -> list[str]:
    """PyTorch's lines on tensors of a wrong shape, and lines on wrong dtypes."""
    faults = []
    for leaf, name in pairs:
        if name not in tensors or leaf.shape is None:
            continue
        value, label = tensors[name], _in_flax(name, leaf)
        if isinstance(value, Mapping | str) or value is None:
            faults.append(
                f'While copying the parameter named "{name}"{label}, expected an array '
                f"or a tensor but received {type(value).__name__}."
            )
            continue
        array = as_array(value)
        if np.shape(array) != leaf.shape:
            faults.append(
                f"size mismatch for {name}{label}: copying a param with shape "
                f"{np.shape(array)} from checkpoint, the shape in current model is "
                f"{leaf.shape}{_other_layouts(leaf, np.shape(array))}."
            )
        if kinds and _kind(array.dtype) != _kind(leaf.dtype):
            faults.append(
                f"dtype mismatch for {name}{label}: copying a param of dtype "
                f"{array.dtype} from checkpoint, the dtype in current model is "
                f"{leaf.dtype}; convert it first to one that is {_kind(leaf.dtype)}."
            )
    return faults


def _other_layouts(leaf: Leaf, shape: tuple[int, ...]) -> str:
    """How the leaf lies in Flax, and which other layouts would give that shape."""
    inside = np.shape(leaf.place.value)
    if leaf.shape == inside:
        return ""
    told = f" (Flax's {inside} in layout {leaf.layout.name})"
    fitting = [
        name for name, other in LAYOUTS.items() if other.torch_shape(inside) == shape
    ]
    return f"{told}; as layout {' or '.join(fitting)} it would fit" if fitting else told


def _kind(dtype: Any) -> str:
    """What of a dtype must not change by loading."""
    if jnp.issubdtype(dtype, jnp.floating):
        return "floating-point"
    if jnp.issubdtype(dtype, jnp.complexfloating):
        return "complex"
    return "integer" if jnp.issubdtype(dtype, jnp.integer) else str(dtype)
