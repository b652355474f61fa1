# SPDX-License-Identifier: Apache-2.0
"""Checkpoints: what is written, what is gone on from, and what is refused."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import jax
import numpy as np
import pytest

from flaxnn import fit, metrics, models, nn, optim
from flaxnn.random import Generator
from flaxnn.training import CheckpointError, Checkpoints, CheckpointWarning, Validation
from flaxnn.training._loop import run_chunk
from tests.unit.training.runs import (
    BATCHES,
    FEATURES,
    LABELS,
    Net,
    assert_same_run,
    train,
)

VALIDATION = Validation((FEATURES[:50], LABELS[:50]), [metrics.accuracy])


@pytest.fixture(scope="module")
def uninterrupted():
    return train(validation=VALIDATION)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The checkpoints of every step of the run."""
    directory = tmp_path_factory.mktemp("run")
    train(validation=VALIDATION, checkpoints=Checkpoints(directory, every=1, keep=1000))
    return directory


@pytest.fixture
def copy(written, tmp_path):
    """A copy of them, with those behind a step removed."""

    def make(last: int) -> Path:
        directory = tmp_path / f"until-{last}"
        shutil.copytree(written, directory)
        for step in Checkpoints(directory).steps():
            if step > last:
                shutil.rmtree(directory / str(step))
        return directory

    return make


def test_a_run_with_checkpoints_is_the_run_without(written, uninterrupted):
    assert Checkpoints(written).steps() == tuple(range(1, 3 * BATCHES + 1))
    finished = train(validation=VALIDATION, checkpoints=written)
    assert_same_run(finished, uninterrupted)


# In an epoch, before its short batch, at its end, behind it, at the last step.
@pytest.mark.parametrize("step", [1, 5, 6, 7, 8, 13, 14, 20, 21])
def test_a_run_goes_on_from_any_step_bit_for_bit(step, copy, uninterrupted):
    resumed = train(validation=VALIDATION, checkpoints=copy(step))
    assert_same_run(resumed, uninterrupted)


@pytest.mark.parametrize("own", [True, False])
def test_validation_with_a_loader_draws_in_between_and_is_resumed(own, tmp_path):
    def run(**options):
        from flaxnn.data import DataLoader

        rngs = Generator(3)
        model = Net(rngs=rngs)
        loader = DataLoader((FEATURES, LABELS), 64, shuffle=True, rngs=rngs)
        other = Generator(9) if own else rngs
        judge = DataLoader((FEATURES, LABELS), 100, shuffle=True, rngs=other)
        return fit(
            model,
            loader,
            loss=nn.CrossEntropyLoss(),
            optimizer=optim.sgd(lr=0.1),
            validation=Validation(judge, [metrics.accuracy]),
            **options,
        )

    whole = run(epochs=3)
    checkpoints = Checkpoints(tmp_path, every=4)
    run(epochs=1, checkpoints=checkpoints)
    assert_same_run(run(epochs=3, checkpoints=checkpoints), whole)
    plain = train(own=own, epochs=3)
    assert not np.array_equal(whole.history["loss"], plain.history["loss"])


def test_resuming_compiles_nothing_new(copy):
    directory = copy(8)
    before = run_chunk._cache_size()
    train(validation=VALIDATION, checkpoints=directory)
    assert run_chunk._cache_size() == before


def test_every_kept_and_best_are_as_asked_for(tmp_path):
    checkpoints = Checkpoints(tmp_path, every=4, keep=2, best="loss", keep_best=1)
    run = train(epochs=6, validation=VALIDATION, checkpoints=checkpoints)
    best = int(run.evaluations["step"][np.argmin(run.evaluations["loss"])])
    steps = checkpoints.steps()
    assert checkpoints.best_step() == best
    assert set(steps) == {best, *steps[-2:]}
    assert steps[-1] == 6 * BATCHES
    restored = checkpoints.model(Net(rngs=Generator(0)), step="best")
    judged = fit_loss(restored)
    np.testing.assert_allclose(judged, run.evaluations["loss"].min(), rtol=1e-6)


def fit_loss(model):
    from flaxnn import evaluate

    data = FEATURES[:50], LABELS[:50]
    return evaluate(model, data, metrics={"loss": nn.CrossEntropyLoss()})["loss"]


def test_the_manifest_says_what_the_numbers_depend_on(written):
    manifest = Checkpoints(written).manifest(9)
    assert (manifest["step"], manifest["epoch"], manifest["batch"]) == (9, 1, 2)
    environment = manifest["environment"]
    assert environment["jax"] == jax.__version__
    assert environment["reference"].startswith("PyTorch ")
    assert {"cpu_flavour", "matmul_precision", "flags", "devices"} <= set(environment)
    assert manifest["data"]["rows"] == len(FEATURES)
    assert manifest["data"]["loader"]["batch_size"] == 32


def damage(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-7])


def remove(file: Path) -> None:
    file.unlink()


@pytest.mark.parametrize("harm", [damage, truncate, remove])
@pytest.mark.parametrize("item", ["arrays", "manifest"])
def test_a_damaged_newest_checkpoint_falls_back(harm, item, copy, uninterrupted):
    directory = copy(9)
    files = [f for f in (directory / "9" / item).rglob("*") if f.stat().st_size > 90]
    harm(max((f for f in files if f.is_file()), key=lambda f: f.stat().st_size))
    with pytest.warns(CheckpointWarning, match=r"9 is .*goes on from step 8 instead"):
        resumed = train(validation=VALIDATION, checkpoints=directory)
    assert_same_run(resumed, uninterrupted)
    assert list(directory.glob("damaged-9-*")), "what was damaged is kept aside"
    # Its step was written anew and is whole.
    assert Checkpoints(directory).manifest()["step"] == 3 * BATCHES


