# SPDX-License-Identifier: Apache-2.0
"""Checkpoints as PyTorch's users may write them, drawn from a seed.

The files of `benchmarks/roundtrip.py`. They need PyTorch 2.13.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from flaxnn.interop._dtypes import TABLE

_FLOATING = ("float64", "float32", "float16", "bfloat16")
_COMPLEX = ("complex64", "complex128")
_TEXT = ("", "run", "ü€😀\n\\'", "a" * 300, "nul\0inside", "lone \ud800")
_FORMATS = [(zipped, protocol) for zipped in (True, False) for protocol in (2, 3, 4, 5)]


@dataclass(frozen=True)
class Drawn:
    """A checkpoint.

    Attributes:
        kind: How it was made: one of `KINDS`.
        value: What is saved.
        options: The arguments of ``torch.save``.
        model: Builds the module that ``value`` is the state dictionary of, given
            ``torch.nn``, or ``flaxnn.nn`` with ``rngs=``; None for other kinds.
        in_flaxnn: Whether flaxnn has the module.
    """

    kind: str
    value: Any
    options: dict[str, Any]
    model: Callable[..., Any] | None = None
    in_flaxnn: bool = False


def draw(index: int, seed: int) -> Drawn:
    """Returns a checkpoint; kinds and formats take turns, so that 40 meet them all."""
    stream = np.random.default_rng((seed, index))
    kind = list(KINDS)[index % len(KINDS)]
    zipped, protocol = _FORMATS[index % len(_FORMATS)]
    options = {
        "_use_new_zipfile_serialization": zipped,
        "pickle_protocol": protocol,
    }
    torch.manual_seed(int(stream.integers(2**31)))
    return KINDS[kind](stream, options)


def random_bits(stream: np.random.Generator, dtype: str, *shape: int) -> torch.Tensor:
    """A tensor of random bits, so of every nan too; of random truths for bool."""
    kind = getattr(torch, dtype)
    width = torch.empty(0, dtype=kind).element_size()
    raw = stream.integers(0, 256, int(np.prod(shape)) * width, np.uint8)
    flat = torch.from_numpy(raw % 2 if dtype == "bool" else raw).view(kind)
    return flat.reshape(shape)


def _shape(stream: np.random.Generator) -> tuple[int, ...]:
    return tuple(stream.integers(1, 7, stream.integers(1, 5)).tolist())


def _views(stream: np.random.Generator, base: torch.Tensor) -> list[torch.Tensor]:
    """Views of a tensor that share its memory, and some that have none."""
    flat = base.reshape(-1)
    order = stream.permutation(base.ndim).tolist()
    start = int(stream.integers(flat.numel()))
    step = int(stream.integers(1, 4))
    window = int(stream.integers(1, flat.numel() + 1))
    return [
        base,
        base,
        base.permute(order),
        flat[start:],
        flat[start::step],
        flat[start],
        flat[start].expand(3, 4),
        base[..., ::step],
        base[:0],
        base[0].unsqueeze(-1),
        flat.unfold(0, window, 1),
        flat.as_strided((2, window), (0, 1)),
        base.new_empty((0, 2**40)),
        base.new_empty(()).copy_(flat[0]),
    ]


def _tensors(stream: np.random.Generator, options: dict[str, Any]) -> Drawn:
    """Several memories of every dtype, with views of each in any order."""
    value: dict[str, Any] = {}
    for place, row in enumerate(stream.permutation([row.torch for row in TABLE])):
        base = random_bits(stream, row, *_shape(stream))
        views = _views(stream, base)
        for which in stream.choice(len(views), 5, replace=False):
            view = views[which]
            if row in _FLOATING and stream.random() < 0.3:
                view = torch.nn.Parameter(view)
            value[f"{row}.{place}.{which}"] = view
        if row in _COMPLEX:
            value[f"{row}.conj"] = base.clone().conj()
            value[f"{row}.neg"] = base.clone().conj().imag
    names = list(value)
    stream.shuffle(names)
    return Drawn("tensors", {name: value[name] for name in names}, options)


def _leaf(stream: np.random.Generator, tensors: list[torch.Tensor]) -> Any:
    number = int.from_bytes(stream.bytes(int(stream.integers(1, 33))), signed=True)
    leaves = [
        tensors[int(stream.integers(len(tensors)))],
        random_bits(stream, "float32", *_shape(stream)),
        number,
        float(stream.standard_normal()),
        float(stream.choice([np.inf, -np.inf, np.nan, -0.0, 5e-324])),
        bool(stream.integers(2)),
        _TEXT[int(stream.integers(len(_TEXT)))],
        None,
    ]
    return leaves[int(stream.integers(len(leaves)))]


def _container(
    stream: np.random.Generator, tensors: list[torch.Tensor], depth: int
) -> Any:
    if depth == 0 or stream.random() < 0.2:
        return _leaf(stream, tensors)
    items = [
        _container(stream, tensors, depth - 1) for _ in range(stream.integers(0, 5))
    ]
    keys: list[Any] = [f"name.{i}" if stream.random() < 0.6 else i for i in range(5)]
    keys[-1] = float(stream.standard_normal())
    pairs = list(zip(keys, items, strict=False))
    made = [
        dict(pairs),
        list(items),
        tuple(items),
        OrderedDict(pairs),
        Counter({key: int(stream.integers(-3, 9)) for key, _ in pairs}),
    ]
    return made[int(stream.integers(len(made)))]


def _nested(stream: np.random.Generator, options: dict[str, Any]) -> Drawn:
    """Containers in containers, to a depth of eight, that share tensors."""
    base = random_bits(stream, "float64", 5, 6)
    value = {
        "one": base,
        **{
            f"entry {i}": _container(stream, _views(stream, base), 8) for i in range(12)
        },
    }
    return Drawn("nested", value, options)


def _flat(stream: np.random.Generator, options: dict[str, Any]) -> Drawn:
    """A dictionary of whole tensors, as safetensors files hold too."""
    rows = [row.torch for row in TABLE if row.safetensors]
    value = {
        f"layer.{i}.{row}": random_bits(stream, row, *_shape(stream))
        for i, row in enumerate(stream.permutation(rows))
    }
    row = str(stream.choice(rows))
    value |= {
        "number": random_bits(stream, row, 1)[0],
        "empty": random_bits(stream, row, 2)[:0],
        "ü€ 😀": random_bits(stream, row, 2),
    }
    return Drawn("flat", value, options)


def _optimizers(parameters: list[Any]) -> dict[str, Any]:
    optim = torch.optim
    groups = [
        {"params": parameters[:2], "weight_decay": 0.1},
        {"params": parameters[2:], "lr": 1e-4},
    ]
    return {
        "SGD": optim.SGD(parameters, lr=0.1, momentum=0.9, nesterov=True),
        "Adam": optim.Adam(groups, lr=1e-3, amsgrad=True),
        "AdamW": optim.AdamW(groups, lr=1e-3),
        "RMSprop": optim.RMSprop(parameters, centered=True, momentum=0.5),
        "Adagrad": optim.Adagrad(parameters),
        "Adadelta": optim.Adadelta(parameters),
        "Adamax": optim.Adamax(parameters),
        "NAdam": optim.NAdam(parameters),
        "RAdam": optim.RAdam(parameters),
        "Rprop": optim.Rprop(parameters),
        "ASGD": optim.ASGD(parameters),
        "LBFGS": optim.LBFGS(parameters),
    }


def _schedulers(optimizer: Any) -> dict[str, Any]:
    schedule = torch.optim.lr_scheduler
    return {
        "StepLR": lambda: schedule.StepLR(optimizer, 2),
        "MultiStepLR": lambda: schedule.MultiStepLR(optimizer, [1, 3, 3]),
        "CosineAnnealingLR": lambda: schedule.CosineAnnealingLR(optimizer, 9),
        "ExponentialLR": lambda: schedule.ExponentialLR(optimizer, 0.9),
        "OneCycleLR": lambda: schedule.OneCycleLR(
            optimizer, 0.1, 20, cycle_momentum=False
        ),
        "ReduceLROnPlateau": lambda: schedule.ReduceLROnPlateau(optimizer),
    }


def _training(stream: np.random.Generator, options: dict[str, Any]) -> Drawn:
    """A run's file: model, three optimisers that have stepped, schedules, generator."""
    model = torch.nn.Sequential(
        torch.nn.Linear(4, 5), torch.nn.BatchNorm1d(5), torch.nn.Linear(5, 2)
    )
    value: dict[str, Any] = {"epoch": 3, "best": float("inf"), "optimizers": {}}
    optimizers = _optimizers(list(model.parameters()))
    for name in stream.choice(list(optimizers), 3, replace=False).tolist():
        optimizer = optimizers[name]
        schedules = _schedulers(optimizer)
        which = str(stream.choice(list(schedules)))
        scheduler = schedules[which]()

        def loss(optimizer: Any = optimizer) -> Any:
            optimizer.zero_grad()
            result = model(torch.randn(6, 4)).square().sum()
            result.backward()
            return result

        for _ in range(3):
            last = optimizer.step(loss).item()
            scheduler.step(*([last] if which == "ReduceLROnPlateau" else []))
        value["optimizers"][name] = {
            "state": optimizer.state_dict(),
            "schedule": {which: scheduler.state_dict()},
        }
    value |= {
        "state_dict": model.state_dict(),
        "history": [("loss", 0.5), ("loss", 0.25)],
        "generators": [torch.get_rng_state()],
    }
    return Drawn("training", value, options)


