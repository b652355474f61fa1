# SPDX-License-Identifier: Apache-2.0
"""A training run taken over from PyTorch in the middle, and given back."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import optax

from flaxnn import nn
from flaxnn.data import DataLoader
from flaxnn.interop._entries import find_entries
from flaxnn.interop._generators import generator_states
from flaxnn.interop._load import load
from flaxnn.interop._save import save
from flaxnn.optim import (
    ScheduledState,
    from_torch_schedule,
    from_torch_state,
    scheduled,
    to_torch_schedule,
    to_torch_state,
)
from flaxnn.optim.lr_scheduler import Scheduler
from flaxnn.random import Generator
from flaxnn.training import RunState, initial_state

M = TypeVar("M", bound=nn.Module)


@dataclass(frozen=True)
class Checkpoint(Generic[M]):
    """What `load_checkpoint` found.

    Attributes:
        model: The model with the file's parameters and buffers.
        state: The run's state: pass both to `flaxnn.fit` to go on.
        rest: Every other entry of the file.
    """

    model: M
    state: RunState
    rest: dict[str, Any]


def load_checkpoint(
    path: str | os.PathLike[str],
    model: M,
    optimizer: optax.GradientTransformation,
    data: Any = None,
    *,
    schedule: Scheduler | None = None,
    schedule_every: Any = "epoch",
    rngs: Generator | None = None,
    validation: Any = None,
    freeze: Sequence[str] = (),
    epoch: int | None = None,
    batch: int | None = None,
    keys: Mapping[str, str] | None = None,
    strict: bool = True,
) -> Checkpoint[M]:
    """Reads a PyTorch run's file, so that `flaxnn.fit` goes on where it stopped.

    What a file may hold, under PyTorch programs' usual names (`keys` has others):
    ``model`` (needed; or the file is a bare ``model.state_dict()``), ``optimizer``,
    ``scheduler``, ``epoch`` and ``batch``, the epoch that the next step belongs to and
    the steps done of it; ``generators``, ``torch.get_rng_state()`` now, or a list with
    the loader's own ``generator.get_state()`` behind it; and
    ``generators_at_epoch``, the same at the start of that epoch, from which its order
    is drawn again. What is missing is as at the beginning of a run.

    Args:
        path: The file, in any format of `load`.
        model: A model of the same structure; it is not changed.
        optimizer: The optimiser; its numbers are replaced by the file's.
        data: What the run trains on, as for `flaxnn.fit`.
        schedule: As for `flaxnn.fit`.
        schedule_every: As for `flaxnn.fit`.
        rngs: As for `flaxnn.fit`.
        validation: As for `flaxnn.fit`.
        freeze: As for `flaxnn.fit`.
        epoch: The epoch of the next step, in place of the file's entry: programs that
            save ``epoch`` at its end mean the one before.
        batch: The steps done of that epoch, in place of the file's entry.
        keys: Names of the file's entries for ``model`` and the others above.
        strict: As for `flaxnn.nn.load_state_dict`.

    Returns:
        The model, the run's state, and the entries that were not read.

    Raises:
        FileFormatError: The file is damaged, or of another kind.
        RuntimeError: The model's names or shapes do not fit.
        ValueError: The optimiser, the schedule, the generators or the position do not
            fit this run; or the position needs what the file has not.

    Torch:
        ``torch.load`` with ``model.load_state_dict``, ``optimizer.load_state_dict``,
        ``scheduler.load_state_dict`` and ``torch.set_rng_state``, 2.13.0: the steps
        after it are T1 in float64, T2 in float32, of the run that was not handed over.
    """
    _require_module(model)
    found, rest = find_entries(load(path), keys or {}, path)
    model = nn.load_state_dict(model, found["model"], strict)
    start = initial_state(
        model,
        optimizer,
        data,
        schedule=schedule,
        schedule_every=schedule_every,
        rngs=rngs,
        validation=validation,
        freeze=freeze,
    )
    if epoch is not None:
        found["epoch"] = epoch
    if batch is not None:
        found["batch"] = batch
    state = _positioned(start, found, data)
    opt_state = state.train.opt_state
    every = int(getattr(opt_state, "every", 1))
    if schedule is not None:
        optimizer = scheduled(optimizer, schedule, every)
    if "optimizer" in found:
        params = state.train.params
        names = _names(model, params)
        opt_state = from_torch_state(found["optimizer"], optimizer, params, names)
    if "scheduler" in found and isinstance(opt_state, ScheduledState):
        since = _updates(state, data) % every
        total = float(found.get("loss_sum", 0.0))
        opt_state = from_torch_schedule(
            found["scheduler"], optimizer, opt_state, since=since, total=total
        )
    train = replace(state.train, opt_state=opt_state)
    return Checkpoint(model, replace(state, train=train), rest)


def save_checkpoint(
    path: str | os.PathLike[str],
    model: nn.Module,
    state: RunState,
    optimizer: optax.GradientTransformation,
    *,
    schedule: Scheduler | None = None,
    rest: Mapping[str, Any] | None = None,
) -> None:
    """Writes a run's state to a file from which PyTorch, or `load_checkpoint`, goes on.

    The entries are those of `load_checkpoint`: ``model``, ``optimizer`` and
    ``scheduler`` are PyTorch's state dictionaries, ``generators`` and
    ``generators_at_epoch`` lists of states for ``torch.set_rng_state``.

    Args:
        path: The file, ``.pt`` or ``.pth``.
        model: A model of the run's structure, such as ``run.model``.
        state: The run's state, such as ``run.state``.
        optimizer: The run's optimiser, one of `flaxnn.optim`.
        schedule: The run's schedule, if it has one.
        rest: Further entries.

    Raises:
        ValueError: The suffix is another, an entry of ``rest`` has a name that is
            taken, or the optimiser is not one of `flaxnn.optim`.
        TypeError: An entry is of a kind that a PyTorch file has not.
        OSError: The file cannot be written.

    Torch:
        ``torch.save({"model": model.state_dict(), …})``, 2.13.0, T0.
    """
    _require_module(model)
    if Path(path).suffix not in (".pt", ".pth"):
        raise ValueError(
            f"a run's state goes into a .pt or .pth file, got {Path(path).name!r}; "
            "interop.save(model.state_dict(), path) writes the model alone"
        )
    train = state.train
    opt_state: Any = train.opt_state
    if schedule is not None:
        optimizer = scheduled(optimizer, schedule, int(opt_state.every))
    trained = train.to_model(model)
    content: dict[str, Any] = {
        "model": OrderedDict(trained.state_dict()),
        "optimizer": to_torch_state(
            optimizer, train.opt_state, _names(trained, train.params)
        ),
    }
    if isinstance(train.opt_state, ScheduledState):
        content["scheduler"] = to_torch_schedule(optimizer, train.opt_state)
        if train.opt_state.total is not None:
            content["loss_sum"] = float(train.opt_state.total)
    content |= {
        "epoch": state.epoch,
        "batch": state.batch,
        "step": int(train.step),
        "generators": list(state.generators),
        "generators_at_epoch": list(state.generators_at_epoch),
    }
    taken = sorted(content.keys() & (rest or {}).keys())
    if taken:
        raise ValueError(f"rest has {', '.join(taken)}, which the run's state has")
    save({**content, **(rest or {})}, path)


def _require_module(model: Any) -> None:
    if not isinstance(model, nn.Module):
        raise TypeError(
            "model must be a flaxnn.nn.Module, whose parameters and their order are "
            f"PyTorch's, got {type(model).__name__}; for a Flax model take "
            "interop.load and nn.load_state_dict"
        )


def _names(model: nn.Module, params: Any) -> Any:
    """The trained parameters in PyTorch's order; the model knows of tied ones."""
    leaves = jax.tree_util.tree_leaves_with_path(params)
    trained = {
        jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in leaves
    }
    names = [name for name, _ in model.named_parameters()]
    return model if len(names) == len(trained) else [n for n in names if n in trained]


