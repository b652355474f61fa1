# SPDX-License-Identifier: Apache-2.0
"""`fit_many`: lane k is the run of models[k], T1 in float64."""

from __future__ import annotations

import numpy as np
import pytest
from flax import nnx

import flaxnn
from flaxnn import metrics, nn, optim
from flaxnn.data import DataLoader
from flaxnn.random import Generator
from flaxnn.training import fit_many
from flaxnn.training._lane_loop import run_lanes

T1 = 1e-12
RATES = (0.05, 0.1, 0.2)


def arrays(rows=23, dtype="float64"):
    rng = np.random.default_rng(0)
    return rng.normal(size=(rows, 4)).astype(dtype), rng.integers(0, 3, rows)


def net(rngs, keys=None, dtype="float64", width=8):
    model = nn.Sequential(
        nn.Linear(4, width, rngs=rngs),
        nn.BatchNorm1d(width),
        nn.ReLU(),
        nn.Dropout(0.4, rngs=keys),
        nn.Linear(width, 3, rngs=rngs),
    )
    return flaxnn.astype(model, dtype)


def lane(k, dtype="float64"):
    """The model, loader and Generator of a lane, made anew."""
    generator = Generator(k)
    model = net(generator, dtype=dtype)
    loader = DataLoader(arrays(dtype=dtype), 5, shuffle=True, rngs=generator)
    return model, loader, generator


def lanes(dtype="float64"):
    rows = [lane(k, dtype) for k in range(3)]
    return [list(column) for column in zip(*rows, strict=True)]


def options(**changes):
    return {"loss": nn.CrossEntropyLoss(), "metrics": [metrics.accuracy]} | changes


def sgd(lr):
    return optim.sgd(lr=lr, momentum=0.9)


def together(dtype="float64", **changes):
    models, loaders, generators = lanes(dtype)
    optimizer = [sgd(lr) for lr in RATES]
    runs = fit_many(models, loaders, optimizer=optimizer, **options(**changes))
    return runs, generators


def alone(k, dtype="float64", **changes):
    model, loader, generator = lane(k, dtype)
    changes = {"optimizer": sgd(RATES[k])} | changes
    return flaxnn.fit(model, loader, **options(**changes)), generator


def assert_close(ours, theirs, tolerance=T1):
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= tolerance * np.abs(theirs).max()


def assert_runs_close(ours, theirs, tolerance=T1):
    assert ours.history.keys() == theirs.history.keys()
    for name, series in theirs.history.items():
        assert_close(ours.history[name], series, tolerance)
    state, expected = ours.model.state_dict(), theirs.model.state_dict()
    assert list(state) == list(expected)
    for name, value in expected.items():
        assert_close(state[name], value, tolerance)


@pytest.mark.parametrize("layout", ["last", "vmap", "map"])
def test_each_lane_is_the_run_of_its_model(layout):
    """Weights, order, masks, statistics, rates; the short last batch included."""
    runs, generators = together(epochs=3, layout=layout)
    for k, (run, generator) in enumerate(zip(runs, generators, strict=True)):
        expected, same = alone(k, epochs=3)
        assert len(run.history["loss"]) == 15
        assert_runs_close(run, expected)
        np.testing.assert_array_equal(generator.get_state(), same.get_state())
        assert (run.state.epoch, run.state.batch) == (3, 0)


def test_in_float32_within_rounding():
    runs, _ = together("float32", steps=7)
    for k, run in enumerate(runs):
        assert_runs_close(run, alone(k, "float32", steps=7)[0], 1e-4)
        assert run.history["loss"].dtype == np.float32


def test_results_do_not_depend_on_the_chunk_length():
    whole, _ = together(epochs=2)
    for chunk in (1, 3):
        runs, _ = together(epochs=2, chunk=chunk)
        for run, expected in zip(runs, whole, strict=True):
            assert_runs_close(run, expected)


