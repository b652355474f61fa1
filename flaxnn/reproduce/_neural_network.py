# SPDX-License-Identifier: Apache-2.0
"""Document 004: the model's printed weights, structure and layers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from flaxnn import functional as F
from flaxnn import models, nn
from flaxnn.random import Generator
from flaxnn.reproduce._entry import Settings, document
from flaxnn.reproduce._figure import Figure, exact, printed
from flaxnn.reproduce._golden import golden, same_initial_values


def printed_layers(settings: Settings) -> Iterator[Figure]:
    """The printed ReLU and softmax, applied to the printed inputs.

    They belong to other processes than the weights, of unknown seeds.
    """
    del settings
    relu, softmax = document("004")["relu"], document("004")["softmax"]
    before = np.array(relu["before"], np.float32)
    yield from printed("relu", relu["after"], nn.ReLU()(before))
    logits = np.array(softmax["logits"], np.float32)
    # The logits are rounded to four decimals, so the last digit can move.
    yield from printed(
        "softmax", softmax["pred_probab"], F.softmax(logits, dim=1), tolerance=5e-5
    )


def figures(settings: Settings) -> Iterator[Figure]:
    """Every printed weight, all 512 biases, names, shapes and the printed tree."""
    del settings
    expected = document("004")
    generator = Generator(expected["recovered_seed"])
    model = models.NeuralNetwork(rngs=generator)
    state = {name: np.asarray(value) for name, value in model.state_dict().items()}
    weight = state["linear_relu_stack.0.weight"]
    first = expected["first_weight"]
    corners = np.concatenate([weight[:, :3], weight[:, -3:]], axis=1)
    yield from printed("weight", first["rows_0_1_2_first3_last3"], corners[:3])
    yield from printed("weight", first["rows_509_510_511_first3_last3"], corners[-3:])
    bias = state["linear_relu_stack.0.bias"]
    yield from printed("bias", expected["first_bias"], bias)
    trained = golden("fashion_mnist_sgd")
    yield same_initial_values("initial values", trained, model)
    yield exact("structure", "print", "\n".join(expected["structure_print"]), model)
    named = [[name, list(p.shape)] for name, p in model.named_parameters()]
    yield exact("structure", "named_parameters", expected["named_parameters"], named)
    yield from _shapes(model, generator)


def _shapes(model: nn.Module, generator: Generator) -> Iterator[Figure]:
    """The document's walk through the layers, by the shapes it prints."""
    shapes = document("004")["shapes"]
    images = generator.rand(3, 28, 28)
    flat = nn.Flatten()(images)
    hidden = nn.Linear(28 * 28, 20, rngs=generator)(flat)
    logits = model(images)
    for name, value in (
        ("input_image", images),
        ("flatten", flat),
        ("linear_784_20", hidden),
        ("logits", logits),
    ):
        yield exact("shapes", name, shapes[name], list(value.shape))
