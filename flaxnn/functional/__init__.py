"""PyTorch's functions in JAX: activations, losses and the layers' arithmetic.

Stateless and pure: every function works under ``jax.jit``, ``jax.grad`` and
``jax.vmap``. Names, arguments, defaults, values, gradients and errors are those of
``torch.nn.functional``; where one differs, its docstring says so. Inputs are anything
array-like; with JAX's 64-bit mode off, NumPy's float64 becomes float32.

Example:
    >>> import jax
    >>> import flaxnn.functional as F
    >>> jax.grad(F.cross_entropy)(jax.numpy.zeros((1, 2)), jax.numpy.array([0]))
    Array([[-0.5,  0.5]], dtype=float32)
"""

from __future__ import annotations

from flaxnn.functional import from_scratch
from flaxnn.functional._activations import (
    binary_step,
    elu,
    leaky_relu,
    logsigmoid,
    relu,
    sigmoid,
    tanh,
)
from flaxnn.functional._binary import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
)
from flaxnn.functional._classification import cross_entropy, nll_loss
from flaxnn.functional._linear import flatten, linear
from flaxnn.functional._regression import l1_loss, mse_loss
from flaxnn.functional._softmax import log_softmax, softmax

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "binary_step",
    "cross_entropy",
    "elu",
    "flatten",
    "from_scratch",
    "l1_loss",
    "leaky_relu",
    "linear",
    "log_softmax",
    "logsigmoid",
    "mse_loss",
    "nll_loss",
    "relu",
    "sigmoid",
    "softmax",
    "tanh",
]
