# SPDX-License-Identifier: Apache-2.0
"""The compiled chunk of a run: precision, donation, how devices talk."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from flaxnn import models, nn, optim
from flaxnn.data import pixel_table
from flaxnn.random import Generator
from flaxnn.training import TrainState, make_train_step
from flaxnn.training._loop import run_chunk
from flaxnn.training._placement import Placement

ROOT = Path(__file__).parents[3]
CAPACITY, BATCH, SAMPLES = 5, 2, 8


def chunk_arguments():
    """A chunk of document 004's model, as `fit` calls it."""
    model, optimizer = models.NeuralNetwork(rngs=Generator(0)), optim.sgd(lr=0.01)
    images = jnp.zeros((SAMPLES, 28, 28), jnp.uint8)
    return (
        make_train_step(model, nn.CrossEntropyLoss(), optimizer),
        TrainState.create(model, optimizer),
        (images, jnp.arange(SAMPLES, dtype=jnp.int32)),
        jnp.asarray(pixel_table()),
        jnp.zeros((CAPACITY, BATCH), jnp.int32),
        ((), ()),
        CAPACITY,
    )


@pytest.mark.parametrize("platform", ["cpu", "cuda", "tpu"])
def test_the_exported_chunk_asks_for_highest_precision(platform):
    leaves, treedef = jax.tree.flatten(chunk_arguments())

    def on_leaves(leaves):
        arguments = treedef.unflatten(leaves)
        return jax.tree.leaves(
            run_chunk(*arguments, capacity=CAPACITY, placement=Placement())
        )

    exported = jax.export.export(jax.jit(on_leaves), platforms=[platform])(leaves)
    text = exported.mlir_module()
    dots = re.findall(r"stablehlo\.dot_general.*", text)
    # Three layers forward, three gradients of weights, two of inputs.
    assert len(dots) == 8
    assert all(dot.count("HIGHEST") == 2 for dot in dots), dots
    assert "f64" not in text


def test_the_state_is_written_where_it_was():
    arguments = chunk_arguments()
    size = sum(leaf.nbytes for leaf in jax.tree.leaves(arguments[1]))
    lowered = run_chunk.lower(*arguments, capacity=CAPACITY, placement=Placement())
    memory = lowered.compile().memory_analysis()
    assert memory.alias_size_in_bytes >= size > 2_000_000


# Programs for devices in the plural, so a process of its own: their number is fixed
# when JAX starts.
ON_FOUR_DEVICES = r"""
import json, re
import jax, numpy as np
import flaxnn
from flaxnn import data, nn, optim
from flaxnn.random import Generator
from flaxnn.training import _engine

run_chunk, programs = _engine.run_chunk, {}

def spy(*args, placement, **options):
    options["placement"] = placement
    size = 0 if args[4] is None else args[4].shape[1]
    if placement.mesh is not None and size not in programs:
        programs[size] = run_chunk.lower(*args, **options).compile().as_text()
    return run_chunk(*args, **options)

_engine.run_chunk = spy
rng = np.random.default_rng(0)
x = rng.standard_normal((72, 20)).astype(np.float32)
labels = rng.integers(0, 5, 72)
labels[3] = -100
weighed = nn.CrossEntropyLoss(weight=np.arange(1.0, 6.0, dtype=np.float32))
floats = rng.standard_normal((72, 5)).astype(np.float32)
mesh = jax.make_mesh((4,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))

def losses(mesh, loss, rows, target, batch_size):
    g = Generator(0)
    layers = nn.Linear(20, 16, rngs=g), nn.ReLU(), nn.Linear(16, 5, rngs=g)
    feed = (x[:rows], target[:rows])
    if batch_size:
        feed = data.DataLoader(feed, batch_size, shuffle=True, rngs=g)
    run = flaxnn.fit(nn.Sequential(*layers), feed, loss=loss, mesh=mesh,
                     optimizer=optim.sgd(lr=0.1), steps=20, progress=False)
    return run.history["loss"]

report = {}
for name, *case in [
    ("mini-batches", nn.CrossEntropyLoss(), 70, labels, 16),
    ("full batch", weighed, 72, labels, None),
    ("regression", nn.MSELoss(), 72, floats, 24),
]:
    alone = losses(None, *case)
    programs.clear()
    shared = losses(mesh, *case)
    talk = [
        re.findall(r" (all-\w+|collective-permute|reduce-scatter)(?:-start)?\(", text)
        for text in programs.values()
    ]
    report[name] = {"off": float(np.max(np.abs(shared / alone - 1))), "talk": talk}
print(json.dumps(report))
"""


@pytest.fixture(scope="module")
def on_four_devices():
    environment = os.environ | {
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": "--xla_force_host_platform_device_count=4",
    }
    done = subprocess.run(
        [sys.executable, "-c", ON_FOUR_DEVICES],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", ["mini-batches", "full batch", "regression"])
def test_a_mesh_changes_the_losses_by_rounding_only(on_four_devices, name):
    assert on_four_devices[name]["off"] < 1e-6


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # The last batch, of 6, cannot be shared by 4: each device has all of it.
        ("mini-batches", [["all-reduce"], []]),
        ("full batch", [["all-reduce"]]),
        ("regression", [["all-reduce"]]),
    ],
)
def test_devices_that_share_a_batch_talk_once_for_each_step(
    on_four_devices, name, expected
):
    assert on_four_devices[name]["talk"] == expected


def test_labels_that_lie_whole_change_no_bit():
    from flaxnn._counted import whole_labels
    from flaxnn.functional import cross_entropy

    logits = np.random.default_rng(0).standard_normal((6, 3)).astype(np.float32)
    labels = jnp.array([0, 2, -100, 1, 1, 0])
    weight = jnp.array([0.5, 1.0, 3.0])

    def both(whole):
        with whole_labels(whole):
            return jax.value_and_grad(
                lambda z: cross_entropy(z, labels, weight, label_smoothing=0.1)
            )(logits)

    jax.tree.map(np.testing.assert_array_equal, both(True), both(False))
    assert np.isfinite(both(True)[0])


def test_a_state_is_copied_without_compiling_a_program_for_each_shape(caplog):
    # No other test has arrays of these shapes, so nothing is compiled already.
    model = nn.Linear(37, 41, rngs=Generator(0))
    with jax.log_compiles():
        state = TrainState.create(model, optim.sgd(lr=0.01))
        copy = state.copy()
    assert "jit(copy)" not in caplog.text
    for ours, theirs in zip(
        jax.tree.leaves(copy.params), jax.tree.leaves(state.params), strict=True
    ):
        assert ours.unsafe_buffer_pointer() != theirs.unsafe_buffer_pointer()
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


def test_a_state_is_copied_inside_a_program_too():
    state = TrainState.create(models.NeuralNetwork(rngs=Generator(0)), optim.sgd(lr=1))
    copy = jax.jit(TrainState.copy)(state)
    jax.tree.map(np.testing.assert_array_equal, copy, state)
