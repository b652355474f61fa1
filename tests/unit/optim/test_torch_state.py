# SPDX-License-Identifier: Apache-2.0
"""PyTorch's state dictionary: its shape, and every fault named at once."""

import copy

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from flaxnn import nn, optim
from flaxnn.random import Generator
from flaxnn.training import TrainState

PARAMS = {"fc": {"weight": jnp.ones((2, 3)), "bias": jnp.ones(2)}}
NAMES = ["fc.weight", "fc.bias"]


def stepped(optimizer, params=PARAMS, times=1):
    state = optimizer.init(params)
    for _ in range(times):
        _, state = optimizer.update(params, state, params)
    return state


def saved(optimizer=None, names=NAMES, times=1):
    optimizer = optimizer or optim.adam(lr=0.1)
    return optim.to_torch_state(optimizer, stepped(optimizer, times=times), names)


def refused(torch_state, optimizer=None, params=PARAMS, names=NAMES):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        optim.from_torch_state(torch_state, optimizer or optim.adam(), params, names)
    return str(caught.value)


def test_the_schema_of_adam():
    written = saved(optim.adam(lr=0.1, betas=(0.3, 0.99), amsgrad=True), times=2)
    assert list(written) == ["state", "param_groups"]
    assert written["param_groups"] == [
        {
            "lr": 0.1,
            "betas": (0.3, 0.99),
            "eps": 1e-8,
            "weight_decay": 0.0,
            "amsgrad": True,
            "maximize": False,
            "foreach": None,
            "capturable": False,
            "differentiable": False,
            "fused": None,
            "decoupled_weight_decay": False,
            "params": [0, 1],
        }
    ]
    entry = written["state"][0]
    assert list(entry) == ["step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"]
    assert entry["step"].dtype == np.float32
    assert entry["step"].shape == ()
    assert entry["step"] == 2.0
    assert entry["exp_avg"].shape == (2, 3)
    assert written["state"][1]["exp_avg"].shape == (2,)


def test_the_order_is_that_of_the_names():
    other = saved(names=NAMES[::-1])
    assert other["state"][0]["exp_avg"].shape == (2,)
    loaded = optim.from_torch_state(other, optim.adam(), PARAMS, NAMES[::-1])
    assert loaded.exp_avg["fc"]["weight"].shape == (2, 3)


def test_parameters_have_arrays_of_their_own():
    written = saved()
    written["state"][0]["step"][...] = 7
    assert written["state"][1]["step"] == 1


def test_every_number_is_the_loaded_one():
    optimizer = optim.adam(lr=0.1, betas=(0.5, 0.6), eps=1e-3)
    state = stepped(optimizer)
    loaded = optim.from_torch_state(saved(optimizer), optim.adam(), PARAMS, NAMES)
    jax.tree.map(np.testing.assert_array_equal, loaded, state)


def test_before_the_first_update_there_is_no_state():
    assert saved(times=0)["state"] == {}
    fresh = optim.from_torch_state(saved(times=0), optim.adam(), PARAMS, NAMES)
    assert int(fresh.step) == 0
    assert float(fresh.hyperparams["lr"]) == pytest.approx(0.1)
    # Adagrad makes its state when it is constructed.
    adagrad = saved(optim.adagrad(initial_accumulator_value=0.5), times=0)
    np.testing.assert_array_equal(adagrad["state"][1]["sum"], [0.5, 0.5])


@pytest.mark.parametrize("dampening", [0.0, 0.5])
def test_dampening_goes_on_after_the_first_update(dampening):
    optimizer = optim.sgd(lr=0.1, momentum=0.9, dampening=dampening)
    state = stepped(optimizer)
    loaded = optim.from_torch_state(saved(optimizer), optimizer, PARAMS, NAMES)
    jax.tree.map(
        np.testing.assert_array_equal,
        optimizer.update(PARAMS, loaded, PARAMS),
        optimizer.update(PARAMS, state, PARAMS),
    )


