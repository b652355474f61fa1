"""Calls that PyTorch refuses: the type of the exception and words from its message."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.contract.case import labels, spread


@dataclass(frozen=True, eq=False)
class Bad:
    """A refused call; `words` stand in both messages, ours and PyTorch's."""

    op: str
    args: tuple[Any, ...]
    error: type[Exception]
    words: str
    kwargs: dict[str, Any] = field(default_factory=dict)


SCALAR = np.array(1.0, np.float32)
X = spread(4, 3).astype(np.float32)
Y = labels(4, classes=3)
P = spread(3, low=0.0, high=1.0).astype(np.float32)
LONG = np.arange(6).reshape(2, 3)
RANGE = "Dimension out of range (expected to be in range of [{}, {}], but got {})"


def _not_implemented(op: str, kernel: str, *args: Any) -> Bad:
    words = f"\"{kernel}\" not implemented for 'Long'"
    return Bad(op, args, NotImplementedError, words)


def _zeros(*shape: int, dtype: str = "float32") -> np.ndarray:
    return np.zeros(shape, dtype)


def _labels(*values: int) -> np.ndarray:
    return np.array(values)


BAD = (
    _not_implemented("softmax", "softmax_lastdim_kernel_impl", LONG, 1),
    _not_implemented("softmax", "softmax_kernel_impl", LONG, 0),
    _not_implemented("softmax", "softmax_lastdim_kernel_impl", np.array(3), 0),
    _not_implemented("log_softmax", "log_softmax_lastdim_kernel_impl", LONG, 1),
    _not_implemented("log_softmax", "log_softmax_kernel_impl", LONG, 0),
    _not_implemented("logsigmoid", "log_sigmoid_cpu", LONG),
    _not_implemented("leaky_relu", "leaky_relu_cpu", LONG),
    _not_implemented("elu", "elu_cpu", LONG),
    Bad("softmax", (LONG > 2, 1), NotImplementedError, "not implemented for 'Bool'"),
    Bad("relu", (LONG > 2,), RuntimeError, "Boolean inputs not supported for relu"),
    Bad("relu", (X + 0j,), NotImplementedError, "not supported for complex types"),
    Bad("softmax", (X, 2), IndexError, RANGE.format(-2, 1, 2)),
    Bad("softmax", (X, -3), IndexError, RANGE.format(-2, 1, -3)),
    Bad("softmax", (X[0], 1), IndexError, RANGE.format(-1, 0, 1)),
    Bad("log_softmax", (SCALAR, 1), IndexError, RANGE.format(-1, 0, 1)),
    Bad("softmax", (X, 1.0), TypeError, ""),
    # Products.
    Bad("linear", (X, _zeros(2, 5)), RuntimeError, "cannot be multiplied (4x3 and 5x2"),
    Bad("linear", (np.stack([X, X]), _zeros(2, 5)), RuntimeError, "(8x3 and"),
    Bad("linear", (X[0], _zeros(2, 5), P[:2]), RuntimeError, "(1x3 and 5x2)"),
    Bad("linear", (X, _zeros(5)), RuntimeError, "got input (4), mat (4x3), vec (5)"),
    Bad(
        "linear",
        (X.astype("float16"), _zeros(2, 3), P[:2]),
        RuntimeError,
        "mat1 and mat2 must have the same dtype, but got Half and Float",
    ),
    Bad(
        "linear",
        (X, _zeros(2, 3), _zeros(2, dtype="float16")),
        RuntimeError,
        "self and mat2 must have the same dtype, but got Half and Float",
    ),
    Bad("linear", (X, _zeros(2, 3), P), RuntimeError, "must match the existing size"),
    Bad("linear", (X > 0, X > 0), NotImplementedError, "not implemented for 'Bool'"),
    Bad("linear", (SCALAR, X), RuntimeError, "they are 0D and 2D"),
    Bad("linear", (X, _zeros(2, 3, 3)), RuntimeError, "but self is 3D"),
    Bad("linear", (X, _zeros(3), P), RuntimeError, "mat2 must be a matrix"),
    Bad("flatten", (X, 2), IndexError, RANGE.format(-2, 1, 2)),
    Bad("flatten", (X, 0, -3), IndexError, RANGE.format(-2, 1, -3)),
    Bad("flatten", (X, 1, 0), RuntimeError, "start_dim cannot come after end_dim"),
    # Class indices.
    *(
        bad
        for op in ("cross_entropy", "nll_loss")
        for bad in (
            Bad(op, (X, _labels(0, 1, 2, 3)), IndexError, "Target 3 is out of bounds."),
            Bad(op, (X, _labels(0, -1, 7, 3)), IndexError, "Target -1 is out of"),
            Bad(op, (X[0], np.array(7)), IndexError, "Target 7 is out of bounds."),
            Bad(op, (_zeros(1, 3, 2), _labels(0, 9)[None]), IndexError, "Target 9 is"),
            Bad(op, (_zeros(4, 0), Y), IndexError, "Target 1 is out of bounds."),
            Bad(op, (X, Y[:3]), ValueError, "input batch_size (4) to match target"),
            Bad(op, (X, np.array(1)), ValueError, "to match target batch_size (0)."),
            Bad(op, (X, Y[:, None]), RuntimeError, "multi-target not supported"),
            Bad(op, (X[0], Y[:2]), ValueError, "1D target must have size 1"),
            Bad(op, (_zeros(4, 3, 2), Y), RuntimeError, "target size [4, 2], got [4]"),
            Bad(op, (X, Y.astype("int16")), RuntimeError, "or Byte, but got Short"),
            Bad(op, (X, _zeros(4)), RuntimeError, "Long or Byte, but got Float"),
            Bad(op, (LONG, Y[:2]), NotImplementedError, "not implemented for 'Long'"),
            Bad(op, (X, Y), ValueError, "foo is not a valid", {"reduction": "foo"}),
            Bad(op, (X, Y, P[:2]), RuntimeError, "all 3 classes or no classes but got"),
            Bad(op, (X, Y, P.astype("float16")), RuntimeError, "Float but found Half"),
        )
    ),
    Bad("nll_loss", (SCALAR, np.array(1)), ValueError, "Expected 1 or more dimensions"),
    # Class probabilities.
    Bad("cross_entropy", (X, X.astype(int)), RuntimeError, "Expected floating point"),
    Bad("cross_entropy", (SCALAR, SCALAR), IndexError, "Dimension"),
    Bad("cross_entropy", (X, X, P[:2]), RuntimeError, "cross_entropy: weight tensor"),
    Bad("cross_entropy", (X, X), RuntimeError, "is not supported", {"ignore_index": 1}),
    Bad("cross_entropy", (X, Y), RuntimeError, "Got: 1.1", {"label_smoothing": 1.1}),
    # Binary cross entropy.
    *(
        Bad("binary_cross_entropy", args, RuntimeError, f"of {name} should be between")
        for outside in (-1.0, 4.0, np.nan)
        for args, name in (
            ((P[:2] * outside, P[:2]), "input"),
            ((P[:2], P[:2] * outside), "target"),
        )
    ),
    Bad("binary_cross_entropy", (P, P[:2]), ValueError, "(torch.Size([2]))"),
    Bad("binary_cross_entropy", (P, _labels(0, 1, 1)), RuntimeError, "dtype Long but"),
    Bad("binary_cross_entropy", (Y, Y), NotImplementedError, "for 'Long'"),
    Bad("binary_cross_entropy", (P, P, P[:2]), RuntimeError, "broadcast"),
    Bad("binary_cross_entropy", (P, P), ValueError, "foo is", {"reduction": "foo"}),
    *(
        Bad("binary_cross_entropy_with_logits", args, error, words, kwargs)
        for args, error, words, kwargs in (
            ((P, P[:2]), ValueError, "Target size (torch.Size([2])) must be", {}),
            ((P, _labels(0, 1, 1)), RuntimeError, "can't be cast to the desired", {}),
            ((Y, Y), NotImplementedError, "for 'Long'", {}),
            ((P, P, P[:2]), RuntimeError, "", {}),
            ((P, P), RuntimeError, "", {"pos_weight": P[:2]}),
            ((P, P), ValueError, "foo is not a valid", {"reduction": "foo"}),
        )
    ),
    # Errors.
    Bad("mse_loss", (LONG, LONG), NotImplementedError, '"mse_cpu" not implemented'),
    Bad("l1_loss", (LONG, LONG), RuntimeError, "Got: Long"),
    Bad("l1_loss", (X, X > 0), RuntimeError, "Subtraction, the `-` operator, with"),
    *(
        Bad(op, args, ValueError, words, kwargs)
        for op in ("mse_loss", "l1_loss")
        for args, words, kwargs in (
            ((X, X), "foo is not a valid", {"reduction": "foo"}),
            ((X, X), "must have the same size", {"weight": P}),
        )
    ),
)
BAD_IDS = tuple(f"{bad.op}-{index}" for index, bad in enumerate(BAD))
