# SPDX-License-Identifier: Apache-2.0
"""The same calls, modules and runs in PyTorch."""

from __future__ import annotations

import functools
import operator
from typing import Any

import jax
import numpy as np
import torch

from flaxnn.reproduce.goldens.make_goldens import moved
from tests.contract import closures
from tests.contract import optimizer as optimizers
from tests.contract.architectures import ARCHITECTURES, Initial
from tests.contract.bad import BadLayer
from tests.contract.case import (
    FORWARD_SEED,
    Case,
    Op,
    cotangent,
    named_values,
    split,
)
from tests.contract.initializer import (
    BadInitializer,
    Drawn,
    InitCase,
    Initializer,
    twice,
)
from tests.contract.layer import SEED, Layer, LayerCase, Part, cast
from tests.contract.optimizer import (
    STEPS,
    BadOptimizer,
    Optimizer,
    OptimizerCase,
    Tensors,
    flat,
    gradients,
)
from tests.contract.training import (
    BATCHES,
    MOVES,
    PROBLEMS,
    TRAINING_SEED,
    TRAINING_STEPS,
    Noise,
)


def counterpart(entry: Op | Layer | Initializer | Optimizer) -> Any:
    """Returns PyTorch's counterpart of an entry of the table."""
    return operator.attrgetter(entry.torch.removeprefix("torch."))(torch)


def as_tensor(value: Any) -> Any:
    """Returns arrays as tensors and everything else as it is."""
    if isinstance(value, tuple | list):
        return type(value)(map(as_tensor, value))
    if not isinstance(value, np.ndarray):
        return value
    if value.dtype.name == "bfloat16":
        return torch.tensor(value.astype(np.float32)).bfloat16()
    return torch.tensor(value)


def as_numpy(tensor: torch.Tensor) -> np.ndarray:
    """Returns a tensor's numbers; bfloat16, which NumPy lacks, as float32."""
    tensor = tensor.detach()
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()


def evaluate(op: Op, case: Case, dtype: Any) -> dict[str, np.ndarray]:
    """Returns PyTorch's value and gradients, keyed as the goldens are."""
    call = {
        name: as_tensor(value)
        for name, value in case.call(dtype).items()
        if name not in case.ours
    }
    by = {str(position): call[str(position)] for position in case.by}
    for tensor in by.values():
        tensor.requires_grad_()
    args, kwargs = split(call | dict(case.theirs))
    torch.manual_seed(FORWARD_SEED)
    value = counterpart(op)(*args, **kwargs)
    if op.mutates:
        value = tuple(args[position] for position in op.mutates)
    outputs = {name: as_numpy(leaf) for name, leaf in named_values(value).items()}
    if by:
        _backward(jax.tree.leaves(value))
    for name, tensor in by.items():
        outputs[f"gradient{name}"] = as_numpy(tensor.grad)
    return outputs


def _backward(values: list[torch.Tensor]) -> None:
    values = [value for value in values if value.is_floating_point()]
    seeds = [torch.tensor(cotangent(tuple(v.shape))).to(v.dtype) for v in values]
    torch.autograd.backward(values, seeds)


def build(layer: Layer, case: LayerCase, **options: Any) -> torch.nn.Module:
    """Returns PyTorch's module, from `SEED`."""
    torch.manual_seed(SEED)
    part = Part(layer.name, *case.args, **case.kwargs)

    def make(name: str, *args: Any, **kwargs: Any) -> torch.nn.Module:
        if name != layer.name:
            return getattr(torch.nn, name)(*args, **kwargs)
        return counterpart(layer)(*args, **kwargs, **options)

    return part.build(make)


def initial(layer: Layer, case: LayerCase, **options: Any) -> dict[str, np.ndarray]:
    """Returns PyTorch's initial state and what its generator gives next."""
    state = build(layer, case, **options).state_dict()
    after = torch.rand(1)
    named = {f"state/{name}": as_numpy(tensor) for name, tensor in state.items()}
    return named | {"after": as_numpy(after)}


def evaluate_layer(layer: Layer, case: LayerCase, dtype: Any) -> dict[str, np.ndarray]:
    """Returns outputs, gradients and buffers, keyed as the goldens are."""
    model = build(layer, case).to(as_tensor(np.zeros(0, dtype)).dtype)
    model.train(case.training)
    inputs = [as_tensor(value) for value in cast(case.inputs, dtype)]
    for position in case.by:
        for leaf in jax.tree.leaves(inputs[position]):
            leaf.requires_grad_()
    torch.manual_seed(FORWARD_SEED)
    for _ in range(case.passes):
        outputs = case.call(model, *inputs)
    leaves = [leaf for leaf in jax.tree.leaves(outputs) if leaf is not None]
    floating = [leaf for leaf in leaves if leaf.is_floating_point()]
    indices = [leaf for leaf in leaves if not leaf.is_floating_point()]
    if any(leaf.requires_grad for leaf in floating):
        _backward(floating)
    results = {f"output{k}": leaf for k, leaf in enumerate(floating)}
    results |= {f"index{k}": leaf for k, leaf in enumerate(indices)}
    for position in case.by:
        for k, leaf in enumerate(jax.tree.leaves(inputs[position])):
            results[f"gradient{position}.{k}"] = leaf.grad
    for name, parameter in model.named_parameters():
        gradient = parameter.grad
        results[f"gradient/{name}"] = (
            torch.zeros_like(parameter) if gradient is None else gradient
        )
    for name, buffer in model.state_dict().items():
        if f"gradient/{name}" not in results:
            results[f"buffer/{name}"] = buffer
    return {name: as_numpy(tensor) for name, tensor in results.items()}


