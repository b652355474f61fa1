# SPDX-License-Identifier: Apache-2.0
"""Samplers, alone and in a DataLoader, against a live PyTorch, bit for bit (T0)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from torch.utils import data as torch_data  # noqa: E402

import flaxnn  # noqa: E402
from flaxnn import data, models, nn, optim  # noqa: E402
from flaxnn.random import Generator  # noqa: E402

pytestmark = pytest.mark.torch

ROWS = 45
WEIGHTS = (np.arange(ROWS) * 7 % 11 / 10).tolist()  # some are zero
INDICES = [3, 44, 7, 7, 0, 21, 30, 12, 5, 19, 40]


@dataclass(frozen=True)
class Case:
    """A sampler of either library, made by the module and the generators given."""

    name: str
    make: Callable[..., Any]


CASES = [
    Case(
        f"weighted-{samples}-{replacement}",
        lambda lib, k=samples, r=replacement, **g: lib.WeightedRandomSampler(
            WEIGHTS, k, r, **g
        ),
    )
    for samples, replacement in ((1, True), (100, True), (1, False), (40, False))
]
CASES += [
    Case("subset", lambda lib, **g: lib.SubsetRandomSampler(INDICES, **g)),
    Case("subset-one", lambda lib, **g: lib.SubsetRandomSampler([4], **g)),
    Case("subset-none", lambda lib, **g: lib.SubsetRandomSampler([], **g)),
]
CASES += [
    Case(
        f"random-{samples}-{replacement}",
        lambda lib, k=samples, r=replacement, **g: lib.RandomSampler(
            range(ROWS), r, k, **g
        ),
    )
    for samples, replacement in (
        (None, False),
        (7, False),
        (90, False),
        (100, False),
        (None, True),
        (64, True),
        (100, True),
        (5, True),
    )
]

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


class Streams:
    """The run's, the sampler's own and the loader's own stream, on both sides."""

    def __init__(self, seed: int) -> None:
        torch.manual_seed(seed)
        self.run = Generator(seed)
        self.sampler = Generator(seed + 1)
        self.loader = Generator(seed + 2)
        self.torch_sampler = torch.Generator().manual_seed(seed + 1)
        self.torch_loader = torch.Generator().manual_seed(seed + 2)

    def assert_same(self) -> None:
        pairs = (
            (self.run, torch.default_generator),
            (self.sampler, self.torch_sampler),
            (self.loader, self.torch_loader),
        )
        for ours, theirs in pairs:
            np.testing.assert_array_equal(ours.get_state(), theirs.get_state().numpy())


@each_case
@pytest.mark.parametrize("own", [False, True], ids=["global", "own"])
def test_indices_and_the_state_after_each(case: Case, own: bool) -> None:
    streams = Streams(2025)
    given: Any = {"generator": streams.sampler} if own else {"rngs": streams.run}
    ours = case.make(data, **given)
    theirs = case.make(
        torch_data, **({"generator": streams.torch_sampler} if own else {})
    )
    assert len(ours) == len(theirs)
    for _ in range(2):
        left, right = iter(ours), iter(theirs)
        streams.assert_same()
        for expected in right:
            index = next(left)
            assert type(index) is int
            assert index == expected
            streams.assert_same()
        assert next(left, None) is None
        streams.assert_same()


def _loaders(case: Case, streams: Streams, own: bool, loader_own: bool, **options: Any):
    """The same loader on both sides; without a generator the loader's rngs serve."""
    rows = np.arange(ROWS) * 10
    ours = data.DataLoader(
        rows,
        sampler=case.make(data, **({"generator": streams.sampler} if own else {})),
        rngs=streams.run,
        generator=streams.loader if loader_own else None,
        **options,
    )
    theirs = torch_data.DataLoader(
        torch_data.TensorDataset(torch.from_numpy(rows)),
        sampler=case.make(
            torch_data, **({"generator": streams.torch_sampler} if own else {})
        ),
        generator=streams.torch_loader if loader_own else None,
        **options,
    )
    assert len(ours) == len(theirs)
    return ours, theirs


@each_case
@pytest.mark.parametrize("own", [False, True], ids=["global", "own"])
@pytest.mark.parametrize("loader_own", [False, True], ids=["", "loader's own"])
@pytest.mark.parametrize("drop_last", [False, True], ids=["all", "drop_last"])
def test_batches_and_the_states_after_each(
    case: Case, own: bool, loader_own: bool, drop_last: bool
) -> None:
    for seed, batch_size in ((0, 5), (1, 16), (2, 200)):
        streams = Streams(seed)
        ours, theirs = _loaders(
            case,
            streams,
            own,
            loader_own,
            batch_size=batch_size,
            drop_last=drop_last,
        )
        for _ in range(2):
            left, right = iter(ours), iter(theirs)
            streams.assert_same()
            while True:
                batch, expected = next(left, None), next(right, None)
                streams.assert_same()
                if batch is None or expected is None:
                    assert batch is expected is None
                    break
                np.testing.assert_array_equal(batch[0], expected[0].numpy())


@each_case
@pytest.mark.parametrize("own", [False, True], ids=["global", "own"])
def test_a_loop_that_stops_early(case: Case, own: bool) -> None:
    streams = Streams(5)
    ours, theirs = _loaders(case, streams, own, False, batch_size=4)
    left, right = iter(ours), iter(theirs)
    next(left, None)
    next(right, None)
    del left, right
    streams.assert_same()
    for batch, expected in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(batch[0], expected[0].numpy())
    streams.assert_same()


