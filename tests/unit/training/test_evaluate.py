# SPDX-License-Identifier: Apache-2.0
"""`flaxnn.evaluate` and `flaxnn.predict`: every sample once."""

import numpy as np
import pytest

import flaxnn
from flaxnn import metrics, models, nn, optim
from flaxnn.data import DataLoader
from flaxnn.random import Generator
from flaxnn.training import _evaluate


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


def score_metrics():
    return {
        "f1": metrics.F1(num_classes=3, average="macro"),
        "confusion": metrics.ConfusionMatrix(num_classes=3),
        "auroc": metrics.AUROC(from_logits=True, num_classes=3),
        "binned": metrics.BinnedAUROC(from_logits=True, num_classes=3, average=None),
        "ece": metrics.CalibrationError(from_logits=True, num_classes=3),
        "loss": nn.CrossEntropyLoss(reduction="none"),
        "top": metrics.TopKAccuracy(2),
        "accuracy": metrics.Accuracy(),
    }


@pytest.mark.parametrize("batch_size", [1, 4, 50])
def test_streaming_metrics_do_not_depend_on_the_batches(batch_size):
    result = flaxnn.evaluate(
        model(), data(), metrics=score_metrics(), batch_size=batch_size
    )
    x, y = data()
    logits = np.asarray(model()(x))
    matrix = np.zeros((3, 3), np.int64)
    np.add.at(matrix, (y, logits.argmax(1)), 1)
    assert list(result) == list(score_metrics())
    assert result["confusion"].dtype == np.int64
    np.testing.assert_array_equal(result["confusion"], matrix)
    assert result["accuracy"] == np.trace(matrix) / 11
    per_class = 2 * np.diag(matrix) / (matrix.sum(0) + matrix.sum(1))
    assert result["f1"] == pytest.approx(np.mean(per_class), rel=1e-14)
    assert isinstance(result["binned"], np.ndarray)
    one = flaxnn.evaluate(model(), (x, y), metrics=score_metrics())
    for name in ("auroc", "binned", "ece", "loss", "top"):
        np.testing.assert_allclose(result[name], one[name], rtol=1e-7)


def test_a_streaming_metric_rides_on_a_loader_and_is_named():
    loader = DataLoader(data(), 4, shuffle=True, rngs=Generator(0), drop_last=True)
    auroc = metrics.AUROC(from_logits=True, num_classes=3)
    matrix = metrics.ConfusionMatrix(num_classes=3)
    result = flaxnn.evaluate(model(), loader, metrics=[matrix, auroc])
    assert list(result) == ["confusion_matrix", "auroc"]
    assert result["confusion_matrix"].sum() == 8


def test_a_mean_is_its_function():
    loss = nn.CrossEntropyLoss(reduction="none")
    result = flaxnn.evaluate(model(), data(), metrics=[metrics.Mean(loss), loss_of])
    assert result["CrossEntropyLoss"] == result["loss_of"]


def loss_of(output, target):
    return nn.CrossEntropyLoss(reduction="none")(output, target)


def test_a_model_in_float64():
    x, y = data()
    wide = flaxnn.astype(model(), "float64")
    result = flaxnn.evaluate(wide, (x, y), metrics=score_metrics(), batch_size=3)
    logits = np.asarray(flaxnn.predict(wide, x))
    shifted = logits - logits.max(axis=1, keepdims=True)
    losses = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(11), y]
    assert result["loss"] == pytest.approx(losses.mean(), rel=1e-14)


def test_equal_metrics_share_a_compilation():
    def run():
        flaxnn.evaluate(model(), data(), metrics=score_metrics(), batch_size=4)
        return _evaluate._update._cache_size(), _evaluate._compute._cache_size()

    assert run() == run()


def test_what_streaming_metrics_refuse():
    x, y = data()
    with pytest.raises(IndexError, match="Target 9 is out of bounds"):
        flaxnn.evaluate(model(), (x, np.full(11, 9)), metrics=[metrics.Accuracy()])
    matrix = metrics.ConfusionMatrix(num_classes=4)
    with pytest.raises(ValueError, match=r"\(N, 4\)") as caught:
        flaxnn.evaluate(model(), (x, y), metrics=[metrics.Accuracy(), matrix])
    assert "This is the metric 'confusion_matrix'." in caught.value.__notes__
    ece = metrics.CalibrationError(from_logits=False, num_classes=3)
    named = {"hit": metrics.Accuracy(), "ece": ece}
    with pytest.raises(ValueError, match="out of its range") as caught:
        flaxnn.evaluate(model(), (100 * x, y), metrics=named)
    assert caught.value.__notes__ == ["This is the metric 'ece'."]
    auroc = metrics.AUROC(from_logits=True, num_classes=3, capacity=3)
    with pytest.raises(ValueError, match="capacity=3 samples but saw 11"):
        flaxnn.evaluate(model(), (x, y), metrics=[auroc])
    with pytest.raises(TypeError, match=r"make a metric of it: Accuracy\(\)"):
        flaxnn.evaluate(model(), (x, y), metrics=[metrics.Accuracy])
    with pytest.raises(TypeError, match="a sequence or a mapping"):
        flaxnn.evaluate(model(), (x, y), metrics=metrics.Accuracy())
    with pytest.raises(TypeError, match="streaming metric: pass it to"):
        flaxnn.fit(
            model(),
            (x, y),
            loss=nn.CrossEntropyLoss(),
            optimizer=optim.sgd(),
            steps=1,
            metrics=[metrics.Accuracy()],
        )
