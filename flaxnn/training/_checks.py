# SPDX-License-Identifier: Apache-2.0
"""What a run refuses before anything is compiled."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from flaxnn.data import DataLoader, Dataset, LazyDataset
from flaxnn.nn import HostDraw, recording
from flaxnn.training._closure import refuse_changes
from flaxnn.training._pure import Pure, Tree, forward, model_dtype
from flaxnn.training._state import TrainState
from flaxnn.training._step import TrainStep


def is_floating(array: np.ndarray) -> bool:
    """Whether the dtype is floating-point; NumPy alone does not know bfloat16."""
    return jnp.issubdtype(array.dtype, jnp.floating)


def kind_of(value: Any) -> str:
    """A type's full name: there are many classes called DataLoader."""
    return f"{type(value).__module__}.{type(value).__qualname__}"


def host_arrays(data: Any, fields: int = 2) -> tuple[np.ndarray, ...]:
    """All arrays behind some data, checked; the target is the last.

    Args:
        data: A tuple of arrays, a data set, or a DataLoader.
        fields: How many arrays there have to be at least.
    """
    if isinstance(data, LazyDataset):
        data = DataLoader(data)
    if isinstance(data, DataLoader):
        arrays = data.arrays
        if arrays is None:
            rows = np.arange(len(data.dataset))
            arrays = data.gather(rows) if len(rows) else (rows,) * fields
    elif isinstance(data, Dataset):
        arrays = data.arrays
    elif isinstance(data, tuple | list):
        arrays = tuple(data)
    else:
        raise TypeError(
            "data must be a tuple (inputs, target) of arrays, or a "
            f"flaxnn.data.DataLoader, got {kind_of(data)}"
        )
    return checked(arrays, fields)


def checked(arrays: Sequence[Any], fields: int = 1) -> tuple[np.ndarray, ...]:
    """The arrays as NumPy's, all of them numbers, finite and of one length."""
    if len(arrays) < fields:
        raise ValueError(
            f"data must hold inputs and a target, got {len(arrays)} array(s)"
        )
    out = tuple(_numeric(array, index) for index, array in enumerate(arrays))
    lengths = [len(array) for array in out]
    if len(set(lengths)) > 1:
        raise ValueError(f"the arrays of data differ in length: {lengths}")
    if lengths[0] == 0:
        raise ValueError("data is empty: expected at least one row, got 0")
    for index, array in enumerate(out):
        if is_floating(array):
            require_finite(array, index)
    return out


def _numeric(array: Any, index: int) -> np.ndarray:
    out = np.asarray(array)
    numeric = jnp.issubdtype(out.dtype, np.number) or out.dtype == np.bool_
    if not numeric or out.ndim == 0:
        what = f"{kind_of(array)}" if out.ndim == 0 else f"dtype {out.dtype}"
        hint = (
            "; number the classes: np.unique(labels, return_inverse=True)[1]"
            if out.dtype.kind in "SU"
            else ""
        )
        raise TypeError(
            f"array {index} of data must hold numbers, one row for each sample, "
            f"got {what}{hint}"
        )
    return out


def require_finite(
    array: np.ndarray, index: int, rows: np.ndarray | None = None
) -> None:
    """Raises where an array of the data, or these rows of it, is nan or infinite."""
    finite = np.isfinite(array)
    if not finite.all():
        bad = np.argwhere(~finite)
        first, *others = (int(i) for i in bad[0])
        place = (first if rows is None else int(rows[first]), *others)
        raise ValueError(
            f"array {index} of data holds {len(bad)} value(s) that are nan or "
            f"infinite, the first at {place}: {array[first, *others]}; remove those "
            "rows or fill them in"
        )


def naming_row(
    check: Callable[[tuple[np.ndarray, ...]], Any],
    arrays: tuple[np.ndarray, ...],
    rows: np.ndarray,
) -> None:
    """Checks arrays that are these rows of the data; an error says which it was."""
    try:
        check(arrays)
    except Exception as error:
        start, end = 0, len(rows)
        while end - start > 1:
            half = (start + end) // 2
            try:
                check(tuple(array[start:half] for array in arrays))
            except Exception:
                end = half
            else:
                start = half
        error.add_note(f"This is row {rows[start]} of the data set.")
        raise


def to_dtype(arrays: tuple[np.ndarray, ...], dtype: Any) -> tuple[np.ndarray, ...]:
    """Floating-point arrays in the model's dtype; integers are left as they are."""
    return tuple(
        array.astype(dtype) if is_floating(array) else array for array in arrays
    )


def check_run(
    step: TrainStep,
    params: Tree,
    buffers: Tree,
    arrays: tuple[np.ndarray, ...],
    batch_size: int,
    transform: Any = None,
) -> None:
    """Traces the forward pass and the loss without computing anything.

    Raises what the model or the loss raises on these shapes and dtypes, and what the
    loss raises on the targets themselves, such as a label out of range.
    """
    target = arrays[-1]
    if step.calls_closure:
        inputs = _inputs(params, arrays, batch_size, transform)
        refuse_changes(step.forward, params, buffers, inputs)
    output, _ = _traced(step, params, buffers, arrays, batch_size, transform)
    # The loss sees the shape of an output for the whole set, and the real targets.
    whole = jax.tree.map(
        lambda o: (
            jax.ShapeDtypeStruct((len(target), *o.shape[1:]), o.dtype)
            if o.shape[:1] == (batch_size,)
            else o
        ),
        output,
    )
    try:
        _check_loss(step.loss, whole, target)
    except (RuntimeError, TypeError, ValueError):
        # A loss may fit batches only; then they are what it has to fit.
        _check_loss(step.loss, output, target[:batch_size])


