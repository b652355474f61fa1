# SPDX-License-Identifier: Apache-2.0
"""How long training runs take, against PyTorch, other peers and a scan by hand.

`flaxnn bench` is the command over this package. Each side of a comparison runs
in worker processes of its own; PyTorch is loaded by its own sides' workers only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flaxnn import _lazy

if TYPE_CHECKING:
    from flaxnn.bench._agreement import DifferentResultsError as DifferentResultsError
    from flaxnn.bench._case import CASES as CASES
    from flaxnn.bench._case import Case as Case
    from flaxnn.bench._case import find as find
    from flaxnn.bench._chart import chart as chart
    from flaxnn.bench._growth import GROWTHS as GROWTHS
    from flaxnn.bench._growth import Growth as Growth
    from flaxnn.bench._growth import measure_growth as measure_growth
    from flaxnn.bench._growth_chart import growth_chart as growth_chart
    from flaxnn.bench._machine import machine as machine
    from flaxnn.bench._measure import measure as measure
    from flaxnn.bench._page import report_page as report_page
    from flaxnn.bench._recipe import Recipe as Recipe
    from flaxnn.bench._reference import REFERENCE as REFERENCE
    from flaxnn.bench._reference import read_reference as read_reference
    from flaxnn.bench._reference import reference_of as reference_of
    from flaxnn.bench._side import SIDES as SIDES
    from flaxnn.bench._side import NotHereError as NotHereError
    from flaxnn.bench._side import Side as Side
    from flaxnn.bench._tables import markdown as markdown
    from flaxnn.bench._tables import tables as tables
    from flaxnn.bench._targets import targets as targets
    from flaxnn.bench._wins import wins as wins

__all__ = [
    "CASES",
    "GROWTHS",
    "REFERENCE",
    "SIDES",
    "Case",
    "DifferentResultsError",
    "Growth",
    "NotHereError",
    "Recipe",
    "Side",
    "chart",
    "find",
    "growth_chart",
    "machine",
    "markdown",
    "measure",
    "measure_growth",
    "read_reference",
    "reference_of",
    "report_page",
    "tables",
    "targets",
    "wins",
]

# The workers import this package before their clock for imports starts, so it must not
# load what the sides load.
if not TYPE_CHECKING:
    __getattr__, __dir__ = _lazy.attach(
        __name__,
        subpackages=(),
        names={
            "CASES": "flaxnn.bench._case",
            "GROWTHS": "flaxnn.bench._growth",
            "REFERENCE": "flaxnn.bench._reference",
            "SIDES": "flaxnn.bench._side",
            "Case": "flaxnn.bench._case",
            "DifferentResultsError": "flaxnn.bench._agreement",
            "Growth": "flaxnn.bench._growth",
            "NotHereError": "flaxnn.bench._side",
            "Recipe": "flaxnn.bench._recipe",
            "Side": "flaxnn.bench._side",
            "chart": "flaxnn.bench._chart",
            "find": "flaxnn.bench._case",
            "growth_chart": "flaxnn.bench._growth_chart",
            "machine": "flaxnn.bench._machine",
            "markdown": "flaxnn.bench._tables",
            "measure": "flaxnn.bench._measure",
            "measure_growth": "flaxnn.bench._growth",
            "read_reference": "flaxnn.bench._reference",
            "reference_of": "flaxnn.bench._reference",
            "report_page": "flaxnn.bench._page",
            "tables": "flaxnn.bench._tables",
            "targets": "flaxnn.bench._targets",
            "wins": "flaxnn.bench._wins",
        },
    )