def test_runs_that_are_resumed_together_or_alone():
    whole, _ = together(epochs=3)
    part, _ = together(steps=7)
    states = [run.state for run in part]
    rest, _ = together(epochs=3, state=states)
    lone, _ = alone(1, epochs=3, state=states[1])
    for run in (rest[1], lone):
        series = np.concatenate([part[1].history["loss"], run.history["loss"]])
        assert_close(series, whole[1].history["loss"])
        for name, value in whole[1].model.state_dict().items():
            assert_close(run.model.state_dict()[name], value)


@pytest.mark.parametrize("layout", ["last", "vmap", "map"])
def test_a_lane_that_diverges_does_not_touch_the_others(layout):
    models, loaders, _ = lanes()
    rates = (0.05, 1e300, 0.2)
    runs = fit_many(
        models,
        loaders,
        optimizer=[sgd(lr) for lr in rates],
        epochs=2,
        layout=layout,
        **options(),
    )
    assert np.isnan(runs[1].history["loss"][-1])
    for k in (0, 2):
        assert_runs_close(runs[k], alone(k, epochs=2)[0])


def test_full_batches_with_a_schedule_of_each_run():
    data, generators = arrays(), [Generator(k) for k in range(3)]
    models = [net(g, dtype="float64") for g in generators]
    decays = (0.5, 0.9, 1.0)
    runs = fit_many(
        models,
        data,
        optimizer=optim.adam(lr=0.1),
        schedule=[optim.lr_scheduler.exponential_lr(g) for g in decays],
        rngs=generators,
        steps=4,
        **options(),
    )
    for k, run in enumerate(runs):
        generator = Generator(k)
        expected = flaxnn.fit(
            net(generator, dtype="float64"),
            data,
            optimizer=optim.adam(lr=0.1),
            schedule=optim.lr_scheduler.exponential_lr(decays[k]),
            rngs=generator,
            steps=4,
            **options(),
        )
        # Adam makes the rounding of the bias before the batch norm large.
        assert_close(run.history["loss"], expected.history["loss"])
        assert_close(run.history["lr"], expected.history["lr"])
        np.testing.assert_allclose(run.history["lr"], 0.1 * decays[k] ** np.arange(4))


def test_the_steps_options_are_those_of_fit():
    """Parts of 2, 2, 1 rows with masks of their own, a frozen layer, an average."""
    changes = {
        "optimizer": optim.averaged(sgd(0.1), 0.5),
        "epochs": 2,
        "accumulate": 2,
        "remat": True,
        "freeze": ["0.*"],
    }
    models, loaders, _ = lanes()
    loaders = [DataLoader(arrays(20), 5, rngs=each.rngs) for each in loaders]
    runs = fit_many(models, loaders, **options(**changes))
    for k, run in enumerate(runs):
        model, _, generator = lane(k)
        data = DataLoader(arrays(20), 5, rngs=generator)
        expected = flaxnn.fit(model, data, **options(**changes))
        assert_runs_close(run, expected)
        states = [each.state.train for each in (run, expected)]
        ours, theirs = (s.to_model(model, averaged=True).state_dict() for s in states)
        assert_close(ours["4.weight"], theirs["4.weight"])
        np.testing.assert_array_equal(
            run.model.state_dict()["0.weight"], model.state_dict()["0.weight"]
        )


def test_masks_from_jax_keys_are_each_lanes_own():
    def make(k):
        return net(Generator(0), nnx.Rngs(k))

    loader = DataLoader(arrays(), 5)
    common = options(optimizer=sgd(0.1), epochs=2)
    runs = fit_many([make(k) for k in range(2)], loader, **common)
    for k, run in enumerate(runs):
        expected = flaxnn.fit(make(k), loader, **common)
        assert_close(run.history["loss"], expected.history["loss"])
        key, same = (r.model[3].keys.count.get_value() for r in (run, expected))
        assert int(key) == int(same) == 10
    assert not np.allclose(runs[0].history["loss"], runs[1].history["loss"])


