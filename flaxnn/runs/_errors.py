# SPDX-License-Identifier: Apache-2.0
"""What may be wrong with a configuration or with the directory of a run."""

from __future__ import annotations

from collections.abc import Sequence


class ConfigError(ValueError):
    """A configuration has faults, which it names all at once.

    Attributes:
        faults: A line for each, which begins with the key.
        source: Where the configuration comes from, such as the file; may be empty.
    """

    def __init__(self, faults: str | Sequence[str], source: str = ""):
        self.faults: tuple[str, ...] = (
            (faults,) if isinstance(faults, str) else tuple(faults)
        )
        self.source = source
        where = f" in {source}" if source else ""
        if len(self.faults) == 1:
            text = f"{source}: {self.faults[0]}" if source else self.faults[0]
        else:
            lines = "".join(f"\n  {fault}" for fault in self.faults)
            text = f"the configuration has {len(self.faults)} faults{where}:{lines}"
        super().__init__(text)


class RunDirectoryError(ValueError):
    """A directory has another run, files that are no run's, or damaged ones."""
