# SPDX-License-Identifier: Apache-2.0
"""One set of rules for every streaming metric: jit, scan, merge, vmap, bad input."""

import dataclasses
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from flaxnn import metrics
from flaxnn.metrics import Metric

ROWS, CLASSES = 37, 4
SIZES = (10, 1, 0, 17, 9)


@dataclasses.dataclass(frozen=True)
class Case:
    make: Callable[[], Metric]
    binary: bool = False
    # A metric with another option, which must not be equal.
    other: Callable[[], Metric] | None = None


def squared(output, target):
    return (output[:, 1] - target) ** 2


def absolute(output, target):
    return abs(output[:, 1] - target)


def case(kind, *args, binary=False, other=None, **options):
    changed = None if other is None else partial(kind, *args, **{**options, **other})
    return Case(partial(kind, *args, **options), binary, changed)


M = metrics
CASES = {
    "mean": Case(partial(M.Mean, squared), other=partial(M.Mean, absolute)),
    "accuracy": case(M.Accuracy, other={"threshold": 0.1}),
    "top-2": Case(partial(M.TopKAccuracy, 2), other=partial(M.TopKAccuracy, 3)),
    "precision": case(
        M.Precision, num_classes=CLASSES, average="macro", other={"average": "micro"}
    ),
    "recall-binary": case(M.Recall, binary=True, other={"threshold": 0.1}),
    "f1": case(
        M.F1,
        num_classes=CLASSES,
        average="weighted",
        zero_division=float("nan"),
        other={"zero_division": 0},
    ),
    "confusion": case(
        M.ConfusionMatrix, num_classes=CLASSES, other={"normalize": "true"}
    ),
    "auroc": case(
        M.AUROC,
        from_logits=True,
        num_classes=CLASSES,
        capacity=ROWS,
        other={"average": None},
    ),
    "auroc-binary": case(M.AUROC, binary=True, from_logits=False, capacity=2 * ROWS),
    "auroc-binned": case(
        M.BinnedAUROC,
        from_logits=False,
        n_bins=16,
        num_classes=CLASSES,
        other={"n_bins": 32},
    ),
    "calibration": case(
        M.CalibrationError,
        from_logits=False,
        num_classes=CLASSES,
        other={"n_bins": 5},
    ),
    "calibration-binary": case(M.CalibrationError, binary=True, from_logits=True),
}

every_metric = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def data(case: Case, rows: int = ROWS, seed: int = 0):
    rng = np.random.default_rng(seed)
    if case.binary:
        return rng.random(rows, np.float32), rng.integers(0, 2, rows)
    logits = rng.normal(size=(rows, CLASSES)).astype(np.float32)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return probabilities, rng.integers(0, CLASSES, rows)


def in_one(metric: Metric, output, target):
    return metric.update(metric.init(), output, target)


def assert_same(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=2e-6, atol=1e-7)


def padded(output, target):
    """The batches of SIZES, filled up with what must not count."""
    outputs = np.full((len(SIZES), max(SIZES), *output.shape[1:]), np.nan, np.float32)
    targets = np.full((len(SIZES), max(SIZES)), -100)
    start = 0
    for k, size in enumerate(SIZES):
        outputs[k, :size] = output[start : start + size]
        targets[k, :size] = target[start : start + size]
        start += size
    assert start == len(target)
    masks = np.arange(max(SIZES)) < np.array(SIZES)[:, None]
    return outputs, targets, masks


def test_every_public_metric_is_listed():
    public = {
        value
        for name in metrics.__all__
        if isinstance(value := getattr(metrics, name), type)
        and issubclass(value, Metric)
    } - {Metric}
    assert {type(case.make()) for case in CASES.values()} == public


def test_names_are_told_apart():
    names = [kind.name for kind in {type(case.make()) for case in CASES.values()}]
    assert len(set(names)) == len(names)


@every_metric
def test_equal_options_are_equal(case):
    assert case.make() == case.make()
    assert hash(case.make()) == hash(case.make())
    if case.other is not None:
        assert case.make() != case.other()


@every_metric
def test_jit_finds_its_compilation_again(case):
    traces = []

    @partial(jax.jit, static_argnums=0)
    def run(metric, output, target):
        traces.append(metric)
        return metric.compute(in_one(metric, output, target))

    expected = case.make().compute(in_one(case.make(), *data(case)))
    for _ in range(2):
        assert_same(run(case.make(), *data(case)), expected)
    assert len(traces) == 1


@every_metric
def test_a_scan_over_uneven_batches_is_one_batch(case):
    metric, (output, target) = case.make(), data(case)

    @jax.jit
    def run(batches):
        def body(state, batch):
            return metric.update(state, *batch), None

        return jax.lax.scan(body, metric.init(), batches)[0]

    state = run(padded(output, target))
    assert_same(metric.compute(state), metric.compute(in_one(metric, output, target)))


