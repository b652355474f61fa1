# SPDX-License-Identifier: Apache-2.0
"""Losses of real numbers."""

from __future__ import annotations

import numpy as np

from tests.contract.bad import LONG, Bad, P, X
from tests.contract.case import NN, Case, Op, labels, reductions, spread
from tests.contract.layer import Layer, LayerCase


def errors() -> tuple[Case, ...]:
    """What mse_loss and l1_loss are tried with; the two arguments meet somewhere."""
    x, t = np.append(spread(8), 1.0), np.append(spread(8, start=40), 1.0)
    x, t, both = x.reshape(3, 3), t.reshape(3, 3), (0, 1)
    return (
        *reductions("errors", x, t, by=both),
        *reductions("weight", x, t, by=both, weight=spread(3, 3, low=0.0)),
        Case("integers", (spread(4), labels(4, classes=3))),
        Case("scalar", (spread(), spread(start=3)), by=both),
        Case("empty", (spread(0, 3), spread(0, 3)), by=both),
    )


OPS = (
    Op("mse_loss", f"{NN}.mse_loss", errors()),
    Op("l1_loss", f"{NN}.l1_loss", errors()),
)

LAYERS = tuple(
    Layer(
        name,
        f"torch.nn.{name}",
        (
            LayerCase("mean", inputs=(spread(5, 3), spread(5, 3, start=9)), by=(0, 1)),
            LayerCase(
                "sum", kwargs={"reduction": "sum"}, inputs=(spread(4), spread(4))
            ),
        ),
    )
    for name in ("MSELoss", "L1Loss")
)


BAD = (
    Bad("mse_loss", (LONG, LONG), NotImplementedError, '"mse_cpu" not implemented'),
    Bad("l1_loss", (LONG, LONG), RuntimeError, "Got: Long"),
    Bad("l1_loss", (X, X > 0), RuntimeError, "Subtraction, the `-` operator, with"),
    *(
        Bad(op, args, ValueError, words, kwargs)
        for op in ("mse_loss", "l1_loss")
        for args, words, kwargs in (
            ((X, X), "foo is not a valid", {"reduction": "foo"}),
            ((X, X), "must have the same size", {"weight": P}),
        )
    ),
)
