# SPDX-License-Identifier: Apache-2.0
"""Batch norm and dropout in `flaxnn.fit`: state, draws, resuming, refusals."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import flaxnn
from flaxnn import metrics, nn, optim
from flaxnn.data import DataLoader
from flaxnn.random import Generator
from flaxnn.training import TrainState, make_train_step
from flaxnn.training._loop import run_chunk


def arrays(rows: int = 23) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(rows, 4)).astype(np.float32), rng.integers(0, 3, rows)


def net(rngs: Generator | nnx.Rngs) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(4, 8, rngs=rngs),
        nn.BatchNorm1d(8),
        nn.ReLU(),
        nn.Dropout(0.4, rngs=rngs),
        nn.Linear(8, 3, rngs=rngs),
    )


def train(model, data, **options):
    defaults = {"loss": nn.CrossEntropyLoss(), "optimizer": optim.sgd(lr=0.1)}
    return flaxnn.fit(model, data, **(defaults | options))


def assert_same(a: nn.Module, b: nn.Module) -> None:
    a_state, b_state = a.state_dict(), b.state_dict()
    assert a_state.keys() == b_state.keys()
    for name in a_state:
        np.testing.assert_array_equal(a_state[name], b_state[name])


def test_a_run_trains_in_training_mode_and_gives_the_mode_back():
    generator = Generator(0)
    model = net(generator).eval()
    run = train(model, DataLoader(arrays(), 5, rngs=generator), epochs=2)
    assert not run.model.training
    assert not model.training
    state, before = run.model.state_dict(), model.state_dict()
    assert int(state["1.num_batches_tracked"]) == 10
    assert int(before["1.num_batches_tracked"]) == 0
    assert np.abs(state["1.running_mean"]).min() > 0


def test_the_running_statistics_are_the_loops():
    """At a learning rate of 0 only the statistics move."""
    generator = Generator(0)
    model = net(generator)
    still = optim.sgd(lr=0.0)
    run = train(
        model, DataLoader(arrays(), 5, rngs=generator), epochs=1, optimizer=still
    )
    x, _ = arrays()
    mean, var = np.zeros(8), np.ones(8)
    for start in range(0, 23, 5):
        hidden = np.asarray(model[0](x[start : start + 5]), np.float64)
        mean = 0.9 * mean + 0.1 * hidden.mean(0)
        var = 0.9 * var + 0.1 * hidden.var(0, ddof=1)
    state = run.model.state_dict()
    np.testing.assert_allclose(state["1.running_mean"], mean, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(state["1.running_var"], var, rtol=1e-5)


def test_the_masks_are_drawn_after_the_order_and_step_by_step():
    generator, expected = Generator(1), Generator(1)
    model, _ = net(generator), net(expected)
    x, y = arrays()
    run = train(
        model,
        DataLoader((x, y), 5, shuffle=True, rngs=generator),
        epochs=2,
        optimizer=optim.sgd(lr=0.0),
    )
    loss, losses = nn.CrossEntropyLoss(), []
    for _ in range(2):
        for inputs, target in DataLoader((x, y), 5, shuffle=True, rngs=expected):
            mask = expected.bernoulli(1 - 0.4, (len(inputs), 8), bool)
            with nn.providing([jnp.asarray(mask)]):
                losses.append(loss(nnx.clone(model)(inputs), target))
    np.testing.assert_allclose(run.history["loss"], np.array(losses), rtol=1e-5)
    np.testing.assert_array_equal(generator.get_state(), expected.get_state())


# 5 batches an epoch: inside one, at the short batch, at the end of one.
@pytest.mark.parametrize("stop", [1, 3, 4, 5, 7])
@pytest.mark.parametrize("source", [Generator, nnx.Rngs])
def test_a_run_that_is_resumed_ends_bit_identical(stop, source):
    def make():
        generator = Generator(3)
        model = net(source(0) if source is nnx.Rngs else generator)
        return model, DataLoader(arrays(), 5, shuffle=True, rngs=generator), generator

    model, data, generator = make()
    whole = train(model, data, epochs=3, chunk=2)
    model, data, _ = make()
    part = train(model, data, steps=stop, chunk=2)
    model, data, resumed = make()
    rest = train(model, data, epochs=3, chunk=2, state=part.state)
    series = np.concatenate([part.history["loss"], rest.history["loss"]])
    np.testing.assert_array_equal(series, whole.history["loss"])
    assert_same(rest.model, whole.model)
    np.testing.assert_array_equal(resumed.get_state(), generator.get_state())


def test_masks_from_jax_keys_move_with_the_state():
    model = net(nnx.Rngs(0))
    loader = DataLoader(arrays(20), 5)
    still = optim.sgd(lr=0.0)
    run = train(model, loader, epochs=3, optimizer=still, metrics=[metrics.accuracy])
    counts = [model[3].keys.count.get_value(), run.model[3].keys.count.get_value()]
    assert list(map(int, counts)) == [0, 12]
    # Without updates the epochs differ by their masks alone.
    epochs = run.history["loss"].reshape(3, 4)
    assert not np.array_equal(epochs[0], epochs[1])
    again = train(net(nnx.Rngs(0)), loader, epochs=3, optimizer=still)
    np.testing.assert_array_equal(run.history["loss"], again.history["loss"])
    other = train(net(nnx.Rngs(1)), loader, epochs=3, optimizer=still)
    assert not np.array_equal(run.history["loss"], other.history["loss"])


def test_layers_from_one_rngs_have_masks_of_their_own():
    rngs = nnx.Rngs(0)
    first, second = nn.Dropout(0.5, rngs=rngs), nn.Dropout(0.5, rngs=rngs)
    x = jnp.ones(64)
    masks = [first(x), second(x), first(x)]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert not np.array_equal(masks[a], masks[b])
    assert 0.3 < float((masks[0] == 0).mean()) < 0.7


def test_evaluating_moves_neither_statistics_nor_streams():
    generator = Generator(0)
    run = train(net(generator), DataLoader(arrays(), 5, rngs=generator), epochs=1)
    before, state = generator.get_state(), run.model.state_dict()
    one_by_one = flaxnn.predict(run.model, arrays()[0], batch_size=1)
    together = flaxnn.predict(run.model, arrays()[0])
    np.testing.assert_allclose(one_by_one, together, rtol=1e-5, atol=1e-6)
    flaxnn.evaluate(run.model, arrays(), metrics=[metrics.accuracy])
    np.testing.assert_array_equal(generator.get_state(), before)
    for name, value in run.model.state_dict().items():
        np.testing.assert_array_equal(value, state[name])


def test_a_last_batch_of_one_sample_is_refused_before_the_run():
    generator = Generator(0)
    model = net(generator)
    before = generator.get_state()

    def one_left(**options):
        return DataLoader(arrays(21), 5, rngs=generator, **options)

    with pytest.raises(ValueError, match=r"more than 1 value per channel.*drop_last"):
        train(model, one_left(), epochs=1)
    np.testing.assert_array_equal(generator.get_state(), before)
    assert len(train(model, one_left(), steps=4).history["loss"]) == 4
    assert len(train(model, one_left(drop_last=True), epochs=1).history["loss"]) == 4


def test_masks_do_not_come_from_a_loaders_own_generator():
    """PyTorch's loader draws its order from it, dropout from the global one."""
    own, run_stream = Generator(1), Generator(2)
    model = net(Generator(0))
    loader = DataLoader(arrays(), 5, shuffle=True, generator=own)
    with pytest.raises(TypeError, match=r"pass the run's Generator as rngs="):
        train(model, loader, epochs=1)
    by_fit = train(model, loader, epochs=1, rngs=run_stream)
    assert run_stream.words_drawn == 2 * 23 * 8
    both = DataLoader(
        arrays(), 5, shuffle=True, rngs=Generator(2), generator=Generator(1)
    )
    by_loader = train(model, both, epochs=1)
    np.testing.assert_array_equal(by_fit.history["loss"], by_loader.history["loss"])


