"""The same calls made by PyTorch."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import torch

from tests.contract.case import Case, Op, cotangent, split


def function(op: Op) -> Any:
    """Returns PyTorch's counterpart of an op."""
    return operator.attrgetter(op.torch.removeprefix("torch."))(torch)


def as_tensor(value: Any) -> Any:
    """Returns arrays as tensors and everything else as it is."""
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
    call = {name: as_tensor(value) for name, value in case.call(dtype).items()}
    by = {str(position): call[str(position)] for position in case.by}
    for tensor in by.values():
        tensor.requires_grad_()
    args, kwargs = split(call)
    value = function(op)(*args, **kwargs)
    outputs = {"value": as_numpy(value)}
    if by:
        value.backward(torch.tensor(cotangent(tuple(value.shape))).to(value.dtype))
    for name, tensor in by.items():
        outputs[f"gradient{name}"] = as_numpy(tensor.grad)
    return outputs
