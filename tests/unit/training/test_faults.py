# SPDX-License-Identifier: Apache-2.0
"""Losses that are not finite, signals, and too little memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from functools import lru_cache

import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import kill_resume
from flaxnn import fit, models, nn, optim, predict
from flaxnn import functional as F
from flaxnn.random import Generator
from flaxnn.training import Checkpoints, NonFiniteLossError, OutOfMemoryError
from tests.unit.training.runs import (
    FEATURES,
    LABELS,
    Net,
    assert_same_state,
    train,
)

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


@lru_cache
def breaks(limit):
    """A cross entropy that is infinite once a logit is beyond a limit."""

    def loss(output, target):
        return F.cross_entropy(output, target) / jnp.where(output.max() > limit, 0, 1)

    return loss


# Breaks in the first, in a later, and in the short batch of an epoch.
@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("limit", [0.3, 1.7, 2.4])
@pytest.mark.parametrize("chunk", [1, 4096])
def test_the_run_stops_before_the_first_bad_step(limit, own, chunk):
    loss = breaks(limit)
    blind = train(own=own, loss=loss, epochs=12, nonfinite="continue")
    first = int(np.argmin(np.isfinite(blind.history["loss"])))
    with pytest.raises(NonFiniteLossError) as caught:
        train(own=own, loss=loss, epochs=12, chunk=chunk)
    error = caught.value
    assert error.step == first
    np.testing.assert_array_equal(error.history["loss"], blind.history["loss"][:first])
    before = train(own=own, loss=loss, steps=first)
    state = error.state
    if state.batch:
        assert_same_state(state, before.state)
    # Whatever the place in the epoch, going on from it is going on.
    further = train(
        own=own, loss=loss, steps=first + 3, state=state, nonfinite="continue"
    )
    np.testing.assert_array_equal(
        further.history["loss"], blind.history["loss"][first : first + 3]
    )


def test_the_error_names_step_batch_rows_and_reason():
    with pytest.raises(NonFiniteLossError) as caught:
        train(loss=breaks(1.7), epochs=12)
    error = caught.value
    assert f"step {error.step} is inf" in str(error)
    assert f"epoch {error.epoch}, batch {error.batch}, rows" in str(error)
    assert "the parameters before it are finite" in str(error)
    assert error.rows is not None
    assert len(error.rows) in (32, 203 % 32)
    model = error.state.train.to_model(Net(rngs=Generator(0)))
    # Without dropout the rows themselves are near the limit.
    assert predict(model, FEATURES[error.rows]).max() > 1


def test_parameters_that_were_lost_before_are_named():
    with pytest.raises(NonFiniteLossError, match=r"net\.\S+ was nan or infinite"):
        train(loss=nn.CrossEntropyLoss(reduction="sum"), optimizer=optim.sgd(lr=3e38))
    with pytest.raises(NonFiniteLossError, match=r"the largest \S+e\+3\d in net\."):
        train(optimizer=optim.sgd(lr=1e38))


def test_a_whole_data_set_is_said_to_be_the_batch():
    model = models.SoftmaxRegression(4, 3, rngs=Generator(0))
    with pytest.raises(NonFiniteLossError, match="the whole data set"):
        fit(
            model,
            (FEATURES, LABELS),
            loss=nn.CrossEntropyLoss(),
            optimizer=optim.sgd(lr=1e38),
            steps=10,
        )


def test_the_state_before_is_the_newest_checkpoint(tmp_path):
    with pytest.raises(NonFiniteLossError) as caught:
        train(loss=breaks(1.7), epochs=12, checkpoints=Checkpoints(tmp_path, every=4))
    assert Checkpoints(tmp_path).steps()[-1] == caught.value.step


def test_too_little_memory_says_what_to_try():
    # 2^21 rows by 2^22 columns of logits: 32 TiB, which no machine has.
    class Wide(nn.Module):
        def __init__(self):
            self.weight = nn.Parameter(np.zeros((1, 1), np.float32))

        def forward(self, x):
            wide = jnp.ones((1, 1 << 22), x.dtype) * self.weight[...]
            return jnp.sin(x @ wide) @ jnp.cos(wide).T

    rows = np.zeros((1 << 21, 1), np.float32)
    with pytest.raises(OutOfMemoryError, match=r"batch_size of 2097152.*accumulate="):
        fit(
            Wide(),
            (rows, rows),
            loss=nn.MSELoss(),
            optimizer=optim.sgd(lr=0.1),
            steps=1,
        )


FULL = """
    import resource, sys
    import numpy as np
    from flaxnn.training import CheckpointError, Checkpoints
    from tests.unit.training.runs import assert_same_run, train

    whole = train(epochs=12)
    train(steps=20, checkpoints=Checkpoints(sys.argv[1], every=20))
    # No file may grow beyond this from here on, as on a disk that is full.
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
    try:
        train(epochs=12, checkpoints=Checkpoints(sys.argv[1], every=20))
    except CheckpointError as error:
        assert_same_run(error.run, whole)
        print("kept", error)
    """


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_full_disk_loses_neither_the_run_nor_earlier_checkpoints(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL), str(tmp_path)],
        capture_output=True,
        env=ENVIRONMENT,
        text=True,
        timeout=300,
    )
    assert done.stdout.startswith("kept"), done.stderr
    assert Checkpoints(tmp_path).steps() == (20,)
    resumed = train(epochs=12, checkpoints=tmp_path)
    np.testing.assert_array_equal(
        resumed.history["loss"], train(epochs=12).history["loss"]
    )


@pytest.mark.slow
def test_a_killed_run_ends_as_one_that_nobody_killed():
    run = kill_resume.kill_and_resume(0, seed=1)
    assert not any(kill["too_late"] for kill in run["kills"])
    assert run["digest"] == kill_resume.finish(kill_resume.start(None))


SCRIPT = """
    import sys, time
    from flaxnn.training import Checkpoints
    from flaxnn.training.callbacks import Callback
    from tests.unit.training.runs import train

    class Slow(Callback):
        def steps(self, first, values):
            print(first + len(values["loss"]), flush=True)
            time.sleep(0.05)

    train(epochs=120, chunk=8, callbacks=[Slow()],
          checkpoints=Checkpoints(sys.argv[1], every=1000))
    """


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)]
)
def test_a_signal_saves_and_ends(number, status, tmp_path):
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), str(tmp_path)]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) > 100:
                break
        process.send_signal(number)
        process.communicate(timeout=120)
    assert process.returncode in (status, -number)
    checkpoints = Checkpoints(tmp_path, every=1000)
    assert checkpoints.steps()[-1] > 100
    resumed = train(epochs=120, chunk=512, checkpoints=checkpoints)
    whole = train(epochs=120, chunk=512)
    np.testing.assert_array_equal(resumed.history["loss"], whole.history["loss"])
