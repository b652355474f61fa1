# SPDX-License-Identifier: Apache-2.0
"""The reliability diagram: the chances a classifier states, and what comes true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike

from flaxnn.report._arrays import (
    indices,
    numbers,
    probability_rows,
    same_length,
    vector,
)
from flaxnn.report._style import (
    INK,
    MUTED,
    OURS,
    SMALL,
    legend_above,
    new_figure,
    put_title,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The normal distribution's two-sided 95 %.
_DEVIATIONS = 1.959964
_DECADES = 100.0


def plot_calibration(
    probabilities: ArrayLike,
    labels: ArrayLike,
    *,
    n_bins: int = 15,
    strategy: Literal["uniform", "quantile"] = "uniform",
    title: str | None = None,
) -> Figure:
    """Returns a picture of stated probabilities and how often they came true.

    Samples are put into bins by their probability. A point for each bin is at its mean
    probability and at the share that came true, with Wilson's 95 % interval of that
    share; below are the numbers of samples. The expected calibration error, ECE, is
    the mean over bins, weighted by their samples, of a point's distance from the
    diagonal.

    Args:
        probabilities: ``(N, C)`` probabilities of the classes: the largest counts, and
            comes true where its class is the label. ``(N,)`` or ``(N, 1)``: the
            probability of class 1.
        labels: ``(N,)`` the right classes.
        n_bins: How many bins.
        strategy: ``"uniform"``: bins of equal width from 0 to 1. ``"quantile"``: bins
            of about equally many samples.
        title: A heading.

    Raises:
        TypeError: Something is not a real number.
        ValueError: A shape, a label, a probability or an option is wrong.
        MissingPackageError: matplotlib is not installed.

    Example:
        >>> plot_calibration([0.1, 0.2, 0.7, 0.9], [0, 1, 1, 1], n_bins=5)
        <Picture size ... with 2 Axes>

    References:
        Guo, Pleiss, Sun and Weinberger (2017), "On Calibration of Modern Neural
        Networks", figure 1 and equation 3; the bins of both strategies are those of
        scikit-learn's ``calibration_curve`` (1.9.1). Wilson (1927), "Probable
        Inference, the Law of Succession, and Statistical Inference".
    """
    chances, came_true, meant = _outcomes(probabilities, labels)
    bounds = _bounds(chances, n_bins, strategy)
    bins = np.searchsorted(bounds[1:-1], chances, side="left")
    counts = np.bincount(bins, minlength=n_bins)
    filled = counts > 0
    many = counts[filled]
    mean = np.bincount(bins, chances, n_bins)[filled] / many
    share = np.bincount(bins, came_true, n_bins)[filled] / many
    error = float((many * np.abs(mean - share)).sum() / len(chances))
    kind = "equal width" if strategy == "uniform" else "equal numbers of samples"
    with styled():
        figure = new_figure(5.6, width=5.6, layout="constrained")
        upper, lower = figure.subplots(
            2, 1, sharex=True, gridspec_kw={"height_ratios": (3.2, 1)}
        )
        _reliability(upper, mean, share, many)
        upper.set_ylabel("share that came true")
        _counts(lower, bounds, counts)
        lower.set_xlabel(meant)
        upper.text(
            0.98,
            0.03,
            f"ECE {error:.4f}\n{len(chances):,} samples, {n_bins} bins of {kind}",
            transform=upper.transAxes,
            ha="right",
            va="bottom",
            size=SMALL,
            linespacing=1.5,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 2, "alpha": 0.8},
        )
        legend_above(upper)
        figure.align_ylabels()
        put_title(figure, title)
    return figure


def _outcomes(
    probabilities: ArrayLike, labels: ArrayLike
) -> tuple[np.ndarray, np.ndarray, str]:
    """``(N,)`` stated probabilities, whether each came true, and what they mean."""
    given = numbers("probabilities", probabilities)
    if given.ndim > 1 and given.shape[-1] > 1:
        rows = probability_rows("probabilities", given)
        truth = indices("labels", labels, rows.shape[1])
        same_length(probabilities=rows, labels=truth)
        meant = "probability of the predicted class"
        return rows.max(axis=1), rows.argmax(axis=1) == truth, meant
    one = probability_rows("probabilities", vector("probabilities", given)[:, None])
    one = one[:, 0]
    truth = indices("labels", labels, 2)
    same_length(probabilities=one, labels=truth)
    return one, truth == 1, "probability of class 1"


def _bounds(chances: np.ndarray, n_bins: int, strategy: str) -> np.ndarray:
    """``(n_bins + 1,)`` bounds; each bin has its upper one."""
    if isinstance(n_bins, bool) or not isinstance(n_bins, int) or n_bins < 1:
        raise ValueError(f"n_bins: expected a number of bins, 1 or more, got {n_bins}")
    fractions = np.linspace(0, 1, n_bins + 1)
    if strategy == "uniform":
        return fractions
    if strategy == "quantile":
        return np.quantile(chances, fractions)
    raise ValueError(f"strategy: expected 'uniform' or 'quantile', got {strategy!r}")


def _reliability(
    axes: Axes, mean: np.ndarray, share: np.ndarray, many: np.ndarray
) -> None:
    low, high = _wilson(share, many)
    axes.plot(
        [0, 1],
        [0, 1],
        color=MUTED,
        linewidth=1,
        linestyle=(0, (4, 3)),
        label="as often as stated",
    )
    axes.vlines(mean, low, high, color=INK, linewidth=1, label="95 % interval")
    axes.plot(
        mean,
        share,
        "o-",
        color=OURS,
        linewidth=1.5,
        markersize=6,
        markeredgecolor="white",
        label="bins",
        clip_on=False,
    )
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.03, 1.03)
    for place, side, text in (
        ((0.03, 0.93), "left", "more often than stated"),
        ((0.98, 0.22), "right", "less often than stated"),
    ):
        axes.text(
            *place, text, transform=axes.transAxes, ha=side, size=SMALL, color=MUTED
        )


def _wilson(share: np.ndarray, many: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's interval of a share, of so many samples each."""
    square = _DEVIATIONS**2 / many
    middle = (share + square / 2) / (1 + square)
    spread = np.sqrt(share * (1 - share) * square + square**2 / 4) / (1 + square)
    return middle - spread, middle + spread


def _counts(axes: Axes, bounds: np.ndarray, counts: np.ndarray) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    widths = np.diff(bounds)
    # Where many probabilities are equal, a quantile's bin has no width of its own.
    shown = np.maximum(widths, 0.004)
    axes.bar(
        bounds[:-1],
        counts,
        shown,
        align="edge",
        color=OURS,
        alpha=0.55,
        edgecolor="white",
        linewidth=0.6,
    )
    axes.set_ylabel("samples")
    filled = counts[counts > 0]
    if filled.max() / filled.min() > _DECADES:
        axes.set_yscale("log")
        axes.set_ylim(bottom=0.7)
    else:
        axes.yaxis.set_major_locator(
            MaxNLocator(nbins=3, steps=[1, 2, 5, 10], integer=True)
        )
    axes.yaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:,.0f}"))
