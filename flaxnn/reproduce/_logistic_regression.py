# SPDX-License-Identifier: Apache-2.0
"""Document 002: one neuron, binary and multinomial logistic regression."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

import flaxnn
from flaxnn import functional as F
from flaxnn import models, nn, optim, report
from flaxnn.data import documents
from flaxnn.random import Generator
from flaxnn.reproduce._entry import Settings, document
from flaxnn.reproduce._figure import Figure, printed
from flaxnn.reproduce._plot import Losses, Plot

if TYPE_CHECKING:
    from matplotlib import figure

# The printed losses have six decimals.
LOSS_TOLERANCE = 1.5e-6


def neuron(settings: Settings) -> Iterator[Figure]:
    """A weighted sum and its sigmoid."""
    del settings
    figures = document("002")["neuron"]
    x, w, b = documents.neuron()
    z = F.linear(x, w[None], b[None])[0]
    yield from printed("neuron", figures["z"], z, names=["z"])
    yield from printed("neuron", figures["sigmoid"], F.sigmoid(z), names=["sigmoid"])


def univariate(settings: Settings) -> Iterator[Figure | Plot]:
    """Parameters, predictions and losses of 1,001 SGD steps."""
    figures = document("002")["univariate"]
    x, y = documents.univariate()
    model = models.LogisticRegression(rngs=Generator(document("002")["seed"]))
    yield from _parameters("initial", figures["initial"], model)
    prediction = np.asarray(model(x))
    yield from printed(
        "initial prediction", figures["initial_prediction"], prediction[:, 0]
    )
    loss = nn.BCELoss()(prediction, y)
    yield from printed("initial loss", figures["initial_loss"], loss, names=["0"])
    run = _train(model, (x, y), nn.BCELoss(), figures, settings)
    yield from _losses(figures, run)
    yield from _parameters("final", figures["final"], run.model)
    predicted = flaxnn.predict(run.model, documents.univariate_query())
    query = figures["predict"]
    yield from printed("prediction", query["y"], predicted[0, 0], names=["x = 10"])
    above = np.float32(predicted[0, 0] >= 0.5)
    yield from printed("prediction", query["class_at_0.5"], above, names=["class"])
    yield Plot(
        "univariate-sigmoid",
        partial(
            report.plot_fitted_sigmoid,
            x,
            y,
            *run.model.state_dict().values(),
            title="Document 002: the fitted sigmoid",
        ),
    )
    yield _losses_plot("univariate", "binary logistic regression", figures, run)


def multinomial(settings: Settings) -> Iterator[Figure | Plot]:
    """Parameters, logits, probabilities and losses of 10,001 SGD steps."""
    figures = document("002")["multinomial"]
    x, y = documents.multinomial()
    generator = Generator(document("002")["seed"])
    # The document draws the univariate model first, from the same stream.
    models.LogisticRegression(rngs=generator)
    model = models.SoftmaxRegression(4, 3, rngs=generator)
    yield from _parameters("initial", figures["initial"], model)
    logits = np.asarray(model(x))
    yield from printed("initial logits", figures["initial_logits"], logits)
    loss = nn.CrossEntropyLoss()(logits, y)
    yield from printed("initial loss", figures["initial_loss"], loss, names=["0"])
    run = _train(model, (x, y), nn.CrossEntropyLoss(), figures, settings)
    yield from _losses(figures, run)
    query = figures["predict"]
    logits = flaxnn.predict(run.model, documents.multinomial_query())
    probabilities = np.asarray(nn.Softmax(1)(logits))[0]
    yield from printed("prediction logits", query["logits"], logits[0])
    yield from printed("probabilities", query["probabilities"], probabilities)
    rounded = query["printed_probabilities"]
    yield from printed("rounded probabilities", rounded, probabilities)
    best = probabilities.argmax()
    yield from printed("class", str(query["class"]), best, names=["argmax"])
    yield _losses_plot("multinomial", "softmax regression", figures, run)
    yield Plot("multinomial-probabilities", partial(_probabilities_plot, run.model))


def _train(
    model: nn.Module,
    data: tuple[np.ndarray, np.ndarray],
    loss: nn.Module,
    figures: dict[str, Any],
    settings: Settings,
) -> flaxnn.training.Run:
    return flaxnn.fit(
        model,
        data,
        loss=loss,
        optimizer=optim.sgd(lr=0.01),
        steps=figures["steps"],
        progress=settings.progress,
    )


def _losses(figures: dict[str, Any], run: flaxnn.training.Run) -> Iterator[Figure]:
    steps = [int(step) for step in figures["losses"]]
    yield from printed(
        "losses",
        list(figures["losses"].values()),
        run.history["loss"][steps],
        names=[f"step {step}" for step in steps],
        tolerance=LOSS_TOLERANCE,
    )


def _losses_plot(
    name: str, title: str, figures: dict[str, Any], run: flaxnn.training.Run
) -> Plot:
    reference = {int(step): float(loss) for step, loss in figures["losses"].items()}
    losses = Losses(
        run.history["loss"],
        reference,
        f"Document 002: {title}, {figures['steps']:,} steps of SGD",
        names=("flaxnn", "PyTorch, as printed"),
    )
    return Plot.of_losses(f"{name}-losses", losses)


def _probabilities_plot(model: nn.Module) -> figure.Figure:
    x, y = documents.multinomial()
    probabilities = nn.Softmax(1)(flaxnn.predict(model, x))
    title = "Document 002: the ten samples"
    return report.plot_probabilities(probabilities, y, title=title)


def _parameters(
    when: str, figures: dict[str, Any], model: nn.Module
) -> Iterator[Figure]:
    for name, value in model.state_dict().items():
        reference = figures[name.removeprefix("0.")]
        yield from printed(f"{when} {name}", reference, value)
