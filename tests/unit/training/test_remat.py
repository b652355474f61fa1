# SPDX-License-Identifier: Apache-2.0
"""`remat`: the same step in less memory."""

from __future__ import annotations

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from flaxnn import nn, optim
from flaxnn.random import Generator
from flaxnn.training import TrainState, make_train_step
from flaxnn.training._remat import rematerialized


def net(rngs=None):
    keys, rngs = rngs, Generator(0)
    return nn.Sequential(
        # A bias before a batch norm has no gradient but rounding.
        nn.Linear(4, 8, bias=False, rngs=rngs),
        nn.BatchNorm1d(8),
        nn.GELU(),
        nn.Dropout(0.4, rngs=keys),
        nn.Linear(8, 8, rngs=rngs),
        nn.SELU(),
        nn.Linear(8, 3, rngs=rngs),
    )


def data(rows=12):
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.normal(size=(rows, 4)), jnp.float32)
    return x, jnp.asarray(rng.integers(0, 3, rows))


@pytest.mark.parametrize(("keys", "options"), [(True, {}), (False, {"accumulate": 3})])
def test_the_numbers_are_the_same(keys, options):
    """Losses, parameters, running statistics, and masks of either kind."""
    optimizer = optim.adam(lr=0.01)
    results = []
    for remat in (False, True):
        model = net(nnx.Rngs(0) if keys else None)
        loss = nn.CrossEntropyLoss()
        step = make_train_step(model, loss, optimizer, remat=remat, **options)
        state = TrainState.create(model, optimizer)
        with nn.recording() as requests:
            jax.eval_shape(step, state, data())
        generator, run, losses = Generator(1), jax.jit(step), []
        for _ in range(5):
            draws = [request.draw(generator) for request in requests]
            state, metrics = run(state, data(), draws)
            losses.append(metrics["loss"])
        results.append((losses, state.to_model(model).state_dict()))
        assert bool(requests) != keys
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-6, atol=2e-7), *results
    )


def test_tracing_twice_asks_for_the_draws_twice():
    """A trace that JAX kept would ask for none."""
    model, optimizer = net(), optim.sgd()
    for _ in range(2):
        step = make_train_step(model, nn.CrossEntropyLoss(), optimizer, remat=True)
        with nn.recording() as requests:
            jax.eval_shape(step, TrainState.create(model, optimizer), data())
        assert [r.shape for r in requests] == [(12, 8)]


def test_any_function_of_trees():
    def function(tree, y):
        a, b = jnp.sin(tree["a"]), tree["b"]
        return {"both": jnp.where(y, a @ b, 1.0), "same": b, "constant": 2.0}

    tree = {"a": jnp.ones((2, 3)), "b": jnp.arange(6.0).reshape(3, 2)}
    y = jnp.array([[True, False], [False, True]])
    ours, theirs = rematerialized(function)(tree, y), function(tree, y)
    assert jax.tree.structure(ours) == jax.tree.structure(theirs)
    jax.tree.map(np.testing.assert_array_equal, ours, theirs)

    def total(f):
        return lambda tree: f(tree, y)["both"].sum() + f(tree, y)["same"].sum()

    ours, theirs = (
        jax.grad(total(f))(tree) for f in (rematerialized(function), function)
    )
    jax.tree.map(np.testing.assert_array_equal, ours, theirs)
    assert rematerialized(lambda x: x)(3.0) == 3.0


def test_pieces_are_computed_again():
    model = nn.Sequential(
        *(m for _ in range(8) for m in (nn.Linear(4, 4, rngs=Generator(0)), nn.Tanh()))
    )
    optimizer, texts = optim.sgd(lr=0.1), []
    for remat in (False, True):
        step = make_train_step(model, nn.MSELoss(), optimizer, remat=remat)
        state = TrainState.create(model, optimizer)
        batch = jnp.ones((2, 4)), jnp.ones((2, 4))
        texts.append(jax.jit(step).lower(state, batch).as_text())
    plain, cut = texts
    assert cut.count("dot_general") > plain.count("dot_general")
    # One for each of about √(operations) pieces: no single one around the whole.
    assert plain.count("optimization_barrier") == 0
    assert cut.count("optimization_barrier") >= 4


MEMORY = """
import jax, jax.numpy as jnp
from flaxnn import nn, optim
from flaxnn.random import Generator
from flaxnn.training import TrainState, make_train_step

rngs, layers = Generator(0), []
for _ in range(16):
    layers += [nn.Linear(64, 64, rngs=rngs), nn.GELU()]
model, optimizer = nn.Sequential(*layers), optim.sgd(lr=0.1)
batch = jnp.ones((2048, 64)), jnp.ones((2048, 64))
for remat in (False, True):
    step = make_train_step(model, nn.MSELoss(), optimizer, remat=remat)
    state = TrainState.create(model, optimizer)
    compiled = jax.jit(step).lower(state, batch).compile()
    print(compiled.memory_analysis().temp_size_in_bytes)
"""


def test_it_takes_less_memory():
    """In an order of operations that minds memory; a CPU's default minds cores."""
    flag = "--xla_cpu_enable_concurrency_optimized_scheduler=false"
    environment = {**os.environ, "XLA_FLAGS": flag, "JAX_PLATFORMS": "cpu"}
    out = subprocess.run(
        [sys.executable, "-c", MEMORY],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    plain, cut = map(int, out.stdout.split())
    assert cut < 0.7 * plain


@pytest.mark.parametrize("remat", [1, "yes", None])
def test_other_values_are_refused(remat):
    with pytest.raises(TypeError, match="remat must be True or False"):
        make_train_step(net(), nn.CrossEntropyLoss(), optim.sgd(), remat=remat)
