# SPDX-License-Identifier: Apache-2.0
"""Texts of options that several commands on runs have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import typer


def parse_sets(texts: Iterable[str]) -> dict[str, Any]:
    """The keys and values of ``--set KEY=VALUE``, a later one before an earlier.

    Raises:
        typer.BadParameter: One has no equals sign, or no key.
    """
    from flaxnn.runs._toml import parse_value

    found: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not (equals and key.strip() and value.strip()):
            raise typer.BadParameter(
                f"expected KEY=VALUE, such as optimizer.lr=0.1; got {text!r}",
                param_hint="--set",
            )
        found[key.strip()] = parse_value(value)
    return found


def step_of(text: str) -> int | Literal["last", "best"]:
    """The checkpoint that ``--checkpoint`` means.

    Raises:
        typer.BadParameter: It is neither best, last nor the number of a step.
    """
    if text == "last" or text == "best":
        return text
    if not text.isdecimal():
        raise typer.BadParameter(
            f"expected best, last or the number of a step, got {text!r}",
            param_hint="--checkpoint",
        )
    return int(text)
