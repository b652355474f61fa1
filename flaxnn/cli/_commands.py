# SPDX-License-Identifier: Apache-2.0
"""The commands: where each is, and its line of the help."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """Where a command is defined, and the first line of its docstring."""

    target: str
    summary: str


# A command's module is imported when the command is asked for, so the help of all needs
# its lines here.
COMMANDS = {
    "reproduce": Entry(
        "flaxnn.cli._reproduce:reproduce",
        "Compute every figure of the five documents again and compare.",
    ),
    "train": Entry(
        "flaxnn.cli._train:train",
        "Train a model, with checkpoints, history and pictures in a directory.",
    ),
    "evaluate": Entry(
        "flaxnn.cli._evaluate:evaluate",
        "Measure a trained model: its loss, its metrics, which class it takes for "
        "which.",
    ),
    "predict": Entry(
        "flaxnn.cli._predict:predict",
        "Predict with a trained model: classes with probabilities, or values.",
    ),
    "sweep": Entry(
        "flaxnn.cli._sweep:sweep",
        "Train a model for every seed and combination of hyper-parameters at once.",
    ),
    "convert": Entry(
        "flaxnn.cli._convert:convert",
        "Convert IN to OUT, list what is in a file, or compare two files.",
    ),
    "compare": Entry(
        "flaxnn.cli._compare:compare",
        "Find the first step, phase and layer at which a port leaves a recorded run.",
    ),
    "bench": Entry(
        "flaxnn.cli._bench:bench",
        "Measure training runs against PyTorch, Flax, Keras, scikit-learn, a bare "
        "scan.",
    ),
    "data": Entry(
        "flaxnn.cli._data:app",
        "List, locate, verify and fetch data sets.",
    ),
    "doctor": Entry(
        "flaxnn.cli._doctor:doctor",
        "Say what JAX runs on here, how precisely, and what slows it down.",
    ),
}
