# SPDX-License-Identifier: Apache-2.0
"""What `sweep_lanes.py` compares with: PyTorch's runs, both sides' models, the data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Arrays = tuple[np.ndarray, np.ndarray]

# The run as it is, with one thread, and from weights moved by an ulp in seven ways.
ONE_THREAD = -1
VARIANTS = (0, ONE_THREAD, *range(1, 8))


@dataclass(frozen=True)
class Size:
    """How much is run.

    Attributes:
        seeds: Of the multinomial runs.
        steps: Of each of them.
        sampled: How many lanes are compared.
        wine_seeds: Of the runs on wine, at each learning rate.
        wine_steps: Of each of them.
        image_seeds: Of the perceptron.
        rows: Images of its epoch; all when None.
        judged: Whether times are.
    """

    seeds: int = 256
    steps: int = 10_001
    sampled: int = 8
    wine_seeds: int = 64
    wine_steps: int = 1_001
    image_seeds: int = 8
    rows: int | None = None
    judged: bool = True


QUICK = Size(16, 501, 2, 4, 101, 2, 1_000, judged=False)


class TorchRun:
    """PyTorch's eager run of a seed.

    Args:
        build: Makes the model of PyTorch's modules.
        seed: Of its generator.
        variant: One of `VARIANTS`: in 0 the weights are as drawn and all threads are
            used; a positive one is the seed by which each weight is moved up or down.
    """

    def __init__(self, build: Callable[[Any], Any], seed: int, variant: int = 0):
        import torch

        torch.manual_seed(seed)
        self.model = build(torch.nn)
        self.threads = 1 if variant == ONE_THREAD else torch.get_num_threads()
        if variant > 0:
            rng = np.random.default_rng(variant)
            with torch.no_grad():
                for parameter in self.model.parameters():
                    towards = rng.choice([-np.inf, np.inf], tuple(parameter.shape))
                    far = torch.from_numpy(towards.astype(np.float32))
                    parameter.copy_(torch.nextafter(parameter, far))

    def full_batches(self, data: Arrays, lr: float, steps: int) -> np.ndarray:
        """Returns the losses of so many steps on all rows."""
        import torch

        x, y = map(torch.tensor, data)
        return self._train(((x, y) for _ in range(steps)), lr)

    def epoch(self, data: Arrays, lr: float, batch_size: int) -> np.ndarray:
        """Returns the losses of one epoch of shuffled mini-batches."""
        import torch
        from torch.utils.data import DataLoader, TensorDataset

        images, labels = map(torch.tensor, data)
        x = images.to(torch.float32).div(255)
        loader = DataLoader(TensorDataset(x, labels), batch_size, shuffle=True)
        return self._train(loader, lr)

    def _train(self, batches: Any, lr: float) -> np.ndarray:
        import torch

        optimizer = torch.optim.SGD(self.model.parameters(), lr=lr)
        criterion, losses = torch.nn.CrossEntropyLoss(), []
        threads = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        for x, y in batches:
            loss = criterion(self.model(x), y)
            losses.append(loss.detach())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        torch.set_num_threads(threads)
        return torch.stack(losses).numpy()

    def state(self) -> dict[str, np.ndarray]:
        """Returns the parameters."""
        return {name: t.numpy() for name, t in self.model.state_dict().items()}


def softmax(
    features: int, classes: int, n: Any, drawn_before: int = 0, **options: Any
) -> Any:
    """A softmax regression of either side's modules, as the document builds it."""
    if drawn_before:
        n.Linear(drawn_before, 1, **options)
    return n.Sequential(n.Linear(features, classes, **options))


def perceptron(n: Any, **options: Any) -> Any:
    """The document's perceptron, plain logits, of either side's modules."""
    return n.Sequential(
        n.Flatten(),
        n.Linear(28 * 28, 512, **options),
        n.ReLU(),
        n.Linear(512, 512, **options),
        n.ReLU(),
        n.Linear(512, 10, **options),
    )


def share_of_limit(
    ours: np.ndarray, theirs: np.ndarray, variants: Sequence[np.ndarray]
) -> float:
    """The largest distance so far as a share of what T2 lets pass."""
    from flaxnn._criteria import FLOORS, at_least_a_digit, distances, spread

    limits = FLOORS * at_least_a_digit(spread(variants), theirs)
    return float((np.maximum.accumulate(distances(theirs, ours)) / limits).max())


def wine_data() -> Arrays:
    """The document's training split, standardised."""
    from flaxnn.data import load, train_test_split

    features, cultivars = load("wine").arrays
    x, _, y, _ = train_test_split(features, cultivars, test_size=0.3, random_state=0)
    return ((x - x.mean(axis=0)) / x.std(axis=0)).astype(np.float32), y


def images(data: Path | None, rows: int | None) -> Arrays:
    """Fashion-MNIST's training images, or images drawn from a seed."""
    if rows is not None:
        rng = np.random.default_rng(0)
        drawn = rng.integers(0, 256, (rows, 28, 28), dtype=np.uint8)
        return drawn, rng.integers(0, 10, rows)
    from flaxnn.data import load

    raw = data if data and any(data.glob("train-images-idx3-ubyte*")) else None
    x, y = load(
        "fashion_mnist",
        data_dir=None if raw else data,
        raw_dir=raw,
        download=False,
    ).arrays
    return x, y


def ours(build: Callable[..., Any], dtype: str = "float32") -> Callable[..., Any]:
    """Makes a run's model from its Generator."""
    import flaxnn

    def made(*, rngs: Any) -> Any:
        model = build(flaxnn.nn, rngs=rngs)
        return model if dtype == "float32" else flaxnn.astype(model, dtype)

    return made


def spread_over(count: int, sampled: int) -> list[int]:
    """So many lanes, the first and the last among them."""
    return sorted({int(k) for k in np.linspace(0, count - 1, sampled).round()})


def difference(one: Any, other: Any) -> float:
    one, other = (np.asarray(each).astype(np.float64) for each in (one, other))
    return float(np.abs(one - other).max())


def relative(one: Any, other: Any) -> float:
    return difference(one, other) / float(np.abs(np.asarray(other)).max())
