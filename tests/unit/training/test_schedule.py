# SPDX-License-Identifier: Apache-2.0
"""`flaxnn.fit` with a learning-rate schedule: when it steps, what it records."""

import jax
import numpy as np
import optax
import pytest

import flaxnn
from flaxnn import models, nn, optim
from flaxnn.data import DataLoader
from flaxnn.optim import lr_scheduler
from flaxnn.random import Generator
from flaxnn.training import TrainState, make_train_step
from flaxnn.training._loop import run_chunk

BATCHES = 5


def arrays(rows: int = 23) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(rows, 4)).astype(np.float32), rng.integers(0, 3, rows)


def loader() -> DataLoader:
    return DataLoader(arrays(), BATCHES, shuffle=True, rngs=Generator(1))


def train(data=None, **options):
    defaults = {
        "loss": nn.CrossEntropyLoss(),
        "optimizer": optim.sgd(lr=0.5, momentum=0.9),
    }
    model = models.SoftmaxRegression(4, 3, rngs=Generator(0))
    return flaxnn.fit(model, data or loader(), **(defaults | options))


def assert_same(a, b) -> None:
    a, b = a.state_dict(), b.state_dict()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name])


def cosine() -> lr_scheduler.Scheduler:
    warm_up = lr_scheduler.linear_lr(0.25, total_iters=3)
    return lr_scheduler.sequential_lr(
        [warm_up, lr_scheduler.cosine_annealing_lr(4)], [3]
    )


def chained() -> lr_scheduler.Scheduler:
    drop = lr_scheduler.multi_step_lr([4, 8], 0.5)
    return lr_scheduler.chained_scheduler([drop, lr_scheduler.exponential_lr(0.9)])


def plateau(threshold: float = 0.9) -> lr_scheduler.Scheduler:
    """Takes a loss that has not fallen by so large a part for a bad one."""
    return lr_scheduler.reduce_lr_on_plateau(
        factor=0.5, patience=0, threshold=threshold
    )


def one_cycle() -> lr_scheduler.Scheduler:
    return lr_scheduler.one_cycle_lr(0.5, 15)


SCHEDULES = (cosine, chained, plateau, one_cycle)


def test_after_each_step_the_rate_is_the_next_one():
    run = train(epochs=2, schedule=cosine(), schedule_every="step")
    expected = jax.vmap(cosine().schedule(0.5))(np.arange(10))
    np.testing.assert_allclose(run.history["lr"], expected, rtol=1e-6)


