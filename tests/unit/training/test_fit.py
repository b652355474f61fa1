# SPDX-License-Identifier: Apache-2.0
"""`flaxnn.fit`: what it returns, leaves alone and refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import flaxnn
from flaxnn import data as data_module
from flaxnn import metrics, models, nn, optim, training
from flaxnn.data import DataLoader
from flaxnn.random import Generator
from flaxnn.training._loop import run_chunk


def arrays(rows: int = 23) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(rows, 4)).astype(np.float32), rng.integers(0, 3, rows)


def model(seed: int = 0) -> models.SoftmaxRegression:
    return models.SoftmaxRegression(4, 3, rngs=Generator(seed))


def train(loader_or_arrays, start=None, **options):
    defaults = {"loss": nn.CrossEntropyLoss(), "optimizer": optim.adam(lr=0.05)}
    return flaxnn.fit(start or model(), loader_or_arrays, **(defaults | options))


def loader(batch_size: int = 5, **options) -> DataLoader:
    return DataLoader(arrays(), batch_size, shuffle=True, rngs=Generator(1), **options)


def assert_same(a, b) -> None:
    a, b = a.state_dict(), b.state_dict()
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name])


def test_history_has_one_loss_for_each_step_and_starts_before_the_first_update():
    x, y = arrays()
    run = train((x, y), steps=7)
    first = nn.CrossEntropyLoss()(model()(x), y)
    assert run.history["loss"].shape == (7,)
    np.testing.assert_allclose(run.history["loss"][0], first, rtol=1e-6)
    assert run.history["loss"][-1] < run.history["loss"][0]


def test_epochs_over_arrays_are_full_batch_steps():
    a, b = train(arrays(), epochs=4), train(arrays(), steps=4)
    np.testing.assert_array_equal(a.history["loss"], b.history["loss"])
    assert_same(a.model, b.model)


def test_nothing_that_is_passed_in_changes():
    start, (x, y) = model(), arrays()
    before = {k: np.array(v) for k, v in start.state_dict().items()}
    x_before = x.copy()
    optimizer = optim.sgd(lr=0.1, momentum=0.9)
    first = train((x, y), start, optimizer=optimizer, steps=3)
    second = train((x, y), start, optimizer=optimizer, steps=3)
    np.testing.assert_array_equal(x, x_before)
    for name, value in start.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    np.testing.assert_array_equal(first.history["loss"], second.history["loss"])


def test_two_calls_from_equal_generators_are_bit_identical():
    a, b = train(loader(), epochs=3), train(loader(), epochs=3)
    np.testing.assert_array_equal(a.history["loss"], b.history["loss"])
    assert_same(a.model, b.model)


def test_the_generator_goes_on_as_a_loop_over_the_loader_would():
    trained, looped = Generator(5), Generator(5)
    train(DataLoader(arrays(), 4, shuffle=True, rngs=trained), epochs=2)
    for _ in range(2):
        for _ in DataLoader(arrays(), 4, shuffle=True, rngs=looped):
            pass
    np.testing.assert_array_equal(trained.get_state(), looped.get_state())


def test_batches_are_the_loaders_with_the_short_one_last():
    run = train(loader(), epochs=1, optimizer=optim.sgd(lr=0.0))
    loss = nn.CrossEntropyLoss()
    expected = [loss(model()(a), b) for a, b in loader()]
    assert len(expected) == 5
    np.testing.assert_allclose(run.history["loss"], np.array(expected), rtol=1e-6)


def test_drop_last_leaves_the_short_batch_out():
    assert len(train(loader(drop_last=True), epochs=2).history["loss"]) == 8


@pytest.mark.parametrize("chunk", [1, 2, 3, 4, 1000])
@pytest.mark.parametrize("full", [True, False])
def test_results_do_not_depend_on_the_chunk_length(chunk, full):
    data = arrays if full else loader
    a, b = train(data(), epochs=9), train(data(), epochs=9, chunk=chunk)
    np.testing.assert_array_equal(a.history["loss"], b.history["loss"])
    assert_same(a.model, b.model)


# 5 batches an epoch: inside one, at a short batch, at an epoch's end, and before any.
@pytest.mark.parametrize("stop", [0, 1, 3, 4, 5, 7, 10, 14])
@pytest.mark.parametrize("own", [True, False])
def test_a_run_that_is_resumed_ends_bit_identical(stop, own):
    def make() -> tuple[DataLoader, Generator]:
        generator = Generator(3)
        key = "generator" if own else "rngs"
        return DataLoader(arrays(), 5, shuffle=True, **{key: generator}), generator

    data, generator = make()
    whole = train(data, epochs=3, chunk=2)
    part = train(make()[0], steps=stop, chunk=2)
    data, resumed_generator = make()
    rest = train(data, epochs=3, chunk=2, state=part.state)
    losses = np.concatenate([part.history["loss"], rest.history["loss"]])
    np.testing.assert_array_equal(losses, whole.history["loss"])
    assert_same(rest.model, whole.model)
    np.testing.assert_array_equal(resumed_generator.get_state(), generator.get_state())


def test_a_state_can_be_resumed_twice():
    part = train(arrays(), steps=3)
    a = train(arrays(), steps=6, state=part.state)
    b = train(arrays(), steps=6, state=part.state)
    np.testing.assert_array_equal(a.history["loss"], b.history["loss"])
    whole = train(arrays(), steps=6)
    np.testing.assert_array_equal(a.history["loss"], whole.history["loss"][3:])


def test_metrics_ride_along():
    run = train(arrays(), steps=3, metrics={"hit": metrics.accuracy})
    x, y = arrays()
    expected = np.mean(np.argmax(model()(x), 1) == y)
    np.testing.assert_allclose(run.history["hit"][0], expected, rtol=1e-6)


def test_uint8_inputs_are_pixels_divided_by_255_exactly():
    images = np.arange(256, dtype=np.uint8).reshape(64, 4)
    labels = np.zeros(64, np.int64)
    as_pixels = train((images, labels), steps=3)
    as_floats = train((images / np.float32(255), labels), steps=3)
    np.testing.assert_array_equal(as_pixels.history["loss"], as_floats.history["loss"])


def test_any_optax_transformation_and_any_nnx_module_trains():
    start = nnx.Linear(4, 3, rngs=nnx.Rngs(0))
    run = flaxnn.fit(
        start,
        arrays(),
        loss=lambda output, target: jnp.mean(
            optax.softmax_cross_entropy_with_integer_labels(output, target)
        ),
        optimizer=optax.adam(0.05),
        steps=20,
    )
    assert isinstance(run.model, nnx.Linear)
    assert run.history["loss"][-1] < run.history["loss"][0]


class Counting(nn.Module):
    """Counts its forward passes in a buffer."""

    def __init__(self, *, rngs):
        self.fc = nn.Linear(4, 3, rngs=rngs)
        self.calls = nn.Buffer(jnp.zeros((), jnp.int32))

    def forward(self, x):
        if self.training:
            self.calls.set_value(self.calls.get_value() + 1)
        return self.fc(x)


def test_buffers_are_carried_through_the_run():
    run = train(loader(), Counting(rngs=Generator(0)), epochs=2)
    assert int(run.model.calls.get_value()) == 10
    assert int(run.state.train.buffers["calls"]) == 10
    data = arrays()
    flaxnn.evaluate(run.model, data, metrics=[metrics.accuracy])
    assert int(run.model.calls.get_value()) == 10


class Noisy(nn.Module):
    """Adds numbers that the host draws during the forward pass."""

    def __init__(self, *, rngs):
        self.fc = nn.Linear(4, 3, rngs=rngs)

    def forward(self, x):
        return self.fc(x) + nn.host_draw("rand", *self._shape(x), shape=self._shape(x))

    @staticmethod
    def _shape(x):
        return (len(x), 3)


@pytest.mark.parametrize("chunk", [1, 3, 1000])
def test_host_draws_come_from_the_stream_in_the_order_of_a_loop(chunk):
    generator = Generator(7)
    start = Noisy(rngs=generator)
    data = DataLoader(arrays(), 5, shuffle=True, rngs=generator)
    run = train(data, start, epochs=2, chunk=chunk, optimizer=optim.sgd(lr=0.0))
    looped = Generator(7)
    start = Noisy(rngs=looped)
    loss, expected = nn.CrossEntropyLoss(), []
    for _ in range(2):
        for x, y in DataLoader(arrays(), 5, shuffle=True, rngs=looped):
            with nn.providing([jnp.asarray(looped.rand(len(x), 3))]):
                expected.append(loss(start(x), y))
    np.testing.assert_allclose(run.history["loss"], np.array(expected), rtol=1e-6)
    np.testing.assert_array_equal(generator.get_state(), looped.get_state())


def test_host_draws_without_a_generator_are_refused():
    with pytest.raises(TypeError, match=r"pass the run's Generator as rngs="):
        train(arrays(), Noisy(rngs=Generator(0)), steps=1)


def test_equal_objects_built_anew_compile_once():
    def once(lr: float, steps: int) -> None:
        loss = nn.CrossEntropyLoss(weight=np.array([1.0, 2.0, 0.5], np.float32))
        train(arrays(), model(), loss=loss, optimizer=optim.sgd(lr, 0.9), steps=steps)

    once(0.1, 3)
    compiled = run_chunk._cache_size()
    once(0.2, 5)
    assert run_chunk._cache_size() == compiled


def test_a_run_compiles_one_program_and_one_for_a_short_batch():
    class Fresh(models.SoftmaxRegression):
        pass

    before = run_chunk._cache_size()
    train(loader(), Fresh(4, 3, rngs=Generator(0)), epochs=3, chunk=3)
    assert run_chunk._cache_size() == before + 2


def test_float64_models_train_in_float64():
    x, y = arrays()
    run = train((x.astype(np.float64), y), flaxnn.astype(model(), "float64"), steps=3)
    assert run.history["loss"].dtype == np.float64
    assert run.model.state_dict()["0.weight"].dtype == np.float64
    assert not jax.config.jax_enable_x64


def test_zero_steps_return_an_equal_model():
    run = train(arrays(), steps=0)
    assert run.history["loss"].shape == (0,)
    assert_same(run.model, model())


def test_a_progress_bar_is_shown_when_asked_for(monkeypatch, capsys):
    monkeypatch.setattr("flaxnn.training._progress._PATIENCE", 0.0)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    train(arrays(), steps=50, chunk=10, progress=True)
    assert "50/50" in capsys.readouterr().err


class Offset(nn.Module):
    """Gives itself away when it is in training mode."""

    def __init__(self, *, rngs):
        self.fc = nn.Linear(4, 3, rngs=rngs)

    def forward(self, x):
        return self.fc(x) + (100.0 if self.training else 0.0)


class Foreign(nnx.Module):
    def __init__(self):
        self.inner = Offset(rngs=Generator(0))

    def __call__(self, x):
        return self.inner(x)


def test_modes_reach_our_modules_inside_a_foreign_one():
    x, _ = arrays()
    out = flaxnn.predict(Foreign(), x)
    np.testing.assert_array_equal(out, flaxnn.predict(Offset(rngs=Generator(0)), x))
    assert np.abs(out).max() < 50


def test_the_trained_model_survives_a_donated_state():
    run = train(arrays(), steps=2)
    step = training.make_train_step(run.model, nn.CrossEntropyLoss(), optim.adam(0.1))
    jax.jit(step, donate_argnums=0)(run.state.train, tuple(map(jnp.asarray, arrays())))
    assert run.model(arrays()[0]).shape == (23, 3)


def test_host_draws_are_made_for_as_many_steps_as_fit(monkeypatch):
    generator = Generator(7)
    start = Noisy(rngs=generator)
    whole = train(arrays(), start, steps=9, rngs=Generator(8))
    monkeypatch.setattr("flaxnn.training._draws.MOST_BYTES", 600)
    pieces = train(arrays(), start, steps=9, rngs=Generator(8))
    np.testing.assert_array_equal(whole.history["loss"], pieces.history["loss"])


def test_a_loss_that_fits_batches_only_trains_on_batches():
    weight = np.linspace(1, 2, 5, dtype=np.float32)[:, None]
    x, y = arrays(20)
    data = DataLoader((x, (y[:, None] > 0).astype(np.float32)), 5)
    start = models.LogisticRegression(4, rngs=Generator(0))
    run = train(data, start, loss=nn.BCELoss(weight=weight), epochs=1)
    assert np.isfinite(run.history["loss"]).all()


def test_a_data_set_is_taken_for_its_arrays():
    iris = data_module.load("iris")
    scaled = [train(source, model(), steps=3) for source in (iris, iris.arrays)]
    np.testing.assert_array_equal(*(run.history["loss"] for run in scaled))
