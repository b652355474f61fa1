# SPDX-License-Identifier: Apache-2.0
"""`sweep`: lane k is the run of its seed and its hyper-parameters."""

from __future__ import annotations

import jax
import numpy as np
import optax
import pytest

import flaxnn
from flaxnn import metrics, nn, optim
from flaxnn.data import DataLoader, Dataset
from flaxnn.optim import lr_scheduler
from flaxnn.random import Generator
from flaxnn.sweeps import Zip
from flaxnn.sweeps._optimizers import optimizers_of
from flaxnn.sweeps._routing import Factory
from flaxnn.training import Validation
from flaxnn.training._many import run_lanes
from tests.unit.sweeps.runs import (
    alone,
    arrays,
    assert_close,
    assert_equal_sweeps,
    assert_run_close,
    net,
    options,
    plain_net,
)


@pytest.fixture(scope="module")
def swept():
    return flaxnn.sweep(net, arrays(), **options())


def test_a_lane_is_the_run_of_its_seed(swept):
    assert [(r["seed"], r["lr"]) for r in swept.records] == [
        (3, 0.05),
        (8, 0.05),
        (3, 0.2),
        (8, 0.2),
    ]
    for k, record in enumerate(swept.records):
        run = alone(record["seed"], optim.sgd(record["lr"], 0.9), epochs=3)
        assert_run_close(swept.run(k), run)
        assert_close(swept.history["loss"][:, k], run.history["loss"])
        assert record["loss"] == swept.history["loss"][-1, k]


def test_a_lane_goes_on_in_fit(swept):
    whole = alone(8, optim.sgd(0.2, 0.9), epochs=4)
    lane = swept.run(3)
    generator = Generator(0)
    loader = DataLoader(arrays(), 5, shuffle=True, rngs=generator)
    run = flaxnn.fit(
        lane.model,
        loader,
        loss=nn.CrossEntropyLoss(),
        optimizer=swept.optimizer(3),
        epochs=4,
        state=lane.state,
    )
    assert_close(run.history["loss"], whole.history["loss"][12:])


def test_full_batches_draw_from_the_lanes_generator():
    settings = options(batch_size=None, shuffle=False, epochs=None, steps=4)
    result = flaxnn.sweep(net, arrays(), **settings, validation=arrays())
    run = alone(8, optim.sgd(0.05, 0.9), batch_size=None, steps=4)
    assert_run_close(result.run(1), run)
    # Bare data, with an epoch at each step, are for the end only.
    assert result.evaluations["step"].tolist() == [4]


@pytest.mark.parametrize("kind", ["dataset", "function", "list"])
def test_other_kinds_of_data(swept, kind):
    data, settings = list(arrays()), options()
    if kind == "dataset":
        data = Dataset(data)
    elif kind == "function":
        data = lambda rngs: DataLoader(arrays(), 5, shuffle=True, rngs=rngs)  # noqa: E731
        del settings["batch_size"], settings["shuffle"]
    assert_equal_sweeps(flaxnn.sweep(net, data, **settings), swept)


def test_lanes_in_groups_are_the_same(swept):
    programs = run_lanes._cache_size()
    split = flaxnn.sweep(net, arrays(), **options(lanes_at_once=3))
    assert split.groups == ((0, 1), (2, 3))
    for k in range(4):
        assert_run_close(split.run(k), swept.run(k))
    seeds = options(seeds=(3, 8, 1), lr=0.2, lanes_at_once=2)
    padded = flaxnn.sweep(net, arrays(), **seeds)
    assert padded.groups == ((0, 1), (2,))
    assert [r["seed"] for r in padded.records] == [3, 8, 1]
    assert_run_close(padded.run(1), swept.run(3))
    # All groups have one size, the last one filled with a lane again.
    assert run_lanes._cache_size() <= programs + 1


