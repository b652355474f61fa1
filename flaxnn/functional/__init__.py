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
from flaxnn.functional._binary import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
)
from flaxnn.functional._classification import cross_entropy, nll_loss
from flaxnn.functional._exponential_units import celu, elu, selu
from flaxnn.functional._gated import gelu, glu, mish, silu
from flaxnn.functional._gumbel import gumbel_softmax
from flaxnn.functional._hard import hardsigmoid, hardswish
from flaxnn.functional._leaky import leaky_relu, prelu, rrelu
from flaxnn.functional._linear import flatten, linear
from flaxnn.functional._rectifiers import (
    binary_step,
    hardtanh,
    relu,
    relu6,
    threshold,
)
from flaxnn.functional._regression import l1_loss, mse_loss
from flaxnn.functional._shrinkage import hardshrink, softshrink, tanhshrink
from flaxnn.functional._sigmoids import logsigmoid, sigmoid, softplus, softsign, tanh
from flaxnn.functional._softmax import log_softmax, softmax, softmin

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "binary_step",
    "celu",
    "cross_entropy",
    "elu",
    "flatten",
    "from_scratch",
    "gelu",
    "glu",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "l1_loss",
    "leaky_relu",
    "linear",
    "log_softmax",
    "logsigmoid",
    "mish",
    "mse_loss",
    "nll_loss",
    "prelu",
    "relu",
    "relu6",
    "rrelu",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
]