Build = Callable[..., Any]


def _tied(nn: Any, **rngs: Any) -> Any:
    """An embedding whose weight the head has too."""
    model = nn.ModuleDict(
        {"embed": nn.Embedding(5, 3, **rngs), "head": nn.Linear(3, 5, **rngs)}
    )
    model["head"].weight = model["embed"].weight
    return model


_LAYERS: dict[str, Build] = {
    "Linear": lambda nn, **r: nn.Linear(3, 4, **r),
    "no bias": lambda nn, **r: nn.Linear(3, 2, bias=False, **r),
    "Conv1d": lambda nn, **r: nn.Conv1d(2, 4, 3, groups=2, **r),
    "Conv2d": lambda nn, **r: nn.Conv2d(1, 3, (2, 3), **r),
    "ConvTranspose2d": lambda nn, **r: nn.ConvTranspose2d(2, 3, 2, **r),
    "BatchNorm2d": lambda nn, **r: nn.BatchNorm2d(3),
    "LayerNorm": lambda nn, **r: nn.LayerNorm((2, 3)),
    "GroupNorm": lambda nn, **r: nn.GroupNorm(2, 4),
    "Embedding": lambda nn, **r: nn.Embedding(5, 3, **r),
    "Bilinear": lambda nn, **r: nn.Bilinear(2, 3, 4, **r),
    "PReLU": lambda nn, **r: nn.PReLU(3),
    "RNN": lambda nn, **r: nn.RNN(2, 3, num_layers=2, **r),
    "GRU": lambda nn, **r: nn.GRU(2, 3, bidirectional=True, **r),
    "LSTM": lambda nn, **r: nn.LSTM(2, 3, num_layers=2, bidirectional=True, **r),
    "LSTMCell": lambda nn, **r: nn.LSTMCell(2, 3, **r),
    "MultiheadAttention": lambda nn, **r: nn.MultiheadAttention(4, 2, **r),
    "tied": _tied,
    "ReLU": lambda nn, **r: nn.ReLU(),
    "Dropout": lambda nn, **r: nn.Dropout(0.5),
}
_ONLY_TORCH: dict[str, Build] = {
    "TransformerEncoderLayer": lambda nn: nn.TransformerEncoderLayer(4, 2, 8),
    "LSTM with projection": lambda nn: nn.LSTM(3, 4, proj_size=2),
    "EmbeddingBag": lambda nn: nn.EmbeddingBag(5, 3),
    "ParameterList": lambda nn: nn.ParameterList([torch.rand(2) for _ in range(11)]),
    "ParameterDict": lambda nn: nn.ParameterDict({"a": torch.rand(2)}),
    "weight norm": lambda nn: nn.utils.parametrizations.weight_norm(nn.Linear(2, 3)),
}


