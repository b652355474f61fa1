"""Every op against what PyTorch 2.13.0 recorded; needs no PyTorch."""

from __future__ import annotations

from pathlib import Path

import jax
import numpy as np
import pytest

import flaxnn.functional as F
from tests.contract.bad_inputs import BAD, BAD_IDS, Bad
from tests.contract.case import Case, Op, evaluate
from tests.contract.ops import CALL_IDS, CALLS, OPS

with np.load(Path(__file__).parent / "goldens" / "ops.npz") as _file:
    GOLDENS = dict(_file)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("op", "case"), CALLS, ids=CALL_IDS)
def test_values_and_gradients(op: Op, case: Case, dtype: str):
    with jax.enable_x64(dtype == "float64"):
        ours = evaluate(op, np.dtype(dtype))[case.name]
    for name, array in ours.items():
        expected = GOLDENS[f"{op.name}/{case.name}/{dtype}/{name}"]
        assert array.dtype == expected.dtype == dtype
        op.assert_close(array, expected, dtype)


def test_the_goldens_are_of_the_reference_version_and_complete():
    assert str(GOLDENS["torch"]).startswith("2.13.0")
    recorded = {tuple(key.split("/")[:2]) for key in GOLDENS if "/" in key}
    assert recorded == {(op.name, case.name) for op, case in CALLS}


def test_every_public_function_is_in_the_table():
    # binary_step has no counterpart in torch.nn.functional, from_scratch is a module.
    public = set(F.__all__) - {"binary_step", "from_scratch"}
    assert {op.name for op in OPS} == public


@pytest.mark.parametrize("bad", BAD, ids=BAD_IDS)
def test_bad_input_raises_in_pytorchs_words(bad: Bad):
    with pytest.raises(bad.error) as caught:
        getattr(F, bad.op)(*bad.args, **bad.kwargs)
    assert bad.words in str(caught.value)