def use(bad: BadLayer) -> None:
    """Builds and calls PyTorch's module as the table says; raises."""
    kwargs = {name: as_tensor(value) for name, value in bad.kwargs.items()}
    part = Part(bad.layer, *map(as_tensor, bad.args), **kwargs)
    model = part.build(lambda name, *a, **k: getattr(torch.nn, name)(*a, **k))
    model(*map(as_tensor, bad.inputs))


def draw(initializer: Initializer, case: InitCase, seed: int, dtype: str) -> Drawn:
    """Returns what PyTorch's initialiser gives in two calls, from a seed."""
    torch.manual_seed(seed)
    kind = getattr(torch, dtype)

    def fill() -> np.ndarray:
        tensor = torch.empty(case.shape, dtype=kind)
        return as_numpy(counterpart(initializer)(tensor, *case.args, **case.kwargs))

    return twice(fill, lambda: torch.get_rng_state().numpy())


def fill(bad: BadInitializer) -> None:
    """Calls PyTorch's initialiser as the table says; raises."""
    tensor = torch.empty(bad.shape, dtype=getattr(torch, bad.dtype))
    getattr(torch.nn.init, f"{bad.initializer}_")(tensor, *bad.args, **bad.kwargs)


def initial_architecture(name: str, seed: int) -> Initial:
    """Returns PyTorch's initial state of an architecture."""
    torch.manual_seed(seed)
    state = ARCHITECTURES[name](torch.nn).state_dict()
    tensors = {key: as_numpy(tensor) for key, tensor in state.items()}
    return Initial(tensors, torch.get_rng_state().numpy())


def run(optimizer: Optimizer, case: OptimizerCase, dtype: Any) -> Tensors:
    """Returns PyTorch's parameters after every step, and each field of its state."""
    params = {k: as_tensor(v) for k, v in optimizers.initial(dtype).items()}
    grads = {k: as_tensor(v) for k, v in gradients(dtype).items()}
    # The single-tensor form, which is also PyTorch's default on a CPU.
    options = {**case.options, "foreach": False}
    theirs = counterpart(optimizer)(list(params.values()), **options)
    steps = []
    for k in range(STEPS):
        for name, tensor in params.items():
            tensor.grad = grads[name][k].clone()
        theirs.step()
        steps.append(
            {name: as_numpy(tensor.clone()) for name, tensor in params.items()}
        )
    tensors = {"params": flat({k: np.stack([s[k] for s in steps]) for k in params})}
    states = {name: theirs.state[tensor] for name, tensor in params.items()}
    for field, value in states["scalar"].items():
        if value is not None:
            tensors[field] = flat({k: as_numpy(s[field]) for k, s in states.items()})
    return tensors


def construct(bad: BadOptimizer) -> None:
    """Builds PyTorch's optimiser as the table says; raises."""
    from tests.contract.registry import CLOSURE_OPTIMIZERS, OPTIMIZERS

    every = (*OPTIMIZERS, *CLOSURE_OPTIMIZERS)
    (entry,) = (entry for entry in every if entry.name == bad.optimizer)
    counterpart(entry)([torch.zeros(1)], **bad.options)


@functools.cache
def minimize(
    optimizer: Optimizer,
    case: closures.ClosureCase,
    dtype: str,
    moves: int | None = None,
) -> Tensors:
    """Returns PyTorch's losses, parameters and counts, as `closures.evaluate` does.

    Where asked, the initial weights are moved by one ulp.
    """
    torch.manual_seed(closures.SEED)
    model = closures.NETS[case.net](torch.nn).to(getattr(torch, dtype))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.from_numpy(moved(parameter.numpy(), moves)))
    first = next(model.parameters())
    descent = counterpart(optimizer)(model.parameters(), **case.options)
    x, y = map(torch.from_numpy, closures.batch(dtype))

    def closure() -> torch.Tensor:
        descent.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        return loss

    rows = []
    for _ in range(case.updates):
        loss = descent.step(closure).item()
        params = [as_numpy(v).ravel() for v in model.state_dict().values()]
        state = descent.state[first]
        counts = state["func_evals"], state["n_iter"], len(state.get("ro") or ())
        rows.append((loss, np.concatenate(params), counts))
    return closures.gathered(rows)


@functools.cache
def train(
    net: str,
    optimizer: Optimizer,
    case: OptimizerCase,
    dtype: str,
    moves: int | None = None,
) -> Tensors:
    """Returns PyTorch's losses and what the net has learned.

    Where asked, its initial weights are moved by one ulp.
    """
    torch.manual_seed(TRAINING_SEED)
    model = PROBLEMS[net].net(torch.nn).to(getattr(torch, dtype))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.from_numpy(moved(parameter.numpy(), moves)))
    descent = counterpart(optimizer)(model.parameters(), **case.options)
    batches = [PROBLEMS[net].batch(k, dtype) for k in range(BATCHES)]
    batches, losses = [tuple(map(torch.from_numpy, pair)) for pair in batches], []
    for k in range(TRAINING_STEPS):
        x, y = batches[k % BATCHES]
        loss = torch.nn.functional.cross_entropy(model(x), y)
        descent.zero_grad()
        loss.backward()
        descent.step()
        losses.append(loss.item())
    tensors = {name: as_numpy(v) for name, v in model.state_dict().items()}
    return tensors | {"losses": np.array(losses, dtype)}


def noise(
    net: str, optimizer: Optimizer, case: OptimizerCase, losses: np.ndarray
) -> Noise:
    """Returns how far our float32 losses are from PyTorch's, beside its own noise."""
    runs = [train(net, optimizer, case, "float32", moves) for moves in (None, *MOVES)]
    return Noise.of(losses, [run["losses"] for run in runs])
