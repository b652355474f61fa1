# SPDX-License-Identifier: Apache-2.0
"""Callbacks: told the same after a resume, and without an effect on the numbers."""

from __future__ import annotations

import pytest

from flaxnn import metrics
from flaxnn.training import Checkpoints, Validation
from flaxnn.training.callbacks import Callback, EarlyStopping, JSONLines, RunInfo
from tests.unit.training.runs import (
    BATCHES,
    FEATURES,
    LABELS,
    Breaks,
    assert_same_run,
    assert_same_state,
    train,
)

VALIDATION = Validation((FEATURES[:50], LABELS[:50]), [metrics.accuracy])


class Told(Callback):
    """Writes down what it is told, a line for each step."""

    def __init__(self):
        self.lines = []

    def begin(self, info):
        self.lines = [("begin", info)]

    def steps(self, first, values):
        for k, loss in enumerate(values["loss"]):
            self.lines.append(("step", first + k, float(loss)))

    def epoch(self, epoch, step, values):
        numbers = {name: float(value) for name, value in values.items()}
        self.lines.append(("epoch", epoch, step, numbers))
        return False

    def end(self):
        self.lines.append(("end",))


@pytest.fixture(scope="module")
def uninterrupted():
    told = Told()
    return train(validation=VALIDATION, callbacks=[told]), told.lines


def test_they_do_not_change_the_numbers(uninterrupted, tmp_path):
    lines = JSONLines(tmp_path / "history.jsonl")
    watched = train(validation=VALIDATION, callbacks=[lines, Told()], chunk=3)
    assert_same_run(watched, train(validation=VALIDATION))
    assert_same_run(watched, uninterrupted[0])


def test_they_are_told_of_every_step_and_epoch_in_order(uninterrupted):
    run, told = uninterrupted
    assert told[0] == ("begin", RunInfo(0, 3 * BATCHES))
    assert told[-1] == ("end",)
    steps = [line for line in told if line[0] == "step"]
    assert steps == [("step", k, float(x)) for k, x in enumerate(run.history["loss"])]
    for epoch in (1, 2, 3):
        done = epoch * BATCHES
        at = next(n for n, line in enumerate(told) if line[:2] == ("epoch", epoch))
        assert told[at - 1][:2] == ("step", done - 1)
        losses = run.history["loss"][done - BATCHES : done]
        assert told[at][2:] == (
            done,
            {
                "loss": float(run.evaluations["loss"][epoch - 1]),
                "accuracy": float(run.evaluations["accuracy"][epoch - 1]),
                "train_loss": float(losses.mean()),
            },
        )


# In the first epoch, at an epoch's end, and in a later one.
@pytest.mark.parametrize("killed", [3, BATCHES, 11])
def test_a_resumed_run_tells_them_the_same(killed, uninterrupted, tmp_path):
    run, whole = uninterrupted
    checkpoints = Checkpoints(tmp_path, every=1)
    with pytest.raises(ZeroDivisionError):
        train(
            validation=VALIDATION,
            checkpoints=checkpoints,
            callbacks=[Told(), Breaks(killed)],
        )
    told = Told()
    resumed = train(validation=VALIDATION, checkpoints=checkpoints, callbacks=[told])
    assert_same_run(resumed, run)
    assert told.lines == whole


def test_one_that_raises_ends_the_run_and_the_checkpoint_stays(tmp_path):
    checkpoints = Checkpoints(tmp_path, every=5)
    with pytest.raises(ZeroDivisionError, match="a fault of the user's"):
        train(checkpoints=checkpoints, callbacks=[Breaks(12)])
    kept = checkpoints.steps()
    assert kept
    assert max(kept) <= 15
    assert_same_run(train(checkpoints=checkpoints), train())


def test_going_on_from_a_state_tells_of_the_new_steps_only(uninterrupted):
    whole = [line for line in uninterrupted[1] if line[0] == "step"]
    first = train(validation=VALIDATION, epochs=1)
    told = Told()
    train(validation=VALIDATION, state=first.state, callbacks=[told])
    assert told.lines[0] == ("begin", RunInfo(BATCHES, 3 * BATCHES))
    assert [x for x in told.lines if x[0] == "step"] == whole[BATCHES:]


def test_a_state_that_one_has_kept_is_gone_on_from(uninterrupted):
    class Keeps(Callback):
        def state(self, epoch, state):
            if epoch == 2:
                self.kept = state()

    keeps = Keeps()
    train(validation=VALIDATION, callbacks=[keeps])
    assert (keeps.kept.epoch, keeps.kept.batch) == (2, 0)
    resumed = train(validation=VALIDATION, state=keeps.kept)
    assert_same_state(resumed.state, uninterrupted[0].state)


def stopping():
    # Nothing is better by so much: it stops after the second epoch without.
    return EarlyStopping("loss", patience=2, min_delta=10.0)


def test_early_stopping_resumed_stops_where_it_would_have(tmp_path):
    whole = train(validation=VALIDATION, epochs=9, callbacks=[stopping()])
    assert len(whole.history["loss"]) == 3 * BATCHES
    checkpoints = Checkpoints(tmp_path, every=4)
    with pytest.raises(ZeroDivisionError):
        train(
            validation=VALIDATION,
            epochs=9,
            checkpoints=checkpoints,
            callbacks=[stopping(), Breaks(BATCHES + 5)],
        )
    again = stopping()
    resumed = train(
        validation=VALIDATION, epochs=9, checkpoints=checkpoints, callbacks=[again]
    )
    assert_same_run(resumed, whole)
    assert (again.stopped, again.best_epoch) == (True, 1)


def test_a_run_that_was_stopped_stays_stopped(tmp_path):
    told, again = Told(), Told()
    options = {"validation": VALIDATION, "epochs": 9, "checkpoints": tmp_path}
    first = train(callbacks=[stopping(), told], **options)
    assert len(first.history["loss"]) == 3 * BATCHES
    second = train(callbacks=[stopping(), again], **options)
    assert_same_run(first, second)
    assert told.lines == again.lines
    # Without what stopped it, the run goes on.
    further = train(**options)
    assert_same_run(further, train(validation=VALIDATION, epochs=9))
