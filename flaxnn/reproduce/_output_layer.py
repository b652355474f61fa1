# SPDX-License-Identifier: Apache-2.0
"""Documents 000 and 001: ten Adam steps of a linear classifier."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

import flaxnn
from flaxnn import models, nn, optim
from flaxnn.data import documents
from flaxnn.random import Generator
from flaxnn.reproduce._entry import Settings, document
from flaxnn.reproduce._figure import Figure, printed
from flaxnn.reproduce._golden import (
    golden,
    losses_within_floor,
    noise_floor,
    result_within_floor,
)
from flaxnn.reproduce._plot import Losses, Plot


def train(seed: int) -> tuple[np.ndarray, Any]:
    """The documents' cells: a model, then four inputs from the same stream."""
    generator = Generator(seed)
    model = models.SimpleMultiClassModel(rngs=generator)
    inputs = generator.randn(4, 5)
    return inputs, flaxnn.fit(
        model,
        (inputs, documents.output_layer_labels()),
        loss=nn.CrossEntropyLoss(),
        optimizer=optim.adam(lr=0.01),
        steps=10,
        progress=False,
    )


def document_000(settings: Settings) -> Iterator[Figure | Plot]:
    """The ten printed losses, from the recovered seed."""
    del settings
    figures = document("000")["simple_multiclass"]
    _, run = train(figures["recovered_seed"])
    losses = run.history["loss"]
    yield from printed("losses", figures["losses"], losses, tolerance=5e-7)
    both = Losses(
        losses,
        [float(loss) for loss in figures["losses"]],
        "Document 000: ten steps of Adam",
        names=("flaxnn", "PyTorch, as printed"),
    )
    yield Plot.of_losses("output-layer-losses", both)


def document_001(settings: Settings) -> Iterator[Figure | Plot]:
    """Ten steps and the last cell against PyTorch from the same seed.

    The document prints no seed, and none reproduces its losses, so both sides start
    from seed 0. The last cell trains once more on the outputs as class probabilities.
    """
    del settings
    reference = golden("output_layer_2")
    inputs, run = train(0)
    last = flaxnn.fit(
        run.model,
        (inputs, inputs),
        loss=_against_itself,
        optimizer=_adam_going_on(run.state.train.opt_state),
        steps=1,
        progress=False,
    )
    losses = np.concatenate([run.history["loss"], last.history["loss"]])
    yield losses_within_floor("losses", reference, losses)
    for name, value in last.model.state_dict().items():
        yield result_within_floor("parameters", name, reference, value)
    both = Losses(
        losses,
        reference["losses"],
        "Document 001: ten steps of Adam, and one against its own outputs",
        noise_floor(reference),
    )
    yield Plot.of_losses("output-layer-2-losses", both)


def _against_itself(output: jax.Array, target: jax.Array) -> jax.Array:
    """The last cell's ``criterion(outputs, outputs)``; gradients go through both."""
    del target
    return flaxnn.functional.cross_entropy(output, output)


def _adam_going_on(state: Any) -> Any:
    """Adam that starts from a given state, as the document's optimiser goes on."""
    return optim.adam(lr=0.01)._replace(init=lambda params: state)