def test_an_older_pytorchs_masks_take_one_word_each():
    """MKL's rule on Intel processors, up to 2.6."""
    generator = Generator(0, torch_version="2.6")
    model = net(Generator(0))
    train(model, arrays(), steps=3, rngs=generator)
    assert generator.words_drawn == 3


def test_equal_nets_built_anew_compile_once():
    def once(seed: int) -> None:
        generator = Generator(seed)
        train(net(generator), arrays(), steps=2, rngs=generator)

    once(0)
    compiled = run_chunk._cache_size()
    once(1)
    assert run_chunk._cache_size() == compiled


def test_a_frozen_table_is_left_as_it_is():
    table = np.arange(6, dtype=np.float32).reshape(3, 2)
    for freeze in (True, False):
        model = nn.Sequential(
            nn.Embedding.from_pretrained(table, freeze=freeze),
            nn.Linear(2, 3, rngs=Generator(0)),
        )
        decay = optim.sgd(lr=0.1, weight_decay=0.5)
        run = train(model, (np.arange(3), np.arange(3)), steps=2, optimizer=decay)
        same = np.array_equal(run.model.state_dict()["0.weight"], table)
        assert same == freeze
        names = [name for name, _ in run.model.named_parameters()]
        assert ("0.weight" in names) != freeze


def test_a_step_of_ones_own_takes_the_masks_it_asks_for():
    generator, same = Generator(0), Generator(0)
    model, data = net(generator), arrays()
    run = train(net(same), data, steps=3, rngs=same)
    optimizer = optim.sgd(lr=0.1)
    step = make_train_step(model, nn.CrossEntropyLoss(), optimizer)
    state = TrainState.create(model, optimizer)
    batch = tuple(map(jnp.asarray, data))
    with nn.recording() as requests:
        jax.eval_shape(step, state, batch)
    assert [request.shape for request in requests] == [(23, 8)]
    for _ in range(3):
        state, _ = step(state, batch, [r.draw(generator) for r in requests])
    for name, value in state.to_model(model).state_dict().items():
        expected = run.model.state_dict()[name]
        np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-7)
    with pytest.raises(RuntimeError, match=r"outside flaxnn\.fit"):
        step(state, batch)
