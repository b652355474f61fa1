# SPDX-License-Identifier: Apache-2.0
"""Mistakes in SGD, Adam and its relatives."""

from __future__ import annotations

from tests.mutations import Mutation

RUNS = "tests/contract/test_optimizers_golden.py::test_parameters_and_state"


def _mistake(name: str, file: str, old: str, new: str, *runs: str) -> Mutation:
    """A mistake in `flaxnn/optim`, and the runs of the table that show it."""
    tests = tuple(f"{RUNS}[{run}]" for run in runs)
    return Mutation(name, f"flaxnn/optim/{file}", old, new, tests)


MUTATIONS = (
    _mistake(
        "adam's eps inside the root",
        "_adam.py",
        'jnp.sqrt(second) / s["root"] + s["eps"]',
        'jnp.sqrt(second + s["eps"]) / s["root"]',
        "adam-lr-float64",
    ),
    _mistake(
        "amsgrad over the corrected moment",
        "_adam.py",
        "jnp.maximum(largest, exp_avg_sq)",
        'jnp.maximum(largest, exp_avg_sq / s["root"] ** 2)',
        "adam-amsgrad-float64",
    ),
    _mistake(
        "coupled for decoupled decay",
        "_adam.py",
        "coupled = self.weight_decay and not self.decoupled_weight_decay",
        "coupled = self.weight_decay",
        "adamw-lr-float64",
    ),
    _mistake(
        "bias correction off by one",
        "_adam_family.py",
        "t = step.astype(one_minus_beta.dtype)",
        "t = (step + 1).astype(one_minus_beta.dtype)",
        "adam-lr-float64",
        "adamax-lr-float64",
    ),
    _mistake(
        "adamax's eps beside the maximum",
        "_adamax.py",
        'jnp.maximum(faded, jnp.abs(grad) + s["eps"])',
        'jnp.maximum(faded, jnp.abs(grad)) + s["eps"]',
        "adamax-eps-float64",
    ),
    _mistake(
        "momentum decay missing in nadam",
        "_nadam.py",
        't * s["momentum_decay"] * _LOG_DECAY',
        't * 0 * s["momentum_decay"] * _LOG_DECAY',
        "nadam-default-float64",
    ),
    _mistake(
        "nadam's product of momenta in the parameters' dtype",
        "_nadam.py",
        "mu.astype(state.mu_product.dtype)",
        "mu.astype(mu.dtype)",
        "nadam-default-float64",
    ),
    _mistake(
        "nadam's next momentum for this one",
        "_nadam.py",
        "_momentum(s, step + 1)",
        "_momentum(s, step)",
        "nadam-default-float64",
    ),
    _mistake(
        "radam rectifies from a length of 4",
        "_radam.py",
        "jnp.where(length > 5,",
        "jnp.where(length > 4,",
        "radam-default-float64",
    ),
    _mistake(
        "radam's eps after the correction",
        "_radam.py",
        '(jnp.sqrt(exp_avg_sq) + s["eps"])',
        '(jnp.sqrt(exp_avg_sq) + s["eps"] * s["numerator"])',
        "radam-eps-float64",
    ),
    _mistake(
        "dampening on the first step",
        "_sgd.py",
        "jnp.where(state.step == 0, grad, later)",
        "later",
        "sgd-dampening-float64",
    ),
    _mistake(
        "nesterov's order",
        "_sgd.py",
        'return grad + cast(scalars, grad)["momentum"] * buffer',
        'return buffer + cast(scalars, grad)["momentum"] * grad',
        "sgd-nesterov-float64",
    ),
)