def test_a_half_written_checkpoint_is_not_one(copy, uninterrupted):
    directory = copy(9)
    shutil.move(directory / "9", directory / "9.orbax-checkpoint-tmp")
    (directory / "9.orbax-checkpoint-tmp" / "files.json").unlink()
    resumed = train(validation=VALIDATION, checkpoints=directory)
    assert_same_run(resumed, uninterrupted)
    assert not list(directory.glob("*tmp*"))


def test_nothing_that_can_be_read_is_an_error_and_loses_nothing(copy):
    directory = copy(1)
    damage(next((directory / "1" / "arrays").rglob("d/*")))
    with pytest.raises(CheckpointError, match="no checkpoint can be read"):
        train(validation=VALIDATION, checkpoints=directory)
    assert (directory / "1").is_dir()


def test_another_data_set_is_refused_with_what_differs(copy):
    changed = FEATURES.copy()
    changed[100, 2] += 1
    directory = copy(9)
    with pytest.raises(CheckpointError, match=r"array 0 holds .* rows 88 to 100"):
        train(arrays=(changed, LABELS), validation=VALIDATION, checkpoints=directory)
    with pytest.raises(CheckpointError, match="it had 203 rows and has 150"):
        train(
            arrays=(FEATURES[:150], LABELS[:150]),
            validation=VALIDATION,
            checkpoints=directory,
        )
    assert Checkpoints(directory).steps()[-1] == 9


def test_another_model_optimiser_or_setting_is_refused(copy):
    directory = copy(9)
    with pytest.raises(CheckpointError, match=r"model and optimiser differ: opt_state"):
        train(validation=VALIDATION, checkpoints=directory, optimizer=optim.sgd(lr=0.1))
    with pytest.raises(CheckpointError, match="validate_every was 1 and is None"):
        train(checkpoints=directory)
    with pytest.raises(CheckpointError, match="is of another model"):
        Checkpoints(directory).model(models.SoftmaxRegression(4, 3, rngs=Generator(0)))


def test_another_machine_is_told(copy):
    directory = copy(9)
    path = directory / "9" / "manifest" / "metadata"
    manifest = json.loads(path.read_text())
    manifest["environment"]["jax"] = "0.1"
    path.write_text(json.dumps(manifest))
    listed = directory / "9" / "files.json"
    from flaxnn.training._checkpoints._integrity import record

    listed.unlink()
    record(directory / "9")
    with pytest.warns(CheckpointWarning, match="jax was 0.1 and is"):
        train(validation=VALIDATION, checkpoints=directory)


def test_the_directory_must_be_writable_and_ones_own(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(CheckpointError, match="cannot be written"):
        train(checkpoints=file)
    from flaxnn.training._checkpoints._lock import DirectoryLock

    lock = DirectoryLock(tmp_path / "taken")
    lock.acquire()
    try:
        with pytest.raises(CheckpointError, match="another run is writing"):
            train(checkpoints=tmp_path / "taken")
    finally:
        lock.release()
    train(checkpoints=tmp_path / "taken", epochs=1)


def test_a_save_that_fails_is_told_and_the_run_goes_on(tmp_path, monkeypatch):
    import orbax.checkpoint as ocp

    save = ocp.CheckpointManager.save
    tried = []

    def failing(self, step, *args, **kwargs):
        tried.append(step)
        if step == 10:
            raise OSError(28, "No space left on device")
        return save(self, step, *args, **kwargs)

    monkeypatch.setattr(ocp.CheckpointManager, "save", failing)
    with pytest.warns(CheckpointWarning, match="No space left on device"):
        run = train(checkpoints=Checkpoints(tmp_path, every=5))
    assert tried == [5, 10, 15, 20, 21]
    assert Checkpoints(tmp_path).steps() == (15, 20, 21)
    assert len(run.history["loss"]) == 21


def test_a_last_save_that_fails_is_an_error_with_the_run(tmp_path, monkeypatch):
    import orbax.checkpoint as ocp

    def failing(self, *args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ocp.CheckpointManager, "save", failing)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CheckpointWarning)
        with pytest.raises(CheckpointError, match=r"has it as \.run") as caught:
            train(checkpoints=tmp_path)
    assert_same_run(caught.value.run, train())


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"every": 0}, ValueError, "every must be at least 1"),
        ({"every": 1.5}, TypeError, "every must be an integer"),
        ({"keep": 0}, ValueError, "keep must be at least 1"),
        ({"mode": "less"}, ValueError, "'min' or 'max'"),
        ({"directory": 3}, TypeError, "directory must be a path"),
    ],
)
def test_bad_arguments(options, kind, message):
    with pytest.raises(kind, match=message):
        Checkpoints(**{"directory": "run", **options})


def test_best_needs_a_validation_that_has_it(tmp_path):
    with pytest.raises(ValueError, match="validation"):
        train(checkpoints=Checkpoints(tmp_path, best="loss"))
    with pytest.raises(ValueError, match=r"'f1'.*accuracy"):
        train(validation=VALIDATION, checkpoints=Checkpoints(tmp_path, best="f1"))
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        Checkpoints(tmp_path).model(Net(rngs=Generator(0)))
