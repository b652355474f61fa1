# SPDX-License-Identifier: Apache-2.0
"""Document 004's model trained on the real Fashion-MNIST."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import optax

import flaxnn
from flaxnn import data, metrics, models, nn, optim, report
from flaxnn._criteria import PROOF
from flaxnn.random import Generator
from flaxnn.reproduce._entry import Settings, document
from flaxnn.reproduce._figure import Figure, proof, series_within, within
from flaxnn.reproduce._golden import (
    golden,
    losses_within_floor,
    noise_floor,
    same_generator,
    same_initial_values,
)
from flaxnn.reproduce._plot import Losses, Plot

if TYPE_CHECKING:
    from matplotlib import figure

BATCH_SIZE = 64
LOSS_TOLERANCE = 1e-5
ACCURACY_TOLERANCE = 2.0
# Test images in the picture of predictions.
SHOWN = 15


@dataclass(frozen=True)
class Training:
    """A float32 run with a golden.

    Attributes:
        name: What the figures are called.
        golden: The golden's name.
        optimizer: The transformation.
        epochs: How long.
        final_relu: Whether the logits pass a ReLU, as the document prints the model.
        weights_show: Whether the first layer has moved so far that images show it.
    """

    name: str
    golden: str
    optimizer: optax.GradientTransformation
    epochs: int
    final_relu: bool = True
    weights_show: bool = False


def figures(settings: Settings) -> Iterator[Figure | Plot]:
    """SGD for five epochs and Adam for one, and 200 steps of each in float64.

    The ReLU on the logits, as printed, makes the loss jump where a logit changes
    sign, and PyTorch's own variants of that run end 2e-2 apart: its losses are held
    to the noise floor (T2). The same run without that ReLU is held to 1e-5 too.
    """
    train, test = (_load(split, settings.data) for split in ("train", "test"))
    sgd, adam = optim.sgd(lr=1e-3), optim.adam(lr=1e-3)
    for training in (
        Training("SGD", "fashion_mnist_sgd", sgd, 5),
        Training("SGD, plain logits", "fashion_mnist_sgd_logits", sgd, 5, False),
        Training("Adam", "fashion_mnist_adam", adam, 1, weights_show=True),
    ):
        yield from _float32(training, train, test, settings)
    yield from _float64("SGD", sgd, train, settings)
    yield from _float64("Adam", adam, train, settings)


def _load(split: str, folder: Path | None) -> data.Dataset:
    if folder is None:
        return data.load("fashion_mnist", split)
    holds_files = any(folder.glob("train-images-idx3-ubyte*"))
    if holds_files:
        return data.load("fashion_mnist", split, raw_dir=folder)
    # Who names a folder has the data there.
    return data.load("fashion_mnist", split, data_dir=folder, download=False)


def _start(*, final_relu: bool = True) -> tuple[models.NeuralNetwork, Generator]:
    generator = Generator(document("004")["recovered_seed"])
    return models.NeuralNetwork(final_relu=final_relu, rngs=generator), generator


def _float32(
    training: Training, train: data.Dataset, test: data.Dataset, settings: Settings
) -> Iterator[Figure | Plot]:
    name, reference = training.name, golden(training.golden)
    model, generator = _start(final_relu=training.final_relu)
    yield same_initial_values(f"{name}: initial values", reference, model)
    run = flaxnn.fit(
        model,
        data.DataLoader(train, BATCH_SIZE, shuffle=True, rngs=generator),
        loss=nn.CrossEntropyLoss(),
        optimizer=training.optimizer,
        epochs=training.epochs,
        progress=settings.progress,
    )
    losses, expected = run.history["loss"], reference["losses"]
    yield losses_within_floor(f"{name}: losses", reference, losses)
    if not training.final_relu:
        yield within(
            f"{name}: losses",
            "absolute",
            expected,
            losses,
            tolerance=LOSS_TOLERANCE,
            grade="T2",
        )
    yield same_generator(f"{name}: order", reference, generator.get_state())
    result = flaxnn.evaluate(run.model, test.arrays, metrics=[metrics.accuracy])
    correct = round(result["accuracy"] * len(test))
    yield _accuracy(name, reference["correct_of_variants"], correct)
    yield from _plots(training, losses, run.model, test)


def _plots(
    training: Training, losses: np.ndarray, model: nn.Module, test: data.Dataset
) -> Iterator[Plot]:
    """The losses of both sides, and what the trained model makes of the images."""
    name = "fashion-mnist-" + training.name.lower().replace(",", "").replace(" ", "-")
    title = f"Fashion-MNIST, {training.name}"
    reference = golden(training.golden)
    both = Losses(
        losses,
        reference["losses"],
        f"{title}: {len(losses):,} steps of {BATCH_SIZE} images",
        noise_floor(reference),
    )
    yield Plot.of_losses(f"{name}-losses", both)
    if training.weights_show:
        weight = next(iter(model.state_dict().values()))
        images = f"{title}: what the {len(weight)} units of the first layer look for"
        draw = partial(report.plot_weight_images, weight, title=images)
        yield Plot(f"{name}-weights", draw)
    yield Plot(f"{name}-predictions", partial(_predictions_plot, model, test, title))
    yield Plot(f"{name}-confusion-matrix", partial(_confusion_plot, model, test, title))
    yield Plot(f"{name}-calibration", partial(_calibration_plot, model, test, title))


def _predictions_plot(
    model: nn.Module, test: data.Dataset, title: str
) -> figure.Figure:
    images, labels = (array[:SHOWN] for array in test.arrays)
    return report.plot_predictions(
        images,
        nn.Softmax(1)(flaxnn.predict(model, images)),
        labels,
        class_names=test.class_names,
        title=f"{title}: the first {SHOWN} test images",
    )


def _confusion_plot(model: nn.Module, test: data.Dataset, title: str) -> figure.Figure:
    images, labels = test.arrays
    return report.plot_confusion_matrix(
        labels,
        np.asarray(flaxnn.predict(model, images)).argmax(axis=1),
        class_names=test.class_names,
        title=f"{title}: {len(test):,} test images",
    )


def _calibration_plot(
    model: nn.Module, test: data.Dataset, title: str
) -> figure.Figure:
    images, labels = test.arrays
    return report.plot_calibration(
        nn.Softmax(1)(flaxnn.predict(model, images)), labels, title=title
    )


def _accuracy(name: str, theirs: np.ndarray, ours: int) -> Figure:
    """Correct test images: within 2 of what PyTorch's variants of the run get."""
    low, high = int(theirs.min()), int(theirs.max())
    nearest = min(max(ours, low), high)
    return within(
        f"{name}: accuracy",
        "correct of 10,000",
        float(nearest),
        float(ours),
        tolerance=ACCURACY_TOLERANCE,
        grade="T3",
    )


def _float64(
    name: str,
    optimizer: optax.GradientTransformation,
    train: data.Dataset,
    settings: Settings,
) -> Iterator[Figure]:
    reference = golden("fashion_mnist_float64")
    model, generator = _start()
    run = flaxnn.fit(
        flaxnn.astype(model, "float64"),
        data.DataLoader(train, BATCH_SIZE, shuffle=True, rngs=generator),
        loss=nn.CrossEntropyLoss(),
        optimizer=optimizer,
        steps=200,
        progress=settings.progress,
    )
    prefix, group = f"{name.lower()}.", f"{name}: float64"
    losses = reference[f"{prefix}losses"]
    yield proof(group, "200 losses", losses, run.history["loss"])
    for key, value in run.model.state_dict().items():
        kept, flat = reference[f"{prefix}{key}"], np.asarray(value).ravel()
        entries = np.linspace(0, flat.size - 1, kept.size).astype(int)
        yield series_within(
            group,
            key,
            kept,
            flat[entries],
            tolerances=np.full(kept.size, PROOF),
            grade="T1",
            scale=reference[f"{prefix}{key}.max"].item(),
        )