def test_after_each_epoch_the_rate_is_the_next_one():
    run = train(epochs=6, schedule=cosine())
    expected = jax.vmap(cosine().schedule(0.5))(np.arange(30) // BATCHES)
    np.testing.assert_allclose(run.history["lr"], expected, rtol=1e-6)
    assert run.history["lr"].shape == run.history["loss"].shape == (30,)


def test_an_epoch_of_arrays_is_one_step():
    a, b = (
        train(arrays(), steps=6, schedule=cosine(), schedule_every=every)
        for every in ("step", "epoch")
    )
    np.testing.assert_array_equal(a.history["lr"], b.history["lr"])
    np.testing.assert_array_equal(a.history["loss"], b.history["loss"])
    assert a.history["lr"][1] != a.history["lr"][0]


def test_the_recorded_rates_are_those_of_the_updates():
    """A schedule that only changes rates is a run whose rates are changed by hand."""
    scheduler = lr_scheduler.step_lr(1, 0.5)
    run = train(arrays(), steps=3, schedule=scheduler, optimizer=optim.sgd(0.5))
    loss = []
    model = models.SoftmaxRegression(4, 3, rngs=Generator(0))
    for lr in run.history["lr"]:
        step = flaxnn.fit(
            model,
            arrays(),
            loss=nn.CrossEntropyLoss(),
            optimizer=optim.sgd(lr),
            steps=1,
        )
        model = step.model
        loss.extend(step.history["loss"])
    np.testing.assert_array_equal(run.history["loss"], loss)
    assert_same(run.model, model)


def test_groups_have_a_row_of_rates():
    labels = {"0": {"weight": "a", "bias": "b"}}
    optimizer = optax.partition({"a": optim.sgd(0.5), "b": optim.adam(0.1)}, labels)
    schedule = lr_scheduler.lambda_lr([lambda k: 0.5**k, lambda k: 1.0])
    run = train(arrays(), steps=3, optimizer=optimizer, schedule=schedule)
    expected = [[0.5, 0.1], [0.25, 0.1], [0.125, 0.1]]
    np.testing.assert_allclose(run.history["lr"], expected, rtol=1e-6)


def test_a_plateau_sees_the_mean_loss_of_an_epoch():
    schedule = plateau(threshold=0.1)
    run = train(epochs=8, schedule=schedule)
    means = run.history["loss"].reshape(8, BATCHES).mean(1)
    groups, state = schedule.init(({"lr": 0.5},))
    expected = []
    for mean in means:
        expected += [float(groups[0]["lr"])] * BATCHES
        groups, state = schedule.update(state, groups, value=mean)
    np.testing.assert_allclose(run.history["lr"], expected, rtol=1e-6)
    assert run.history["lr"][-1] < 0.5


# 5 batches an epoch: inside two of them, and at an end.
@pytest.mark.parametrize("stop", [1, 5, 8])
@pytest.mark.parametrize("every", ["step", "epoch"])
@pytest.mark.parametrize("make", SCHEDULES)
def test_a_run_that_is_resumed_ends_bit_identical(make, every, stop):
    options = {"schedule_every": every, "chunk": 2}
    whole = train(epochs=3, schedule=make(), **options)
    part = train(steps=stop, schedule=make(), **options)
    rest = train(epochs=3, schedule=make(), state=part.state, **options)
    for name in ("loss", "lr"):
        joined = np.concatenate([part.history[name], rest.history[name]])
        np.testing.assert_array_equal(joined, whole.history[name])
    assert_same(rest.model, whole.model)
    assert len(set(whole.history["lr"].tolist())) > 1


@pytest.mark.parametrize("chunk", [1, 4, 1000])
def test_results_do_not_depend_on_the_chunk_length(chunk):
    a, b = (
        train(epochs=3, schedule=plateau(), chunk=length) for length in (chunk, 4096)
    )
    np.testing.assert_array_equal(a.history["lr"], b.history["lr"])
    np.testing.assert_array_equal(a.history["loss"], b.history["loss"])


def test_twenty_rates_and_other_numbers_compile_once():
    def once(k: int) -> None:
        train(
            arrays(),
            steps=2,
            optimizer=optim.sgd(0.01 * (k + 1), 0.9),
            schedule=lr_scheduler.sequential_lr(
                [
                    lr_scheduler.linear_lr(0.1 + k / 100, total_iters=k + 1),
                    lr_scheduler.one_cycle_lr(0.1 + k, 50 + k),
                ],
                [k + 1],
            ),
        )

    once(0)
    compiled = run_chunk._cache_size()
    for k in range(1, 20):
        once(k)
    assert run_chunk._cache_size() == compiled


def test_another_length_of_the_epochs_is_the_same_program():
    def once(every: str) -> None:
        train(epochs=1, schedule=lr_scheduler.step_lr(3), schedule_every=every)

    once("step")
    compiled = run_chunk._cache_size()
    once("epoch")
    assert run_chunk._cache_size() == compiled


def test_float64_models_have_float64_rates():
    x, y = arrays()
    run = flaxnn.fit(
        flaxnn.astype(models.SoftmaxRegression(4, 3, rngs=Generator(0)), "float64"),
        (x.astype(np.float64), y),
        loss=nn.CrossEntropyLoss(),
        optimizer=optim.sgd(0.1),
        schedule=lr_scheduler.exponential_lr(1 / 3),
        steps=3,
    )
    assert run.history["lr"].dtype == np.float64
    np.testing.assert_allclose(run.history["lr"], [0.1, 0.1 / 3, 0.1 / 9], rtol=1e-15)


def test_without_a_schedule_there_are_no_rates():
    assert set(train(steps=2).history) == {"loss"}


def test_a_train_step_of_a_scheduled_optimizer_tells_its_rate():
    optimizer = optim.scheduled(optim.sgd(0.5), plateau())
    model = models.SoftmaxRegression(4, 3, rngs=Generator(0))
    step = jax.jit(make_train_step(model, nn.CrossEntropyLoss(), optimizer))
    state, seen = TrainState.create(model, optimizer), []
    for _ in range(4):
        state, metrics = step(state, tuple(map(np.asarray, arrays())))
        seen.append(float(metrics["lr"]))
    assert seen[0] == 0.5 > seen[-1]


def test_a_run_that_outlasts_its_schedule_is_refused_before_it_starts():
    data = loader()
    before, compiled = data.rngs.get_state(), run_chunk._cache_size()
    schedule = lr_scheduler.one_cycle_lr(0.1, 9)
    message = (
        r"Tried to step 10 times\. The specified number of total steps is 9: the run "
        r"does 10 update\(s\) and steps its schedule every 1,"
    )
    with pytest.raises(ValueError, match=message):
        train(data, epochs=2, schedule=schedule, schedule_every="step")
    np.testing.assert_array_equal(data.rngs.get_state(), before)
    assert run_chunk._cache_size() == compiled
    # By the epoch there are two steps only, and nine updates make nine.
    train(epochs=2, schedule=schedule)
    part = train(steps=7, schedule=schedule, schedule_every="step")
    options = {"schedule": schedule, "schedule_every": "step", "state": part.state}
    assert np.isfinite(train(steps=9, **options).history["loss"]).all()
    with pytest.raises(ValueError, match=r"Tried to step 3 times.* total steps is 2"):
        train(steps=10, **options)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"schedule": 0.1}, TypeError, r"one of flaxnn\.optim\.lr_scheduler.*float"),
        (
            {"schedule": optax.constant_schedule(0.1)},
            TypeError,
            r"optax\.adam\(schedule\)",
        ),
        (
            {"schedule": lr_scheduler.step_lr(3), "schedule_every": "batch"},
            ValueError,
            "must be 'step' or 'epoch', got 'batch'",
        ),
        (
            {"schedule": lr_scheduler.step_lr(3), "optimizer": optax.adam(0.1)},
            ValueError,
            "holds no learning rate",
        ),
        (
            {"schedule": lr_scheduler.one_cycle_lr(1, 9), "optimizer": optim.sgd()},
            ValueError,
            "must support momentum or beta1",
        ),
        (
            {"metrics": {"lr": lambda output, target: 0.0}},
            ValueError,
            '"lr" is the learning rate; give the metric another name',
        ),
    ],
)
def test_what_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        train(steps=1, **options)


def test_a_state_of_another_schedule_is_refused():
    state = train(steps=1, schedule=lr_scheduler.step_lr(3)).state
    for schedule in (None, plateau()):
        with pytest.raises(ValueError, match="the state is of another run: opt_state"):
            train(steps=2, state=state, schedule=schedule)
    message = r"steps its schedule every 5 update\(s\), this run would every 1; resume"
    with pytest.raises(ValueError, match=message):
        train(
            steps=2,
            state=state,
            schedule=lr_scheduler.step_lr(3),
            schedule_every="step",
        )
