# SPDX-License-Identifier: Apache-2.0
"""Every figure of the five documents, computed again and compared."""

from flaxnn.reproduce._entry import Entry, Settings
from flaxnn.reproduce._figure import (
    Figure,
    exact,
    printed,
    proof,
    series_within,
    within,
)
from flaxnn.reproduce._grades import grades, totals
from flaxnn.reproduce._page import report_page
from flaxnn.reproduce._plot import Losses, Plot, prepare_plots, write_plots
from flaxnn.reproduce._registry import ENTRIES, find
from flaxnn.reproduce._runner import Result, rows, run, summary

__all__ = [
    "ENTRIES",
    "Entry",
    "Figure",
    "Losses",
    "Plot",
    "Result",
    "Settings",
    "exact",
    "find",
    "grades",
    "prepare_plots",
    "printed",
    "proof",
    "report_page",
    "rows",
    "run",
    "series_within",
    "summary",
    "totals",
    "within",
    "write_plots",
]
