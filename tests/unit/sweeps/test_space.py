# SPDX-License-Identifier: Apache-2.0
"""Which combinations are run, and which function takes which hyper-parameter."""

from __future__ import annotations

import math

import numpy as np
import pytest

import flaxnn
from flaxnn import nn, optim
from flaxnn.data import DataLoader
from flaxnn.random import Generator
from flaxnn.sweeps import Choice, Grid, IntUniform, LogUniform, Random, Uniform, Zip
from tests.unit.sweeps.runs import arrays, net, options


def test_a_grid_crosses_lists_and_keeps_tuples():
    grid = Grid(lr=np.float32([0.1, 0.2]), betas=(0.9, 0.99), width=range(2))
    assert grid.configurations() == [
        {"lr": lr, "betas": (0.9, 0.99), "width": width}
        for lr in (0.1, 0.2)
        for width in (0, 1)
    ]
    assert len(grid) == 4
    assert repr(Grid(lr=[0.1])) == "Grid(lr=[0.1])"


def test_zip_takes_values_together():
    assert list(Zip(lr=[1, 2], momentum=0.9)) == [
        {"lr": 1, "momentum": 0.9},
        {"lr": 2, "momentum": 0.9},
    ]
    with pytest.raises(ValueError, match="lists of one length, got lr 2, momentum 3"):
        Zip(lr=[1, 2], momentum=[1, 2, 3])


def test_random_spaces_are_drawn_from_a_generator_of_their_own():
    space = Random(
        200,
        seed=7,
        lr=LogUniform(1e-4, 1e-1),
        momentum=Uniform(0.5, 0.9),
        width=IntUniform(4, 6),
        nesterov=[False, True],
        weight_decay=0.1,
    )
    rows = space.configurations()
    assert rows == space.configurations()
    logs = np.log10([row["lr"] for row in rows])
    assert logs.min() >= -4
    assert logs.max() <= -1
    assert abs(np.median(logs) + 2.5) < 0.3
    assert {row["width"] for row in rows} == {4, 5, 6}
    assert {row["nesterov"] for row in rows} == {False, True}
    assert {row["weight_decay"] for row in rows} == {0.1}
    assert all(0.5 <= row["momentum"] < 0.9 for row in rows)
    generator = Generator(7)
    parts = generator.rand(200, dtype=np.float64)
    expected = math.exp(math.log(1e-4) + math.log(1e3) * parts[0])
    assert rows[0]["lr"] == pytest.approx(expected, rel=1e-12)
    shorter = Random(200, seed=7, lr=LogUniform(1e-4, 1e-1)).configurations()
    assert [row["lr"] for row in rows] == [row["lr"] for row in shorter]


def test_spaces_are_crossed_but_share_no_name():
    crossed = Zip(lr=[1, 2]) * Grid(momentum=[0, 1])
    assert len(crossed) == 4
    assert repr(crossed) == "Zip(lr=[1, 2]) * Grid(momentum=[0, 1])"
    with pytest.raises(ValueError, match="lr: given twice"):
        Zip(lr=[1, 2]) * Grid(lr=[1])


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Grid(lr=[]), "lr: expected at least one value"),
        (lambda: Uniform(1.0, 0.0), "low ≤ high"),
        (lambda: LogUniform(0.0, 1.0), "low above 0"),
        (lambda: Uniform(0.0, math.inf), "finite bounds"),
        (lambda: Choice([]), "values to choose from"),
        (lambda: Random(0, seed=1), "a positive count"),
    ],
    ids=["empty", "order", "log", "infinite", "choice", "count"],
)
def test_bad_spaces_are_refused(make, told):
    with pytest.raises(ValueError, match=told):
        make()


def test_bounds_of_integers_are_integers():
    with pytest.raises(TypeError, match=r"expected integers, got 1\.5"):
        IntUniform(1.5, 3)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("changes", "error", "told"),
    [
        ({"weight_deacy": 0.1}, TypeError, "did you mean 'weight_decay'"),
        ({"lanes_at_onec": 3}, TypeError, "did you mean 'lanes_at_once'"),
        ({"lr": Uniform(0, 1)}, TypeError, r"drawn from by Random\(count, seed=0, lr"),
        ({"lr": [0.1, -0.1]}, ValueError, "Invalid learning rate: -0.1"),
        ({"seeds": 8}, TypeError, r"range\(8\) has 8"),
        ({"seeds": [1, 1]}, ValueError, "1 is there twice"),
        ({"seeds": []}, ValueError, "expected at least one"),
        ({"seeds": [0.5]}, TypeError, "a seed must be an integer"),
        ({"steps": 3}, TypeError, "one of epochs= and steps="),
        ({"epochs": None}, TypeError, "one of epochs= and steps="),
        ({"batch_size": None}, TypeError, "shuffle and drop_last are for mini-batches"),
        ({"batch_size": [5, 10]}, TypeError, "batch_size cannot be swept"),
        ({"space": {"lr": [1]}}, TypeError, "flaxnn.sweeps.Grid, Zip or Random"),
        ({"optimizer": 0.1}, TypeError, "made by a function such as flaxnn.optim.sgd"),
        ({"lanes_at_once": 0}, ValueError, "lanes_at_once must be at least 1"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_what_is_wrong_is_told_before_anything_runs(changes, error, told):
    with pytest.raises(error, match=told):
        flaxnn.sweep(net, arrays(), **options(**changes))


def test_a_name_that_two_take_is_refused():
    def build(lr, *, rngs):
        del lr
        return net(rngs=rngs)

    with pytest.raises(TypeError, match="'lr' is an argument of build and optimizer"):
        flaxnn.sweep(build, arrays(), **options())


@pytest.mark.parametrize(
    ("build", "told"),
    [
        (lambda: net(rngs=Generator(0)), "build must take rngs"),
        (net(rngs=Generator(0)), "got a model"),
        (lambda rngs: rngs, "build must make a flaxnn.nn.Module"),
    ],
    ids=["no rngs", "a model", "no model"],
)
def test_builds_that_make_no_models_are_refused(build, told):
    with pytest.raises(TypeError, match=told):
        flaxnn.sweep(build, arrays(), **options())


def test_data_that_lanes_cannot_share_are_refused():
    loader = DataLoader(arrays(), 5, shuffle=True, rngs=Generator(0))
    settings = options(shuffle=False, batch_size=None)
    with pytest.raises(TypeError, match="one DataLoader with a Generator"):
        flaxnn.sweep(net, loader, **settings)
    with pytest.raises(TypeError, match="the validation of a sweep is one data set"):
        flaxnn.sweep(net, arrays(), **options(validation=loader))
    with pytest.raises(TypeError, match="must return a flaxnn"):
        flaxnn.sweep(net, lambda rngs: arrays(), **settings)


def test_options_that_are_no_numbers_pass_through():
    settings = options(optimizer=optim.adam, betas=(0.8, 0.9), lr=0.1, epochs=0)
    del settings["momentum"]
    result = flaxnn.sweep(nn_softmax, arrays("float32"), **settings)
    assert [r["betas"] for r in result.records] == [(0.8, 0.9)] * 2
    assert len(result.history["loss"]) == 0


def nn_softmax(*, rngs):
    return nn.Linear(4, 3, rngs=rngs)
