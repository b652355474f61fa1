# SPDX-License-Identifier: Apache-2.0
"""Whether the files of a checkpoint are those that were written."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

from flaxnn.training._checkpoints._errors import CheckpointError

_LIST = "files.json"


def record(checkpoint: Path) -> None:
    """Lists the items' files with their CRC-32: damage is looked for, not malice.

    Orbax goes on to change the files beside the items.
    """
    files = {
        str(file.relative_to(checkpoint)): _checksum(file)
        for file in sorted(checkpoint.glob("*/**/*"))
        if file.is_file()
    }
    (checkpoint / _LIST).write_text(json.dumps(files))


def verify(checkpoint: Path) -> None:
    """Raises unless every file that was listed is there and is what it was.

    Raises:
        CheckpointError: One is missing or differs; or there is no list, which is
            written last, before the checkpoint gets its name.
    """
    try:
        files = json.loads((checkpoint / _LIST).read_text())
        for name, checksum in files.items():
            if _checksum(checkpoint / name) != checksum:
                raise CheckpointError(f"{checkpoint} is damaged: {name} has changed")
    except (OSError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{checkpoint} is not whole: {error}") from error


def _checksum(file: Path) -> int:
    value = 0
    with file.open("rb") as opened:
        while block := opened.read(1 << 20):
            value = zlib.crc32(block, value)
    return value