# Losses that were traced already, with the very targets they saw.
_accepted: set[Hashable] = set()
_MOST_ACCEPTED = 256
# Beyond this size of the targets tracing again is cheaper than hashing them.
_HASHED_BYTES = 1 << 20


def _check_loss(loss: Pure, output: Tree, target: np.ndarray) -> None:
    """Traces the loss once for each combination of itself, shapes and targets."""
    seen = None
    if target.nbytes <= _HASHED_BYTES:
        digest = hashlib.blake2b(target.tobytes()).digest()
        shapes = _Shapes.of(output), _Shapes.of(loss.arrays)
        seen = (loss.structure, *shapes, target.shape, target.dtype, digest)
        if seen in _accepted:
            return
    value = jax.eval_shape(lambda o: loss(o, target), output)
    if getattr(value, "shape", None) != ():
        raise ValueError(
            "the loss must be a scalar, got "
            f"{getattr(value, 'shape', type(value).__name__)}; use reduction='mean'"
        )
    if seen is not None:
        if len(_accepted) >= _MOST_ACCEPTED:
            _accepted.clear()
        _accepted.add(seen)


def check_state(state: TrainState, expected: TrainState) -> None:
    """Raises unless a state to resume from is built as the run's own first state."""
    for part in ("params", "buffers", "opt_state"):
        ours, theirs = (_leaves(getattr(tree, part)) for tree in (expected, state))
        for path in sorted(ours.keys() | theirs.keys()):
            if ours.get(path) != theirs.get(path):
                raise ValueError(
                    f"the state is of another run: {part}{path} is "
                    f"{theirs.get(path, 'missing')} there, and the model and optimizer "
                    f"given make it {ours.get(path, 'missing')}"
                )


def _leaves(tree: Tree) -> dict[str, str]:
    """Path, shape and dtype of each leaf."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {
        jax.tree_util.keystr(path): f"{leaf.dtype}{list(leaf.shape)}"
        for path, leaf in leaves
    }


def host_draws(
    step: TrainStep,
    params: Tree,
    buffers: Tree,
    arrays: tuple[np.ndarray, ...],
    transform: Any,
    batch_size: int,
) -> tuple[HostDraw, ...]:
    """What one forward pass over a batch asks the host to draw, in order."""
    return tuple(
        request
        for size in step.micro_sizes(batch_size)
        for request in _traced(step, params, buffers, arrays, size, transform)[1]
    )


def _traced(
    step: TrainStep,
    params: Tree,
    buffers: Tree,
    arrays: tuple[np.ndarray, ...],
    batch_size: int,
    transform: Any,
) -> tuple[Any, tuple[HostDraw, ...]]:
    inputs = _inputs(params, arrays, batch_size, transform)
    return _abstract_output(
        step.graphdef,
        _Shapes.of(params),
        _Shapes.of(buffers),
        tuple(x.shape for x in inputs),
        tuple(x.dtype for x in inputs),
    )


def _inputs(
    params: Tree, arrays: tuple[np.ndarray, ...], batch_size: int, transform: Any
) -> list[jax.ShapeDtypeStruct]:
    """The shapes and dtypes in which the model meets a batch."""
    shapes = [x.shape[1:] for x in arrays[:-1]]
    if transform is not None:
        shapes[0] = transform.output_shape(shapes[0])
    return [
        jax.ShapeDtypeStruct((batch_size, *shape), input_dtype(x, params))
        for shape, x in zip(shapes, arrays[:-1], strict=True)
    ]


def input_dtype(array: np.ndarray, params: Tree) -> Any:
    """The dtype in which the model meets an input: pixels become floats."""
    if array.dtype == np.uint8:
        return model_dtype(params)
    return jax.dtypes.canonicalize_dtype(array.dtype)


class _Shapes:
    """Shapes and dtypes of a pytree, as a key of a cache."""

    def __init__(self, leaves: tuple[Any, ...], treedef: Any):
        self.key = (leaves, treedef)

    @classmethod
    def of(cls, tree: Tree) -> _Shapes:
        leaves, treedef = jax.tree.flatten(tree)
        return cls(tuple((x.shape, x.dtype) for x in leaves), treedef)

    def tree(self) -> Tree:
        leaves, treedef = self.key
        return treedef.unflatten([jax.ShapeDtypeStruct(*leaf) for leaf in leaves])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Shapes) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


@lru_cache(maxsize=64)
def _abstract_output(
    graphdef: Any,
    params: _Shapes,
    buffers: _Shapes,
    shapes: tuple[tuple[int, ...], ...],
    dtypes: tuple[Any, ...],
) -> tuple[Any, tuple[HostDraw, ...]]:
    """The output's shape and dtype, and the host draws asked for, in order."""
    inputs = [jax.ShapeDtypeStruct(*pair) for pair in zip(shapes, dtypes, strict=True)]

    with recording() as draws:
        output, _ = jax.eval_shape(
            partial(forward, graphdef, training=True),
            params.tree(),
            buffers.tree(),
            inputs,
        )
    return output, tuple(draws)
