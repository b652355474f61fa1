# SPDX-License-Identifier: Apache-2.0
"""Divergences and likelihoods of distributions other than the categorical."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.contract.bad import LONG, Bad, X, zeros
from tests.contract.case import NN, Case, Op, labels, reductions, spread
from tests.contract.layer import Layer, LayerCase

LOG_P, Q = spread(5, 3, low=-4.0, high=0.0), spread(5, 3, low=0.05, high=1.0)
RATES, COUNTS = spread(5, 3, low=0.1), labels(5, 3, classes=5).astype(float)
VARIANCES = spread(5, 3, low=0.1, high=2.0, start=60)


def divergences() -> tuple[Case, ...]:
    """The target a distribution or its logarithm; probabilities of 0 included."""
    log: dict[str, Any] = {"log_target": True}
    zero = np.array([0.0, 0.5, 1.0])
    return (
        *reductions("probabilities", LOG_P, Q, by=(0, 1), reduction="batchmean")[:1],
        *(
            Case(name, (LOG_P, Q), {"reduction": name}, (0, 1))
            for name in ("sum", "none")
        ),
        Case("logarithms", (LOG_P, LOG_P[::-1]), {"reduction": "none", **log}, (0, 1)),
        Case("impossible", (LOG_P[0], zero), {"reduction": "none"}),
        Case("scalar", (np.array(-1.0), np.array(0.5)), {"reduction": "batchmean"}),
        Case("broadcast", (LOG_P, Q[0]), {"reduction": "batchmean"}, (0, 1)),
        Case("empty", (spread(0, 3), spread(0, 3)), {"reduction": "sum"}),
    )


def counts() -> tuple[Case, ...]:
    """Logarithms and expectations, with and without Stirling's term."""
    return (
        *reductions("logarithms", RATES, COUNTS, by=(0, 1)),
        *reductions("full", RATES, COUNTS, full=True),
        Case("full-by-target", (RATES, COUNTS + 1), {"full": True}, (0, 1)),
        Case("rates", (RATES, COUNTS), {"log_input": False}, (0, 1)),
        Case("zero", (np.zeros(3), np.arange(3.0)), {"log_input": False}),
        Case("eps", (RATES, COUNTS), {"log_input": False, "eps": 0.1}, (0, 1)),
        Case("integers", (RATES, labels(5, 3, classes=5))),
        Case("scalar", (np.array(0.5), np.array(2.0)), by=(0, 1)),
        Case("empty", (spread(0, 3), spread(0, 3)), by=(0, 1)),
    )


def observations() -> tuple[Case, ...]:
    """Each of the shapes that variances may have; some below eps."""
    x, t, three = spread(5, 3), spread(5, 3, start=40), (0, 1, 2)
    small = np.array([[0.0], [1e-8], [0.05], [0.5], [1.0]])
    none = {"reduction": "none"}
    return (
        *reductions("variances", x, t, VARIANCES, by=three),
        Case("full", (x, t, VARIANCES), {"full": True}, three),
        Case("one-for-a-row", (x, t, VARIANCES[:, 0]), none, three),
        Case("one-for-a-column", (x, t, VARIANCES[:1]), none, three),
        Case("eps", (x, x, small), {**none, "eps": 0.1}, (0, 1)),
        Case("number", (x, t, 0.5), none, (0, 1)),
        Case("scalar", (np.array(0.5), np.array(2.0), np.array(1.5)), by=three),
        Case("empty", (spread(0, 3), spread(0, 3), spread(0, 3)), by=three),
    )


OPS = (
    # A term is a difference: 1.2e-7 was measured.
    Op(
        "kl_div",
        f"{NN}.kl_div",
        divergences(),
        atol=4e-7,
        differences="the derivative by a target of exactly 0 is -inf; PyTorch's is nan",
    ),
    # Differences of numbers near 20: 1.9e-6 was measured in their sum.
    Op(
        "poisson_nll_loss",
        f"{NN}.poisson_nll_loss",
        counts(),
        atol=4e-6,
        differences="with full, the derivative by a target of 0 is finite; "
        "PyTorch's is nan",
    ),
    # The derivative by the variance is a difference: 4e-6 near a variance of 0.1.
    Op("gaussian_nll_loss", f"{NN}.gaussian_nll_loss", observations(), atol=1e-5),
)

LAYERS = (
    Layer(
        "KLDivLoss",
        "torch.nn.KLDivLoss",
        (
            LayerCase("mean", kwargs={"reduction": "batchmean"}, inputs=(LOG_P, Q)),
            LayerCase(
                "logarithms",
                kwargs={"reduction": "sum", "log_target": True},
                inputs=(LOG_P, LOG_P[::-1].copy()),
                by=(0, 1),
            ),
        ),
        atol=4e-7,
    ),
    Layer(
        "PoissonNLLLoss",
        "torch.nn.PoissonNLLLoss",
        (
            LayerCase("mean", inputs=(RATES, COUNTS)),
            LayerCase("rates", (False, True), {"eps": 0.1}, (RATES, COUNTS)),
        ),
        atol=4e-6,
    ),
    Layer(
        "GaussianNLLLoss",
        "torch.nn.GaussianNLLLoss",
        (
            LayerCase("mean", inputs=(RATES, COUNTS, VARIANCES), by=(0, 1, 2)),
            LayerCase(
                "full",
                kwargs={"full": True, "eps": 0.5, "reduction": "sum"},
                inputs=(RATES, COUNTS, VARIANCES),
                by=(0, 1, 2),
            ),
        ),
        atol=1e-5,
    ),
)

SUM = {"reduction": "sum"}
BAD = (
    Bad("kl_div", (LONG, X), RuntimeError, "Integral inputs not supported", SUM),
    Bad("kl_div", (X, zeros(2)), RuntimeError, "must match the size", SUM),
    Bad("kl_div", (X, X), ValueError, "foo is not a valid", {"reduction": "foo"}),
    Bad("poisson_nll_loss", (X, zeros(2)), RuntimeError, "must match the size"),
    Bad("poisson_nll_loss", (X, X), ValueError, "foo is", {"reduction": "foo"}),
    Bad("gaussian_nll_loss", (X, X, -X * X), ValueError, "var has negative entry"),
    Bad("gaussian_nll_loss", (X, X, -1.0), ValueError, "var has negative entry"),
    Bad("gaussian_nll_loss", (X, X, zeros(2)), ValueError, "var is of incorrect size"),
    Bad("gaussian_nll_loss", (X, X, X * X), ValueError, "foo is", {"reduction": "foo"}),
)
