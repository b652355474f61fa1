# SPDX-License-Identifier: Apache-2.0
"""Document 002's exercise: three cultivars of wine."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

import flaxnn
from flaxnn import data, models, nn, optim, report
from flaxnn.random import Generator
from flaxnn.reproduce._entry import Settings, document
from flaxnn.reproduce._figure import Figure, exact
from flaxnn.reproduce._golden import (
    golden,
    losses_within_floor,
    noise_floor,
    result_within_floor,
)
from flaxnn.reproduce._plot import Losses, Plot


def figures(settings: Settings) -> Iterator[Figure | Plot]:
    """1,001 SGD steps against PyTorch, and the class of test sample 0.

    The document asks for a split of 130 and 40, which 178 samples do not give; its
    ratio of 7:3 gives 124 and 54.
    """
    reference = golden("wine")
    wine = data.load("wine")
    features, cultivars = wine.arrays
    x_train, x_test, y_train, y_test = data.train_test_split(
        features, cultivars, test_size=0.3, random_state=0
    )
    yield exact("split", "train/test", "124/54", f"{len(x_train)}/{len(x_test)}")
    mean, std = x_train.mean(axis=0), x_train.std(axis=0)
    standardised = [((x - mean) / std).astype(np.float32) for x in (x_train, x_test)]
    run = flaxnn.fit(
        models.SoftmaxRegression(13, 3, rngs=Generator(document("002")["seed"])),
        (standardised[0], y_train),
        loss=nn.CrossEntropyLoss(),
        optimizer=optim.sgd(lr=0.01),
        steps=1001,
        progress=settings.progress,
    )
    yield losses_within_floor("losses", reference, run.history["loss"])
    for name, value in run.model.state_dict().items():
        yield result_within_floor("parameters", name, reference, value)
    logits = flaxnn.predict(run.model, standardised[1])
    yield result_within_floor("test samples", "logits", reference, logits)
    theirs = reference["logits"].argmax(axis=1)
    yield exact("prediction", "class of test sample 0", theirs[0], logits[0].argmax())
    correct = int((logits.argmax(axis=1) == y_test).sum())
    yield exact("prediction", "correct of 54", reference["correct"].item(), correct)
    losses = Losses(
        run.history["loss"],
        reference["losses"],
        "Document 002: wine, 1,001 steps of SGD",
        noise_floor(reference),
    )
    yield Plot.of_losses("wine-losses", losses)
    draw = partial(
        report.plot_confusion_matrix,
        y_test,
        logits.argmax(axis=1),
        class_names=wine.class_names,
        title="Document 002: wine, 54 test samples",
    )
    yield Plot("wine-confusion-matrix", draw)