def test_a_model_gives_the_names_in_its_order():
    generator = Generator(0)
    model = nn.Sequential(nn.Linear(3, 2, rngs=generator))
    optimizer = optim.adam()
    state = TrainState.create(model, optimizer)
    written = optim.to_torch_state(optimizer, state.opt_state, model)
    assert written["param_groups"][0]["params"] == [0, 1]
    loaded = optim.from_torch_state(written, optimizer, state.params, model)
    assert jax.tree.structure(loaded) == jax.tree.structure(state.opt_state)


def grouped(lr=0.1):
    return optim.param_groups(
        {"*.bias": optim.rmsprop(lr=lr), "*.weight": optim.sgd(lr=lr, momentum=0.9)},
        default=optim.asgd(),
    )


def test_groups_are_numbered_one_after_another():
    optimizer = optim.chain(optim.clip_grad_norm(1.0), grouped())
    written = saved(optimizer)
    # The default has no parameter, and is no group.
    assert [group["params"] for group in written["param_groups"]] == [[0], [1]]
    assert list(written["state"][0]) == ["step", "square_avg"]
    assert list(written["state"][1]) == ["momentum_buffer"]
    other = optim.chain(optim.clip_grad_norm(3.0), grouped(0.5))
    loaded = optim.from_torch_state(written, other, PARAMS, NAMES)
    expected = stepped(optimizer)[1]
    for group in (0, 1):
        jax.tree.map(
            np.testing.assert_array_equal,
            loaded[1].inner_states[group],
            expected.inner_states[group],
        )
    assert float(loaded[0].hyperparams["max_norm"]) == 3.0


def test_a_frozen_group_is_not_pytorchs():
    optimizer = optim.param_groups({"*.bias": optax.set_to_zero()}, optim.adam())
    written = saved(optimizer)
    assert [group["params"] for group in written["param_groups"]] == [[0]]
    loaded = optim.from_torch_state(written, optimizer, PARAMS, NAMES)
    jax.tree.map(np.testing.assert_array_equal, loaded, stepped(optimizer))


def test_what_a_scheduler_keeps_in_a_group_is_written_and_read():
    optimizer = optim.sgd(lr=0.1)
    state = stepped(optimizer)
    extra = {"max_lr": jnp.asarray(0.7), "initial_lr": jnp.asarray(0.2)}
    state = state._replace(hyperparams={**state.hyperparams, **extra})
    (group,) = optim.to_torch_state(optimizer, state, NAMES)["param_groups"]
    assert list(group)[-4:] == ["fused", "initial_lr", "max_lr", "params"]
    assert group["initial_lr"] == 0.2


def test_float64_moments_are_kept_outside_the_x64_context():
    optimizer = optim.adam(lr=0.1)
    with jax.enable_x64(True):
        params = jax.tree.map(lambda p: jnp.asarray(p, jnp.float64) / 3, PARAMS)
        state = stepped(optimizer, params)
    written = optim.to_torch_state(optimizer, state, NAMES)
    assert written["state"][0]["exp_avg"].dtype == np.float64
    loaded = optim.from_torch_state(written, optimizer, params, NAMES)
    for ours, theirs in zip(
        jax.tree.leaves(loaded), jax.tree.leaves(state), strict=True
    ):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


def without(torch_state, *path):
    """The dictionary without the entry at a path."""
    changed = copy.deepcopy(torch_state)
    *way, last = path
    place = changed
    for key in way:
        place = place[key]
    del place[last]
    return changed


def test_every_fault_is_named_at_once():
    broken = without(saved(), "state", 0, "exp_avg")
    broken["state"][1]["exp_avg_sq"] = np.ones(5)
    broken["state"][1]["exp_inf"] = np.ones(2)
    broken["state"][9] = {}
    message = refused(broken)
    assert message.startswith("Error(s) in the state of Adam:")
    assert "no group has the parameter(s) 9" in message
    assert "fc.weight has no exp_avg" in message
    assert "fc.bias has exp_inf, which is not in the state of Adam" in message
    assert "size mismatch for exp_avg_sq of fc.bias: copying (5,), expected (2,)" in (
        message
    )


def test_the_options_must_be_of_this_optimiser():
    message = refused(saved(optim.adadelta()))
    assert "rho is no option of Adam" in message
    assert "the option betas is missing" in message
    assert "these are the options of Adadelta" in message


