# SPDX-License-Identifier: Apache-2.0
"""Data that stay on the host or on disk: the same numbers, and what is read when."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from jax.sharding import AxisType

import flaxnn
from flaxnn import metrics, models, nn, optim, training
from flaxnn.data import DataLoader, RandomSampler, from_npy, transforms
from flaxnn.random import Generator
from flaxnn.training import Validation
from flaxnn.training._loop import run_chunk
from flaxnn.training._placement import Placement
from tests.unit.training.runs import (
    BATCHES,
    FEATURES,
    LABELS,
    Net,
    assert_same_run,
    assert_same_state,
    train,
)
from tests.unit.training.streams import ROWS, Counted

pytest.importorskip("grain", reason="Grain is not installed")


@pytest.mark.parametrize(("own", "chunk"), [(True, 1), (False, 3), (True, 4096)])
def test_the_numbers_are_those_of_the_resident_run(own: bool, chunk: int) -> None:
    """With dropout, shuffled, and a last batch that is short."""
    assert_same_run(train(own=own), train(own=own, stream=True, chunk=chunk))


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("own", [True, False])
def test_they_do_not_depend_on_what_is_read_at_once(own: bool) -> None:
    assert_same_run(train(own=own), train(own=own, stream=True))


def _conv_run(images: Any, stream: bool, **options: Any) -> training.Run[Any]:
    rngs = Generator(2)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, rngs=rngs),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Flatten(),
        nn.Linear(4 * 6 * 6, 3, rngs=rngs),
    )
    augment = transforms.Compose(
        [transforms.RandomCrop(8, padding=2), transforms.RandomHorizontalFlip()]
    )
    loader = DataLoader(images, 16, shuffle=True, rngs=rngs, transform=augment)
    return flaxnn.fit(
        model,
        loader,
        loss=nn.CrossEntropyLoss(),
        optimizer=optim.sgd(lr=0.05, momentum=0.9),
        epochs=2,
        stream=stream,
        **options,
    )


def test_pixels_transforms_and_running_statistics(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (70, 1, 8, 8), np.uint8)
    labels = rng.integers(0, 3, 70)
    np.save(tmp_path / "x.npy", images)
    np.save(tmp_path / "y.npy", labels)
    on_disk = from_npy(tmp_path / "x.npy", tmp_path / "y.npy")
    resident = _conv_run((images, labels), stream=False)
    for data in ((images, labels), on_disk):
        assert_same_run(resident, _conv_run(data, stream=True))


def test_pixels_are_uint8_until_they_are_on_the_device(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = []

    def spy(step: Any, state: Any, arrays: Any, *rest: Any, **options: Any) -> Any:
        seen.append([(a.shape, a.dtype.name) for a in arrays])
        return run_chunk(step, state, arrays, *rest, **options)

    monkeypatch.setattr("flaxnn.training._engine.run_chunk", spy)
    images, labels = np.zeros((40, 1, 8, 8), np.uint8), np.zeros(40, np.int32)
    _conv_run((images, labels), stream=True)
    whole = [((2, 16, 1, 8, 8), "uint8"), ((2, 16), "int32")]
    short = [((1, 8, 1, 8, 8), "uint8"), ((1, 8), "int32")]
    assert seen == [whole, short] * 2


def test_a_loss_that_fits_batches_only() -> None:
    weight = np.linspace(1, 2, 29, dtype=np.float32)[:, None]  # 203 rows are 7 of them
    targets = (LABELS[:, None] > 1).astype(np.float32)

    def run(stream: bool) -> training.Run[Any]:
        return flaxnn.fit(
            models.LogisticRegression(4, rngs=Generator(0)),
            DataLoader((FEATURES, targets), 29, shuffle=True, rngs=Generator(1)),
            loss=nn.BCELoss(weight=weight),
            optimizer=optim.sgd(lr=0.1),
            epochs=1,
            stream=stream,
        )

    assert_same_run(run(False), run(True))


def test_float64_and_drop_last() -> None:
    def run(stream: bool) -> training.Run[Any]:
        model = flaxnn.astype(models.SoftmaxRegression(4, 3, rngs=Generator(0)), float)
        loader = DataLoader(
            (FEATURES, LABELS), 32, shuffle=True, rngs=Generator(3), drop_last=True
        )
        options = {"loss": nn.CrossEntropyLoss(), "optimizer": optim.adam(lr=0.05)}
        return flaxnn.fit(model, loader, epochs=2, stream=stream, **options)

    assert_same_run(run(False), run(True))


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("stop", [1, 3, 6, 7, 10, 14])
@pytest.mark.parametrize("own", [True, False])
def test_a_resumed_run_reads_from_where_it_stopped(stop: int, own: bool) -> None:
    whole = train(own=own)
    part = train(own=own, steps=stop, stream=True)
    data = Counted(FEATURES, LABELS)
    rest = train(own=own, arrays=data, stream=True, state=part.state)
    assert_same_state(rest.state, whole.state)
    losses = np.concatenate([part.history["loss"], rest.history["loss"]])
    np.testing.assert_array_equal(losses, whole.history["loss"])
    # The first batch stands for the shapes of all; then each row still to come, once.
    inside = stop % BATCHES
    rows = ROWS - 32 * inside + ROWS * (2 - stop // BATCHES)
    assert len(data.read) == 32 + (0 if stop == 21 else rows)


def test_no_row_beyond_the_last_step_is_read() -> None:
    data = Counted(FEATURES, LABELS)
    train(arrays=data, stream=True, steps=9)
    assert len(data.read) == 32 + ROWS + 2 * 32


@pytest.mark.usefixtures("small_parts")
def test_a_checkpoint_in_the_middle_of_an_epoch(tmp_path: Path) -> None:
    whole = train()
    settings = training.Checkpoints(tmp_path, every=3)
    train(steps=10, stream=True, checkpoints=settings)
    assert_same_run(whole, train(stream=True, checkpoints=settings))


@pytest.mark.usefixtures("small_parts")
def test_a_loss_that_is_not_finite_is_found_at_its_step() -> None:
    errors = []
    for stream in (True, False):
        with pytest.raises(training.NonFiniteLossError) as caught:
            train(optimizer=optim.sgd(lr=1e19), stream=stream)
        errors.append(caught.value)
    mine, other = errors
    assert (mine.step, mine.epoch, mine.batch) == (other.step, other.epoch, other.batch)
    np.testing.assert_array_equal(mine.rows, other.rows)
    assert_same_state(mine.state, other.state)


@pytest.mark.usefixtures("small_parts")
def test_rows_are_read_ahead_of_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    data, ahead = Counted(FEATURES, LABELS), []

    def spy(*arguments: Any, **options: Any) -> Any:
        time.sleep(0.05)  # long enough for the threads to fill their buffer
        ahead.append(len(data.read))
        return run_chunk(*arguments, **options)

    monkeypatch.setattr("flaxnn.training._engine.run_chunk", spy)
    train(arrays=data, stream=True, epochs=1)
    # First batch, two batches taken, and of the blocks of 7 rows at least one more.
    assert 32 + 64 + 7 <= ahead[0] < 32 + ROWS
    assert ahead[-1] == 32 + ROWS


@pytest.mark.usefixtures("small_parts")
def test_evaluation_and_prediction() -> None:
    model = train().model
    found = [metrics.accuracy, metrics.ConfusionMatrix(num_classes=3)]
    names = ("accuracy", "confusion_matrix")

    def evaluated(data: Any, stream: bool, **options: Any) -> dict[str, Any]:
        return flaxnn.evaluate(model, data, metrics=found, stream=stream, **options)

    for data in ((FEATURES, LABELS), Counted(FEATURES, LABELS)):
        for size in (32, 150):
            mine = evaluated(data, True, batch_size=size)
            other = evaluated((FEATURES, LABELS), False, batch_size=size)
            for name in names:
                np.testing.assert_array_equal(mine[name], other[name])
        np.testing.assert_array_equal(
            flaxnn.predict(model, FEATURES, batch_size=32),
            flaxnn.predict(model, Counted(FEATURES), batch_size=32, stream=True),
        )
    both = [
        evaluated(DataLoader((FEATURES, LABELS), 32, True, rngs=generator), stream)
        for stream, generator in ((True, Generator(5)), (False, Generator(5)))
    ]
    assert both[0]["accuracy"] == both[1]["accuracy"]


@pytest.mark.usefixtures("small_parts")
def test_without_a_batch_size_as_much_as_fits_is_predicted_at_once() -> None:
    model = train().model
    data = Counted(FEATURES)
    np.testing.assert_allclose(
        flaxnn.predict(model, data, stream=True),
        flaxnn.predict(model, FEATURES),
        rtol=1e-6,
    )
    accuracy = {
        stream: flaxnn.evaluate(
            model, (FEATURES, LABELS), metrics=[metrics.accuracy], stream=stream
        )["accuracy"]
        for stream in (True, False)
    }
    assert accuracy[True] == accuracy[False]


def test_an_evaluation_with_a_transform_and_a_sampler() -> None:
    """The sampler draws 32 indices at a time, the transform after each batch."""
    images = np.random.default_rng(0).integers(0, 256, (70, 4, 4), np.uint8)
    labels = np.arange(70) % 3
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 3, rngs=Generator(0)))
    loss = nn.CrossEntropyLoss(reduction="none")

    def loader(rngs: Generator) -> DataLoader:
        return DataLoader(
            (images, labels),
            10,
            sampler=RandomSampler(images, True, 45, generator=rngs),
            transform=transforms.RandomHorizontalFlip(),
            rngs=rngs,
        )

    streams = [Generator(6) for _ in range(3)]
    mine, other = (
        flaxnn.evaluate(model, loader(rngs), metrics={"loss": loss}, stream=stream)
        for stream, rngs in zip((True, False), streams, strict=False)
    )
    assert mine == other
    by_hand = [loss(model(x), y) for x, y in loader(streams[2])]
    np.testing.assert_allclose(mine["loss"], np.concatenate(by_hand).mean(), rtol=1e-6)
    np.testing.assert_array_equal(*(rngs.get_state() for rngs in streams[::2]))


@pytest.mark.usefixtures("small_parts")
def test_validation_between_the_epochs() -> None:
    def run(data: Any, stream: bool) -> training.Run[Net]:
        validation = Validation(data, [metrics.accuracy], batch_size=50, stream=stream)
        return train(stream=stream, validation=validation)

    resident = run((FEATURES, LABELS), False)
    data = Counted(FEATURES, LABELS)
    assert_same_run(resident, run(data, True))
    assert resident.evaluations["epoch"].tolist() == [1, 2, 3]


# XLA makes virtual devices only before it starts, so this runs on its own.
SHARDED = """
import jax
from tests.unit.training.runs import assert_same_run, train

