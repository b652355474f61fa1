# SPDX-License-Identifier: Apache-2.0
"""Modules and dictionaries of arrays: call with them, load them, change dtype."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from types import MappingProxyType
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from flaxnn._typing import ArrayLike, DTypeLike
from flaxnn.nn._layouts import SAME
from flaxnn.nn._loading import (
    as_array,
    assigned,
    unfit_arrays,
    unfit_names,
    without_prefix,
)
from flaxnn.nn._module import Module, named_state
from flaxnn.nn._names import Names, named
from flaxnn.nn._places import opened
from flaxnn.nn._rules import Rule

M = TypeVar("M", bound=Module)
T = TypeVar("T")


def functional_call(
    model: Module, params: Mapping[str, ArrayLike], *args: Any, **kwargs: Any
) -> Any:
    """Returns the model's output with other parameters or buffers in its place.

    A pure function of ``params`` and the arguments: it can be jitted, differentiated
    and vmapped. Names that ``params`` leaves out keep the model's own values.

    Args:
        model: The module; it is not changed.
        params: Arrays under PyTorch's names, as `state_dict` gives them.
        *args: The arguments of the call.
        **kwargs: The keyword arguments of the call.

    Raises:
        RuntimeError: A name or shape does not fit; all faults are named at once.
        ValueError: Tied parameters get different values.

    Torch:
        ``torch.func.functional_call``, 2.13.0; the grade is the model's, T1 at best.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from flaxnn import nn
        >>> from flaxnn.random import Generator
        >>> model = nn.Linear(2, 1, rngs=Generator(0))
        >>> params = model.state_dict()
        >>> gradient = jax.grad(
        ...     lambda p: functional_call(model, p, jnp.ones(2)).sum()
        ... )(params)
        >>> gradient["bias"]
        Array([1.], dtype=float32)
    """
    opened_copy = opened(model)
    copy = opened_copy.close()
    variables = dict(named_state(copy))
    pairs = assigned(named(opened_copy)[0], params)
    unexpected = [name for name in params if name not in variables]
    faults = unfit_names(pairs, params, [], unexpected)
    _raise(opened_copy.title, faults + unfit_arrays(pairs, params, kinds=False))
    given: dict[int, str] = {}
    for name, value in params.items():
        first = given.setdefault(id(variables[name]), name)
        if params[first] is not value:
            raise ValueError(
                f"functional_call got multiple values for keys {[first, name]}, which "
                "are tied; pass one of them"
            )
        variables[name].set_value(as_array(value))
    return copy(*args, **kwargs)


def load_state_dict(
    model: T,
    tensors: Mapping[str, ArrayLike],
    strict: bool = True,
    *,
    names: Names = (),
    rules: Sequence[Rule] = (),
    flatten: Mapping[str, Sequence[int]] = MappingProxyType({}),
) -> T:
    r"""Returns a new model with the arrays of PyTorch's state dictionary.

    Args:
        model: A module of flaxnn; any `flax.nnx` module; or the variables of a Linen
            module, ``{"params": …, "batch_stats": …}``, whose values may be shapes
            only, as from `jax.eval_shape`. It is not changed.
        tensors: Arrays, or PyTorch's own tensors, under PyTorch's names. They take
            the model's dtypes. A prefix of all of them that a wrapper has left is
            left off where the names fit without it, with a `PrefixWarning`.
        strict: Whether a missing or unexpected name is an error.
        names: Flax's paths and what PyTorch calls them, ``{"Dense_0": "fc1"}``, for
            all that is below a path; the longest holds. Or pairs of a regular
            expression and a replacement, ``[(r"Dense_(\d)", r"fc\1")]``, applied
            one after the other to the paths of modules.
        rules: Further rules for parameters, before the built-in ones.
        flatten: Sizes ``(C, H, W)`` of one example that is flattened before a dense
            layer, under the layer's path: ``{"fc1": (64, 7, 7)}``. PyTorch flattens
            in this order, Flax ``(H, W, C)``.

    Raises:
        RuntimeError: Names, shapes or dtypes do not fit; all faults are named at once.
        TypeError: ``model`` is no model, or ``tensors`` no mapping.
        ValueError: ``model`` is a mapping without Linen's collections.

    Torch:
        ``torch.nn.Module.load_state_dict``, 2.13.0 (T0), which changes the module in
        place, knows no prefixes, and casts whatever it gets, complex numbers and
        integers too; here they are an error for a floating-point parameter.

        Flax's modules are not made PyTorch's: ``epsilon`` of their norms (1e-6 but in
        batch norm), momentum and padding are the model's own. A convolution of
        Linen's and a transposed one look alike: one that is not called
        ``ConvTranspose_0`` needs a rule. Tensors ``num_batches_tracked`` have no place
        in Flax's batch norm, and are left out.

    Example:
        >>> import numpy as np
        >>> from flax import nnx
        >>> from flaxnn import nn
        >>> class Net(nnx.Module):
        ...     def __init__(self, rngs):
        ...         self.fc = nnx.Linear(2, 1, rngs=rngs)
        >>> tensors = {"fc.weight": np.array([[1.0, 2.0]]), "fc.bias": np.zeros(1)}
        >>> load_state_dict(Net(nnx.Rngs(0)), tensors).fc.kernel.get_value()
        Array([[1.],
               [2.]], dtype=float32)
    """
    if not isinstance(tensors, Mapping):
        raise TypeError(
            f"Expected state_dict to be dict-like, got {type(tensors).__name__}."
        )
    if strangers := [name for name in tensors if not isinstance(name, str)]:
        raise TypeError(f"names of tensors are strings, got {strangers[:3]}")
    copy = opened(model)
    leaves, faults = named(copy, names, rules, flatten)
    expected = {name for leaf in leaves for name in leaf.names}
    tensors = without_prefix(tensors, expected, stacklevel=2)
    pairs = assigned(leaves, tensors)
    if strict:
        known = {name for _, name in pairs}
        uncounted = copy.rules is not None
        missing = [name for _, name in pairs if name not in tensors]
        unexpected = [
            name
            for name in tensors
            if name not in known
            and not (uncounted and name.endswith("num_batches_tracked"))
        ]
        faults += unfit_names(pairs, tensors, missing, unexpected)
    _raise(copy.title, faults + unfit_arrays(pairs, tensors))
    for leaf, name in pairs:
        if name in tensors:
            shape = np.shape(leaf.place.value)
            array = as_array(tensors[name])
            if leaf.layout is not SAME:
                array = leaf.layout.to_flax(np.asarray(array), shape)
            leaf.place.put(_cast(array, leaf.dtype))
    return copy.close()


def to_state_dict(
    model: object,
    *,
    names: Names = (),
    rules: Sequence[Rule] = (),
    flatten: Mapping[str, Sequence[int]] = MappingProxyType({}),
) -> dict[str, np.ndarray]:
    """Returns a model's arrays under PyTorch's names, in PyTorch's layouts.

    The inverse of `load_state_dict`. The order is Flax's, which is sorted.

    Args:
        model: As in `load_state_dict`.
        names: As in `load_state_dict`. A numbered name of Linen's stays as it is.
        rules: As in `load_state_dict`.
        flatten: As in `load_state_dict`.

    Raises:
        RuntimeError: Rules do not fit the model, or give two arrays one name.

    Torch:
        ``torch.nn.Module.state_dict``, 2.13.0, T0. A batch norm of Flax's has no
        ``num_batches_tracked``; PyTorch's ``load_state_dict`` takes its own for it.

    Example:
        >>> from flax import nnx
        >>> layer = nnx.Linear(2, 3, rngs=nnx.Rngs(0))
        >>> {name: array.shape for name, array in to_state_dict(layer).items()}
        {'bias': (3,), 'weight': (3, 2)}
    """
    copy = opened(model)
    leaves, faults = named(copy, names, rules, flatten)
    paths: dict[str, str] = {}
    for leaf in leaves:
        first = paths.setdefault(leaf.names[0], leaf.path)
        if first != leaf.path:
            faults.append(f"{first} and {leaf.path} are both called {leaf.names[0]!r}.")
    _raise(copy.title, faults)
    return {
        # A copy in C order that may be written to, as `torch.from_numpy` wants it.
        leaf.names[0]: np.array(
            leaf.layout.to_torch(np.asarray(leaf.place.value)), order="C"
        )
        for leaf in leaves
    }


def astype(model: M, dtype: DTypeLike) -> M:
    """Returns a new model whose floating-point state has another dtype.

    Args:
        model: The module; it is not changed.
        dtype: ``"float32"``, ``"float64"``, ``"bfloat16"`` or ``"float16"``. A
            float64 model is called inside ``with jax.enable_x64(True):``;
            `flaxnn.fit`, `evaluate` and `predict` enter that context themselves.

    Raises:
        TypeError: ``dtype`` is not a floating-point type.

    Torch:
        ``torch.nn.Module.to(dtype)``, 2.13.0, T0.

    Example:
        >>> from flaxnn import nn
        >>> from flaxnn.random import Generator
        >>> astype(nn.Linear(1, 1, rngs=Generator(0)), "float64").weight.dtype
        dtype('float64')
    """
    target = jnp.dtype(dtype)
    if not jnp.issubdtype(target, jnp.floating):
        raise TypeError(f"a model's dtype must be floating-point, got {target.name}")

    def convert(array: Any) -> Any:
        floating = hasattr(array, "dtype") and jnp.issubdtype(array.dtype, jnp.floating)
        return _cast(array, target) if floating else array

    return _map_state(model, convert)


def _cast(array: Any, dtype: np.dtype) -> jax.Array:
    """The array in a dtype, float64 kept whatever the global setting."""
    array = as_array(array)
    wide = "float64" in (dtype.name, getattr(array, "dtype", dtype).name)
    with jax.enable_x64(True) if wide else nullcontext():
        return jnp.asarray(array).astype(dtype)


def _map_state(model: M, convert: Callable[[Any], Any]) -> M:
    graphdef, state = nnx.split(model)
    return nnx.merge(graphdef, jax.tree.map(convert, nnx.to_pure_dict(state)))


def _raise(title: str, faults: Sequence[str]) -> None:
    """Raises PyTorch's RuntimeError if there are faults."""
    if faults:
        heading = f"Error(s) in loading state_dict for {title}:"
        raise RuntimeError("\n\t".join([heading, *faults]))
