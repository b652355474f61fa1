# SPDX-License-Identifier: Apache-2.0
"""The API reference names every public object, and each says what it has to say."""

from __future__ import annotations

import inspect
import re
from collections import Counter

import numpy as np
import pytest

from tests.meta._docstrings import faults
from tests.meta._house import (
    ROOT,
    layers,
    lazy_homes,
    public_modules,
    public_names,
)

API = ROOT / "docs" / "api"
DIRECTIVE = re.compile(r"^::: ([\w.]+)$", re.MULTILINE)
# The rooms whose names are PyTorch's, and what has no counterpart there.
TORCH_ROOMS = ("flaxnn.functional.", "flaxnn.init.", "flaxnn.nn.", "flaxnn.optim.")
OUR_OWN = {
    "flaxnn.nn.HostDraw",
    "flaxnn.nn.Layout",
    "flaxnn.nn.PrefixWarning",
    "flaxnn.nn.Rule",
    "flaxnn.nn.host_draw",
    "flaxnn.nn.providing",
    "flaxnn.nn.recording",
    "flaxnn.optim.averaged_params",
    "flaxnn.optim.chain",
}


def _has_counterpart(name: str) -> bool:
    # What `from_scratch` has is the documents'; a state is told by its optimiser.
    return (
        name.startswith(TORCH_ROOMS)
        and ".from_scratch." not in name
        and not (name.startswith("flaxnn.optim.") and name.endswith("State"))
        and name not in OUR_OWN
    )


def _described() -> list[str]:
    return [
        name
        for page in sorted(API.glob("*.md"))
        for name in DIRECTIVE.findall(page.read_text(encoding="utf-8"))
    ]


def _shortcuts() -> dict[str, str]:
    """The front's own functions, each with the name it is documented under."""
    return {
        # A function without a public room is documented where it is reached.
        name: f"flaxnn.{name}" if home.startswith("flaxnn._") else f"{home}.{name}"
        for name, home in lazy_homes().items()
    }


def _with_parents(name: str) -> set[str]:
    """The name and the modules it is in: a module is described with all it holds."""
    parts = name.split(".")
    return {".".join(parts[:length]) for length in range(2, len(parts) + 1)}


def test_every_public_name_is_in_the_reference_once() -> None:
    described = Counter(_described())
    public = {name for module in public_modules() for name, _ in public_names(module)}
    public |= set(_shortcuts().values())
    times = {
        name: sum(described[part] for part in _with_parents(name)) for name in public
    }
    missing = sorted(name for name, count in times.items() if count == 0)
    assert not missing, "add to docs/api: " + ", ".join(f"::: {n}" for n in missing)
    assert [name for name, count in times.items() if count > 1] == []
    assert set(described) - public == set(), "in docs/api, but not public"


def test_the_front_page_of_the_reference_names_the_shortcuts() -> None:
    page = (API / "index.md").read_text(encoding="utf-8")
    missing = [name for name in _shortcuts() if f"flaxnn.{name}" not in page]
    assert missing == []


@pytest.mark.parametrize("module", public_modules())
def test_every_public_name_says_what_it_takes_returns_and_raises(module: str) -> None:
    """Shapes, errors and the counterpart in PyTorch; tests/meta/_docstrings.py."""
    wrong = [
        f"{name} {fault}"
        for name, value in public_names(module)
        if inspect.isclass(value) or inspect.isfunction(value)
        for fault in faults(value, torch=_has_counterpart(name))
    ]
    assert wrong == []


class _Bare:
    """Keeps what it is given.

    Args:
        size: How many.
    """

    def __init__(self, size, weight):
        if size < weight:
            raise ValueError("too small")

    def area(self):
        return 0

    def grow(self, by):
        """Makes it larger."""
        if by < 0:
            raise TypeError("negative")


def _mean(input: np.ndarray, dim: int) -> float:
    """Computes the mean.

    Args:
        input: What is averaged.
        dim: Along which dimension.

    Torch:
        ``torch.mean``.
    """
    return float(input.mean(dim))


def test_what_a_docstring_leaves_out_is_named() -> None:
    assert list(faults(_Bare, torch=True)) == [
        "does not say what weight is",
        "does not say when it raises ValueError",
        "area has no docstring",
        "grow does not say when it raises TypeError",
        "has no part Torch:",
    ]
    assert list(faults(_mean, torch=True)) == [
        "does not give the shape of input",
        "does not say what it returns",
        "its part Torch: names no version",
        "its part Torch: names no grade",
    ]


def test_every_room_has_a_guide() -> None:
    """The guide's front page has a row for each, with pages that exist."""
    guide = ROOT / "docs" / "guide"
    rows = {
        room: re.findall(r"\]\((\w[\w-]*\.md)", cell)
        for room, cell in re.findall(
            r"^\| `(\w+)` \|[^|]*\|([^|]*)\|",
            (guide / "index.md").read_text(encoding="utf-8"),
            re.MULTILINE,
        )
    }
    assert set(rows) == set(layers())
    without = [
        room
        for room, pages in rows.items()
        if not pages or not all((guide / page).is_file() for page in pages)
    ]
    assert without == []
