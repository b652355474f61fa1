# SPDX-License-Identifier: Apache-2.0
"""Mistakes in the optimisers with step sizes, clipping, groups and PyTorch's state."""

from __future__ import annotations

from tests.mutations import Mutation

RUNS = "tests/contract/test_optimizers_golden.py::test_parameters_and_state"
CLIP = "tests/unit/optim/test_clip.py"
CHAIN = "tests/unit/optim/test_chain.py"
GROUPS = "tests/unit/optim/test_param_groups.py"
STATE = "tests/unit/optim/test_torch_state.py"


def _mistake(name: str, file: str, old: str, new: str, *tests: str) -> Mutation:
    """A mistake in `flaxnn/optim`."""
    return Mutation(name, f"flaxnn/optim/{file}", old, new, tests)


MUTATIONS = (
    _mistake(
        "adagrad's eps inside the root",
        "_adagrad.py",
        '(jnp.sqrt(total) + s["eps"])',
        'jnp.sqrt(total + s["eps"])',
        f"{RUNS}[adagrad-initial-float64]",
        f"{RUNS}[adagrad-default-float32]",
    ),
    _mistake(
        "adagrad's lr_decay one update early",
        "_adagrad.py",
        "1 + before * scalars",
        "1 + (before + 1) * scalars",
        f"{RUNS}[adagrad-lr-decay-float64]",
    ),
    _mistake(
        "adadelta's average of the steps after lr",
        "_adadelta.py",
        "decayed(acc_delta, delta * delta,",
        'decayed(acc_delta, (s["lr"] * delta) ** 2,',
        f"{RUNS}[adadelta-lr-float64]",
    ),
    _mistake(
        "adadelta's eps outside the root",
        "_adadelta.py",
        'root = jnp.sqrt(square_avg + s["eps"])',
        'root = jnp.sqrt(square_avg) + s["eps"]',
        f"{RUNS}[adadelta-default-float64]",
    ),
    _mistake(
        "rmsprop's eps inside the root",
        "_rmsprop.py",
        '(jnp.sqrt(variance) + s["eps"])',
        'jnp.sqrt(variance + s["eps"])',
        f"{RUNS}[rmsprop-lr-float64]",
    ),
    _mistake(
        "rmsprop centred on the average before this gradient",
        "_rmsprop.py",
        """        grad_avg = lerp(grad_avg, grad, s["one_minus_alpha"])
        variance = square_avg - grad_avg * grad_avg
""",
        """        variance = square_avg - grad_avg * grad_avg
        grad_avg = lerp(grad_avg, grad, s["one_minus_alpha"])
""",
        f"{RUNS}[rmsprop-centered-float64]",
    ),
    _mistake(
        "rprop steps on after a changed sign",
        "_rprop.py",
        "jnp.where(_scaled_product(grad, prev) < -1, jnp.zeros_like(grad), grad)",
        "grad",
        f"{RUNS}[rprop-default-float64]",
    ),
    _mistake(
        "rprop's product with subnormal numbers flushed",
        "_rprop.py",
        "    return (grad.astype(wide)",
        "    return 2 * jnp.sign(grad * prev)\n    return (grad.astype(wide)",
        "tests/parity/test_rprop.py::test_200_steps[etas0-float32]",
    ),
    _mistake(
        "rprop's product without underflow",
        "_rprop.py",
        "    return (grad.astype(wide)",
        "    return 2 * jnp.sign(grad) * jnp.sign(prev)\n    return (grad.astype(wide)",
        "tests/parity/test_rprop.py::test_200_steps[etas0-float64]",
    ),
    _mistake(
        "asgd averages one update late",
        "_asgd.py",
        't - s["t0"]',
        't - 1 - s["t0"]',
        f"{RUNS}[asgd-averaged-float64]",
    ),
    _mistake(
        "asgd's eta not rounded to float32",
        "_asgd.py",
        "eta, mu = eta.astype(state.eta.dtype), mu.astype(state.mu.dtype)",
        "mu = mu.astype(state.mu.dtype)",
        "tests/contract/test_optimizers_transforms.py"
        "::test_shapes_and_dtypes_are_kept[float64-asgd-averaged-at-once]",
    ),
    _mistake(
        "clip_grad_norm without 1e-6",
        "_clip.py",
        "(total + 1e-6)",
        "total",
        f"{CLIP}::test_the_coefficient_has_1e_6_in_the_denominator",
    ),
    _mistake(
        "clip_grad_norm lengthens short gradients",
        "_clip.py",
        "jnp.minimum(max_norm / (total + 1e-6), 1.0)",
        "max_norm / (total + 1e-6)",
        f"{CLIP}::test_gradients_within_the_norm_are_left_alone",
    ),
    _mistake(
        "a chain backwards",
        "_chain.py",
        "in zip(self.parts, state, strict=True)",
        "in reversed([*zip(self.parts, state, strict=True)])",
        f"{CHAIN}::test_it_does_what_optax_does",
    ),
    _mistake(
        "the last pattern wins",
        "_param_groups.py",
        "for index, pattern in enumerate(self.patterns):\n            if fits",
        "for index, pattern in reversed([*enumerate(self.patterns)]):\n"
        "            if fits",
        f"{GROUPS}::test_the_first_pattern_that_matches_has_the_parameter",
    ),
    _mistake(
        "numbered in the order of the tree",
        "_torch_state.py",
        "for param in group.params:",
        "for param in sorted(group.params, key=lambda param: param.tree):",
        f"{STATE}::test_the_schema_of_adam",
    ),
    _mistake(
        "a loaded run of SGD has its first update before it",
        "_torch_loading.py",
        "jnp.ones_like(group.state.step)",
        "jnp.zeros_like(group.state.step)",
        f"{STATE}::test_dampening_goes_on_after_the_first_update",
    ),
    _mistake(
        "float32 options written with their rounding",
        "_scalars.py",
        "for digits in range(1, 18):",
        "for digits in range(17, 18):",
        f"{STATE}::test_the_schema_of_adam",
    ),
    _mistake(
        "a loaded learning rate is left aside",
        "_torch_loading.py",
        "{**made.hyperparams, **scheduled}",
        "{**made.hyperparams, **group.state.hyperparams}",
        f"{STATE}::test_every_number_is_the_loaded_one",
    ),
)
