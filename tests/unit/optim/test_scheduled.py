# SPDX-License-Identifier: Apache-2.0
"""An optimiser with a scheduler around it: groups, counts, equality, refusals."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from flaxnn import optim
from flaxnn.optim import lr_scheduler

PARAMS = {"w": jnp.array([1.0, -2.0]), "b": jnp.array(0.5)}
GRADS = {"w": jnp.array([0.25, 1.0]), "b": jnp.array(-1.0)}


def rates(optimizer, steps, **extra):
    """The rate of each update, read from the state before it."""
    state, seen = optimizer.init(PARAMS), []
    for _ in range(steps):
        seen.append(np.asarray(state.lr))
        _, state = optimizer.update(GRADS, state, PARAMS, **extra)
    return np.array(seen)


def groups(*optimizers):
    """One group for each parameter, in order."""
    named = dict(zip("bw", optimizers, strict=True))
    return optax.partition(named, {"b": "b", "w": "w"})


def test_the_first_update_has_the_initial_rate():
    optimizer = optim.scheduled(optim.sgd(1.0), lr_scheduler.exponential_lr(0.5))
    np.testing.assert_allclose(rates(optimizer, 4), [1, 0.5, 0.25, 0.125], rtol=1e-6)


def test_the_update_uses_the_rate_that_was_written():
    scheduler = lr_scheduler.linear_lr(0.25, total_iters=3)
    optimizer = optim.scheduled(optim.sgd(1.0), scheduler)
    state = optimizer.init(PARAMS)
    for expected in (0.25, 0.5, 0.75, 1.0, 1.0):
        updates, state = optimizer.update(GRADS, state, PARAMS)
        np.testing.assert_allclose(updates["w"], -expected * GRADS["w"], rtol=1e-6)


@pytest.mark.parametrize("every", [1, 2, 3])
def test_the_scheduler_is_stepped_after_every_so_many_updates(every):
    scheduler = lr_scheduler.step_lr(1, 0.5)
    optimizer = optim.scheduled(optim.sgd(1.0), scheduler, every)
    expected = 0.5 ** (np.arange(7) // every)
    np.testing.assert_allclose(rates(optimizer, 7), expected, rtol=1e-6)


def test_every_is_traced():
    one, two = (
        optim.scheduled(optim.sgd(1.0), lr_scheduler.step_lr(1), every)
        for every in (1, 2)
    )
    assert one != two
    assert one.update == two.update
    assert hash(one.update) == hash(two.update)


def test_each_optimizer_inside_is_a_group_in_order():
    inner = groups(optim.sgd(1.0), optim.adam(0.1))
    scheduler = lr_scheduler.lambda_lr([lambda epoch: 1 + epoch, lambda epoch: 1.0])
    seen = rates(optim.scheduled(inner, scheduler), 3)
    np.testing.assert_allclose(seen, [[1, 0.1], [2, 0.1], [3, 0.1]], rtol=1e-6)


def test_a_chain_is_searched_too():
    inner = optax.chain(optax.clip_by_global_norm(0.1), optim.sgd(1.0))
    seen = rates(optim.scheduled(inner, lr_scheduler.exponential_lr(0.5)), 3)
    np.testing.assert_allclose(seen, [1, 0.5, 0.25], rtol=1e-6)


def test_lists_that_do_not_fit_the_groups_are_refused():
    optimizer = optim.scheduled(
        groups(optim.sgd(1.0), optim.sgd(0.1)),
        lr_scheduler.reduce_lr_on_plateau(min_lr=[0.1]),
    )
    with pytest.raises(ValueError, match="expected 2 min_lrs, got 1"):
        optimizer.init(PARAMS)


def test_the_momentum_is_cycled_where_the_optimizer_keeps_it():
    scheduler = lr_scheduler.one_cycle_lr(1.0, 10, pct_start=0.5)
    inner = groups(optim.sgd(1.0, momentum=0.5), optim.adam(0.1))
    optimizer = optim.scheduled(inner, scheduler)
    state, seen = optimizer.init(PARAMS), []
    for _ in range(5):
        sgd, adam = (
            state.inner_state.inner_states[name].inner_state.hyperparams
            for name in "bw"
        )
        seen.append((float(sgd["momentum"]), 1 - float(adam["one_minus_beta1"])))
        _, state = optimizer.update(GRADS, state, PARAMS)
    np.testing.assert_allclose(seen[0], [0.95, 0.95], rtol=1e-6)
    np.testing.assert_allclose(seen[4], [0.85, 0.85], rtol=1e-6)
    assert all(a == pytest.approx(b, rel=1e-6) for a, b in seen)


def test_an_optimizer_without_a_buffer_has_no_momentum_to_cycle():
    scheduler = lr_scheduler.cyclic_lr(0.1, 0.2)
    optimizer = optim.scheduled(optim.sgd(1.0), scheduler)
    with pytest.raises(ValueError, match=r"built with\s+momentum=0"):
        optimizer.init(PARAMS)
    optim.scheduled(optim.sgd(1.0, momentum=0.9), scheduler).init(PARAMS)


def test_the_groups_get_what_pytorch_writes_into_them():
    scheduler = lr_scheduler.one_cycle_lr(1.0, 10)
    inner = optim.sgd(0.3, momentum=0.9)
    added = optim.scheduled(inner, scheduler).init(PARAMS).inner_state.hyperparams
    own = inner.init(PARAMS).hyperparams
    assert added.keys() - own.keys() == {
        "initial_lr",
        "max_lr",
        "min_lr",
        "base_momentum",
        "max_momentum",
    }
    assert float(added["initial_lr"]) == float(added["lr"]) == pytest.approx(1 / 25)


def test_a_plateau_sees_the_mean_since_its_last_step():
    scheduler = lr_scheduler.reduce_lr_on_plateau(patience=0, threshold=0.0)
    optimizer = optim.scheduled(optim.sgd(1.0), scheduler, every=2)
    state, seen = optimizer.init(PARAMS), []
    # Means 3, 2, 2.5: the third is worse.
    for loss in (1.0, 5.0, 2.5, 1.5, 0.0, 5.0, 4.0):
        seen.append(float(state.lr))
        _, state = optimizer.update(GRADS, state, PARAMS, value=loss)
    np.testing.assert_allclose(seen, [1, 1, 1, 1, 1, 1, 0.1], rtol=1e-6)
    assert float(state.scheduler_state.best) == 2.0
    assert float(state.total) == 4.0


def test_a_plateau_without_a_value_is_refused():
    scheduler = lr_scheduler.reduce_lr_on_plateau()
    optimizer = optim.scheduled(optim.sgd(1.0), scheduler)
    with pytest.raises(TypeError, match="required positional argument: 'metrics'"):
        optimizer.update(GRADS, optimizer.init(PARAMS), PARAMS)


def test_extra_arguments_reach_an_optimizer_that_takes_them():
    inner = optax.chain(optim.sgd(1.0), optax.contrib.reduce_on_plateau(patience=1))
    optimizer = optim.scheduled(inner, lr_scheduler.step_lr(2))
    state = optimizer.init(PARAMS)
    for _ in range(3):
        _, state = optimizer.update(GRADS, state, PARAMS, value=jnp.asarray(1.0))
    assert float(state.inner_state[1].scale) < 1.0


def test_equal_parts_are_equal_and_hash_equal():
    def make(lr, gamma, step):
        scheduler = lr_scheduler.sequential_lr(
            [lr_scheduler.linear_lr(), lr_scheduler.step_lr(step, gamma)], [5]
        )
        return optim.scheduled(optim.adam(lr), scheduler)

    one, two, other = make(0.1, 0.5, 9), make(0.1, 0.5, 9), make(0.2, 0.6, 7)
    assert one == two
    assert hash(one) == hash(two)
    assert one != other
    assert one.update == other.update
    assert hash(one.update) == hash(other.update)
    assert one.update != optim.scheduled(optim.sgd(), lr_scheduler.step_lr(9)).update


def test_it_scans_with_a_state_of_one_shape():
    scheduler = lr_scheduler.chained_scheduler(
        [lr_scheduler.constant_lr(0.5, 3), lr_scheduler.exponential_lr(0.9)]
    )
    optimizer = optim.scheduled(optim.adam(0.1), scheduler)

    def step(state, _):
        _, new = optimizer.update(GRADS, state, PARAMS)
        return new, state.lr

    _, scanned = jax.lax.scan(step, optimizer.init(PARAMS), None, 6)
    np.testing.assert_allclose(scanned, rates(optimizer, 6), rtol=1e-6)


def test_after_its_last_step_one_cycle_is_nan():
    scheduler = lr_scheduler.one_cycle_lr(1.0, 4, cycle_momentum=False)
    seen = rates(optim.scheduled(optim.sgd(1.0), scheduler), 6)
    # PyTorch raises in the fifth step only, one after the last that is meant.
    assert [math.isnan(rate) for rate in seen] == [False] * 5 + [True]


@pytest.mark.parametrize(
    ("scheduler", "left"),
    [
        (lr_scheduler.step_lr(3), None),
        (lr_scheduler.one_cycle_lr(0.1, 9), 9),
        (
            lr_scheduler.chained_scheduler(
                [lr_scheduler.step_lr(3), lr_scheduler.one_cycle_lr(0.1, 9)]
            ),
            9,
        ),
        # Ten steps of the second part fit between its milestone and the next.
        *(
            (
                lr_scheduler.sequential_lr(
                    [
                        lr_scheduler.step_lr(3),
                        lr_scheduler.one_cycle_lr(0.1, 9),
                        lr_scheduler.step_lr(3),
                    ],
                    [5, milestone],
                ),
                left,
            )
            for milestone, left in ((15, None), (16, 14), (500, 14))
        ),
    ],
)
def test_steps_left(scheduler, left):
    group, state = scheduler.init(({"lr": 0.1, "momentum": 0.9},))
    assert scheduler.steps_left(state) == left
    if left is not None:
        for k in range(left):
            assert scheduler.steps_left(state) == left - k
            group, state = scheduler.update(state, group)
            assert not math.isnan(group[0]["lr"])
        assert math.isnan(scheduler.update(state, group)[0][0]["lr"])


def test_a_float64_state_is_float64():
    with jax.enable_x64(True):
        optimizer = optim.scheduled(optim.sgd(0.1), lr_scheduler.linear_lr(1 / 3))
        state = optimizer.init(PARAMS)
        assert state.lr.dtype == np.float64
        assert float(state.lr) == 0.1 * (1 / 3)


def test_the_exponent_keeps_its_digits_over_many_steps_in_float32():
    schedule = lr_scheduler.exponential_lr(0.9999).schedule(1.0)
    for count in (10_000, 50_000):
        expected = 0.9999**count
        assert float(schedule(count)) == pytest.approx(expected, rel=2e-6)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: optim.scheduled(0.1, lr_scheduler.step_lr(3)), TypeError, "got float"),
        (
            lambda: optim.scheduled(optim.sgd(), optax.constant_schedule(0.1)),
            TypeError,
            r"one of flaxnn\.optim\.lr_scheduler.*optax\.adam\(schedule\)",
        ),
        (
            lambda: optim.scheduled(optim.sgd(), lr_scheduler.step_lr(3), 0),
            ValueError,
            "every must be at least 1, got 0",
        ),
        (
            lambda: optim.scheduled(optim.sgd(), lr_scheduler.step_lr(3), 1.5),
            TypeError,
            "every must be an integer, got 1.5",
        ),
        (
            lambda: optim.scheduled(optax.adam(0.1), lr_scheduler.step_lr(3)).init(0.0),
            ValueError,
            r"holds no learning rate.*scheduler\.schedule\(lr=0\.001\)",
        ),
        (lambda: lr_scheduler.step_lr(2.5), ValueError, "must be a whole number"),
        (lambda: lr_scheduler.step_lr("2"), TypeError, "must be an integer, got '2'"),
        (
            lambda: lr_scheduler.multi_step_lr([1, 2.5]),
            ValueError,
            "a milestone must be a whole number, got 2.5",
        ),
        (
            lambda: lr_scheduler.sequential_lr([lr_scheduler.step_lr(3)] * 3, [5, 3]),
            ValueError,
            r"ascending order, got \(5, 3\)",
        ),
        (
            lambda: lr_scheduler.cyclic_lr(0.1, 0.2, scale_mode="both"),
            ValueError,
            "scale_mode must be one of 'cycle' or 'iterations', got 'both'",
        ),
        (
            lambda: lr_scheduler.lambda_lr(lambda epoch: min(1, epoch / 10)),
            TypeError,
            r"jnp\.minimum for min",
        ),
        (
            lambda: lr_scheduler.lambda_lr(lambda epoch: math.cos(epoch)),
            TypeError,
            r"jnp\.cos for math\.cos",
        ),
        (
            lambda: lr_scheduler.multiplicative_lr(lambda epoch: [1.0, 0.5][epoch]),
            TypeError,
            r"jnp\.asarray\(table\)\[epoch\]",
        ),
        (lambda: lr_scheduler.step_lr(3).init({"lr": 0.1}), TypeError, "a tuple of"),
        (lambda: lr_scheduler.step_lr(3).init(()), ValueError, "at least one group"),
        (
            lambda: lr_scheduler.one_cycle_lr(0.1, 10).schedule(0.1)(0),
            ValueError,
            "pass cycle_momentum=False",
        ),
    ],
)
def test_what_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_changed_number_holds_without_a_new_scheduler():
    scheduler = lr_scheduler.step_lr(1, 0.5)
    groups, state = scheduler.init(({"lr": 1.0},))
    faster = lr_scheduler.step_lr(1, 0.1).init(({"lr": 1.0},))[1].numbers
    groups, _ = scheduler.update(state._replace(numbers=faster), groups)
    assert float(groups[0]["lr"]) == pytest.approx(0.1)
