# SPDX-License-Identifier: Apache-2.0
"""What the table of ops does not hold, against the PyTorch that is installed.

Warnings, the numbers at infinity and nan, mixed dtypes, second derivatives, and the
differences that the docstrings admit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import torch.nn.functional as TF  # noqa: E402

import flaxnn.functional as F  # noqa: E402
from flaxnn.functional import from_scratch  # noqa: E402

pytestmark = pytest.mark.torch

INF, NAN = np.inf, np.nan
EDGES = np.array([-INF, -200, -1, -0.0, 0.0, 1e-3, 1, 200, INF, NAN], np.float32)
LOGITS = np.array(
    [[-INF, 1, 2], [1, -INF, 3], [0, 0, -INF], [3, 1, 2]], dtype=np.float32
)
CLASS_WEIGHT = np.array([0.0, 0.5, 1.0], np.float32)


def _ours(function: Callable, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    value, pull = jax.vjp(function, x)
    return np.asarray(value), np.asarray(pull(jnp.ones_like(value))[0])


def _theirs(function: Callable, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    tensor = torch.tensor(x, requires_grad=True)
    value = function(tensor)
    value.sum().backward()
    assert tensor.grad is not None
    return value.detach().numpy(), tensor.grad.numpy()


def _assert_same(ours: Callable, theirs: Callable, x: np.ndarray) -> None:
    for actual, expected in zip(_ours(ours, x), _theirs(theirs, x), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("relu", {}),
        ("sigmoid", {}),
        ("tanh", {}),
        ("logsigmoid", {}),
        *(("leaky_relu", {"negative_slope": s}) for s in (0.01, 0.0, 1.0, 2.0, -0.5)),
        *(("elu", {"alpha": a}) for a in (1.0, 0.0, 0.01, 2.0, -0.5)),
    ],
)
def test_activations_at_the_edges(name: str, options: dict[str, float]):
    _assert_same(
        lambda x: getattr(F, name)(x, **options),
        lambda x: getattr(TF, name)(x, **options),
        EDGES,
    )


def test_binary_step_is_heaviside():
    expected = torch.heaviside(torch.tensor(EDGES), torch.tensor(0.0))
    np.testing.assert_array_equal(F.binary_step(EDGES), expected)


@pytest.mark.parametrize(
    "name", ["sigmoid", "relu", "leaky_relu", "tanh", "elu"], ids=str
)
def test_the_documents_formulas(name: str):
    z = np.linspace(-3, 3, 13)
    expected = getattr(TF, name)(torch.tensor(z))
    np.testing.assert_allclose(getattr(from_scratch, name)(z), expected, rtol=1e-14)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("ndim", range(5))
def test_the_implicit_dimension(name: str, ndim: int):
    x = np.arange(2.0**ndim, dtype=np.float32).reshape((2,) * ndim)
    with pytest.warns(UserWarning, match="Implicit") as theirs:
        expected = getattr(TF, name)(torch.tensor(x))
    with pytest.warns(UserWarning, match="Implicit") as ours:
        actual = getattr(F, name)(x)
    assert str(ours[0].message) == str(theirs[0].message)
    assert ours[0].filename == theirs[0].filename == __file__
    np.testing.assert_allclose(actual, expected, rtol=1e-6)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("target", [[0, 1, 2, 0], [1, 0, 0, 2], [1, -100, 0, -100]])
@pytest.mark.parametrize("weight", [None, CLASS_WEIGHT])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_of_impossible_classes(
    reduction: str, target: list[int], weight: np.ndarray | None, smoothing: float
):
    options: dict[str, Any] = {"reduction": reduction, "label_smoothing": smoothing}
    labels = np.array(target)
    their_weight = None if weight is None else torch.tensor(weight)
    _assert_same(
        lambda x: F.cross_entropy(x, labels, weight, **options),
        lambda x: TF.cross_entropy(x, torch.tensor(labels), their_weight, **options),
        LOGITS,
    )


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_losses_with_nan_in_an_ignored_row(name: str, reduction: str):
    x = np.array([[NAN, INF, 2], [1, 0, 3], [0, 0, 1]], np.float32)
    labels = np.array([-100, 1, 2])
    _assert_same(
        lambda x: getattr(F, name)(x, labels, reduction=reduction),
        lambda x: getattr(TF, name)(x, torch.tensor(labels), reduction=reduction),
        x,
    )


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_targets_of_classes_that_weigh_nothing(reduction: str, smoothing: float):
    options: dict[str, Any] = {"reduction": reduction, "label_smoothing": smoothing}
    zeros, weight = np.zeros(3, np.int64), torch.tensor(CLASS_WEIGHT)
    _assert_same(
        lambda x: F.cross_entropy(x, zeros, CLASS_WEIGHT, **options),
        lambda x: TF.cross_entropy(x, torch.tensor(zeros), weight, **options),
        np.arange(9, dtype=np.float32).reshape(3, 3),
    )


@pytest.mark.parametrize("target", [0.0, 0.3, 1.0])
def test_binary_cross_entropy_by_both_arguments(target: float):
    p = np.array([0.0, 1e-30, 0.3, 0.5, 1 - 2.0**-24, 1.0], np.float32)
    t = np.full_like(p, target)
    _assert_same(
        lambda p: F.binary_cross_entropy(p, t, reduction="none"),
        lambda p: TF.binary_cross_entropy(p, torch.tensor(t), reduction="none"),
        p,
    )
    _assert_same(
        lambda t: F.binary_cross_entropy(p, t, reduction="none"),
        lambda t: TF.binary_cross_entropy(torch.tensor(p), t, reduction="none"),
        t,
    )


@pytest.mark.parametrize("target", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("pos_weight", [None, 2.0])
def test_logits_at_the_edges(target: float, pos_weight: float | None):
    t = np.full_like(EDGES, target)
    weight = None if pos_weight is None else np.array(pos_weight, np.float32)
    _assert_same(
        lambda x: F.binary_cross_entropy_with_logits(
            x, t, reduction="none", pos_weight=weight
        ),
        lambda x: TF.binary_cross_entropy_with_logits(
            x,
            torch.tensor(t),
            reduction="none",
            pos_weight=None if weight is None else torch.tensor(weight),
        ),
        EDGES,
    )


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss"])
def test_broadcasting_errors(name: str):
    x, t = np.arange(3.0, dtype=np.float32)[:, None], np.array([0, 1, NAN], np.float32)
    with pytest.warns(UserWarning, match="target size") as theirs:
        expected = _theirs(lambda x: getattr(TF, name)(x, torch.tensor(t)), x)
    with pytest.warns(UserWarning, match="target size") as ours:
        actual = _ours(lambda x: getattr(F, name)(x, t), x)
    assert str(ours[0].message) == str(theirs[0].message)
    assert ours[0].filename == theirs[0].filename == __file__
    for a, b in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


DTYPES = ("float32", "float64", "float16", "bfloat16", "int64", "bool")


@pytest.mark.parametrize("first", DTYPES)
@pytest.mark.parametrize("second", DTYPES)
@pytest.mark.parametrize(
    "name",
    [
        "binary_cross_entropy",
        "binary_cross_entropy_with_logits",
        "cross_entropy",
        "l1_loss",
        "linear",
        "mse_loss",
    ],
)
def test_mixed_dtypes_give_the_same_dtype_or_error(name: str, first: str, second: str):
    tensors = [torch.zeros(2, 3, dtype=getattr(torch, d)) for d in (first, second)]
    with jax.enable_x64(True):
        arrays = [jnp.zeros((2, 3), dtype) for dtype in (first, second)]
        try:
            expected = getattr(TF, name)(*tensors)
        except (RuntimeError, NotImplementedError) as caught:
            error = type(caught)
        else:
            actual = getattr(F, name)(*arrays)
            assert str(actual.dtype) == str(expected.dtype).removeprefix("torch.")
            return
        with pytest.raises(error) as ours:
            getattr(F, name)(*arrays)
        assert ours.type is error


def _hessian_case(name: str) -> tuple[Callable, Callable, np.ndarray]:
    labels, t = np.array([0, 1, 2, 0]), np.linspace(0, 1, 12).reshape(4, 3)
    x = np.cos(np.arange(12.0)).reshape(4, 3)
    p = 0.5 + 0.4 * x
    target = torch.tensor(t)
    return {
        "cross_entropy": (
            lambda x: F.cross_entropy(x, labels, label_smoothing=0.1),
            lambda x: TF.cross_entropy(x, torch.tensor(labels), label_smoothing=0.1),
            x,
        ),
        "bce": (
            lambda p: F.binary_cross_entropy(p, t),
            lambda p: TF.binary_cross_entropy(p, target),
            p,
        ),
        "bce_with_logits": (
            lambda x: F.binary_cross_entropy_with_logits(x, t),
            lambda x: TF.binary_cross_entropy_with_logits(x, target),
            x,
        ),
        "elu": (lambda x: F.elu(x).sum(), lambda x: TF.elu(x).sum(), x),
    }[name]


@pytest.mark.parametrize("name", ["cross_entropy", "bce", "bce_with_logits", "elu"])
def test_second_derivatives(name: str):
    ours, theirs, x = _hessian_case(name)
    expected = torch.autograd.functional.hessian(theirs, torch.tensor(x))
    with jax.enable_x64(True):
        actual = np.asarray(jax.hessian(ours)(x))
    np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-12)


def test_the_differences_the_docstrings_admit():
    x = np.arange(12, dtype=np.float32).reshape(4, 3)
    labels = np.array([0, 1, 2, 0])
    # int32 labels: PyTorch refuses what is JAX's default.
    expected = TF.cross_entropy(torch.tensor(x), torch.tensor(labels))
    np.testing.assert_allclose(F.cross_entropy(x, np.int32(labels)), expected, 1e-6)
    with pytest.raises(RuntimeError, match="Long or Byte, but got Int"):
        TF.cross_entropy(torch.tensor(x), torch.tensor(labels).int())
    # uint8 labels of sequences.
    sequence, bytes_ = np.zeros((2, 3, 4), np.float32), np.zeros((2, 4), np.uint8)
    F.cross_entropy(sequence, bytes_)
    with pytest.raises(RuntimeError, match="Long but found Byte"):
        TF.cross_entropy(torch.tensor(sequence), torch.tensor(bytes_))
    # Negative smoothing: PyTorch goes on without smoothing.
    with pytest.raises(RuntimeError, match="between"):
        F.cross_entropy(x, labels, label_smoothing=-0.1)
    ignored = TF.cross_entropy(
        torch.tensor(x), torch.tensor(labels), label_smoothing=-0.1
    )
    assert ignored == expected
    # Two integer arrays: PyTorch's absolute error has a sum, ours has not.
    assert TF.l1_loss(torch.tensor([1]), torch.tensor([3]), reduction="sum") == 2
    with pytest.raises(RuntimeError, match="Got: Long"):
        F.l1_loss(np.array([1]), np.array([3]), reduction="sum")
    # Empty integer arrays.
    assert TF.softmax(torch.zeros(2, 0).long(), 1).shape == (2, 0)
    with pytest.raises(NotImplementedError, match="for 'Long'"):
        F.softmax(np.zeros((2, 0), np.int64), 1)
