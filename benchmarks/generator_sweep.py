# SPDX-License-Identifier: Apache-2.0
"""Compares every draw of `flaxnn.random.Generator` with PyTorch's, bit for bit.

    python benchmarks/generator_sweep.py --seeds 300 [--sizes 60] [--json] [--speed]

For each draw and seed, one generator of ours and one of PyTorch's go through all the
sizes side by side. Compared each time: dtype, shape and bytes of what was drawn, and
the 5056 bytes of the state after it, which say the position in the stream and the
cached normal number. Exit status 1 on any mismatch.

PyTorch decides by ATEN_CPU_CAPABILITY which of its kernels run; set it to `default` to
compare those. `--speed` compares times for 10^6 numbers on one thread instead.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress, TimeElapsedColumn
from rich.table import Table

from flaxnn.random import Generator

SIZES = (
    *range(1, 41),
    *(48, 63, 64, 65, 100, 127, 128, 255, 256, 333),
    *(512, 623, 624, 625, 1000, 1024, 4097, 10007, 16384, 60000),
)
EDGE_SEEDS = (
    *(0, 1, -1, 42, -(2**63), -(2**63) + 1, 2**63 - 1, 2**63, 2**64 - 1),
    *(2**31, 2**32 - 1, 2**32, 2**32 + 1, -(2**32), -(2**31) - 7),
)
SPEED_SIZE = 10**6
SPEED_TARGETS = {"rand float32": 2.0, "randn float32": 10.0, "randperm": 10.0}


@dataclasses.dataclass(frozen=True)
class Case:
    """One draw of a given size, as ours and as PyTorch's."""

    name: str
    ours: Callable[[Generator, int], np.ndarray]
    theirs: Callable[[torch.Generator, int], torch.Tensor]


@dataclasses.dataclass
class Result:
    """What came of a case, summed over seeds and sizes."""

    draws: int = 0
    values: int = 0
    mismatched_draws: int = 0
    mismatched_values: int = 0
    mismatched_states: int = 0

    @property
    def exact(self) -> bool:
        """Whether nothing differed, and something was compared."""
        return self.draws > 0 and not (self.mismatched_draws or self.mismatched_states)


def weights(n: int, dtype: str, zeros: bool = False) -> np.ndarray:
    """Returns n weights, every third one zero if wanted."""
    steps = np.arange(n)
    values = (steps * 7919 % 13 + 1) / 13
    if zeros:
        values[steps % 3 == 1] = 0
    return values.astype(dtype)