mesh = jax.make_mesh((4,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
assert_same_run(train(mesh=mesh), train(mesh=mesh, stream=True, chunk=2))
"""


def test_batches_are_shared_by_the_devices_of_a_mesh() -> None:
    environment = {
        **os.environ,
        "XLA_FLAGS": "--xla_force_host_platform_device_count=4",
        "JAX_PLATFORMS": "cpu",
    }
    subprocess.run([sys.executable, "-c", SHARDED], env=environment, check=True)


def test_a_process_reads_what_its_devices_take(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes whose devices stand alternately in the mesh, seen from one."""
    whole = np.arange(3 * 8 * 2).reshape(3, 8, 2)
    columns = np.array([0, 1, 4, 5])
    asked = {}

    def place(shape: Any, sharding: Any, part: Any) -> None:
        for start in (0, 4):
            index = (slice(None), slice(start, start + 2), slice(None))
            asked[start] = part(index)
        assert shape == whole.shape

    mesh = jax.make_mesh((1,), ("data",), axis_types=(AxisType.Auto,))
    placement = Placement(mesh)
    monkeypatch.setattr(Placement, "columns", lambda self, size: columns)
    monkeypatch.setattr("jax.make_array_from_callback", place)
    placement.shared_parts(whole[:, columns], 1, 8)
    for start, part in asked.items():
        np.testing.assert_array_equal(part, whole[:, start : start + 2])


def test_streaming_compiles_one_program_and_one_for_a_short_batch() -> None:
    class Fresh(models.SoftmaxRegression):
        pass

    before = run_chunk._cache_size()
    flaxnn.fit(
        Fresh(4, 3, rngs=Generator(0)),
        DataLoader((FEATURES, LABELS), 32, shuffle=True, rngs=Generator(1)),
        loss=nn.CrossEntropyLoss(),
        optimizer=optim.sgd(lr=0.1),
        epochs=3,
        chunk=4,
        stream=True,
    )
    assert run_chunk._cache_size() == before + 2