def test_a_split_and_a_mesh_change_no_bit():
    """Forty lanes take the last axis by themselves, and so do their groups of seven."""
    settings = options(batch_size=None, shuffle=False, epochs=3, seeds=range(20))
    whole = flaxnn.sweep(plain_net, arrays(), **settings)
    split = flaxnn.sweep(plain_net, arrays(), **settings, lanes_at_once=7)
    mesh = jax.make_mesh((1,), ("lanes",), (jax.sharding.AxisType.Auto,))
    shared = flaxnn.sweep(plain_net, arrays(), **settings, mesh=mesh)
    assert (len(whole.groups), len(split.groups)) == (1, 6)
    for other in (split, shared):
        assert_equal_sweeps(other, whole)


def test_architectures_are_grouped_and_keep_their_places():
    settings = options(batch_size=None, shuffle=False, epochs=2, seeds=(3,))
    result = flaxnn.sweep(plain_net, arrays(), **settings, width=[3, 4])
    assert result.programs == 2
    assert result.groups == ((0, 2), (1, 3))
    for k, (lr, width) in enumerate([(0.05, 3), (0.05, 4), (0.2, 3), (0.2, 4)]):
        assert (result.records[k]["lr"], result.records[k]["width"]) == (lr, width)
        assert result.model(k).weight.shape == (width, 4)
        hyperparams = result.run(k).state.train.opt_state.hyperparams
        assert float(hyperparams["lr"]) == lr
        np.testing.assert_array_equal(
            result.run(k).history["loss"], result.history["loss"][:, k]
        )


def test_a_term_of_zero_is_one_program_and_the_numbers_of_none():
    settings = options(momentum=[0, 0.9], weight_decay=[0, 0.1], lr=0.2, seeds=(3,))
    programs = run_lanes._cache_size()
    result = flaxnn.sweep(net, arrays(), **settings)
    assert result.programs == 1
    assert run_lanes._cache_size() == programs + 1
    assert_run_close(result.run(0), alone(3, optim.sgd(0.2), epochs=3))
    run = alone(3, optim.sgd(0.2, 0.9, weight_decay=0.1), epochs=3)
    assert_run_close(result.run(3), run)


def test_terms_that_a_factory_refuses_are_refused():
    with pytest.raises(ValueError, match="Nesterov momentum requires") as caught:
        flaxnn.sweep(net, arrays(), **options(momentum=[0, 0.9], nesterov=True, lr=0.1))
    assert "optimizer(lr=0.1, momentum=0, nesterov=True)" in caught.value.__notes__[0]


def test_flags_are_programs_of_their_own():
    updating = Factory.of("optimizer", optim.sgd)
    both = [{"momentum": 0.9, "nesterov": flag} for flag in (False, True)]
    one, other = optimizers_of(updating, both)
    assert one.update != other.update


def test_optax_factories_share_a_program():
    settings = options(optimizer=optax.adamw, epochs=1, seeds=(3,))
    del settings["momentum"], settings["lr"]
    result = flaxnn.sweep(
        plain_net,
        arrays(),
        **settings,
        learning_rate=[0.01, 0.1],
        weight_decay=[0, 0.1],
    )
    assert result.programs == 1
    run = alone(3, optax.adamw(0.1, weight_decay=0), build=plain_net, epochs=1)
    assert_run_close(result.run(2), run)


def test_an_optimizer_that_is_made_is_everyones():
    settings = options(optimizer=optim.sgd(0.2, 0.9), seeds=(3, 8, 1, 2))
    del settings["momentum"], settings["lr"]
    result = flaxnn.sweep(net, arrays(), **settings)
    assert_run_close(result.run(1), alone(8, optim.sgd(0.2, 0.9), epochs=3))


def test_schedules_take_hyperparameters(swept):
    def halving(step_size):
        return lr_scheduler.step_lr(step_size, gamma=0.5)

    result = flaxnn.sweep(
        net, arrays(), **options(schedule=halving, step_size=[1, 2], lr=0.2)
    )
    assert result.programs == 1
    assert [r["step_size"] for r in result.records] == [1, 1, 2, 2]
    np.testing.assert_allclose(result.history["lr"][::4, 0], [0.2, 0.1, 0.05])
    np.testing.assert_allclose(result.history["lr"][::4, 3], [0.2, 0.2, 0.1])
    assert result.records[0]["lr"] == 0.2


