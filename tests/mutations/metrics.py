# SPDX-License-Identifier: Apache-2.0
"""Mistakes in streaming metrics and in the evaluation's step."""

from __future__ import annotations

from tests.mutations import Mutation

CONTRACT = "tests/contract/test_metrics.py"
SKLEARN = "tests/unit/metrics/test_sklearn.py"
SUMS = "tests/unit/metrics/test_sums.py"


def _metric(name: str, file: str, old: str, new: str, *tests: str) -> Mutation:
    """A mistake in `flaxnn/metrics`."""
    return Mutation(name, f"flaxnn/metrics/{file}", old, new, tests)


MUTATIONS = (
    _metric(
        "padding counts in every metric",
        "_samples.py",
        "wanted = jnp.ones(len(x), bool) if mask is None else mask",
        "wanted = jnp.ones(len(x), bool)",
        f"{CONTRACT}::test_a_scan_over_uneven_batches_is_one_batch[accuracy]",
    ),
    _metric(
        "bad samples are left out without a word",
        "_samples.py",
        "count(wanted & ~sound)",
        "count(wanted & ~wanted)",
        f"{CONTRACT}::test_bad_samples_are_refused_and_poison_a_compiled_state",
    ),
    _metric(
        "the rounding errors of a mean are dropped",
        "_sums.py",
        "return _two_sum(total, a[1] + b[1] + error)",
        "return _two_sum(total, a[1] + b[1])",
        f"{SUMS}::test_a_float32_mean_is_as_good_as_float64",
    ),
    _metric(
        "counts wrap around",
        "_sums.py",
        "return jnp.where(total < a, jnp.iinfo(total.dtype).max, total)",
        "return total",
        f"{SUMS}::test_counts_saturate",
    ),
    _metric(
        "pairs won are summed in int32",
        "_auroc.py",
        "sum_counts(jnp.where(positive, below + upto, 0).astype(jnp.uint32))",
        "jnp.where(positive, below + upto, 0).sum()",
        f"{SUMS}::test_a_large_exact_area",
    ),
    _metric(
        "a tie counts as a win",
        "_auroc.py",
        "jnp.where(positive, below + upto, 0)",
        "jnp.where(positive, upto + upto, 0)",
        f"{SKLEARN}::test_auroc_and_its_ties",
    ),
    _metric(
        "infinite scores lie below what is no negative sample",
        "_auroc.py",
        "    upto = jnp.minimum(upto, count(negative))\n",
        "",
        f"{SKLEARN}::test_auroc_of_infinities_and_zeros",
    ),
    _metric(
        "logits of classes are ranked as they are",
        "_auroc.py",
        '"logits" if softmaxed else "scores"',
        '"scores"',
        f"{SKLEARN}::test_auroc_of_logits_ranks_their_softmax",
    ),
    _metric(
        "samples beyond the capacity are forgotten",
        "_auroc.py",
        'jnp.where(state["count"] > len(there), jnp.nan, area)',
        "area",
        "tests/unit/metrics/test_bad_input.py"
        "::test_more_samples_than_capacity_are_refused_and_nan_under_jit",
    ),
    _metric(
        "ties within a bin count as losses",
        "_binned_auroc.py",
        "below + others / 2",
        "below",
        f"{SKLEARN}::test_binned_auroc",
    ),
    _metric(
        "a class that is nowhere counts in the macro average",
        "_precision_recall.py",
        "present = predicted + actual > 0",
        "present = predicted + actual >= 0",
        f"{SKLEARN}::test_a_class_that_is_nowhere_is_left_out_of_macro",
    ),
    _metric(
        "a weighted average by predictions",
        "_precision_recall.py",
        "return _mean(values, actual, macro)",
        "return _mean(values, predicted, macro)",
        f"{SKLEARN}::test_ratios_of_classes",
    ),
    _metric(
        "a nan of zero_division spoils the average",
        "_precision_recall.py",
        "weights = jnp.where(jnp.isnan(values), 0, weights)",
        "weights = jnp.asarray(weights)",
        f"{SKLEARN}::test_ratios_of_classes",
    ),
    _metric(
        "rows and columns of the confusion matrix",
        "_confusion.py",
        "matrix.at[samples.target, predicted]",
        "matrix.at[predicted, samples.target]",
        f"{SKLEARN}::test_confusion_matrix",
    ),
    _metric(
        "a bin's bound belongs to the bin above",
        "_calibration.py",
        'side="left"',
        'side="right"',
        f"{SKLEARN}::test_calibration_error",
    ),
    _metric(
        "bounds of bins are rounded to nearest",
        "_calibration.py",
        "np.where(rounded.astype(np.float64) > exact, below, rounded)",
        "rounded",
        f"{SKLEARN}"
        "::test_float32_probabilities_meet_the_bins_bounds_as_in_scikit_learn",
    ),
    _metric(
        "of equal scores the higher class comes first",
        "_accuracy.py",
        "(classes < target)",
        "(classes > target)",
        f"{SKLEARN}::test_of_equal_scores_the_lower_class_comes_first",
    ),
    Mutation(
        "the step of an evaluation runs in training mode",
        "flaxnn/training/_eval_step.py",
        "inputs, training=False",
        "inputs, training=True",
        (
            "tests/unit/training/test_eval_step.py::test_it_evaluates_in_evaluation_mode",
        ),
    ),
)
