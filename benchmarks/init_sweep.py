# SPDX-License-Identifier: Apache-2.0
"""Compares the initial states of forty architectures with PyTorch's, bit for bit.

    python benchmarks/init_sweep.py [--seeds 0 1 42 2025 -3] [--json]

For each architecture and seed, compared are the names and the order of the state, the
bytes of every tensor, and the 5056 bytes of the generator's state after construction.
Exit status 1 on any difference.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np
import torch
from rich.console import Console
from rich.table import Table

# The architectures are the contract tests' own.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from flaxnn.random import Generator
from tests.contract import oracle
from tests.contract.architectures import (
    ARCHITECTURES,
    SEEDS,
    Initial,
    initial,
)


@dataclasses.dataclass
class Result:
    """What came of an architecture; sizes and words are those of the last seed."""

    tensors: int = 0
    numbers: int = 0
    words: int = 0
    seeds: int = 0
    differences: list[str] = dataclasses.field(default_factory=list)


def differences(ours: Initial, theirs: Initial) -> list[str]:
    """Returns what differs, by name."""
    if list(ours.tensors) != list(theirs.tensors):
        return [f"names: {list(ours.tensors)} for {list(theirs.tensors)}"]
    found = [
        name
        for name, array in theirs.tensors.items()
        if not np.array_equal(ours.tensors[name], array)
        or ours.tensors[name].dtype.kind != array.dtype.kind
    ]
    if not np.array_equal(ours.generator, theirs.generator):
        found.append("the generator's state")
    if not found and ours.digest() != theirs.digest():
        found.append("the sign of a zero, or a dtype")
    return found


def compare(name: str, seeds: Sequence[int]) -> Result:
    """Returns the result of an architecture over all seeds."""
    result = Result()
    for seed in seeds:
        generator = Generator(seed)
        ours = initial(name, generator)
        found = differences(ours, oracle.initial_architecture(name, seed))
        result.differences += [f"seed {seed}: {what}" for what in found]
        result.seeds += not found
        result.tensors, result.numbers = len(ours.tensors), ours.size
        result.words = generator.words_drawn
    return result


def environment() -> dict[str, str]:
    """Returns what the numbers may depend on."""
    return {
        "torch": torch.__version__,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "jax": jax.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


def report(results: dict[str, Result], seeds: Sequence[int], seconds: float) -> None:
    """Prints a line for each architecture, and the differences below."""
    table = Table(title=", ".join(f"{k} {v}" for k, v in environment().items()))
    table.add_column("architecture", no_wrap=True)
    for name in ("tensors", "numbers", "words drawn", "seeds equal"):
        table.add_column(name, justify="right")
    for name, result in results.items():
        sizes = (result.tensors, result.numbers, result.words)
        equal = f"{result.seeds}/{len(seeds)}"
        table.add_row(name, *(f"{size:,}" for size in sizes), equal)
    Console(width=max(Console().width, 90)).print(table)
    for name, result in results.items():
        for difference in result.differences:
            print(f"{name}, {difference}")
    equal = sum(result.seeds for result in results.values())
    print(
        f"{len(results)} architectures x {len(seeds)} seeds: {equal} initial states "
        f"equal, {len(results) * len(seeds) - equal} different, {seconds:.1f} s"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the comparison and returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    start = time.perf_counter()
    results = {name: compare(name, options.seeds) for name in ARCHITECTURES}
    seconds = time.perf_counter() - start
    exact = all(not result.differences for result in results.values())
    if options.json:
        found = {name: dataclasses.asdict(result) for name, result in results.items()}
        facts = {"environment": environment(), "exact": exact, "seconds": seconds}
        facts |= {"seeds": list(options.seeds), "architectures": found}
        print(json.dumps(facts))
    else:
        report(results, options.seeds, seconds)
    return 0 if exact else 1


if __name__ == "__main__":
    sys.exit(main())
