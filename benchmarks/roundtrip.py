# SPDX-License-Identifier: Apache-2.0
"""Checkpoints that PyTorch writes, flaxnn reads, writes again, and PyTorch reads.

    python benchmarks/roundtrip.py [--files 60] [--seed 0] [--json] [--output FILE]

The files are drawn (`generated_checkpoints.py`): every dtype, views that are
transposed, strided, expanded, overlapping, tied or empty, nested containers, runs with
optimisers and schedulers, modules in modules, both of PyTorch's formats, pickle
protocols 2 to 5. Of each are compared, after either way, the containers, keys, numbers
and text, every tensor's dtype, shape and bytes, and which elements share memory.
What flaxnn wrote is read with ``weights_only=True``, mapped and not, and a module's
state is loaded into the module, into flaxnn's own where there is one, and given back.
Dictionaries of tensors go through safetensors' own package too. Needs PyTorch 2.13 and
safetensors. Exits with 1 on any difference.
"""

from __future__ import annotations

import argparse
import json
import struct
import sys
import tempfile
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.generated_checkpoints import KINDS, Drawn, draw
from flaxnn import interop, nn
from flaxnn.bench import machine
from flaxnn.interop._dtypes import TABLE, of_array
from flaxnn.random import Generator

# What the format of safetensors has not.
_NO_SAFETENSORS = {row.torch for row in TABLE if row.safetensors is None}


def parts(value: Any, exact: bool, name: str = "") -> Iterator[tuple[str, Any]]:
    """Containers, keys, numbers and arrays of a nested value, in order.

    Args:
        value: The value; tensors may be PyTorch's or NumPy's.
        exact: Whether an OrderedDict or Counter is told from a dict.
        name: Where it is.
    """
    if isinstance(value, torch.Tensor | np.ndarray):
        yield name, value
    elif isinstance(value, dict):
        kinds = (Counter, OrderedDict, dict) if exact else (dict,)
        kind = next(kind for kind in kinds if isinstance(value, kind))
        yield name, (kind.__name__, [(type(key), key) for key in value])
        for key, one in value.items():
            yield from parts(one, exact, f"{name}[{key!r}]")
    elif isinstance(value, list | tuple):
        yield name, (type(value).__name__, len(value))
        for index, one in enumerate(value):
            yield from parts(one, exact, f"{name}[{index}]")
    elif isinstance(value, float):
        yield name, ("float", struct.pack(">d", value))
    else:
        yield name, (type(value).__name__, value)


def described(value: Any) -> Any:
    """A tensor as dtype, shape and bytes; anything else as it is."""
    if isinstance(value, np.ndarray):
        return of_array(value.dtype).torch, value.shape, value.tobytes()
    if isinstance(value, torch.Tensor):
        plain = torch.empty(value.shape, dtype=value.dtype).copy_(value.detach())
        raw = plain.reshape(-1).view(torch.uint8).numpy().tobytes()
        return str(value.dtype).removeprefix("torch."), tuple(value.shape), raw
    return value


def addresses(value: Any) -> np.ndarray:
    """Where each element of a tensor is in memory."""
    if isinstance(value, torch.Tensor):
        first, width = value.data_ptr(), value.element_size()
        strides: Sequence[int] = [stride * width for stride in value.stride()]
    else:
        first, strides = value.ctypes.data, value.strides
    found = np.array([first])
    if 0 in value.shape:
        return found[:0]
    for length, stride in zip(value.shape, strides, strict=True):
        found = (found[:, None] + np.arange(length) * stride).reshape(-1)
    return found


def sharing(tensors: Sequence[Any]) -> np.ndarray:
    """A number for each element of all tensors, the same for the same memory."""
    every = np.concatenate([np.zeros(0, np.int64), *map(addresses, tensors)])
    _, first, inverse = np.unique(every, return_index=True, return_inverse=True)
    return first[inverse]


def differences(one: Any, other: Any, *, exact: bool, shared: bool) -> list[str]:
    """What two nested values differ in.

    Args:
        one: The first.
        other: The second.
        exact: Whether an OrderedDict or Counter is told from a dict.
        shared: Whether sharing of memory is compared.
    """
    ours, theirs = list(parts(one, exact)), list(parts(other, exact))
    found = [
        name if name == named else f"{name} for {named}"
        for (name, a), (named, b) in zip(ours, theirs, strict=False)
        if name != named or described(a) != described(b)
    ]
    if len(ours) != len(theirs):
        found.append(f"{len(ours)} for {len(theirs)} entries")
    if shared and not found:
        memories = [
            sharing([v for _, v in side if isinstance(v, torch.Tensor | np.ndarray)])
            for side in (ours, theirs)
        ]
        if not np.array_equal(memories[0], memories[1]):
            found.append("other elements share memory")
    return found


