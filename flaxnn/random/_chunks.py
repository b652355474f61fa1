# SPDX-License-Identifier: Apache-2.0
"""Work on a large array a piece at a time, so that temporaries stay in the cache."""

from __future__ import annotations

from collections.abc import Iterator

CHUNK = 8192


def chunks(total: int, size: int = CHUNK) -> Iterator[slice]:
    """Yields the slices that cut ``range(total)`` into pieces of ``size``."""
    for start in range(0, total, size):
        yield slice(start, min(start + size, total))
