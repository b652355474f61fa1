# SPDX-License-Identifier: Apache-2.0
"""Document 001: the exceptions it runs into."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from flaxnn import functional as F
from flaxnn import nn
from flaxnn.data import documents
from flaxnn.reproduce._entry import Settings, document
from flaxnn.reproduce._figure import Figure, exact


def figures(settings: Settings) -> Iterator[Figure]:
    """Yields exception types and the words that their messages begin with."""
    del settings
    expected = document("001")["errors"]
    _, large = documents.softmax_inputs()

    def shadowed_functional() -> Any:
        # The document's notebook has bound F to an array by then.
        array: Any = np.asarray(large)
        return array.softmax(large, dim=0)

    attempts: dict[str, Callable[[], Any]] = {
        "numpy input to F.softmax": shadowed_functional,
        "int64 tensor": lambda: F.softmax(large, dim=0),
        "dim=1 on a vector": lambda: nn.Softmax(dim=1)(large.astype(np.float32)),
    }
    for name, attempt in attempts.items():
        # Our messages begin with PyTorch's words and go on with what to do.
        said = _raised(attempt)[: len(expected[name])]
        yield exact("errors", name, expected[name], said)


def _raised(attempt: Callable[[], Any]) -> str:
    try:
        attempt()
    except (AttributeError, IndexError, NotImplementedError) as error:
        return f"{type(error).__name__}: {error}"
    return "nothing raised"
