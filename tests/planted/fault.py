# SPDX-License-Identifier: Apache-2.0
"""What a planted fault is, and the parts that their lists share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from flaxnn.data import DataLoader
from tests.planted.arrays import PLANS, arrays
from tests.planted.ports import port

ROOT = "epsilon on the other side of the root"
SHIFTED = "learning rate or schedule off by one step"
DECAY = "weight decay coupled or decoupled"
VARIANCE = "biased or unbiased variance"
NOT_TRANSPOSED = "weight not transposed"
COARSE = "TF32 or bfloat16 in a matrix product"
ORDER = "order of the batches"
LAST = "last batch dropped or kept"
CONSTANTS = "normalisation constants"
SMOOTHING = "label smoothing"
CORRECTION = "bias correction"
KINK = "slope at a kink"
GELU = "form of gelu"
FLATTEN = "flatten order"
DAMPENING = "dampening of the momentum"

Makes = Callable[[], dict[str, Any]]


@dataclass(frozen=True)
class Fault:
    """A port with a fault.

    Attributes:
        name: What is wrong.
        run: The recorded run.
        port: Makes the arguments of `diverge`.
        step: Where the fault is first to be seen.
        phase: The phase of that step.
        layer: The module, ``""`` where it is none's.
        cause: What the cause is called.
    """

    name: str
    run: str
    port: Makes
    step: int
    phase: str
    layer: str
    cause: str


def loader_of(name: str, draws: int = 0, **options: Any) -> DataLoader:
    """The run's loader, from a stream that somebody else drew from before."""
    loader = port(name)["data"]
    assert loader.rngs is not None
    loader.rngs.randint(0, 10, (draws,))
    if not options:
        return loader
    chosen = {"batch_size": PLANS[name].batch_size, "shuffle": True, **options}
    return DataLoader(arrays(name), rngs=loader.rngs, **chosen)


def disturbed(name: str) -> Iterator[Any]:
    """The run's batches; between its epochs somebody draws from the stream."""
    loader = loader_of(name)
    for _ in range(PLANS[name].epochs):
        yield from loader
        assert loader.rngs is not None
        loader.rngs.randint(0, 10, (2,))


def scaled(name: str, by: Callable[[Any], Any]) -> Iterator[Any]:
    """The run's batches, their inputs scaled otherwise."""
    for x, y in loader_of(name):
        yield by(x).astype(x.dtype), y


def with_layers(name: str, **layers: Any) -> Makes:
    """A port with other modules at places, ``at_2=…``; each is made when it is used."""
    places = {int(key.removeprefix("at_")): make for key, make in layers.items()}
    return lambda: port(name, {place: make() for place, make in places.items()})


def given(name: str, **given: Callable[[], Any]) -> Makes:
    return lambda: port(name, **{key: make() for key, make in given.items()})
