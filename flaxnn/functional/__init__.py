# SPDX-License-Identifier: Apache-2.0
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
from flaxnn.functional._adaptive_pool import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    adaptive_max_pool3d,
)
from flaxnn.functional._alpha_dropout import alpha_dropout, feature_alpha_dropout
from flaxnn.functional._attention import scaled_dot_product_attention
from flaxnn.functional._avg_pool import avg_pool1d, avg_pool2d, avg_pool3d
from flaxnn.functional._batch_norm import batch_norm, batch_norm_running_stats
from flaxnn.functional._bilinear import bilinear
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
from flaxnn.functional._distance import cosine_similarity, pairwise_distance
from flaxnn.functional._dropout import dropout, dropout1d, dropout2d, dropout3d
from flaxnn.functional._embedding import embedding, one_hot
from flaxnn.functional._embedding_loss import (
    cosine_embedding_loss,
    triplet_margin_loss,
    triplet_margin_with_distance_loss,
)
from flaxnn.functional._exponential_units import celu, elu, selu
from flaxnn.functional._gated import gelu, glu, mish, silu
from flaxnn.functional._gumbel import gumbel_softmax
from flaxnn.functional._hard import hardsigmoid, hardswish
from flaxnn.functional._hinge import (
    hinge_embedding_loss,
    margin_ranking_loss,
    soft_margin_loss,
)
from flaxnn.functional._instance_norm import instance_norm, instance_norm_running_stats
from flaxnn.functional._layer_norm import group_norm, layer_norm, rms_norm
from flaxnn.functional._leaky import leaky_relu, prelu, rrelu
from flaxnn.functional._likelihood import gaussian_nll_loss, kl_div, poisson_nll_loss
from flaxnn.functional._linear import flatten, linear
from flaxnn.functional._lp_pool import lp_pool1d, lp_pool2d, lp_pool3d
from flaxnn.functional._max_pool import max_pool1d, max_pool2d, max_pool3d
from flaxnn.functional._max_unpool import max_unpool1d, max_unpool2d, max_unpool3d
from flaxnn.functional._multiclass_margin import (
    multi_margin_loss,
    multilabel_margin_loss,
    multilabel_soft_margin_loss,
)
from flaxnn.functional._normalize import local_response_norm, normalize
from flaxnn.functional._padding import pad
from flaxnn.functional._patches import fold, unfold
from flaxnn.functional._rectifiers import binary_step, hardtanh, relu, relu6, threshold
from flaxnn.functional._recurrent import (
    gru_cell,
    lstm_cell,
    rnn_relu_cell,
    rnn_tanh_cell,
)
from flaxnn.functional._regression import l1_loss, mse_loss
from flaxnn.functional._reshaping import pixel_shuffle, pixel_unshuffle, unflatten
from flaxnn.functional._robust import huber_loss, smooth_l1_loss
from flaxnn.functional._shrinkage import hardshrink, softshrink, tanhshrink
from flaxnn.functional._sigmoids import logsigmoid, sigmoid, softplus, softsign, tanh
from flaxnn.functional._softmax import log_softmax, softmax, softmin

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "alpha_dropout",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "batch_norm",
    "batch_norm_running_stats",
    "bilinear",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "binary_step",
    "celu",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "elu",
    "embedding",
    "feature_alpha_dropout",
    "flatten",
    "fold",
    "from_scratch",
    "gaussian_nll_loss",
    "gelu",
    "glu",
    "group_norm",
    "gru_cell",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hinge_embedding_loss",
    "huber_loss",
    "instance_norm",
    "instance_norm_running_stats",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "local_response_norm",
    "log_softmax",
    "logsigmoid",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "lstm_cell",
    "margin_ranking_loss",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
    "mish",
    "mse_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
    "normalize",
    "one_hot",
    "pad",
    "pairwise_distance",
    "pixel_shuffle",
    "pixel_unshuffle",
    "poisson_nll_loss",
    "prelu",
    "relu",
    "relu6",
    "rms_norm",
    "rnn_relu_cell",
    "rnn_tanh_cell",
    "rrelu",
    "scaled_dot_product_attention",
    "selu",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "soft_margin_loss",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
    "unflatten",
    "unfold",
]
