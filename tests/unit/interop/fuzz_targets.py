# SPDX-License-Identifier: Apache-2.0
"""What is fuzzed, with atheris or without: benchmarks/fuzz_files.py, test_fuzz.py."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from flaxnn import interop
from tests.unit.interop import crafted, mutators, pickle_mutator

TARGETS = ("pickle", "archive", "safetensors", "index")
MAX_LENGTH = 16 << 10
FILES = Path(__file__).parent / "files"
SHARDS = {"shard0": "a", "shard1": "b"}
# What has the attacks that are much work to make, and too long to be of use here.
LARGE = ("opcodes", "zip bomb", "keys")
PICKLES = ("archive", "big-endian archive", "older format")
Mutate = Callable[[bytes, random.Random], bytes]


class Target:
    """What is fuzzed: its seeds, how they change, and how they become a file.

    Attributes:
        name: One of `TARGETS`.
        path: The file that is loaded.
        mutate: Changes an input.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.path = folder / (
            "model.safetensors.index.json" if name == "index" else "model"
        )
        self.mutate: Mutate = {
            "pickle": self._mutate_pickle,
            "archive": mutators.mutate_archive,
            "safetensors": mutators.mutate_safetensors,
            "index": mutators.mutate_index,
        }[name]
        if name == "index":
            for file, tensor in SHARDS.items():
                span = {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}
                shard = crafted.safetensors({tensor: span}, b"x")
                (folder / file).write_bytes(shard)

    def seeds(self) -> list[bytes]:
        """Inputs to begin with: what the tests read, and the attacks of its kind."""
        # Not at the top, as it makes large files, which the fuzzer's memory is without.
        from tests.unit.interop import attacks

        if self.name == "index":
            places = {tensor: file for file, tensor in SHARDS.items()}
            return [json.dumps({"metadata": {}, "weight_map": places}).encode()]
        known = [path.read_bytes() for path in sorted(FILES.iterdir())]
        known += [
            content
            for attack in (attacks.ATTACKS | attacks.SOUND).values()
            if attack.family not in LARGE
            for content in list(attack.files().values())[:1]
            if len(content) < MAX_LENGTH
        ]
        if self.name == "safetensors":
            return [content for content in known if content[8:9] == b"{"]
        archives = [content for content in known if mutators.unpack(content)]
        if self.name == "archive":
            return archives + [each for each in known if each.startswith(b"\x80")]
        codes = {
            entry.data
            for content in archives
            for entry in mutators.unpack(content)
            if entry.name.endswith(b"/data.pkl")
        }
        return [
            bytes([kind]) + code
            for code in sorted(codes)
            for kind in range(len(PICKLES))
        ]

    def _mutate_pickle(self, data: bytes, rng: random.Random) -> bytes:
        kind, code = data[:1] or b"\0", data[1:]
        if rng.random() < 0.05:
            kind = bytes([rng.randrange(len(PICKLES))])
        if rng.random() < 0.1:
            return kind + mutators.mutate_bytes(code, rng)
        return kind + pickle_mutator.mutate_pickle(code, rng)

    def file(self, data: bytes) -> bytes:
        """The file that an input stands for."""
        if self.name != "pickle":
            return data
        kind, code = PICKLES[(data or b"\0")[0] % len(PICKLES)], data[1:]
        if kind == "older format":
            return pickle_mutator.in_old_format(code)
        entry = mutators.entry
        entries = [entry(b"a/data.pkl", code)]
        if kind == "big-endian archive":
            entries.append(entry(b"a/byteorder", b"big"))
        for key, storage in pickle_mutator.STORAGES.items():
            entries.append(entry(b"a/data/" + key.encode(), storage))
        return mutators.pack(entries)

    def load(self, data: bytes) -> object:
        """What the file holds, every array of it read."""
        # Anew, as arrays of the file before may still be alive.
        self.path.unlink(missing_ok=True)
        self.path.write_bytes(self.file(data))
        try:
            value = interop.load(self.path)
        except interop.FileFormatError:
            return None
        for array in _arrays(value):
            # One that repeats its elements has any size.
            corners = array[
                tuple(slice(None, None, max(n - 1, 1)) for n in array.shape)
            ]
            if corners.size < 1 << 16:
                corners.tobytes()
        return value


def _arrays(value: Any) -> Iterator[Any]:
    """The arrays in what was loaded, each container visited once."""
    seen: set[int] = set()
    left = [value]
    while left:
        value = left.pop()
        if isinstance(value, dict | list | tuple) and id(value) not in seen:
            seen.add(id(value))
            left += value.values() if isinstance(value, dict) else value
        elif type(value).__name__ == "ndarray":
            yield value
