# SPDX-License-Identifier: Apache-2.0
"""The list of entries, in the documents' order."""

from __future__ import annotations

import difflib

from flaxnn.reproduce import (
    _batched_softmax,
    _errors,
    _fashion_mnist,
    _formulas,
    _logistic_regression,
    _neural_network,
    _output_layer,
    _wine,
)
from flaxnn.reproduce._entry import Entry

ENTRIES: tuple[Entry, ...] = (
    Entry("softmax", "000", "stable softmax and sigmoid", _formulas.softmax),
    Entry("output-layer", "000", "ten Adam steps", _output_layer.document_000),
    Entry("activations", "001", "formulas from scratch", _formulas.activations),
    Entry("errors", "001", "what PyTorch raises", _errors.figures),
    Entry("output-layer-2", "001", "ten Adam steps", _output_layer.document_001),
    Entry("neuron", "002", "one neuron", _logistic_regression.neuron),
    Entry("univariate", "002", "binary regression", _logistic_regression.univariate),
    Entry("multinomial", "002", "softmax regression", _logistic_regression.multinomial),
    Entry("wine", "002", "the exercise on wine", _wine.figures),
    Entry("batched-softmax", "003", "softmax of rows", _batched_softmax.figures),
    Entry("relu-and-softmax", "004", "printed layers", _neural_network.printed_layers),
    Entry("neural-network", "004", "784-512-512-10", _neural_network.figures),
    Entry("fashion-mnist", "004", "the model, trained", _fashion_mnist.figures),
)


def find(names: tuple[str, ...] | list[str]) -> tuple[Entry, ...]:
    """Returns the entries with these names, all where there is none.

    Args:
        names: Names of entries, or numbers of documents such as ``"002"``.

    Raises:
        ValueError: A name is unknown; the message suggests the nearest.
    """
    known = {entry.name for entry in ENTRIES} | {entry.document for entry in ENTRIES}
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = (
                f"did you mean {near[0]!r}?"
                if near
                else "see `flaxnn reproduce --list`"
            )
            raise ValueError(f"there is no entry {name!r}; {hint}")
    chosen = set(names)
    return tuple(
        entry
        for entry in ENTRIES
        if not chosen or entry.name in chosen or entry.document in chosen
    )