def test_models_and_arrays_are_not_changed():
    models, loaders, _ = lanes()
    before = [model.state_dict() for model in models]
    runs = fit_many(models, loaders, optimizer=sgd(0.1), steps=3, **options())
    for model, state in zip(models, before, strict=True):
        for name, value in model.state_dict().items():
            np.testing.assert_array_equal(value, state[name])
    # What fit does with its own state afterwards does not reach into another's.
    flaxnn.fit(
        *lane(0)[:2], optimizer=sgd(0.1), steps=5, state=runs[0].state, **options()
    )
    np.asarray(runs[0].model.state_dict()["0.weight"])


def test_equal_lanes_built_anew_compile_once():
    together(steps=2)
    compiled = run_lanes._cache_size()
    together(steps=3)
    assert run_lanes._cache_size() == compiled


def test_no_step_at_all():
    runs, _ = together(steps=0)
    assert [len(run.history["loss"]) for run in runs] == [0, 0, 0]


class Bad:
    """Arguments of `fit_many`, with one of them wrong."""

    @staticmethod
    def call(**changes):
        models, loaders, _ = lanes()
        arguments = {"models": models, "data": loaders, "optimizer": sgd(0.1)}
        arguments |= {"steps": 2} | options() | changes
        return fit_many(**arguments)


def loader(k, **changes):
    settings = {"batch_size": 5, "shuffle": True, "rngs": Generator(k)} | changes
    return DataLoader(settings.pop("dataset", arrays()), **settings)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"models": []}, TypeError, "a sequence of models, one for each run, got none"),
        ({"models": net(Generator(0))}, TypeError, "a sequence of models.*Sequential"),
        ({"optimizer": [sgd(0.1)] * 2}, ValueError, "2 entries for 3 models"),
        (
            {"optimizer": [sgd(0.1), optim.sgd(lr=0.1), sgd(0.1)]},
            ValueError,
            r"(?s)optimizers of run 0 and run 1 differ in more than their numbers",
        ),
        ({"rngs": Generator(0)}, TypeError, "rngs must be a sequence.*a single Gen"),
        ({"steps": None}, TypeError, "either epochs"),
        (
            {"layout": "rows"},
            ValueError,
            "layout must be 'auto', 'last', 'vmap' or 'map'",
        ),
        ({"data": loader(0)}, TypeError, "cannot give each run its own order"),
        (
            {"data": [loader(0), loader(1), arrays()]},
            TypeError,
            r"data\[2\] must be a flaxnn\.data\.DataLoader",
        ),
        (
            {"data": [loader(0), loader(1), loader(2, batch_size=4)]},
            ValueError,
            "batch_size is 5 for run 0 and 4 for run 2",
        ),
        (
            {"data": [loader(0), loader(1, dataset=arrays(22)), loader(2)]},
            ValueError,
            "run 0 and run 1 are over different data",
        ),
        (
            {"models": [net(Generator(k), width=8 + (k == 2)) for k in range(3)]},
            ValueError,
            "(?s)models of run 0 and run 2 differ.*out_features=9",
        ),
    ],
)
def test_lanes_that_do_not_go_together_are_refused(changes, error, message):
    with pytest.raises(error, match=message):
        Bad.call(**changes)


def test_a_generator_belongs_to_one_run():
    shared = Generator(0)
    loaders = [loader(0, rngs=g) for g in (shared, Generator(1), shared)]
    with pytest.raises(ValueError, match="runs 0 and 2 share a Generator"):
        Bad.call(data=loaders)


def test_states_at_different_steps_are_refused():
    one, two = (alone(0, steps=n)[0].state for n in (2, 3))
    with pytest.raises(ValueError, match="run 0 and run 2 are at different steps"):
        Bad.call(state=[one, one, two])
