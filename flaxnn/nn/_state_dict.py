"""Modules and dictionaries of arrays: call with them, load them, change dtype."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from flaxnn._typing import ArrayLike, DTypeLike
from flaxnn.nn._module import Module, named_state

M = TypeVar("M", bound=Module)


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
        ``torch.func.functional_call``, 2.13.0.

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
    copy = nnx.clone(model)
    variables = dict(named_state(copy))
    unexpected = [name for name in params if name not in variables]
    _check(model, variables, params, [], unexpected)
    given: dict[int, str] = {}
    for name, value in params.items():
        first = given.setdefault(id(variables[name]), name)
        if params[first] is not value:
            raise ValueError(
                f"functional_call got multiple values for keys {[first, name]}, which "
                "are tied; pass one of them"
            )
        variables[name].set_value(_as_array(value))
    return copy(*args, **kwargs)


def load_state_dict(
    model: M, tensors: Mapping[str, ArrayLike], strict: bool = True
) -> M:
    """Returns a new model with the arrays of a state dictionary.

    Args:
        model: The module; it is not changed.
        tensors: Arrays, or PyTorch's own tensors, under PyTorch's names. They take
            the model's dtypes.
        strict: Whether a missing or unexpected name is an error.

    Raises:
        RuntimeError: Names or shapes do not fit; all faults are named at once.

    Torch:
        ``torch.nn.Module.load_state_dict``, 2.13.0, which changes the module in
        place.

    Example:
        >>> import numpy as np
        >>> from flaxnn import nn
        >>> from flaxnn.random import Generator
        >>> model = nn.Linear(1, 1, rngs=Generator(0))
        >>> model = load_state_dict(
        ...     model, {"weight": np.ones((1, 1)), "bias": np.zeros(1)}
        ... )
        >>> list(model.parameters())[0]
        Parameter containing:
        tensor([[1.]], requires_grad=True)
    """
    return _replaced(model, tensors, missing_ok=not strict, unexpected_ok=not strict)


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
        ``torch.nn.Module.to(dtype)``, 2.13.0.

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


def _as_array(value: Any) -> Any:
    """The value as an array; PyTorch's tensors too, without importing PyTorch."""
    if isinstance(value, np.ndarray | jax.Array):
        return value
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    return np.asarray(value)


def _cast(array: Any, dtype: np.dtype) -> jax.Array:
    """The array in a dtype, float64 kept whatever the global setting."""
    array = _as_array(array)
    wide = "float64" in (dtype.name, getattr(array, "dtype", dtype).name)
    with jax.enable_x64(True) if wide else nullcontext():
        return jnp.asarray(array).astype(dtype)


def _map_state(model: M, convert: Callable[[Any], Any]) -> M:
    graphdef, state = nnx.split(model)
    return nnx.merge(graphdef, jax.tree.map(convert, nnx.to_pure_dict(state)))


def _replaced(
    model: M,
    tensors: Mapping[str, ArrayLike],
    *,
    missing_ok: bool = False,
    unexpected_ok: bool = False,
) -> M:
    copy = nnx.clone(model)
    variables = dict(named_state(copy))
    missing = [] if missing_ok else [n for n in variables if n not in tensors]
    unexpected = [] if unexpected_ok else [n for n in tensors if n not in variables]
    _check(model, variables, tensors, missing, unexpected)
    for name, value in tensors.items():
        if name in variables:
            dtype = variables[name].get_value().dtype
            variables[name].set_value(_cast(value, dtype))
    return copy


def _check(
    model: Module,
    variables: Mapping[str, nnx.Variable],
    tensors: Mapping[str, ArrayLike],
    missing: list[str],
    unexpected: list[str],
) -> None:
    """Raises one RuntimeError, worded as PyTorch's, that names every fault."""
    faults = []
    if missing:
        faults.append(f"Missing key(s) in state_dict: {_quoted(missing)}.")
    if unexpected:
        faults.append(f"Unexpected key(s) in state_dict: {_quoted(unexpected)}.")
        for name in unexpected:
            near = difflib.get_close_matches(name, variables, n=1)
            faults += [f"did you mean {near[0]!r} for {name!r}?"] if near else []
    for name, value in tensors.items():
        if name in variables and np.shape(value) != variables[name].shape:
            faults.append(
                f"size mismatch for {name}: copying a param with shape "
                f"{np.shape(value)} from checkpoint, the shape in current model is "
                f"{variables[name].shape}."
            )
    if faults:
        heading = f"Error(s) in loading state_dict for {type(model).__name__}:"
        raise RuntimeError("\n\t".join([heading, *faults]))


def _quoted(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
