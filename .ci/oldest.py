# SPDX-License-Identifier: Apache-2.0
"""Prints the lower bounds of pyproject.toml as requirements: the oldest, exactly."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.requirements import Requirement

PROJECT = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def pins(requirements: Iterable[str]) -> Iterator[str]:
    """Each requirement that holds here, at its lower bound."""
    for text in requirements:
        need = Requirement(text)
        if need.name == PROJECT["name"]:
            for extra in need.extras:
                yield from pins(EXTRAS[extra])
        elif need.marker is None or need.marker.evaluate():
            (bound,) = need.specifier
            assert bound.operator == ">=", text
            yield f"{need.name}=={bound.version}"


print("\n".join(sorted({*pins(PROJECT["dependencies"]), *pins(EXTRAS["all"])})))
