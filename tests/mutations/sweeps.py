# SPDX-License-Identifier: Apache-2.0
"""Mistakes in many runs at once: their lanes, layouts, results and files."""

from __future__ import annotations

from tests.mutations import Mutation

SWEEP = "tests/unit/sweeps/test_sweep.py"
RESULT = "tests/unit/sweeps/test_result.py"
RESUMING = "tests/unit/sweeps/test_resuming.py"
ENSEMBLE = "tests/unit/sweeps/test_ensemble.py"
RULES = "tests/unit/training/test_lanes_last.py"


def _sweep(name: str, file: str, old: str, new: str, *tests: str) -> Mutation:
    """A mistake in `flaxnn/sweeps`."""
    return Mutation(name, f"flaxnn/sweeps/{file}", old, new, tests)


def _rule(name: str, old: str, new: str, *tests: str) -> Mutation:
    """A mistake in what is done with the lanes last."""
    return Mutation(name, "flaxnn/training/_lane_rules.py", old, new, tests)


MUTATIONS = (
    _sweep(
        "a lane's loader does not go on from its model",
        "_recipe.py",
        "Beginning(model, self.batches.of(generator), generator)",
        "Beginning(model, self.batches.of(Generator(seed)), generator)",
        f"{SWEEP}::test_a_lane_is_the_run_of_its_seed",
    ),
    _sweep(
        "lanes of several groups come back in the order of the groups",
        "_sweep.py",
        "back = np.argsort(order)",
        "back = np.arange(len(order))",
        f"{SWEEP}::test_architectures_are_grouped_and_keep_their_places",
    ),
    _sweep(
        "a group chooses its layout by its own size",
        "_runner.py",
        'layout_for(self.options["layout"], params, group.total)',
        'layout_for(self.options["layout"], params, group.size)',
        f"{SWEEP}::test_a_split_and_a_mesh_change_no_bit",
    ),
    _sweep(
        "the best lane may be one that is not finite",
        "_result.py",
        "good[list(self.nonfinite)] = False",
        "good[[]] = False",
        f"{RESULT}::test_the_best_lane_is_a_finite_one",
    ),
    _sweep(
        "a resumed group begins behind the histories, not behind the states",
        "_directory.py",
        '_joined(series[:number], "history."),',
        '_joined(series[: number - 1] or series, "history."),',
        f"{RESUMING}::test_a_killed_sweep_goes_on_bit_for_bit",
    ),
    _sweep(
        "the members' median probability, not their mean",
        "_ensemble.py",
        "return self.members_proba(x).mean(axis=0)",
        "return np.median(self.members_proba(x), axis=0)",
        f"{ENSEMBLE}::test_probabilities_are_the_members_mean",
    ),
    _rule(
        "a transposition turns the lanes over",
        'axes = (*op.params["permutation"], len(op.shape))',
        'axes = (*op.params["permutation"][::-1], len(op.shape))',
        f"{RULES}::test_operations",
    ),
    _rule(
        "a product sums over the first contracted axis only",
        "tuple(range(end, len(whole) - 1))",
        "tuple(range(end, len(whole) - 1))[:1]",
        f"{RULES}::test_products",
    ),
)