@every_metric
def test_chunks_merge(case):
    metric, (output, target) = case.make(), data(case)
    whole = metric.compute(in_one(metric, output, target))
    state = metric.init()
    for batch in zip(*padded(output, target), strict=True):
        state = metric.merge(state, metric.update(metric.init(), *batch))
    assert_same(metric.compute(state), whole)
    assert_same(metric.compute(metric.merge(metric.init(), state)), whole)


@every_metric
def test_an_empty_batch_leaves_the_state(case):
    metric, (output, target) = case.make(), data(case)
    before = in_one(metric, output, target)
    after = metric.update(before, output[:0], target[:0])
    jax.tree.map(np.testing.assert_array_equal, after, before)


@every_metric
def test_a_plain_sum_over_devices_is_a_merge(case):
    metric = case.make()
    if isinstance(metric, metrics.AUROC):
        pytest.skip("AUROC keeps its samples and has a merge of its own")
    output, target = data(case, 36)
    halves = output.reshape(2, 18, *output.shape[1:]), target.reshape(2, 18)

    @partial(jax.vmap, axis_name="device")
    def summed(output, target):
        return jax.lax.psum(in_one(metric, output, target), "device")

    value = jax.vmap(metric.compute)(summed(*halves))[0]
    assert_same(value, metric.compute(in_one(metric, output, target)))


@every_metric
def test_vmap(case):
    metric = case.make()
    outputs, targets = (
        np.stack(x) for x in zip(data(case), data(case, seed=1), strict=True)
    )
    states = jax.vmap(lambda _: metric.init())(jnp.arange(2))
    states = jax.vmap(metric.update)(states, outputs, targets)
    values = jax.vmap(metric.compute)(states)
    for k in range(2):
        expected = metric.compute(in_one(metric, outputs[k], targets[k]))
        assert_same(values[k], expected)


@every_metric
@pytest.mark.parametrize("x64", [False, True])
def test_a_state_keeps_its_shapes_and_dtypes(case, x64):
    metric, (output, target) = case.make(), data(case)
    with jax.enable_x64(x64):
        before = jax.eval_shape(metric.init)
        after = jax.eval_shape(metric.update, before, output, target)
        merged = jax.eval_shape(metric.merge, before, after)
        widths = {leaf.dtype.itemsize for leaf in jax.tree.leaves(before)}
    assert before == after == merged
    # AUROC keeps class indices, which need no more than four bytes.
    assert widths <= {8 if x64 else 4, 4}


@every_metric
def test_float64_gives_float64(case):
    metric, (output, target) = case.make(), data(case)
    single = metric.compute(in_one(metric, output, target))
    with jax.enable_x64(True):
        wide = output.astype(np.float64)
        value = metric.compute(in_one(metric, wide, target))
    assert value.dtype.itemsize == 8
    assert_same(value, single)


@every_metric
def test_bad_samples_are_refused_and_poison_a_compiled_state(case):
    metric, (output, target) = case.make(), data(case)
    if isinstance(metric, metrics.Mean):
        pytest.skip("what Mean refuses is up to its function")
    no_number, no_class = output.copy(), target.copy()
    no_number[3] = np.nan
    no_class[5] = CLASSES
    compiled = jax.jit(lambda o, t: (metric.compute(s := in_one(metric, o, t)), s))
    for wrong in ((no_number, target), (output, no_class)):
        with pytest.raises((IndexError, ValueError), match=r"row 3|row 5"):
            in_one(metric, *wrong)
        value, state = compiled(*wrong)
        missing = -1 if jnp.issubdtype(value.dtype, jnp.integer) else np.nan
        np.testing.assert_array_equal(value, jnp.full_like(value, missing))
        with pytest.raises(ValueError, match=r"1 sample\(s\)"):
            metric.compute(state)
        with pytest.raises(ValueError, match=r"1 sample\(s\)"):
            metric.check(state)


@every_metric
def test_a_mask_that_is_none_is_refused(case):
    metric, batch = case.make(), data(case)
    with pytest.raises(TypeError, match="mask must be bool"):
        metric.update(metric.init(), *batch, np.ones(ROWS, np.float32))
    with pytest.raises(ValueError, match="mask must have one value"):
        metric.update(metric.init(), *batch, np.ones(ROWS - 1, bool))


@every_metric
def test_too_many_samples_are_no_number(case):
    metric = case.make()
    state = in_one(metric, *data(case))
    full = {
        key: jnp.full_like(leaf, 2**31 - 2 if key != "bad" else 0)
        if leaf.dtype == jnp.int32
        else leaf
        for key, leaf in state.items()
    }
    if isinstance(metric, metrics.AUROC):
        full["target"] = state["target"]
    more = metric.merge(full, state)
    value = jax.jit(metric.compute)(more)
    missing = -1 if jnp.issubdtype(value.dtype, jnp.integer) else np.nan
    np.testing.assert_array_equal(value, jnp.full_like(value, missing))
    if not isinstance(metric, metrics.Mean):
        with pytest.raises(ValueError, match="beyond 2147483647"):
            metric.compute(more)
