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
from flaxnn.functional._alpha_dropout import alpha_dropout, feature_alpha_dropout
from flaxnn.functional._batch_norm import batch_norm, batch_norm_running_stats
from flaxnn.functional._bilinear import bilinear
from flaxnn.functional._binary import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
)
from flaxnn.functional._classification import cross_entropy, nll_loss
from flaxnn.functional._dropout import dropout, dropout1d, dropout2d, dropout3d
from flaxnn.functional._embedding import embedding, one_hot
from flaxnn.functional._instance_norm import (
    instance_norm,
    instance_norm_running_stats,
)
from flaxnn.functional._layer_norm import group_norm, layer_norm, rms_norm
from flaxnn.functional._linear import flatten, linear
from flaxnn.functional._normalize import local_response_norm, normalize
from flaxnn.functional._regression import l1_loss, mse_loss
from flaxnn.functional._softmax import log_softmax, softmax

__all__ = [
    "alpha_dropout",
    "batch_norm",
    "batch_norm_running_stats",
    "bilinear",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "binary_step",
    "cross_entropy",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "elu",
    "embedding",
    "feature_alpha_dropout",
    "flatten",
    "from_scratch",
    "group_norm",
    "instance_norm",
    "instance_norm_running_stats",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "local_response_norm",
    "log_softmax",
    "logsigmoid",
    "mse_loss",
    "nll_loss",
    "normalize",
    "one_hot",
    "relu",
    "rms_norm",
    "sigmoid",
    "softmax",
    "tanh",
]