def _tree(stream: np.random.Generator, layers: dict[str, Build], depth: int) -> Build:
    """Containers of containers of layers; what is drawn is drawn once."""
    if depth == 0:
        return layers[str(stream.choice(list(layers)))]
    least = int(stream.integers(0, depth))
    inner = [
        _tree(stream, layers, least if i else depth - 1)
        for i in range(stream.integers(1, 4))
    ]
    kind = str(stream.choice(["Sequential", "ModuleList", "ModuleDict"]))

    def build(nn: Any, **rngs: Any) -> Any:
        built = [each(nn, **rngs) for each in inner]
        if kind == "Sequential":
            return nn.Sequential(*built)
        if kind == "ModuleList":
            return nn.ModuleList(built)
        return nn.ModuleDict({f"branch_{i}": each for i, each in enumerate(built)})

    return build


def _modules(stream: np.random.Generator, options: dict[str, Any]) -> Drawn:
    """The state of modules in modules; every third time some that flaxnn has not."""
    only_torch = stream.random() < 1 / 3
    layers = _LAYERS | _ONLY_TORCH if only_torch else _LAYERS
    trees = [_tree(stream, layers, depth) for depth in (1, 2, 4)]

    def build(nn: Any, **rngs: Any) -> Any:
        return nn.Sequential(*(tree(nn, **rngs) for tree in trees))

    model = build(torch.nn)
    for name, buffer in model.named_buffers():
        with torch.no_grad():
            buffer.copy_(torch.randn(buffer.shape) * (100 if "num" in name else 1))
    value = model.state_dict(keep_vars=bool(stream.integers(2)))
    return Drawn("modules", value, options, build, not only_torch)


KINDS: dict[str, Callable[[np.random.Generator, dict[str, Any]], Drawn]] = {
    "tensors": _tensors,
    "nested": _nested,
    "flat": _flat,
    "training": _training,
    "modules": _modules,
}
