# SPDX-License-Identifier: Apache-2.0
"""Every op against what PyTorch 2.13.0 recorded; needs no PyTorch."""

from __future__ import annotations

import jax
import numpy as np
import pytest

import flaxnn.functional as F
from tests.contract import goldens
from tests.contract.bad import Bad
from tests.contract.case import Case, Op, evaluate
from tests.contract.registry import (
    BAD,
    BAD_IDS,
    BUILDS,
    CALL_IDS,
    CALLS,
    CLOSURE_RUNS,
    FAMILIES,
    FILLS,
    OPS,
    PACES,
    RUNS,
)

GOLDENS = goldens.load()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("op", "case"), CALLS, ids=CALL_IDS)
def test_values_and_gradients(op: Op, case: Case, dtype: str):
    with jax.enable_x64(dtype == "float64"):
        ours = evaluate(op, np.dtype(dtype))[case.name]
    for name, array in ours.items():
        expected = GOLDENS[f"{op.name}/{case.name}/{dtype}/{name}"]
        _assert_same_kind(array, expected, dtype)
        op.assert_close(array, expected, dtype)


def _assert_same_kind(array: np.ndarray, expected: np.ndarray, dtype: str):
    """The dtype under test; indices are integers, int32 unless JAX has 64 bits."""
    if expected.dtype.kind == "f":
        assert array.dtype == expected.dtype == dtype
    else:
        assert array.dtype.kind == expected.dtype.kind


def test_the_goldens_are_of_the_reference_version_and_complete():
    assert all(str(GOLDENS[f"{name}.torch"]).startswith("2.13.0") for name in FAMILIES)
    recorded = {tuple(key.split("/")[:2]) for key in GOLDENS if "/" in key}
    calls = {(op.name, case.name) for op, case in CALLS}
    builds = {(f"nn.{layer.name}", case.name) for layer, case in BUILDS}
    fills = {(f"init.{entry.name}", case.name) for entry, case in FILLS}
    runs = {(f"optim.{entry.name}", case.name) for entry, case in RUNS + CLOSURE_RUNS}
    paces = {(f"lr_scheduler.{entry.name}", case.name) for entry, case in PACES}
    assert recorded == calls | builds | fills | runs | paces


def test_every_public_function_is_in_the_table():
    # binary_step has no counterpart in torch.nn.functional, from_scratch is a module.
    public = set(F.__all__) - {"binary_step", "from_scratch"}
    assert {op.name for op in OPS} == public


@pytest.mark.parametrize("bad", BAD, ids=BAD_IDS)
def test_bad_input_raises_in_pytorchs_words(bad: Bad):
    with pytest.raises(bad.error) as caught:
        getattr(F, bad.op)(*bad.args, **bad.kwargs)
    assert bad.words in str(caught.value)
