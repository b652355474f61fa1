# SPDX-License-Identifier: Apache-2.0
"""`compute_dtype="bfloat16"`: half precision inside, float32 all around it."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import flaxnn
from flaxnn import nn, optim
from flaxnn.data import load, train_test_split
from flaxnn.metrics import accuracy
from flaxnn.random import Generator
from flaxnn.training import TrainState, make_train_step


def data(rows=16):
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.normal(size=(rows, 4)), jnp.float32)
    return x, jnp.asarray(rng.integers(0, 3, rows))


class Probe(nn.Module):
    """Remembers the dtypes that go through it; changes nothing."""

    seen: tuple = ()

    def forward(self, x):
        Probe.seen = (*Probe.seen, x.dtype.name)
        return x


def step_of(model, optimizer=None, loss=None, freeze=(), **options):
    optimizer = optimizer or optim.adam(lr=0.01)
    loss = loss or nn.CrossEntropyLoss()
    step = make_train_step(model, loss, optimizer, compute_dtype="bfloat16", **options)
    return step, TrainState.create(model, optimizer, freeze=freeze)


def kinds(tree):
    return jax.tree.map(lambda leaf: leaf.dtype.name, tree)


def dtypes(tree):
    return {leaf.dtype.name for leaf in jax.tree.leaves(tree)}


@pytest.mark.parametrize("options", [{}, {"accumulate": 2}, {"remat": True}])
def test_inside_is_half_precision_and_the_state_is_not(options):
    rngs = Generator(0)
    model = nn.Sequential(
        nn.Linear(4, 8, rngs=rngs), Probe(), nn.BatchNorm1d(8), Probe(),
        nn.LayerNorm(8), nn.GELU(), Probe(), nn.Linear(8, 3, rngs=rngs),
    )  # fmt: skip
    step, state = step_of(model, metrics=[accuracy], **options)
    Probe.seen = ()
    new, values = jax.jit(step)(state, data())
    assert set(Probe.seen[-3:]) == {"bfloat16"}
    assert kinds(new) == kinds(state)
    assert dtypes((new.params, new.opt_state.exp_avg, values)) == {"float32"}
    assert dtypes(new.buffers) == {"float32", "int32"}
    # Half precision has 8 bits: these differ from float32 by rounding only.
    exact = make_train_step(
        model,
        nn.CrossEntropyLoss(),
        optim.adam(lr=0.01),
        metrics=[accuracy],
        **options,
    )
    _, expected = exact(state, data())
    assert 0 < abs(values["loss"] - expected["loss"]) < 0.02


def test_the_loss_meets_float32():
    seen = []

    def loss(output, target):
        seen.append(output.dtype.name)
        return jnp.mean((output - target) ** 2)

    step, state = step_of(nn.Linear(4, 4, rngs=Generator(0)), loss=loss)
    step(state, (data()[0], data()[0]))
    assert set(seen) == {"float32"}


def test_a_small_step_of_a_parameter_is_kept():
    """1e-4 on 1 is lost in half precision."""
    layer = nn.Linear(1, 1, bias=False, rngs=Generator(0))
    layer.weight.set_value(jnp.ones((1, 1)))
    step, state = step_of(layer, optim.sgd(lr=1e-4), lambda o, t: jnp.mean(o * t))
    new, _ = step(state, (jnp.ones((2, 1)), jnp.ones((2, 1))))
    assert 1 - float(new.params["weight"][0, 0]) == pytest.approx(1e-4, rel=1e-2)


def test_running_statistics_keep_small_steps():
    """Thousandths of a step towards a mean are lost in half precision."""
    model = nn.Sequential(
        nn.BatchNorm1d(4, momentum=1e-3), nn.Linear(4, 3, rngs=Generator(0))
    )
    model[0].running_mean.set_value(jnp.full(4, 100.0))
    step, state = step_of(model, optim.sgd(lr=0.0))
    new, _ = step(state, data())
    moved = np.asarray(new.buffers["0"]["running_mean"])
    x = data()[0].astype(jnp.bfloat16).astype(jnp.float32)
    np.testing.assert_allclose(moved, 99.9 + 1e-3 * x.mean(0), rtol=1e-6)


class Shifted(nn.Module):
    """Adds a constant that is not trained, as a positional encoding is."""

    def __init__(self):
        self.shift = nn.Buffer(jnp.full(4, 1 + 2**-12))
        self.fc = nn.Linear(4, 3, rngs=Generator(0))

    def forward(self, x):
        return self.fc(x + self.shift.get_value()[None])


def test_constants_are_cast_inside_and_come_back_as_they_were():
    step, state = step_of(Shifted())
    new, _ = step(state, data())
    np.testing.assert_array_equal(new.buffers["shift"], state.buffers["shift"])


def test_frozen_parameters_are_cast_inside_and_come_back_as_they_were():
    rngs = Generator(0)
    model = nn.Sequential(
        nn.Linear(4, 8, rngs=rngs), nn.Tanh(), nn.Linear(8, 3, rngs=rngs)
    )
    step, state = step_of(model, freeze=["0.*"])
    new, _ = step(state, data())
    jax.tree.map(np.testing.assert_array_equal, new.buffers, state.buffers)


def test_an_lstm_with_attention_and_dropout_draws_once():
    class Net(nn.Module):
        def __init__(self, rngs):
            self.lstm = nn.LSTM(4, 8, batch_first=True, rngs=rngs)
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True, rngs=rngs)
            self.drop = nn.Dropout(0.5)
            self.fc = nn.Linear(8, 3, rngs=rngs)

        def forward(self, x):
            h, _ = self.lstm(x)
            h, _ = self.attention(h, h, h)
            return self.fc(self.drop(h[:, -1]))

    step, state = step_of(Net(Generator(0)))
    x = jnp.ones((2, 5, 4))
    with nn.recording() as requests:
        jax.eval_shape(step, state, (x, jnp.array([0, 1])))
    assert [request.shape for request in requests] == [(2, 8)]


def test_float64_and_other_dtypes_are_refused():
    model = flaxnn.astype(nn.Linear(4, 3, rngs=Generator(0)), "float64")
    with jax.enable_x64(True):
        step, state = step_of(model)
        with pytest.raises(ValueError, match=r"for float32 models.*flaxnn\.astype"):
            step(state, data())
    for dtype in ("float16", jnp.float32):
        with pytest.raises(ValueError, match="compute_dtype must be 'bfloat16'"):
            make_train_step(
                model, nn.CrossEntropyLoss(), optim.sgd(), compute_dtype=dtype
            )


def test_either_way_to_write_the_dtype_is_the_same_step():
    steps = [
        make_train_step(
            nn.Linear(4, 3, rngs=Generator(0)),
            nn.CrossEntropyLoss(),
            optim.sgd(),
            compute_dtype=dtype,
        )
        for dtype in ("bfloat16", jnp.bfloat16)
    ]
    assert steps[0].forward == steps[1].forward


def test_wine_is_learned_as_well():
    pytest.importorskip("sklearn", reason="scikit-learn, which holds wine, is missing")
    x, x_test, y, y_test = train_test_split(
        *load("wine").arrays, test_size=0.3, random_state=0
    )
    mean, std = x.mean(0), x.std(0)
    x, x_test = (((a - mean) / std).astype(np.float32) for a in (x, x_test))
    scores = []
    for dtype in (None, "bfloat16"):
        rngs = Generator(0)
        model = nn.Sequential(
            nn.Linear(13, 32, rngs=rngs), nn.BatchNorm1d(32), nn.ReLU(),
            nn.Linear(32, 3, rngs=rngs),
        )  # fmt: skip
        optimizer = optim.adamw(lr=0.01)
        step = make_train_step(
            model, nn.CrossEntropyLoss(), optimizer, compute_dtype=dtype
        )
        state = TrainState.create(model, optimizer)
        run = jax.jit(
            lambda state, step=step: jax.lax.scan(
                lambda s, _: step(s, (x, y)), state, length=60
            )
        )
        state, history = run(state)
        assert history["loss"][-1] < 0.1 * history["loss"][0]
        output = flaxnn.predict(state.to_model(model), x_test)
        scores.append((np.argmax(output, 1) == y_test).mean())
    assert min(scores) > 0.95
    assert abs(scores[0] - scores[1]) < 0.03
