# SPDX-License-Identifier: Apache-2.0
"""Who takes part in a comparison."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


class NotHereError(RuntimeError):
    """What a side needs is not on this machine; the message says what."""


@dataclass(frozen=True)
class Side:
    """One way to do a training run.

    Attributes:
        name: What the command line calls it.
        title: What it is, in a few words.
        module: The module that holds its function. It is imported in a worker only,
            after `packages`.
        function: ``function(problem, **options)`` makes ready and returns
            ``run(steps)``, which trains from the start and returns the losses.
        packages: What it has to import; the time this takes is its import time.
        options: Further arguments of the function.
        variables: What its processes find in the environment besides.
        cache: The variables that name the folder of compiled programs which its
            processes keep; none where it keeps none.
        averages: Whether its losses may be the averages of epochs, for want of others.
    """

    name: str
    title: str
    module: str
    function: str
    packages: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    cache: tuple[str, ...] = ()
    averages: bool = False

    @property
    def is_torch(self) -> bool:
        """Whether it is PyTorch's: others are held to it, and it can be recorded."""
        return is_torch(self.name)


_TORCH = ("torch", "torch.utils.data")
_JAX_CACHE = ("JAX_COMPILATION_CACHE_DIR",)

#: The sides in the order of the tables; times are compared with the first.
SIDES: tuple[Side, ...] = (
    Side(
        "flaxnn",
        "flaxnn.fit",
        "flaxnn.bench._flaxnn_side",
        "fit",
        ("flaxnn.training", "flaxnn.data", "flaxnn.nn", "flaxnn.optim"),
        cache=("FLAXNN_COMPILATION_CACHE",),
    ),
    Side(
        "scan",
        "lax.scan by hand",
        "flaxnn.bench._scan_side",
        "scan",
        ("jax", "jax.numpy", "optax"),
        cache=_JAX_CACHE,
    ),
    Side("torch", "PyTorch eager", "flaxnn.bench._torch_side", "eager", _TORCH),
    Side(
        "torch-images",
        "PyTorch eager, image by image",
        "flaxnn.bench._torch_side",
        "image_by_image",
        _TORCH,
    ),
    Side(
        "torch-images-workers",
        "the same, 2 DataLoader workers",
        "flaxnn.bench._torch_side",
        "image_by_image",
        _TORCH,
        {"num_workers": 2},
    ),
    Side(
        "torch-images-direct",
        "image by image, without PIL",
        "flaxnn.bench._torch_side",
        "image_by_image",
        _TORCH,
        {"through_pil": False},
    ),
    Side(
        "torch-compile",
        "torch.compile",
        "flaxnn.bench._torch_side",
        "compiled",
        _TORCH,
        cache=("TORCHINDUCTOR_CACHE_DIR",),
    ),
    Side(
        "flax",
        "Flax, nnx.jit loop",
        "flaxnn.bench._flax_side",
        "jit_steps",
        ("jax", "jax.numpy", "optax", "flax.nnx"),
        cache=_JAX_CACHE,
    ),
    Side(
        "keras",
        "Keras 3 on JAX",
        "flaxnn.bench._keras_side",
        "fit",
        ("keras",),
        variables={"KERAS_BACKEND": "jax"},
        cache=_JAX_CACHE,
        averages=True,
    ),
    Side(
        "sklearn",
        "scikit-learn",
        "flaxnn.bench._sklearn_side",
        "mlp",
        ("sklearn.neural_network",),
        averages=True,
    ),
)

# Packages whose distribution bears another name.
_DISTRIBUTIONS = {"sklearn": "scikit-learn"}


def not_installed(package: str) -> str:
    """What to say of a side's package that is not there."""
    name = package.partition(".")[0]
    return f"{name} is not installed; pip install {_DISTRIBUTIONS.get(name, name)}"


def choose(names: Sequence[str | Side]) -> tuple[Side, ...]:
    """The sides with these names; a Side stands for itself.

    Raises:
        ValueError: A name is unknown; the message suggests the nearest.
    """
    known = {side.name: side for side in SIDES}
    chosen = []
    for name in names:
        if isinstance(name, Side):
            chosen.append(name)
        elif name in known:
            chosen.append(known[name])
        else:
            raise ValueError(unknown("side", name, list(known)))
    return tuple(chosen)


def is_torch(name: str) -> bool:
    """Whether a side of this name is PyTorch's."""
    return name.startswith("torch")


def unknown(kind: str, name: str, known: Sequence[str]) -> str:
    """What to say of a name that is not among the known ones."""
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"there is no {kind} {name!r}; {hint}Known are: {', '.join(known)}"
