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
from flaxnn.functional._adaptive_pool import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    adaptive_max_pool3d,
)
from flaxnn.functional._avg_pool import avg_pool1d, avg_pool2d, avg_pool3d
from flaxnn.functional._binary import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
)
from flaxnn.functional._classification import cross_entropy, nll_loss
from flaxnn.functional._convolution import conv1d, conv2d, conv3d
from flaxnn.functional._convolution_transposed import (
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
)
from flaxnn.functional._linear import flatten, linear
from flaxnn.functional._lp_pool import lp_pool1d, lp_pool2d, lp_pool3d
from flaxnn.functional._max_pool import max_pool1d, max_pool2d, max_pool3d
from flaxnn.functional._max_unpool import max_unpool1d, max_unpool2d, max_unpool3d
from flaxnn.functional._padding import pad
from flaxnn.functional._patches import fold, unfold
from flaxnn.functional._regression import l1_loss, mse_loss
from flaxnn.functional._reshaping import pixel_shuffle, pixel_unshuffle, unflatten
from flaxnn.functional._softmax import log_softmax, softmax

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "binary_step",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "cross_entropy",
    "elu",
    "flatten",
    "fold",
    "from_scratch",
    "l1_loss",
    "leaky_relu",
    "linear",
    "log_softmax",
    "logsigmoid",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
    "mse_loss",
    "nll_loss",
    "pad",
    "pixel_shuffle",
    "pixel_unshuffle",
    "relu",
    "sigmoid",
    "softmax",
    "tanh",
    "unflatten",
    "unfold",
]