@pytest.mark.parametrize(
    ("make", "other", "words"),
    [
        (optim.adam(amsgrad=True), optim.adam(), "amsgrad is True there, and the opt"),
        (optim.adam(), optim.adam(maximize=True), "maximize is False there"),
        (optim.adam(), optim.adamw(), "decoupled_weight_decay is False there"),
        (optim.adam(weight_decay=0.1), optim.adam(), "weight_decay is 0.1 there"),
        (
            optim.sgd(momentum=0.9, dampening=0.5),
            optim.sgd(momentum=0.9),
            "dampening is 0.5 there, and the optimizer was made without it",
        ),
        (
            optim.rmsprop(),
            optim.rmsprop(centered=True),
            "centered is False there, and the optimizer was made with it",
        ),
    ],
)
def test_options_that_compilation_depends_on_must_agree(make, other, words):
    assert words in refused(saved(make), other)


def test_a_flag_that_older_versions_did_not_write_is_the_optimisers():
    optimizer = optim.adamw(maximize=True)
    written = saved(optimizer)
    for key in ("maximize", "decoupled_weight_decay", "fused", "foreach"):
        written = without(written, "param_groups", 0, key)
    loaded = optim.from_torch_state(written, optimizer, PARAMS, NAMES)
    jax.tree.map(np.testing.assert_array_equal, loaded, stepped(optimizer))


def test_options_are_checked_as_when_they_are_given():
    broken = saved()
    broken["param_groups"][0]["lr"] = -1.0
    assert "Invalid learning rate: -1.0" in refused(broken)


def test_numbers_of_groups_and_parameters_must_agree():
    assert "different number of parameter groups: 1, and the optimizer has 2" in (
        refused(saved(), grouped())
    )
    message = refused(saved(), params={"fc": {"weight": jnp.ones(2)}}, names=NAMES[:1])
    assert "doesn't match the size of optimizer's group: 2 parameters, expe" in message
    assert "there is no 'state'" in refused({"param_groups": []})


def test_parameters_that_saw_different_numbers_of_updates_are_refused():
    broken = saved()
    broken["state"][1]["step"] = np.float32(4)
    assert "step differs within the group: 1 of fc.weight, 4 of fc.bias" in (
        refused(broken)
    )
    assert "fc.bias has no state" in refused(without(saved(), "state", 1))


def test_faults_name_the_group():
    broken = saved(grouped())
    broken["state"][1]["momentum_buffer"] = np.ones(9)
    assert "group 1: size mismatch for momentum_buffer of fc.weight" in (
        refused(broken, grouped())
    )


def test_names_must_be_those_of_the_parameters():
    names = ["fc.weights", "fc.bias"]
    message = refused(saved(), names=names)
    assert "fc.weight is a parameter and not in names" in message
    assert "fc.weights is in names and not among the parameters, did you mean" in (
        message
    )
    optimizer = optim.adam()
    with pytest.raises(ValueError, match=r"did you mean 'fc\.weight'\?"):
        optim.to_torch_state(optimizer, stepped(optimizer), names)
    with pytest.raises(ValueError, match=r"names has fc\.bias more than once"):
        optim.to_torch_state(optimizer, stepped(optimizer), [*NAMES, "fc.bias"])
    with pytest.raises(TypeError, match="a list of names or a model, got the string"):
        optim.to_torch_state(optimizer, stepped(optimizer), "fc.weight")


def test_an_optimiser_that_cannot_be_seen_is_explained():
    optimizer = optax.chain(optim.adam())
    with pytest.raises(ValueError, match=r"use optim\.chain and optim\.param_groups"):
        optim.to_torch_state(optimizer, stepped(optimizer), NAMES)
    twice = optim.chain(optim.sgd(), optim.adam())
    with pytest.raises(ValueError, match="have more than one optimiser"):
        optim.to_torch_state(twice, stepped(twice), NAMES)
    with pytest.raises(ValueError, match=r"has 1 parameter group\(s\) and opt_state"):
        optim.to_torch_state(optim.sgd(), stepped(twice), NAMES)
