"""`flaxnn.evaluate` and `flaxnn.predict`: every sample once."""

import numpy as np
import pytest

import flaxnn
from flaxnn import metrics, models, nn
from flaxnn.data import DataLoader
from flaxnn.random import Generator


def data(rows: int = 11):
    rng = np.random.default_rng(0)
    return rng.normal(size=(rows, 4)).astype(np.float32), rng.integers(0, 3, rows)


def model():
    return models.SoftmaxRegression(4, 3, rngs=Generator(0))


@pytest.mark.parametrize("batch_size", [None, 1, 3, 11, 50])
def test_every_sample_counts_once_whatever_the_batch(batch_size):
    x, y = data()
    result = flaxnn.evaluate(
        model(),
        (x, y),
        metrics={
            "accuracy": metrics.accuracy,
            "loss": nn.CrossEntropyLoss(reduction="none"),
            "mean": nn.CrossEntropyLoss(),
        },
        batch_size=batch_size,
    )
    logits = model()(x)
    assert result["accuracy"] == np.mean(np.argmax(logits, 1) == y)
    expected = float(nn.CrossEntropyLoss()(logits, y))
    assert result["loss"] == pytest.approx(expected, rel=1e-6)
    assert result["mean"] == pytest.approx(expected, rel=1e-6)


def test_a_loader_is_evaluated_once_and_draws_as_a_loop_does():
    x, y = data()
    generator, looped = Generator(0), Generator(0)
    loader = DataLoader((x, y), 4, rngs=generator)
    result = flaxnn.evaluate(model(), loader, metrics=[metrics.accuracy])
    assert result == flaxnn.evaluate(model(), (x, y), metrics=[metrics.accuracy])
    list(DataLoader((x, y), 4, rngs=looped))
    np.testing.assert_array_equal(generator.get_state(), looped.get_state())


@pytest.mark.parametrize("batch_size", [None, 1, 4, 50])
def test_predictions_are_the_models_outputs_in_order(batch_size):
    x, _ = data()
    out = flaxnn.predict(model(), x, batch_size=batch_size)
    assert isinstance(out, np.ndarray)
    np.testing.assert_allclose(out, model()(x), rtol=1e-6, atol=1e-6)


def test_pixels_are_converted():
    images = np.arange(8, dtype=np.uint8).reshape(2, 4)
    np.testing.assert_array_equal(
        flaxnn.predict(model(), images),
        flaxnn.predict(model(), images / np.float32(255)),
    )


def test_float64_models_predict_in_float64():
    x, _ = data()
    assert flaxnn.predict(flaxnn.astype(model(), "float64"), x).dtype == np.float64


def test_bad_input():
    x, y = data()
    with pytest.raises(ValueError, match="empty"):
        flaxnn.predict(model(), x[:0])
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        flaxnn.predict(model(), x[:, :2])
    with pytest.raises(ValueError, match="nan"):
        flaxnn.predict(model(), np.full((2, 4), np.nan, np.float32))
    with pytest.raises(ValueError, match="one value for each sample"):
        flaxnn.evaluate(model(), (x, y), metrics={"bad": lambda o, t: o})
    loader = DataLoader((x, y), 4)
    with pytest.raises(TypeError, match="batch_size is the DataLoader's"):
        flaxnn.evaluate(model(), loader, metrics=[metrics.accuracy], batch_size=2)
    loss = nn.CrossEntropyLoss(reduction="none")
    with pytest.raises(IndexError, match="Target 9 is out of bounds"):
        flaxnn.evaluate(model(), (x, np.full(11, 9)), metrics=[loss])
    with pytest.raises(ValueError, match="share a name"):
        flaxnn.evaluate(model(), (x, y), metrics=[metrics.accuracy] * 2)
    with pytest.raises(ValueError, match="batch_size"):
        flaxnn.predict(model(), x, batch_size=0)
