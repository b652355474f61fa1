# SPDX-License-Identifier: Apache-2.0
"""Mistakes in scikit-learn's interface: weights, penalties, stopping, minima."""

from __future__ import annotations

from tests.mutations import Mutation

MLP = "tests/unit/estimators/test_mlp.py"
CONVERSIONS = "tests/unit/estimators/test_conversions.py"
LOGISTIC = "tests/unit/estimators/test_logistic.py"


def _estimator(name: str, file: str, old: str, new: str, *tests: str) -> Mutation:
    """A mistake in `flaxnn/estimators`."""
    return Mutation(name, f"flaxnn/estimators/{file}", old, new, tests)


MUTATIONS = (
    _estimator(
        "the penalty is of the decorrelated variables",
        "_logistic_solver.py",
        "penalty / 2 * jnp.vdot(weights, weights)",
        "penalty / 2 * jnp.vdot(params, params)",
        f"{LOGISTIC}::test_minimum_of_several_classes",
    ),
    _estimator(
        "the last block counts rows of the one before again",
        "_logistic_objective.py",
        "jnp.where(first + jnp.arange(rows) >= number * rows, share, 0)",
        "jnp.where(first + jnp.arange(rows) >= 0, share, 0)",
        f"{LOGISTIC}::test_rows_in_blocks_count_once",
    ),
    _estimator(
        "the penalty is of the sum of the losses",
        "_logistic_solver.py",
        "1 / (C * total)",
        "1 / C",
        f"{LOGISTIC}::test_minimum_of_several_classes",
    ),
    _estimator(
        "the network is that of the last epoch, not of the best",
        "_network.py",
        "run.model if best is None else best.train.to_model(model)",
        "run.model",
        f"{MLP}::test_early_stopping_takes_the_best_epoch",
    ),
    _estimator(
        "a mean over samples, whatever they weigh",
        "_weighted.py",
        "jnp.sum(weight * each) + penalty",
        "jnp.sum(each) + penalty",
        f"{MLP}::test_class_weights_are_weights_of_their_samples",
    ),
    _estimator(
        "balanced classes do not count the samples' own weights",
        "_labels.py",
        "np.bincount(codes, weights, minlength=len(classes))",
        "np.bincount(codes, minlength=len(classes)).astype(float)",
        f"{CONVERSIONS}::test_weights_of_samples_and_classes",
    ),
    _estimator(
        "partial_fit begins its order of batches anew",
        "_network.py",
        "generator.set_state(self._generator_state)",
        "del self",
        f"{MLP}::test_calls_of_partial_fit_are_epochs_of_fit",
    ),
)