@each_case
@pytest.mark.parametrize("own", [False, True], ids=["global", "own"])
def test_the_order_that_training_asks_for(case: Case, own: bool) -> None:
    """`order` and `finish`, as the engine calls them, leave PyTorch's states."""
    streams = Streams(11)
    ours, theirs = _loaders(case, streams, own, True, batch_size=8)
    for _ in range(2):
        epoch = ours.epoch()
        order = epoch.order()
        epoch.finish()
        expected = [int(row) for (batch,) in theirs for row in batch]
        np.testing.assert_array_equal(order * 10, expected)
        streams.assert_same()


def test_a_sampler_of_pytorch_and_a_plain_list() -> None:
    """Any iterable of ints with a length is a sampler, negative indices included."""
    for sampler in (
        torch_data.SubsetRandomSampler(
            INDICES, generator=torch.Generator().manual_seed(3)
        ),
        [4, 2, -1, 2],
    ):
        streams = Streams(0)
        rows = np.arange(ROWS)
        ours = data.DataLoader(rows, 3, sampler=sampler, rngs=streams.run)
        batches = [batch.tolist() for (batch,) in ours]
        streams = Streams(0)
        if isinstance(sampler, torch_data.SubsetRandomSampler):
            sampler.generator = torch.Generator().manual_seed(3)
        theirs = torch_data.DataLoader(
            torch_data.TensorDataset(torch.from_numpy(rows)), 3, sampler=sampler
        )
        assert batches == [batch.tolist() for (batch,) in theirs]


def _refusal(call: Callable[..., Any], *arguments: Any, **options: Any) -> Exception:
    with pytest.raises(Exception, match=r".") as caught:
        call(*arguments, **options)
    return caught.value


REFUSED = [
    lambda lib, **g: lib.WeightedRandomSampler([1.0], 0, **g),
    lambda lib, **g: lib.WeightedRandomSampler([1.0], True, **g),
    lambda lib, **g: lib.WeightedRandomSampler([1.0], 2.0, **g),
    lambda lib, **g: lib.WeightedRandomSampler([1.0], 1, "yes", **g),
    lambda lib, **g: list(lib.WeightedRandomSampler([1.0, 2.0], 3, False, **g)),
    lambda lib, **g: list(lib.WeightedRandomSampler([1.0, -2.0], 3, **g)),
    lambda lib, **g: list(lib.WeightedRandomSampler([0.0, 0.0], 3, **g)),
    lambda lib, **g: list(lib.WeightedRandomSampler([float("nan")], 3, **g)),
    lambda lib, **g: lib.RandomSampler([], **g),
    lambda lib, **g: lib.RandomSampler(range(3), False, -1, **g),
    lambda lib, **g: lib.RandomSampler(range(3), "yes", **g),
    lambda lib, **g: lib.DataLoader(
        range(3), shuffle=True, sampler=lib.SequentialSampler(range(3)), **g
    ),
    lambda lib, **g: list(
        lib.DataLoader(
            lib.Subset(np.arange(3), [0, 1, 2]),
            sampler=lib.SubsetRandomSampler([5], **g),
            **g,
        )
    ),
]


@pytest.mark.parametrize("make", REFUSED)
def test_refused_as_pytorch_refuses(make: Callable[..., Any]) -> None:
    theirs = _refusal(make, torch_data, generator=torch.Generator())
    ours = _refusal(make, data, generator=Generator(0))
    assert type(ours) is type(theirs)
    if type(ours) is ValueError or type(ours) is TypeError:
        assert str(theirs) in str(ours)


@pytest.mark.parametrize("name", ["weighted-100-True", "random-100-False"])
def test_a_run_with_a_sampler_is_pytorchs_and_resumes(name: str) -> None:
    """T1: the losses of two epochs in float64; bit-identical from mid-epoch on."""
    (case,) = [case for case in CASES if case.name == name]
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((ROWS, 4)), rng.integers(0, 3, ROWS)
    streams = Streams(2025)
    model = models.SoftmaxRegression(4, 3, rngs=streams.run)
    theirs = torch.nn.Sequential(torch.nn.Linear(4, 3)).double()
    torch.manual_seed(2025)
    with torch.no_grad():
        for parameter in torch.nn.Linear(4, 3).parameters():
            dict(theirs.named_parameters())[
                "0.weight" if parameter.ndim == 2 else "0.bias"
            ].copy_(parameter)
    loader = torch_data.DataLoader(
        torch_data.TensorDataset(torch.from_numpy(x), torch.from_numpy(y)),
        8,
        sampler=case.make(torch_data),
    )
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.1)
    expected = []
    for _ in range(2):
        for inputs, target in loader:
            loss = torch.nn.functional.cross_entropy(theirs(inputs), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            expected.append(loss.item())

    def fit(stream: Generator, steps: int, state: Any = None) -> Any:
        batches = data.DataLoader((x, y), 8, sampler=case.make(data), rngs=stream)
        return flaxnn.fit(
            flaxnn.astype(model, "float64"),
            batches,
            loss=nn.CrossEntropyLoss(),
            optimizer=optim.sgd(lr=0.1),
            steps=steps,
            state=state,
        )

    start = streams.run.clone()
    whole = fit(streams.run, len(expected))
    np.testing.assert_allclose(whole.history["loss"], expected, rtol=1e-12)
    half = fit(start, len(expected) // 2 + 1)
    rest = fit(Generator(0), len(expected), half.state)
    np.testing.assert_array_equal(
        np.concatenate([half.history["loss"], rest.history["loss"]]),
        whole.history["loss"],
    )
