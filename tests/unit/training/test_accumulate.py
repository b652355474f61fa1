# SPDX-License-Identifier: Apache-2.0
"""`accumulate`: what the parts share, memory, draws, and what is refused."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import flaxnn.functional as F
from flaxnn import metrics, nn, optim
from flaxnn.random import Generator
from flaxnn.training import TrainState, make_train_step


def batch(rows=10):
    rng = np.random.default_rng(0)
    return (
        jnp.asarray(rng.normal(size=(rows, 4)), jnp.float32),
        jnp.asarray(rng.integers(0, 3, rows)),
    )


def net(*inside):
    rngs = Generator(0)
    return nn.Sequential(
        nn.Linear(4, 8, rngs=rngs), *inside, nn.Linear(8, 3, rngs=rngs)
    )


def one_step(model, data, draws=(), loss=None, **options):
    optimizer = optim.sgd(lr=1.0)
    loss = loss or nn.CrossEntropyLoss()
    step = make_train_step(model, loss, optimizer, **options)
    return jax.jit(step)(TrainState.create(model, optimizer), data, draws)


def assert_close(ours, theirs):
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6),
        ours,
        theirs,
    )


@pytest.mark.parametrize("parts", [2, 3, 4, 99])
def test_loss_metrics_and_update_are_the_whole_batchs(parts):
    ride = [metrics.accuracy]
    whole, expected = one_step(net(nn.Tanh()), batch(), metrics=ride)
    cut, got = one_step(net(nn.Tanh()), batch(), metrics=ride, accumulate=parts)
    assert_close(cut.params, whole.params)
    assert_close(got, expected)
    assert got.keys() == {"loss", "accuracy"}


@pytest.mark.parametrize(
    "loss",
    [
        nn.MSELoss(reduction="sum"),
        functools.partial(F.mse_loss, reduction="sum"),
        nn.HuberLoss(reduction="sum"),
    ],
)
def test_sums_are_summed(loss):
    data = batch()[0], jnp.ones((10, 3))
    whole, expected = one_step(net(nn.Tanh()), data, loss=loss)
    cut, got = one_step(net(nn.Tanh()), data, loss=loss, accumulate=4)
    assert_close(cut.params, whole.params)
    assert_close(got, expected)


class Both(nn.Module):
    """A loss of two losses."""

    def __init__(self, first, second):
        self.first, self.second = first, second

    def forward(self, output, target):
        return self.first(output, target) + self.second(output, target)


def test_a_loss_that_holds_losses_is_what_they_are():
    data = batch()[0], jnp.ones((10, 3))
    loss = Both(nn.MSELoss(reduction="sum"), nn.L1Loss(reduction="sum"))
    _, expected = one_step(net(), data, loss=loss)
    _, got = one_step(net(), data, loss=loss, accumulate=4)
    assert_close(got, expected)
    mixed = Both(nn.MSELoss(reduction="sum"), nn.L1Loss())
    with pytest.raises(ValueError, match=r"several reductions \(mean, sum\)"):
        one_step(net(), data, loss=mixed, accumulate=4)
    mixed.reduction = "sum"
    one_step(net(), data, loss=mixed, accumulate=4)


def test_each_part_has_its_own_masks_in_order():
    model, data = net(nn.Dropout(0.5)), batch()
    step = make_train_step(
        model, nn.CrossEntropyLoss(), optim.sgd(lr=1.0), accumulate=4
    )
    assert step.micro_sizes(10) == (3, 3, 3, 1)
    state = TrainState.create(model, optim.sgd(lr=1.0))
    with nn.recording() as requests:
        jax.eval_shape(step, state, data)
    assert [r.shape for r in requests] == [(3, 8), (3, 8), (3, 8), (1, 8)]
    generator = Generator(1)
    draws = [r.draw(generator) for r in requests]
    new, values = jax.jit(step)(state, data, draws)
    # The same masks on the whole batch at once.
    whole, expected = one_step(model, data, [np.concatenate(draws)])
    assert_close(values, expected)
    assert_close(new.params, whole.params)
    with nn.drawing(Generator(1)):
        drawn, _ = step(state, data)
    assert_close(drawn.params, new.params)
    again, _ = jax.jit(step)(state, data, draws[::-1][1:] + draws[-1:])
    assert not np.allclose(
        again.params["0"]["weight"], new.params["0"]["weight"], atol=1e-4
    )


def test_draws_that_do_not_fit_are_refused():
    model, data = net(nn.Dropout(0.5)), batch()
    whole = [np.ones((10, 8), bool)]
    with pytest.raises(RuntimeError, match=r"2 micro-batches ask for draws.*\(5, 8\)"):
        one_step(model, data, whole, accumulate=2)
    with pytest.raises(RuntimeError, match=r"outside flaxnn\.fit"):
        one_step(model, data, accumulate=2)


def test_memory_is_one_parts():
    model = nn.Sequential(
        *(
            m
            for _ in range(4)
            for m in (nn.Linear(64, 64, rngs=Generator(0)), nn.GELU())
        )
    )
    optimizer = optim.sgd(lr=0.1)
    data = jnp.ones((2048, 64)), jnp.zeros((2048, 64))

    def temporary(parts):
        step = make_train_step(model, nn.MSELoss(), optimizer, accumulate=parts)
        state = TrainState.create(model, optimizer)
        memory: Any = jax.jit(step).lower(state, data).compile().memory_analysis()
        return memory.temp_size_in_bytes

    whole = temporary(1)
    assert temporary(8) < whole / 4
    assert temporary(16) < whole / 6


def test_equal_steps_compile_once():
    traces = []

    @jax.jit
    def run(step, state, data):
        traces.append(1)
        return step(state, data)

    for parts in (2, 2, 3, 2):
        model, optimizer = net(), optim.sgd(lr=1.0)
        step = make_train_step(
            model, nn.CrossEntropyLoss(), optimizer, accumulate=parts
        )
        run(step, TrainState.create(model, optimizer), batch())
    assert len(traces) == 2


@pytest.mark.parametrize(
    ("parts", "error"), [(0, ValueError), (2.0, TypeError), (True, TypeError)]
)
def test_other_numbers_of_parts_are_refused(parts, error):
    with pytest.raises(error, match="accumulate must be"):
        one_step(net(), batch(), accumulate=parts)


def test_arrays_of_unequal_length_are_refused():
    x, y = batch()
    with pytest.raises(ValueError, match=r"differ in length: \[10, 9\]"):
        one_step(net(), (x, y[:9]), accumulate=2)