def test_zipped_and_crossed_spaces():
    settings = options(epochs=1)
    space = Zip(lr=[0.1, 0.2], weight_decay=[0.1, 0.2])
    del settings["lr"]
    result = flaxnn.sweep(net, arrays(), space=space, **settings)
    told = [(r["lr"], r["weight_decay"], r["seed"]) for r in result.records]
    assert told == [(0.1, 0.1, 3), (0.1, 0.1, 8), (0.2, 0.2, 3), (0.2, 0.2, 8)]


def test_a_lane_that_is_not_finite_is_told_and_alone():
    settings = options(lr=[0.05, 1e200], metrics=[metrics.accuracy])
    settings |= {"batch_size": None, "shuffle": False, "epochs": 4, "momentum": 0}
    settings |= {"loss": nn.MSELoss()}
    x, _ = arrays()
    result = flaxnn.sweep(plain_net, (x, x[:, :3]), **settings | {"metrics": ()})
    assert set(result.nonfinite) == {2, 3}
    step = result.nonfinite[2]
    assert np.isfinite(result.history["loss"][:step, 2]).all()
    assert not np.isfinite(result.history["loss"][step, 2])
    told = [r["status"] for r in result.records]
    assert told == ["ok", "ok"] + [
        f"non-finite at step {result.nonfinite[k]}" for k in (2, 3)
    ]
    assert "not finite: 2 of 4" in repr(result)
    assert result.best() in (0, 1)
    both = flaxnn.sweep(
        plain_net, (x, x[:, :3]), **settings | {"metrics": (), "lr": 0.05}
    )
    assert_close(result.history["loss"][:, 0], both.history["loss"][:, 0])


def test_lanes_are_validated_together():
    x, y = arrays()
    judged = {"loss": nn.CrossEntropyLoss(), "accuracy": metrics.Accuracy()}
    validation = Validation((x, y), [metrics.Accuracy()], every=2, batch_size=6)
    result = flaxnn.sweep(net, (x, y), **options(validation=validation))
    found = result.evaluations
    assert list(found) == ["epoch", "step", "loss", "accuracy"]
    assert found["epoch"].tolist() == [2, 3]
    assert found["step"].tolist() == [8, 12]
    shorter = alone(3, optim.sgd(0.2, 0.9), epochs=2).model
    for time, model in enumerate((shorter, result.model(2))):
        expected = flaxnn.evaluate(model, (x, y), metrics=judged)
        for name, value in expected.items():
            np.testing.assert_allclose(found[name][time, 2], value, rtol=1e-12)
    assert result.records[2]["val_accuracy"] == found["accuracy"][-1, 2]
    assert result.run(2).evaluations["accuracy"].shape == (2,)


def test_steps_and_validation_of_minibatches_meet_at_epochs():
    settings = options(epochs=None, steps=10, validation=arrays())
    result = flaxnn.sweep(net, arrays(), **settings)
    assert result.evaluations["step"].tolist() == [4, 8, 10]
    assert_run_close(result.run(1), alone(8, optim.sgd(0.05, 0.9), steps=10))


def test_nothing_that_was_given_changes():
    x, y = arrays()
    before = x.copy(), y.copy()
    rates = [0.05, 0.2]
    flaxnn.sweep(net, (x, y), **options(lr=rates, epochs=1))
    assert rates == [0.05, 0.2]
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(y, before[1])


def test_equal_sweeps_compile_once():
    settings = options(epochs=1, drop_last=True, validation=arrays())
    flaxnn.sweep(net, arrays(), **settings)
    count = run_lanes._cache_size()
    with jax.log_compiles(False):
        flaxnn.sweep(net, arrays(), **settings | {"lr": [0.3, 0.4]})
    assert run_lanes._cache_size() == count
