# SPDX-License-Identifier: Apache-2.0
"""Limits of streaming that the tests' small data sets reach."""

from __future__ import annotations

import pytest

from tests.unit.training.streams import SIZE


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of two batches, read in blocks that fit neither batches nor chunks."""
    monkeypatch.setattr("flaxnn.training._streamed._MOST_BYTES", 2 * 32 * SIZE)
    monkeypatch.setattr("flaxnn.training._reader._BLOCK_BYTES", 7 * SIZE)
    monkeypatch.setattr("flaxnn.training._reader._AHEAD_BYTES", 21 * SIZE)
