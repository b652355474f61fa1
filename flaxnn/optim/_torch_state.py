# SPDX-License-Identifier: Apache-2.0
"""The state of an optimiser in PyTorch's schema, there and back."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import jax
import numpy as np
import optax

from flaxnn.optim._names import named_leaves
from flaxnn.optim._scalars import Tree
from flaxnn.optim._states import with_optimizer_states
from flaxnn.optim._torch_groups import (
    Group,
    collected,
    fields_of,
    groups_of,
    leaf_names,
    leaves_of,
    name_faults,
    ordered,
)
from flaxnn.optim._torch_loading import load
from flaxnn.optim._torch_whole import written


def to_torch_state(
    optimizer: optax.GradientTransformation, opt_state: Any, names: Any
) -> dict[str, Any]:
    """Returns the state as PyTorch's ``optimizer.state_dict()`` has it.

    Clipping and schedulers have no part in it: they have none in PyTorch's.

    Args:
        optimizer: The optimiser of `flaxnn.optim` that the state is of, alone or in
            `chain`, `param_groups` and `scheduled`.
        opt_state: Its state.
        names: The parameters' dotted names in PyTorch's order, or a
            `flaxnn.nn.Module`, which knows of its tied parameters too.

    Returns:
        ``{"state": …, "param_groups": …}`` with NumPy arrays; ``step`` is float32.
        Parameters are numbered as in ``names``, group by group. To load it into
        PyTorch, make tensors of the arrays, those in `lbfgs`'s lists too.

    Raises:
        ValueError: The optimiser is not one of `flaxnn.optim`, or the names are not
            those of the state.

    Torch:
        ``torch.optim.Optimizer.state_dict``, 2.13.0, T0: the same keys in the same
        order. ``foreach``, ``fused``, ``capturable`` and ``differentiable`` are
        PyTorch's defaults. A traced option is written as the shortest decimal that it
        stands for. Momentum buffers that were not used yet are zeros, PyTorch's are
        absent. Of LBFGS ``al`` is not written, into which PyTorch puts nothing that it
        reads in a later step.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn import optim
        >>> optimizer = optim.sgd(lr=0.1, momentum=0.9)
        >>> params = {"weight": jnp.ones(2), "bias": jnp.ones(1)}
        >>> state = optimizer.init(params)
        >>> _, state = optimizer.update(params, state, params)
        >>> saved = to_torch_state(optimizer, state, ["weight", "bias"])
        >>> saved["state"][0]
        {'momentum_buffer': array([1., 1.], dtype=float32)}
        >>> saved["param_groups"][0]["lr"], saved["param_groups"][0]["params"]
        (0.1, [0, 1])
    """
    params = ordered(names, leaf_names(opt_state))
    groups = groups_of(optimizer.update, opt_state, params)
    faults = [fault for group in groups for fault in _misnamed(group)]
    if faults:
        raise collected(groups, faults)
    state: dict[int, dict[str, np.ndarray]] = {}
    param_groups = []
    first = 0
    for group in groups:
        if not group.params:
            continue
        numbered = range(first, first + len(group.params))
        first = numbered.stop
        if group.schema.whole:
            state[numbered[0]] = written(group)
        elif group.schema.eager or _updates(group) != 0:
            state.update(zip(numbered, _tensors(group), strict=True))
        options = group.schema.options(group.update, group.state.hyperparams)
        param_groups.append({**options, "params": list(numbered)})
    return {
        "state": {k: v for k, v in state.items() if v},
        "param_groups": param_groups,
    }


def _updates(group: Group) -> int | None:
    """Updates done so far, None where the state does not count them."""
    return None if group.state.step is None else int(group.state.step)


def _tensors(group: Group) -> list[dict[str, np.ndarray]]:
    """PyTorch's entry for each parameter of a group, in arrays of its own."""
    fields, leaves = fields_of(group), leaves_of(group)
    entries = []
    for param in group.params:
        entry = {
            name: np.array(leaves[name][param.tree] if name in leaves else value)
            for name, value in fields.items()
        }
        if "step" in entry:
            entry["step"] = entry["step"].astype(np.float32)
        entries.append(entry)
    return entries


def _misnamed(group: Group) -> list[str]:
    """What differs between a group's names and the leaves of its state, if any."""
    trees = leaves_of(group).values()
    return (
        name_faults(group.params, {k for tree in trees for k in tree}) if trees else []
    )


def from_torch_state(
    torch_state: Mapping[str, Any],
    optimizer: optax.GradientTransformation,
    params: Tree,
    names: Any,
) -> Any:
    """Returns the optimiser's state from PyTorch's ``optimizer.state_dict()``.

    The learning rate and every other number are the loaded ones, as after PyTorch's
    ``optimizer.load_state_dict``. A scheduler begins anew: its state is not in it.

    Args:
        torch_state: ``{"state": …, "param_groups": …}`` with NumPy arrays or PyTorch's
            tensors.
        optimizer: An optimiser of `flaxnn.optim`, alone or in `chain`, `param_groups`
            and `scheduled`, whose groups are in PyTorch's order.
        params: The parameters; moments take their dtypes.
        names: The parameters' dotted names in PyTorch's order, or a
            `flaxnn.nn.Module`, as for `to_torch_state`.

    Returns:
        A state for ``optimizer.update``.

    Raises:
        ValueError: The state does not fit: another optimiser, another number of groups
            or parameters, a missing or unknown key, a shape, or an option that is
            static and differs. All faults are named at once.

    Torch:
        ``torch.optim.Optimizer.load_state_dict``, 2.13.0, T0. A state before the first
        update loads as a fresh one. There is one ``step`` for a group here: parameters
        that have seen different numbers of updates are refused. ``eta``, ``mu`` and
        ``mu_product`` are rounded to float32, which is PyTorch's own unless its default
        dtype was changed.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn import optim
        >>> optimizer = optim.adam(lr=0.1)
        >>> params = {"weight": jnp.ones(2)}
        >>> state = optimizer.init(params)
        >>> _, state = optimizer.update(params, state, params)
        >>> saved = to_torch_state(optimizer, state, ["weight"])
        >>> loaded = from_torch_state(saved, optim.adam(), params, ["weight"])
        >>> int(loaded.step), loaded.hyperparams["lr"]
        (1, Array(0.1, dtype=float32))
    """
    dtypes = {leaf.dtype for leaf in jax.tree.leaves(params)}
    with jax.enable_x64(True) if np.dtype("float64") in dtypes else nullcontext():
        template = optimizer.init(params)
        leaves = named_leaves(params)
        every = ordered(names, leaves)
        groups = groups_of(optimizer.update, template, every)
        faults = name_faults(every, set(leaves))
        states = load(torch_state, groups, leaves, faults)
        if faults:
            raise collected(groups, faults)
        return with_optimizer_states(template, states)