def float_cases(dtype: str) -> Iterator[Case]:
    """Yields the draws that exist in both floating types."""
    kind: torch.dtype = getattr(torch, dtype)

    def empty(n: int) -> torch.Tensor:
        return torch.empty(n, dtype=kind)

    yield Case(
        "rand",
        lambda g, n: g.rand(n, dtype=dtype),
        lambda g, n: torch.rand(n, dtype=kind, generator=g),
    )
    yield Case(
        "randn",
        lambda g, n: g.randn(n, dtype=dtype),
        lambda g, n: torch.randn(n, dtype=kind, generator=g),
    )
    for low, high in ((-0.25, 0.25), (-0.3, 1.6), (1.0, 2.0)):
        yield Case(
            f"uniform({low}, {high})",
            lambda g, n, low=low, high=high: g.uniform((n,), low, high, dtype=dtype),
            lambda g, n, low=low, high=high: empty(n).uniform_(low, high, generator=g),
        )
    for mean, std in ((0.0, 0.02), (0.3, 1.7)):
        yield Case(
            f"normal({mean}, {std})",
            lambda g, n, mean=mean, std=std: g.normal((n,), mean, std, dtype=dtype),
            lambda g, n, mean=mean, std=std: empty(n).normal_(mean, std, generator=g),
        )
    yield Case(
        "exponential(1.7)",
        lambda g, n: g.exponential((n,), 1.7, dtype=dtype),
        lambda g, n: empty(n).exponential_(1.7, generator=g),
    )
    yield Case(
        "bernoulli(0.3)",
        lambda g, n: g.bernoulli(0.3, (n,), dtype=dtype),
        lambda g, n: empty(n).bernoulli_(0.3, generator=g),
    )
    yield Case(
        "bernoulli(array)",
        lambda g, n: g.bernoulli(weights(n, dtype)),
        lambda g, n: torch.bernoulli(torch.from_numpy(weights(n, dtype)), generator=g),
    )
    for name, samples, replacement, zeros, rows in (
        ("one", lambda n: 1, False, False, 1),
        ("one, replacement", lambda n: 1, True, False, 1),
        ("replacement", lambda n: n + 1, True, True, 1),
        ("replacement, rows", lambda n: 5, True, False, 3),
        ("few", lambda n: n // 100 + 1, False, False, 1),
        ("all", lambda n: n, False, False, 1),
        ("half of the rows, zeros", lambda n: n // 2 + 1, False, True, 2),
        ("few, zeros", lambda n: n // 70 + 1, False, True, 1),
    ):

        def spread(n: int, rows: int = rows, zeros: bool = zeros) -> np.ndarray:
            return np.tile(weights(n, dtype, zeros), (rows, 1) if rows > 1 else 1)

        yield Case(
            f"multinomial({name})",
            lambda g, n, k=samples, r=replacement, w=spread: g.multinomial(
                w(n), k(n), r
            ),
            lambda g, n, k=samples, r=replacement, w=spread: torch.multinomial(
                torch.from_numpy(w(n)), k(n), r, generator=g
            ),
        )
    yield Case(
        "random",
        lambda g, n: g.random((n,), dtype=dtype),
        lambda g, n: empty(n).random_(generator=g),
    )
    yield Case(
        "randint(-9, 10)",
        lambda g, n: g.randint(-9, 10, (n,), dtype=dtype),
        lambda g, n: torch.randint(-9, 10, (n,), dtype=kind, generator=g),
    )


def integer_cases() -> Iterator[Case]:
    """Yields the draws of integers and the permutation."""
    yield Case(
        "randperm",
        lambda g, n: g.randperm(n),
        lambda g, n: torch.randperm(n, generator=g),
    )
    for low, high, dtype in (
        (0, 10, "int64"),
        (-7, 2**28 - 8, "int64"),
        (-7, 2**28 - 7, "int64"),
        (0, 2**40, "int64"),
        (-(2**63), 2**63 - 1, "int64"),
        (-(2**31), 2**31, "int32"),
        (-300, 300, "int16"),
        (0, 256, "uint8"),
        (0, 2, "bool"),
    ):
        kind: torch.dtype = getattr(torch, dtype)
        yield Case(
            f"randint({low}, {high}) {dtype}",
            lambda g, n, a=low, b=high, t=dtype: g.randint(a, b, (n,), dtype=t),
            lambda g, n, a=low, b=high, t=kind: torch.randint(
                a, b, (n,), dtype=t, generator=g
            ),
        )
    for dtype in ("int64", "int32", "int16", "int8", "uint8", "bool"):
        kind = getattr(torch, dtype)
        yield Case(
            f"random {dtype}",
            lambda g, n, t=dtype: g.random((n,), dtype=t),
            lambda g, n, t=kind: torch.empty(n, dtype=t).random_(generator=g),
        )
        yield Case(
            f"bernoulli(0.8) {dtype}",
            lambda g, n, t=dtype: g.bernoulli(0.8, (n,), dtype=t),
            lambda g, n, t=kind: torch.empty(n, dtype=t).bernoulli_(0.8, generator=g),
        )


def all_cases() -> list[Case]:
    """Returns every draw, and last all of them in turn from one stream."""
    cases = list(integer_cases())
    for dtype in ("float32", "float64"):
        cases += [
            dataclasses.replace(case, name=f"{case.name} {dtype}")
            for case in float_cases(dtype)
        ]
    turn = tuple(cases)
    mixed = Case(
        "all in turn",
        lambda g, n: turn[n % len(turn)].ours(g, n),
        lambda g, n: turn[n % len(turn)].theirs(g, n),
    )
    return [*cases, mixed]


def seeds(count: int) -> list[int]:
    """Returns the edge cases first, then seeds of every size."""
    step = 0x9E3779B97F4A7C15  # 2^64 over the golden ratio: spread evenly
    others = [(i * step) % 2**64 >> (i % 48) for i in range(1, count)]
    return list(dict.fromkeys([*EDGE_SEEDS, *others]))[:count]


def sizes(count: int) -> list[int]:
    """Returns sizes spread over all of them, the largest included."""
    picked = np.linspace(0, len(SIZES) - 1, min(count, len(SIZES))).round()
    return [SIZES[int(i)] for i in picked]


def capability() -> str:
    """Returns which of PyTorch's kernels run, in flaxnn's words."""
    name = torch.backends.cpu.get_cpu_capability()
    return "avx2" if name.startswith("AVX") else "default"


def compare(case: Case, seed: int, lengths: Sequence[int], result: Result) -> None:
    """Goes through the sizes with one generator of each kind."""
    ours = Generator(seed, torch_version=torch.__version__, cpu_capability=capability())
    theirs = torch.Generator()
    theirs.manual_seed(seed)
    for n in lengths:
        got = case.ours(ours, n)
        expected = case.theirs(theirs, n).numpy()
        result.draws += 1
        result.values += expected.size
        if got.dtype != expected.dtype or got.shape != expected.shape:
            result.mismatched_draws += 1
        elif got.tobytes() != expected.tobytes():
            result.mismatched_draws += 1
            result.mismatched_values += int(np.count_nonzero(got != expected))
        state = theirs.get_state()
        if ours.get_state().tobytes() != state.numpy().tobytes():
            result.mismatched_states += 1
            ours.set_state(state.numpy())  # so that one fault is counted once
    # Each goes on from the other's state.
    exchanged = theirs.get_state()
    theirs.set_state(torch.from_numpy(ours.get_state()))
    ours.set_state(exchanged.numpy())
    if ours.get_state().tobytes() != theirs.get_state().numpy().tobytes():
        result.mismatched_states += 1


def sweep(seed_count: int, size_count: int) -> dict[str, Result]:
    """Returns the result of every case."""
    cases, lengths, starts = all_cases(), sizes(size_count), seeds(seed_count)
    results = {case.name: Result() for case in cases}
    columns = (*Progress.get_default_columns(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=len(cases) * len(starts))
        for case in cases:
            progress.update(task, description=case.name)
            for seed in starts:
                compare(case, seed, lengths, results[case.name])
                progress.advance(task)
    return results


def speed(repeats: int = 9) -> dict[str, tuple[float, float]]:
    """Returns the best times of ours and PyTorch's in ms, measured in turn."""
    times = {}
    for case in all_cases()[:-1]:
        ours, theirs = Generator(0), torch.Generator()
        pair = (
            functools.partial(case.ours, ours, SPEED_SIZE),
            functools.partial(case.theirs, theirs, SPEED_SIZE),
        )
        best = [float("inf"), float("inf")]
        for _ in range(repeats):
            for side, draw in enumerate(pair):
                start = time.perf_counter()
                draw()
                best[side] = min(best[side], 1e3 * (time.perf_counter() - start))
        times[case.name] = (best[0], best[1])
    return times


def environment() -> dict[str, str]:
    """Returns what the numbers may depend on."""
    return {
        "torch": torch.__version__,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "numpy": np.__version__,
        "python": platform.python_version(),
        "libc": " ".join(platform.libc_ver()),
        "machine": platform.machine(),
    }


def print_table(title: str, header: Sequence[str], rows: Sequence[list[str]]) -> None:
    table = Table(title=title)
    for i, name in enumerate(header):
        table.add_column(name, justify="right" if i else "left", no_wrap=i == 0)
    for row in rows:
        table.add_row(*row)
    console = Console()
    Console(width=max(console.width, 110)).print(table)


def report_speed(as_json: bool) -> int:
    times = speed()
    if as_json:
        print(json.dumps({"environment": environment(), "milliseconds": times}))
        return 0
    rows = []
    for name, (ours, theirs) in times.items():
        target = f"{SPEED_TARGETS[name]:.0f}" if name in SPEED_TARGETS else ""
        rows.append(
            [name, f"{ours:.2f}", f"{theirs:.2f}", f"{ours / theirs:.2f}", target]
        )
    header = ("draw of 10^6", "flaxnn ms", "torch ms", "ratio", "at most")
    print_table(", ".join(f"{k} {v}" for k, v in environment().items()), header, rows)
    return 0


def report_sweep(seed_count: int, size_count: int, as_json: bool) -> int:
    start = time.perf_counter()
    results = sweep(seed_count, size_count)
    seconds = time.perf_counter() - start
    exact = all(result.exact for result in results.values())
    if as_json:
        draws = {name: dataclasses.asdict(result) for name, result in results.items()}
        coverage = {"seeds": seed_count, "sizes": sizes(size_count)}
        facts = {"environment": environment(), "exact": exact, "seconds": seconds}
        print(json.dumps({**facts, **coverage, "draws": draws}))
        return 0 if exact else 1
    rows = [
        [name, *(f"{value:,}" for value in dataclasses.asdict(result).values())]
        for name, result in results.items()
    ]
    header = ("draw", *(field.name for field in dataclasses.fields(Result)))
    title = ", ".join(f"{k} {v}" for k, v in environment().items())
    print_table(title, [name.replace("_", " ") for name in header], rows)
    total = sum(result.mismatched_draws for result in results.values())
    states = sum(result.mismatched_states for result in results.values())
    print(
        f"{len(results)} draws x {seed_count} seeds x {len(sizes(size_count))} sizes: "
        f"{total} mismatched draws, {states} mismatched states, {seconds:.0f} s"
    )
    return 0 if exact else 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the comparison and returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=300)
    parser.add_argument("--sizes", type=int, default=len(SIZES))
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--speed", action="store_true", help="compare times instead")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    if options.speed:
        return report_speed(options.json)
    return report_sweep(options.seeds, options.sizes, options.json)


if __name__ == "__main__":
    sys.exit(main())
