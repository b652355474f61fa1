# SPDX-License-Identifier: Apache-2.0
"""A number whose term takes part even where it is zero."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from flaxnn import optim
from flaxnn.optim._scalars import Present, is_set


def test_a_present_zero_is_set_and_what_comes_of_it_is_plain():
    assert is_set(Present(0.0))
    assert not is_set(0.0)
    assert type(1 - Present(0.0)) is float
    assert Present(0.1) == 0.1


@pytest.mark.parametrize(
    ("factory", "options"),
    [
        (optim.sgd, {"momentum": 0.0}),
        (optim.sgd, {"weight_decay": 0.0}),
        (optim.sgd, {"momentum": 0.9, "dampening": 0.0}),
        (optim.adam, {"weight_decay": 0.0}),
        (optim.adamw, {"weight_decay": 0.0}),
        (optim.rmsprop, {"momentum": 0.0}),
        (optim.adagrad, {"weight_decay": 0.0}),
        (optim.adadelta, {"weight_decay": 0.0}),
        (optim.nadam, {"weight_decay": 0.0}),
        (optim.radam, {"weight_decay": 0.0}),
        (optim.adamax, {"weight_decay": 0.0}),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else value.__name__,
)
def test_a_present_zero_gives_the_numbers_of_none(factory, options):
    name = list(options)[-1]
    plain = factory(lr=0.1, **options)
    present = factory(lr=0.1, **options | {name: Present(options[name])})
    other = factory(lr=0.1, **options | {name: 0.01})
    assert present.update == other.update
    assert plain.update != other.update
    params = [jnp.array([1.0, -2.0, 0.5])] * 2
    states = [optimizer.init(params[0]) for optimizer in (plain, present)]
    for step in range(4):
        gradient = jnp.array([0.3, -0.1, 0.0]) * (step + 1)
        for k, optimizer in enumerate((plain, present)):
            update, states[k] = optimizer.update(gradient, states[k], params[k])
            params[k] = params[k] + update
        np.testing.assert_array_equal(params[0], params[1])