class Trip:
    """One checkpoint's way, and what was found on it."""

    def __init__(self, drawn: Drawn, folder: Path):
        self.drawn, self.folder = drawn, folder
        self.found: list[str] = []
        self.ways: list[str] = []
        self.layers: list[str] = []

    def compare(self, way: str, value: Any, **options: bool) -> None:
        """Holds what came of a way against what was saved."""
        self.ways.append(way)
        found = differences(
            value,
            self.drawn.value,
            **{"exact": False, "shared": True, **options},
        )
        self.found += [f"{way}: {what}" for what in found]

    def run(self) -> None:
        """Goes all ways."""
        drawn, folder = self.drawn, self.folder
        torch.save(drawn.value, folder / "torch.pt", **drawn.options)
        loaded = interop.load(folder / "torch.pt")
        self.compare("PyTorch to flaxnn", loaded)
        interop.save(loaded, folder / "flaxnn.pt")
        self.compare("written and read by flaxnn", interop.load(folder / "flaxnn.pt"))
        for mapped in (False, True):
            back = torch.load(folder / "flaxnn.pt", weights_only=True, mmap=mapped)
            self.compare(f"to PyTorch{', mapped' * mapped}", back)
        alike = _with_containers_of(drawn.value, loaded)
        interop.save(alike, folder / "alike.pth")
        back = torch.load(folder / "alike.pth", weights_only=True)
        self.compare("containers of their own kind", back, exact=True)
        if drawn.kind in ("flat", "modules"):
            self._safetensors(loaded)
        if drawn.model is not None:
            self._modules(drawn.model, loaded, back)

    def _safetensors(self, loaded: Any) -> None:
        """Both ways through the package safetensors, whose files have no order."""
        if any(
            described(tensor)[0] in _NO_SAFETENSORS
            for tensor in self.drawn.value.values()
        ):
            return
        theirs, ours = self.folder / "theirs.safetensors", self.folder / "o.safetensors"
        whole = {
            name: tensor.detach().contiguous().clone()
            for name, tensor in self.drawn.value.items()
        }
        safetensors.torch.save_file(whole, theirs)
        interop.save(loaded, ours)
        for way, read, path in (
            ("safetensors to flaxnn", interop.load, theirs),
            ("flaxnn to safetensors", safetensors.torch.load_file, ours),
        ):
            value = read(path)
            ordered = {name: value[name] for name in self.drawn.value if name in value}
            self.compare(way, ordered | value, shared=False)

    def _modules(self, build: Callable[..., Any], loaded: Any, back: Any) -> None:
        """The state in the module that it is of, and in flaxnn's counterpart."""
        model = build(torch.nn)
        self.layers = [type(module).__name__ for module in model.modules()]
        model.load_state_dict(back, strict=True)
        self.compare("in PyTorch's module", model.state_dict(), shared=False)
        if not self.drawn.in_flaxnn:
            return
        counterpart = nn.load_state_dict(build(nn, rngs=Generator(0)), loaded)
        path = self.folder / "counterpart.pt"
        interop.save(counterpart.state_dict(), path)
        model = build(torch.nn)
        model.load_state_dict(torch.load(path, weights_only=True), strict=True)
        self.compare("given back by flaxnn's", model.state_dict(), shared=False)


def _with_containers_of(value: Any, loaded: Any) -> Any:
    """What was loaded, in an OrderedDict or a Counter where it was in one."""
    if isinstance(value, dict):
        kinds = (Counter, OrderedDict, dict)
        kind = next(kind for kind in kinds if isinstance(value, kind))
        pairs = zip(value.values(), loaded.items(), strict=True)
        return kind({key: _with_containers_of(a, b) for a, (key, b) in pairs})
    if isinstance(value, list | tuple):
        pairs = zip(value, loaded, strict=True)
        return type(loaded)(_with_containers_of(a, b) for a, b in pairs)
    return loaded


def trips(files: int, seed: int) -> Iterator[Trip]:
    """The trips of so many drawn checkpoints, one after the other."""
    for index in range(files):
        with tempfile.TemporaryDirectory() as name:
            trip = Trip(draw(index, seed), Path(name))
            try:
                trip.run()
            except Exception as error:  # A refusal is a difference like others.
                trip.found.append(f"after {trip.ways[-1:]}: {error!r}")
            yield trip


def report_of(files: int, seed: int) -> dict[str, Any]:
    """Sends the checkpoints on their way and counts."""
    start = time.perf_counter()
    kinds, ways, dtypes, layers = (Counter[str]() for _ in range(4))
    found: list[str] = []
    for index, trip in enumerate(trips(files, seed)):
        kinds[trip.drawn.kind] += 1
        ways.update(trip.ways)
        layers.update(trip.layers)
        found += [f"file {index} ({trip.drawn.kind}), {what}" for what in trip.found]
        for _, value in parts(trip.drawn.value, exact=True):
            if isinstance(value, torch.Tensor):
                dtypes[str(value.dtype).removeprefix("torch.")] += 1
    return {
        "machine": {**machine(), "safetensors": metadata.version("safetensors")},
        "files": files,
        "seed": seed,
        "kinds": {kind: kinds[kind] for kind in KINDS},
        "ways": dict(ways),
        "tensors": dtypes.total(),
        "dtypes": dict(sorted(dtypes.items())),
        "modules": dict(sorted(layers.items())),
        "seconds": round(time.perf_counter() - start, 1),
        "differences": found,
        "passed": not found,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the trips and returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--files", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--output", type=Path, help="also write the JSON here")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    report = report_of(options.files, options.seed)
    text = json.dumps(report, indent=1)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")
    if options.json:
        print(text)
    else:
        for line in report["differences"]:
            print(line)
        for way, count in report["ways"].items():
            print(f"{count:4} {way}")
        print(
            f"{report['files']} files, {report['tensors']:,} tensors of "
            f"{len(report['dtypes'])} dtypes, {sum(report['ways'].values())} ways: "
            f"{len(report['differences'])} differences, {report['seconds']} s"
        )
    return 0 if report["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
