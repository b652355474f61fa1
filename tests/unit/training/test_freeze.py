# SPDX-License-Identifier: Apache-2.0
"""`freeze`: parameters that a step neither differentiates nor updates."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from flaxnn import nn, optim
from flaxnn.random import Generator
from flaxnn.training import ModelState, TrainState, make_eval_step, make_train_step


def net():
    rngs = Generator(0)
    return nn.Sequential(
        nn.Linear(4, 8, rngs=rngs), nn.BatchNorm1d(8), nn.Linear(8, 3, rngs=rngs)
    )


def data():
    rng = np.random.default_rng(0)
    return jnp.asarray(rng.normal(size=(6, 4)), jnp.float32), jnp.arange(6) % 3


def leaves(tree):
    return {
        jax.tree_util.keystr(path, simple=True, separator=".")
        for path, _ in jax.tree_util.tree_leaves_with_path(tree)
    }


def trained(freeze, optimizer=None, steps=3):
    model = net()
    optimizer = optimizer or optim.adamw(lr=0.1, weight_decay=0.5)
    step = jax.jit(make_train_step(model, nn.CrossEntropyLoss(), optimizer))
    state = TrainState.create(model, optimizer, freeze=freeze)
    for _ in range(steps):
        state, _ = step(state, data())
    return model, state


def test_frozen_parameters_stay_and_running_statistics_move():
    model, state = trained(["0.*", "1.*"])
    before, after = model.state_dict(), state.to_model(model).state_dict()
    assert list(before) == list(after)
    changed = {n for n in before if not np.array_equal(before[n], after[n])}
    assert changed == {
        "1.running_mean",
        "1.running_var",
        "1.num_batches_tracked",
        "2.weight",
        "2.bias",
    }


def test_the_optimiser_holds_nothing_of_them():
    _, state = trained(["0.*", "*.bias"])
    assert leaves(state.params) == {"1.weight", "2.weight"}
    adam: Any = state.opt_state
    assert leaves(adam.exp_avg) == {"1.weight", "2.weight"}
    assert "0.weight" in leaves(state.buffers)


def test_they_are_not_differentiated():
    """Without the gradient of the first layer there is one dot less."""

    def dots(freeze):
        model, optimizer = net(), optim.sgd(lr=0.1)
        step = make_train_step(model, nn.CrossEntropyLoss(), optimizer)
        state = TrainState.create(model, optimizer, freeze=freeze)
        return jax.jit(step).lower(state, data()).as_text().count("dot_general")

    assert dots(["0.*"]) == dots([]) - 1
    # Nothing of what lies before the last layer has a gradient.
    assert dots(["0.*", "1.*"]) == dots([]) - 2


def test_it_is_a_group_of_which_nothing_is_updated():
    _, state = trained(["0.*", "1.bias"], optim.sgd(lr=0.1, momentum=0.9))
    still = optim.param_groups(
        {p: optim.sgd(lr=0.0) for p in ("0.*", "1.bias")},
        default=optim.sgd(lr=0.1, momentum=0.9),
    )
    _, other = trained([], still)
    model = net()
    ours, theirs = (s.to_model(model).state_dict() for s in (state, other))
    for name in theirs:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-5, atol=1e-6)


def test_nothing_frozen_is_the_step_as_it_was():
    _, state = trained([])
    assert leaves(state.params) == {
        f"{layer}.{name}" for layer in "012" for name in ("weight", "bias")
    }
    _, same = trained(())
    jax.tree.map(np.testing.assert_array_equal, state, same)


def test_an_evaluation_reads_a_frozen_state():
    model, state = trained(["0.*"])
    step = make_eval_step(model, {"loss": nn.CrossEntropyLoss(reduction="none")})
    whole = ModelState.create(state.to_model(model))
    one, two = (
        step.compute(step(step.init(), s, data()))["loss"] for s in (state, whole)
    )
    np.testing.assert_array_equal(one, two)


class Tied(nn.Module):
    def __init__(self, rngs):
        self.first = nn.Linear(4, 4, rngs=rngs)
        self.second = self.first
        self.head = nn.Linear(4, 3, rngs=rngs)

    def forward(self, x):
        return self.head(self.second(self.first(x)))


def test_a_layer_under_two_names_is_frozen_by_the_first():
    model = Tied(Generator(0))
    state = TrainState.create(model, optim.sgd(), freeze=["first.*"])
    assert leaves(state.params) == {"head.weight", "head.bias"}
    with pytest.raises(ValueError, match=r"'second\.\*' matches no parameter"):
        TrainState.create(model, optim.sgd(), freeze=["second.*"])


@pytest.mark.parametrize(
    ("freeze", "error", "message"),
    [
        ("0.*", TypeError, r"must be a sequence of patterns.*got '0\.\*'"),
        ([0], TypeError, "a pattern is a string"),
        (["0.*", "3.*"], ValueError, r"'3\.\*' matches no parameter, the nearest is"),
        (["*.bias", "*"], ValueError, "all 6 parameters, and nothing is left to train"),
        (["1.running_mean"], ValueError, "matches no parameter"),
    ],
)
def test_patterns_that_freeze_nothing_or_everything_are_refused(freeze, error, message):
    with pytest.raises(error, match=message):
        TrainState.create(net(), optim.sgd(), freeze=freeze)
