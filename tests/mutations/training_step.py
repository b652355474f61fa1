# SPDX-License-Identifier: Apache-2.0
"""Mistakes in the training step's options, averages and runs side by side."""

from __future__ import annotations

from tests.mutations import Mutation

ACCUMULATE = "tests/unit/training/test_accumulate.py"
PRECISION = "tests/unit/training/test_mixed_precision.py"
REMAT = "tests/unit/training/test_remat.py"
FREEZE = "tests/unit/training/test_freeze.py"
MANY = "tests/unit/training/test_many.py"
AVERAGED = "tests/unit/optim/test_averaged.py"


def _step(name: str, file: str, old: str, new: str, *tests: str) -> Mutation:
    """A mistake in `flaxnn/training`."""
    return Mutation(name, f"flaxnn/training/{file}", old, new, tests)


def _average(name: str, old: str, new: str, *tests: str) -> Mutation:
    """A mistake in the average of the parameters."""
    return Mutation(name, "flaxnn/optim/_averaged.py", old, new, tests)


MUTATIONS = (
    _step(
        "a short micro-batch weighs as much as the others",
        "_accumulate.py",
        "share=sizes[-1] / rows",
        "share=size / rows",
        f"{ACCUMULATE}::test_loss_metrics_and_update_are_the_whole_batchs[4]",
    ),
    _step(
        "sums of micro-batches are averaged",
        "_accumulate.py",
        "weight = 1.0 if self.summed else share",
        "weight = share",
        f"{ACCUMULATE}::test_sums_are_summed",
    ),
    _step(
        "micro-batches of another cut than PyTorch's",
        "_accumulate.py",
        "size = max(1, math.ceil(batch_size / parts))",
        "size = max(1, batch_size // parts)",
        f"{ACCUMULATE}::test_each_part_has_its_own_masks_in_order",
    ),
    _step(
        "running statistics of the last part only",
        "_accumulate.py",
        "return (new.buffers, grads), (new.loss, new.metrics)",
        "return (buffers, grads), (new.loss, new.metrics)",
        "tests/parity/test_step_options.py::test_accumulation_is_pytorchs_loop",
    ),
    _step(
        "the loss in half precision",
        "_forward.py",
        "return _cast(output, jnp.float32), joined(moved, still)",
        "return output, joined(moved, still)",
        f"{PRECISION}::test_the_loss_meets_float32",
    ),
    _step(
        "running statistics in half precision",
        "_forward.py",
        "        still = without(buffers, moving)",
        "        moving = {}\n        still = without(buffers, moving)",
        f"{PRECISION}::test_running_statistics_keep_small_steps",
    ),
    _step(
        "one checkpoint around the whole forward pass",
        "_remat.py",
        "max(1, math.isqrt(len(eqns)))",
        "1",
        f"{REMAT}::test_it_takes_less_memory",
    ),
    _step(
        "a frozen parameter in the gradient",
        "_freeze.py",
        "trained = {path: leaf for path, leaf in flat.items() if path not in frozen}",
        "trained = flat",
        f"{FREEZE}::test_frozen_parameters_stay_and_running_statistics_move",
    ),
    _step(
        "every run draws from the first one's Generator",
        "_lanes.py",
        "draws=replace(first.draws, source=stream),",
        "draws=first.draws,",
        f"{MANY}::test_each_lane_is_the_run_of_its_model",
    ),
    _step(
        "every run visits the data in the first one's order",
        "_many.py",
        "None if each.rows is None else _rows(each)",
        "None if each.rows is None else _rows(part)",
        f"{MANY}::test_each_lane_is_the_run_of_its_model",
    ),
    _average(
        "the first parameters weigh as an average does",
        "jnp.where(count == 0, 1.0, 1 - state",
        "jnp.where(count < 0, 1.0, 1 - state",
        f"{AVERAGED}::test_an_exponential_average_begins_with_the_first_update",
    ),
    _average(
        "the average of the parameters before the update",
        "optax.apply_updates(params, updates),",
        "params,",
        f"{AVERAGED}::test_without_a_decay_all_weigh_the_same",
    ),
    _average(
        "averaging begins one update early",
        "due = (done > 0) & (done % state.every == 0)",
        "due = (done >= 0) & (done % state.every == 0)",
        f"{AVERAGED}::test_before_the_first_average_it_is_the_first_parameters",
    ),
)
