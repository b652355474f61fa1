# SPDX-License-Identifier: Apache-2.0
"""Mistakes in activations, losses, initialisers and layers."""

from __future__ import annotations

from tests.mutations import Mutation

OPS = "tests/contract/test_ops_golden.py::test_values_and_gradients"
LAYERS = "tests/contract/test_layers_golden.py::test_outputs_gradients_and_buffers"
STATES = (
    "tests/contract/test_layers_golden.py"
    "::test_a_seed_gives_pytorchs_state_and_leaves_the_same_generator"
)
INITS = (
    "tests/contract/test_initializers_golden.py"
    "::test_values_warnings_and_the_state_after"
)


def _function(name: str, file: str, old: str, new: str, *calls: str) -> Mutation:
    """A mistake in `flaxnn/functional`, and calls of the table that show it."""
    tests = tuple(f"{OPS}[{call}]" for call in calls)
    return Mutation(name, f"flaxnn/functional/{file}", old, new, tests)


MUTATIONS = (
    _function(
        "slope at zero of leaky_relu",
        "_leaky.py",
        "_bent(wide, ~(wide > 0), negative_slope)",
        "_bent(wide, wide < 0, negative_slope)",
        "leaky_relu-kink-float32",
    ),
    _function(
        "tanh form of gelu for the exact one",
        "_gated.py",
        "jax.nn.gelu(wide, approximate=False)",
        "jax.nn.gelu(wide)",
        "gelu-matrix-float32",
    ),
    _function(
        "derivative at the bounds of hardtanh",
        "_rectifiers.py",
        "jnp.where(x <= low, low, jnp.where(x >= high, high, x))",
        "jnp.clip(x, low, high)",
        "hardtanh-bounds-float32",
    ),
    _function(
        "mean of cross entropy over the number of targets",
        "_classification.py",
        "            return jnp.sum(losses) / jnp.sum(weights)",
        "            return jnp.sum(losses) / losses.size",
        "cross_entropy-weight-float32",
    ),
    _function(
        "label smoothing without the class weights",
        "_classification.py",
        "        log_prob = log_prob * class_weight.reshape(shape)\n",
        "",
        "cross_entropy-smoothed-weight-float32",
    ),
    _function(
        "weight of linear not transposed",
        "_linear.py",
        "(((x.ndim - 1,), (w.ndim - 1,)), ((), ()))",
        "(((x.ndim - 1,), (0,)), ((), ()))",
        "linear-bias-float32",
    ),
    _function(
        "flatten from the last dimension first",
        "_linear.py",
        "    return x.reshape(*x.shape[:start], size, *x.shape[end + 1 :])",
        "    return x.reshape(*x.shape[:start], size, *x.shape[end + 1 :], order='F')",
        "flatten-batch-float32",
    ),
    _function(
        "smooth_l1 without its factor of beta",
        "_robust.py",
        "0.5 * near * near / beta",
        "0.5 * near * near",
        "smooth_l1_loss-wide-float32",
    ),
    _function(
        "derivative at the margin of a hinge",
        "_hinge.py",
        "    return jnp.where(x < 0, 0, x)",
        "    return jnp.where(x <= 0, 0, x)",
        "margin_ranking_loss-tie-float32",
    ),
    _function(
        "multi-class margin over the other classes only",
        "_multiclass_margin.py",
        "    per_sample = jnp.sum(losses, axis=1) / classes",
        "    per_sample = jnp.sum(losses, axis=1) / (classes - 1)",
        "multi_margin_loss-classes-float32",
    ),
    _function(
        "reset gate of a GRU before the product",
        "_recurrent.py",
        "new = tanh(new_x + reset * new_h)",
        "new = tanh(new_x + new_h)",
        "gru_cell-biases-float32",
    ),
    _function(
        "forget and cell gate of an LSTM exchanged",
        "_recurrent.py",
        "into, forget, new, out = jnp.split",
        "into, new, forget, out = jnp.split",
        "lstm_cell-biases-float32",
    ),
    _function(
        "attention scaled by the features, not their root",
        "_attention.py",
        "1 / math.sqrt(q.shape[-1]) if scale is None",
        "1 / q.shape[-1] if scale is None",
        "scaled_dot_product_attention-plain-float32",
    ),
    _function(
        "weight of a convolution read as HWIO",
        "_convolve.py",
        "        weight,\n        window_strides,\n",
        "        weight.reshape(*weight.shape[2:], *weight.shape[1::-1])"
        ".transpose(3, 2, 0, 1),\n        window_strides,\n",
        "conv2d-bias-float32",
    ),
    _function(
        "kernel of a transposed convolution not turned round",
        "_convolve.py",
        "    return jnp.flip(grouped, range(2, grouped.ndim))",
        "    return grouped",
        "conv_transpose2d-stride-float32",
    ),
    _function(
        "running variance of a batch norm biased",
        "_batch_norm.py",
        "moments(wide, _all_but_channel(x), correction=1)",
        "moments(wide, _all_but_channel(x))",
        "batch_norm_running_stats-sequences-float32",
    ),
    _function(
        "momentum of a batch norm as Flax's",
        "_channel_norm.py",
        "momentum * new + (1 - momentum) * widen(old)",
        "(1 - momentum) * new + momentum * widen(old)",
        "batch_norm_running_stats-momentum-float32",
    ),
    _function(
        "eps of a norm added to the deviation",
        "_moments.py",
        "1 / jnp.sqrt(var + jnp.asarray(eps, var.dtype))",
        "1 / (jnp.sqrt(var) + jnp.asarray(eps, var.dtype))",
        "layer_norm-eps-float32",
    ),
    _function(
        "gradient into the padding of an embedding",
        "_embedding.py",
        "jnp.where(is_padding, jax.lax.stop_gradient(looked_up), looked_up)",
        "jnp.where(is_padding, looked_up, looked_up)",
        "embedding-padding-float32",
    ),
    Mutation(
        "one mask of dropout2d for all channels of a sample",
        "flaxnn/functional/_masks.py",
        "    kept = 2 if batched else 1\n",
        "    kept = 1\n",
        (f"{LAYERS}[float32-Dropout2d-default]",),
    ),
    Mutation(
        "statistics of the batch in evaluation",
        "flaxnn/nn/_batch_norm.py",
        "training=self.training or mean is None",
        "training=True",
        (f"{LAYERS}[float32-BatchNorm1d-eval]",),
    ),
    Mutation(
        "second direction of a recurrent layer read forwards",
        "flaxnn/nn/_recurrent_base.py",
        'reverse=suffix != ""',
        "reverse=False",
        (f"{LAYERS}[float32-LSTM-both-ways]",),
    ),
    Mutation(
        "padding of attention taken as what to keep",
        "flaxnn/nn/_attention.py",
        "jnp.where(array, -jnp.inf, 0)",
        "jnp.where(array, 0, -jnp.inf)",
        (f"{LAYERS}[float32-MultiheadAttention-padding]",),
    ),
    Mutation(
        "attention draws its first weight before its last",
        "flaxnn/nn/_attention.py",
        """        self.out_proj: _OutputProjection = _OutputProjection(
            embed_dim, embed_dim, bias, rngs=rngs, dtype=dtype
        )
        for name, shape in self._projections().items():
            array = init.xavier_uniform(shape, rngs=rngs, dtype=dtype)
            setattr(self, name, Parameter(array))
""",
        """        for name, shape in self._projections().items():
            array = init.xavier_uniform(shape, rngs=rngs, dtype=dtype)
            setattr(self, name, Parameter(array))
        self.out_proj: _OutputProjection = _OutputProjection(
            embed_dim, embed_dim, bias, rngs=rngs, dtype=dtype
        )
""",
        (f"{STATES}[MultiheadAttention-plain]",),
    ),
    Mutation(
        "fan in and fan out exchanged",
        "flaxnn/init/_fans.py",
        "return shape[1] * kernel, shape[0] * kernel",
        "return shape[0] * kernel, shape[1] * kernel",
        (f"{INITS}[kaiming_uniform-(3, 5)]",),
    ),
    Mutation(
        "signs of an orthogonal weight left as QR gives them",
        "flaxnn/init/_orthogonal.py",
        "    q *= np.sign(np.diagonal(r))\n",
        "",
        (f"{INITS}[orthogonal-(3, 5)]",),
    ),
)
