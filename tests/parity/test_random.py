# SPDX-License-Identifier: Apache-2.0
"""The generator against a live PyTorch: a sample of benchmarks/generator_sweep.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from flaxnn.random import Generator, _topk

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from benchmarks import generator_sweep  # noqa: E402

pytestmark = pytest.mark.torch

ROOT = Path(__file__).resolve().parents[2]
CASES = generator_sweep.all_cases()
LENGTHS = [*range(1, 20), 31, 33, 64, 100, 624, 1000, 5003]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_draws_and_states(case: generator_sweep.Case) -> None:
    result = generator_sweep.Result()
    for seed in generator_sweep.seeds(18):
        generator_sweep.compare(case, seed, LENGTHS, result)
    assert result.exact, result


def test_a_difference_is_found() -> None:
    """The comparison sees a wrong bit, a wrong dtype and a wrong position."""
    case = CASES[0]
    faults = {
        "bit": lambda g, n: case.ours(g, n) ^ (n == 5),
        "dtype": lambda g, n: case.ours(g, n).astype(np.int32),
        "position": lambda g, n: (case.ours(g, n), g.rand(1))[0],
    }
    for name, ours in faults.items():
        result = generator_sweep.Result()
        wrong = generator_sweep.Case(name, ours, case.theirs)
        generator_sweep.compare(wrong, 0, LENGTHS, result)
        assert not result.exact
        assert (result.mismatched_states > 0) == (name == "position")


@pytest.mark.parametrize("fault", [False, True])
def test_the_script_tells_by_its_exit_status(
    fault: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    case = CASES[0]
    wrong = generator_sweep.Case(case.name, lambda g, n: g.randperm(n) + 1, case.theirs)
    cases = [wrong if fault else case]
    monkeypatch.setattr(generator_sweep, "all_cases", lambda: cases)
    assert generator_sweep.main(["--seeds", "2", "--sizes", "5"]) == int(fault)
    assert f"{10 * fault} mismatched draws, 0 mismatched" in capsys.readouterr().out


def test_default_capability() -> None:
    """The script itself, in a process where PyTorch runs its other kernels."""
    command = [sys.executable, "benchmarks/generator_sweep.py", "--json"]
    done = subprocess.run(
        [*command, "--seeds", "2", "--sizes", "20"],
        cwd=ROOT,
        env={
            **os.environ,
            "ATEN_CPU_CAPABILITY": "default",
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["exact"]
    assert report["environment"]["cpu_capability"] == "DEFAULT"
    assert len(report["draws"]) == len(CASES)


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,), (2, 3, 5), (17, 1)])
def test_shapes(shape: tuple[int, ...]) -> None:
    ours, theirs = Generator(7), torch.Generator().manual_seed(7)
    for got, expected in (
        (ours.rand(*shape), torch.rand(shape, generator=theirs)),
        (ours.randn(shape), torch.randn(shape, generator=theirs)),
        (
            ours.randint(0, 9, shape),
            torch.randint(0, 9, shape, generator=theirs),
        ),
        (
            ours.bernoulli(0.5, shape),
            torch.empty(shape).bernoulli_(0.5, generator=theirs),
        ),
        (
            ours.exponential(shape),
            torch.empty(shape).exponential_(generator=theirs),
        ),
    ):
        assert got.shape == tuple(expected.shape)
        np.testing.assert_array_equal(got, expected.numpy())
    np.testing.assert_array_equal(ours.get_state(), theirs.get_state().numpy())


def test_probabilities_in_another_layout() -> None:
    p = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)
    expected = torch.bernoulli(
        torch.from_numpy(p).T, generator=torch.Generator().manual_seed(3)
    )
    np.testing.assert_array_equal(Generator(3).bernoulli(p.T), expected.numpy())
    row = p[1]
    spread = torch.empty(3, 4).bernoulli_(
        torch.from_numpy(row), generator=torch.Generator().manual_seed(3)
    )
    np.testing.assert_array_equal(Generator(3).bernoulli(row, (3, 4)), spread.numpy())


def test_multinomial_of_an_overflowing_sum() -> None:
    weights = np.array([1, 3e38, 3e38, 3e38], np.float32)
    expected = torch.multinomial(
        torch.from_numpy(weights), 9, True, generator=torch.Generator().manual_seed(3)
    )
    np.testing.assert_array_equal(
        Generator(3).multinomial(weights, 9, True), expected.numpy()
    )


@pytest.mark.parametrize("mean", [0.0, -2.5, np.inf, np.nan])
@pytest.mark.parametrize("std", [0.0, 1.0, 1e-40, 1e300, np.inf])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_extreme_normal_parameters(mean: float, std: float, dtype: str) -> None:
    kind = getattr(torch, dtype)
    ours, theirs = Generator(3), torch.Generator().manual_seed(3)
    for n in (5, 40):
        expected = torch.empty(n, dtype=kind).normal_(mean, std, generator=theirs)
        np.testing.assert_array_equal(
            ours.normal(n, mean, std, dtype=dtype), expected.numpy()
        )


def _killer(n: int) -> np.ndarray:
    """A sequence that median-of-three partitions badly: sorting falls to a heap."""
    half = n // 2
    odd = np.arange(1, half + 1)
    first = np.where(odd % 2, odd, half + odd - 1)
    return -np.concatenate([first, 2 * np.arange(1, half + 1)]).astype(np.float32)


@pytest.mark.parametrize("n", [1, 2, 3, 16, 17, 40, 130, 1000, 4000])
@pytest.mark.parametrize("share", [1, 1.3, 2, 10, 64, 100])
def test_order_of_ties(n: int, share: float) -> None:
    k = max(int(n / share), 1)
    rng = np.random.default_rng(n)
    killer = np.resize(_killer(max(n, 2)), n)
    killer[n // 3] = killer[-1]  # one tie, so that the order is followed
    inputs = [rng.integers(0, d, n).astype(np.float32) for d in (1, 2, 9, n)]
    inputs += [killer, np.sort(inputs[2]), -np.sort(inputs[2]), np.repeat(killer, 2)]
    for values in inputs:
        expected = torch.topk(torch.from_numpy(values), k).indices.numpy()
        (got,) = _topk.largest(values[np.newaxis], k)
        np.testing.assert_array_equal(got, expected)
