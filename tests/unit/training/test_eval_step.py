# SPDX-License-Identifier: Apache-2.0
"""`make_eval_step`: pure, to be jitted, scanned, vmapped and sharded."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import flaxnn
from flaxnn import metrics, models, nn, optim
from flaxnn.random import Generator
from flaxnn.training import ModelState, TrainState, make_eval_step

SIZES = (8, 8, 5)


def model(seed: int = 0):
    return models.SoftmaxRegression(4, 3, rngs=Generator(seed))


def data(rows: int = sum(SIZES)):
    rng = np.random.default_rng(0)
    return rng.normal(size=(rows, 4)).astype(np.float32), rng.integers(0, 3, rows)


def wanted():
    return {
        "loss": nn.CrossEntropyLoss(reduction="none"),
        "hit": metrics.accuracy,
        "matrix": metrics.ConfusionMatrix(num_classes=3),
        "auroc": metrics.AUROC(from_logits=True, num_classes=3, capacity=sum(SIZES)),
    }


def padded():
    x, y = data()
    missing = -len(y) % SIZES[0]
    mask = np.arange(len(y) + missing) < len(y)
    x = np.pad(x, ((0, missing), (0, 0)), constant_values=np.nan)
    y = np.pad(y, (0, missing))
    shape = len(SIZES), SIZES[0]
    return (x.reshape(*shape, 4), y.reshape(shape)), mask.reshape(shape)


def assert_same(ours, theirs):
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), dict(ours), theirs
    )


def test_a_scan_with_a_padded_last_batch_is_evaluate():
    step, state = make_eval_step(model(), wanted()), ModelState.create(model())

    @jax.jit
    def run(batches):
        def body(states, batch):
            return step(states, state, *batch), None

        return jax.lax.scan(body, step.init(), batches)[0]

    expected = flaxnn.evaluate(model(), data(), metrics=wanted())
    values = step.compute(run(padded()))
    assert_same(values, expected)
    # Inside of jit the same numbers come out.
    assert_same(jax.jit(lambda b: step.compute(run(b)))(padded()), expected)


def test_a_state_of_training_will_do():
    step = make_eval_step(model(), wanted())
    train = TrainState.create(model(), optim.sgd())
    assert_same(
        step(step.init(), train, data()),
        step(step.init(), ModelState.create(model()), data()),
    )


def test_models_are_vmapped():
    step = make_eval_step(model(), [metrics.Accuracy()])
    seeds = [ModelState.create(model(seed)) for seed in (0, 1, 2)]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *seeds)
    states = jax.vmap(lambda m: step(step.init(), m, data()))(stacked)
    values = jax.vmap(step.compute)(states)
    for k in range(3):
        expected = flaxnn.evaluate(model(k), data(), metrics=[metrics.accuracy])
        assert float(values["accuracy"][k]) == pytest.approx(
            expected["accuracy"], rel=1e-6
        )


def test_states_of_chunks_merge():
    step, state = make_eval_step(model(), wanted()), ModelState.create(model())
    x, y = data()
    states, start = step.init(), 0
    for size in SIZES:
        rows = slice(start, start + size)
        states = step.merge(states, step(step.init(), state, (x[rows], y[rows])))
        start += size
    expected = flaxnn.evaluate(model(), data(), metrics=wanted())
    assert_same(step.compute(states), expected)


# XLA makes virtual devices only before it starts, so this runs on its own.
SHARDED = """
from functools import partial
import jax, numpy as np
import flaxnn
from flaxnn import metrics, models, nn
from flaxnn.random import Generator
from flaxnn.training import ModelState, make_eval_step

assert jax.device_count() == 4
wanted = {
    "loss": nn.CrossEntropyLoss(reduction="none"),
    "matrix": metrics.ConfusionMatrix(num_classes=3),
    "f1": metrics.F1(num_classes=3, average="macro"),
    "area": metrics.BinnedAUROC(from_logits=True, num_classes=3, n_bins=8),
    "ece": metrics.CalibrationError(from_logits=True, num_classes=3),
}
exact = {"exact": metrics.AUROC(from_logits=True, num_classes=3, capacity=24)}
model = models.SoftmaxRegression(4, 3, rngs=Generator(0))
rng = np.random.default_rng(0)
data = rng.normal(size=(24, 4)).astype(np.float32), rng.integers(0, 3, 24)
expected = flaxnn.evaluate(model, data, metrics=wanted | exact)
state = ModelState.create(model)
mesh = jax.make_mesh((4,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
whole, rows = jax.P(), jax.P("data")
batch = jax.device_put(data, jax.NamedSharding(mesh, rows))

step = make_eval_step(model, wanted | exact)
automatic = step.compute(jax.jit(step)(step.init(), state, batch))

step = make_eval_step(model, wanted)
@jax.jit
@partial(jax.shard_map, mesh=mesh, in_specs=(whole, rows), out_specs=whole)
def run(state, batch):
    return jax.lax.psum(step(step.init(), state, batch), "data")
summed = step.compute(run(state, batch))

for values in (automatic, summed):
    for name, value in values.items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-6)
assert len(automatic) == 6
"""


def test_batches_sharded_over_devices():
    environment = {
        **os.environ,
        "XLA_FLAGS": "--xla_force_host_platform_device_count=4",
        "JAX_PLATFORMS": "cpu",
    }
    subprocess.run([sys.executable, "-c", SHARDED], env=environment, check=True)


def test_equal_steps_share_a_compilation():
    traces = []

    @jax.jit
    def run(step, state, batch):
        traces.append(step)
        return step(step.init(), state, batch)

    for seed in (0, 1):
        step = make_eval_step(model(seed), wanted())
        run(step, ModelState.create(model(seed)), data())
    assert len(traces) == 1


def test_it_evaluates_in_evaluation_mode():
    # In training mode it would drop everything: class 0 or another for all.
    linear = nn.Linear(4, 3, rngs=Generator(0))
    net = nn.Sequential(nn.Dropout(1.0), linear).train()
    step = make_eval_step(net, [metrics.ConfusionMatrix(num_classes=3)])
    (x, y), state = data(), ModelState.create(net)
    matrix = step.compute(step(step.init(), state, (x, y)))["confusion_matrix"]
    predicted = np.asarray(linear(x)).argmax(axis=1)
    assert len(set(predicted)) > 1
    np.testing.assert_array_equal(matrix.sum(axis=0), np.bincount(predicted))


def test_bad_samples_of_a_compiled_step_are_named():
    step, state = make_eval_step(model(), wanted()), ModelState.create(model())
    x, y = data()
    states = jax.jit(step)(step.init(), state, (x, np.where(y == 1, 7, y)))
    with pytest.raises(ValueError, match="target out of range") as caught:
        step.compute(states)
    assert caught.value.__notes__ == ["This is the metric 'matrix'."]
    values = jax.jit(step.compute)(states)
    np.testing.assert_array_equal(values["matrix"], np.full((3, 3), -1))
    assert np.isnan(values["auroc"])
    with pytest.raises(ValueError, match="share a name"):
        make_eval_step(model(), [metrics.Accuracy(), metrics.accuracy])
