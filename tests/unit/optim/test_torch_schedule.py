# SPDX-License-Identifier: Apache-2.0
"""The state of schedulers in PyTorch's schema: what it is, and what is refused."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from flaxnn import optim
from flaxnn.optim import lr_scheduler

PARAMS = {"weight": jnp.ones(2)}


def scheduled(scheduler: lr_scheduler.Scheduler, **options: Any) -> tuple[Any, Any]:
    """SGD with momentum and a scheduler after three updates."""
    optimizer = optim.scheduled(optim.sgd(lr=0.1, momentum=0.9, **options), scheduler)
    state = optimizer.init(PARAMS)
    for _ in range(3):
        _, state = optimizer.update(PARAMS, state, PARAMS, value=jnp.ones(()))
    return optimizer, state


def test_the_schema_is_pytorchs() -> None:
    optimizer, state = scheduled(lr_scheduler.multi_step_lr([2, 4, 4], gamma=0.5))
    assert optim.to_torch_schedule(optimizer, state) == {
        "milestones": {2: 1, 4: 2},
        "gamma": 0.5,
        "base_lrs": [0.1],
        "last_epoch": 3,
        "_step_count": 4,
        "_is_initial": False,
        "_get_lr_called_within_step": False,
        "_last_lr": [0.05],
    }


MAKERS = {
    "step_lr": lambda: lr_scheduler.step_lr(2),
    "one_cycle_lr": lambda: lr_scheduler.one_cycle_lr(0.5, 10),
    "cyclic_lr": lambda: lr_scheduler.cyclic_lr(0.01, 0.1, step_size_up=3),
    "plateau": lambda: lr_scheduler.reduce_lr_on_plateau(patience=1),
    "sequential": lambda: lr_scheduler.sequential_lr(
        [lr_scheduler.linear_lr(0.1, total_iters=2), lr_scheduler.exponential_lr(0.9)],
        [2],
    ),
}


@pytest.mark.parametrize("name", MAKERS)
def test_there_and_back_is_the_state(name: str) -> None:
    optimizer, state = scheduled(MAKERS[name]())
    saved = optim.to_torch_schedule(optimizer, state)
    loaded = optim.from_torch_schedule(saved, optimizer, state, since=0)
    for one, other in zip(jax.tree.leaves(state), jax.tree.leaves(loaded), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=2e-7)


def test_numbers_of_the_file_replace_the_schedulers() -> None:
    optimizer, state = scheduled(lr_scheduler.step_lr(2, gamma=0.5))
    saved = {**optim.to_torch_schedule(optimizer, state), "gamma": 0.1, "step_size": 4}
    loaded = optim.from_torch_schedule(saved, optimizer, state)
    _, loaded = optimizer.update(PARAMS, loaded, PARAMS)
    # PyTorch goes on from the current rate, 0.05, whatever it comes from.
    np.testing.assert_allclose(loaded.lr, 0.005, rtol=1e-6)


@pytest.mark.parametrize(
    ("saved", "here", "message"),
    [
        ("step_lr", "plateau", "not the state of ReduceLROnPlateau"),
        ("plateau", "step_lr", "not the state of StepLR"),
        ("step_lr", "sequential", "it has no '_schedulers'"),
    ],
)
def test_the_state_of_another_scheduler_is_refused(
    saved: str, here: str, message: str
) -> None:
    content = optim.to_torch_schedule(*scheduled(MAKERS[saved]()))
    with pytest.raises(ValueError, match=message):
        optim.from_torch_schedule(content, *scheduled(MAKERS[here]()))


def test_what_was_compiled_must_agree() -> None:
    content = optim.to_torch_schedule(*scheduled(MAKERS["one_cycle_lr"]()))
    other = lr_scheduler.one_cycle_lr(0.5, 10, anneal_strategy="linear")
    with pytest.raises(ValueError, match="cosine of OneCycleLR is True there"):
        optim.from_torch_schedule(content, *scheduled(other))
    content = optim.to_torch_schedule(*scheduled(MAKERS["plateau"]()))
    other = lr_scheduler.reduce_lr_on_plateau("max")
    with pytest.raises(ValueError, match="mode of ReduceLROnPlateau is 'min' there"):
        optim.from_torch_schedule(content, *scheduled(other))


def test_other_lengths_are_refused() -> None:
    optimizer, state = scheduled(MAKERS["step_lr"]())
    saved = optim.to_torch_schedule(optimizer, state)
    two = {**saved, "base_lrs": [0.1, 0.2], "_last_lr": [0.1, 0.2]}
    with pytest.raises(ValueError, match="base_lrs has 2 numbers there and 1 here"):
        optim.from_torch_schedule(two, optimizer, state)
    optimizer, state = scheduled(lr_scheduler.multi_step_lr([2, 4]))
    saved = {**optim.to_torch_schedule(optimizer, state), "milestones": {2: 1}}
    with pytest.raises(ValueError, match="milestones has 1 numbers there and 2 here"):
        optim.from_torch_schedule(saved, optimizer, state)
    optimizer, state = scheduled(lr_scheduler.cyclic_lr(0.01, 0.1, step_size_up=3))
    saved = {**optim.to_torch_schedule(optimizer, state), "total_size": 5.0}
    with pytest.raises(
        ValueError, match=r"step_size_down is 2\.5 there and a whole number"
    ):
        optim.from_torch_schedule(saved, optimizer, state)


def test_an_optimizer_without_a_scheduler_is_refused() -> None:
    optimizer = optim.sgd(lr=0.1)
    with pytest.raises(TypeError, match="the optimizer has no scheduler"):
        optim.to_torch_schedule(optimizer, optimizer.init(PARAMS))