def _positioned(state: RunState, found: Mapping[str, Any], data: Any) -> RunState:
    """The state at the file's position, with its Generators."""
    epoch, batch = (_count(name, found.get(name, 0)) for name in ("epoch", "batch"))
    if batch and not isinstance(data, DataLoader):
        raise ValueError(
            f"the run stopped after {batch} batch(es) of an epoch: pass its DataLoader "
            "as data="
        )
    if isinstance(data, DataLoader) and batch > len(data):
        raise ValueError(
            f"the run stopped after {batch} batches of an epoch, and this loader has "
            f"{len(data)}: pass the loader of that run, or batch="
        )
    now = state.generators
    if "generators" in found:
        now = generator_states(found["generators"], len(now), "generators")
    before = now
    if "generators_at_epoch" in found:
        name = "generators_at_epoch"
        before = generator_states(found[name], len(now), name)
    elif batch and "generators" in found:
        raise ValueError(
            f"the run stopped after {batch} batch(es) of an epoch, whose order is "
            "drawn again from the generators at its start: save torch.get_rng_state() "
            'before each epoch as "generators_at_epoch"'
        )
    state = replace(
        state, epoch=epoch, batch=batch, generators=now, generators_at_epoch=before
    )
    step = _count("step", found.get("step", _updates(state, data)))
    train = replace(state.train, step=jnp.full_like(state.train.step, step))
    return replace(state, train=train)


def _updates(state: RunState, data: Any) -> int:
    """The updates done so far, by the position."""
    per_epoch = len(data) if isinstance(data, DataLoader) else 1
    return state.epoch * per_epoch + state.batch


def _count(name: str, value: Any) -> int:
    number = (
        value.item() if isinstance(value, np.ndarray) and value.size == 1 else value
    )
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise ValueError(f"{name} must be an integer of at least 0, got {value!r}")
    return number
