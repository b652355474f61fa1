# SPDX-License-Identifier: Apache-2.0
"""Every op against the PyTorch that is installed."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from tests.contract import goldens, oracle  # noqa: E402
from tests.contract.bad import Bad  # noqa: E402
from tests.contract.case import Case, Op, assert_bfloat16_close, evaluate  # noqa: E402
from tests.contract.registry import BAD, BAD_IDS, CALL_IDS, CALLS, OPS  # noqa: E402

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel"),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("op", "case"), CALLS, ids=CALL_IDS)
def test_values_and_gradients(op: Op, case: Case, dtype: str):
    theirs = oracle.evaluate(op, case, np.dtype(dtype))
    if goldens.are_recorded(theirs, f"{op.name}/{case.name}/{dtype}"):
        return
    with jax.enable_x64(dtype == "float64"):
        ours = evaluate(op, np.dtype(dtype))[case.name]
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        kind = theirs[name].dtype.kind
        assert array.dtype == dtype if kind == "f" else array.dtype.kind == kind
        op.assert_close(array, theirs[name], dtype)


@pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
def test_bfloat16(op: Op):
    case, dtype = op.cases[0], jnp.dtype(jnp.bfloat16)
    (ours,) = evaluate(replace(op, cases=(case,)), dtype).values()
    if op.bfloat16_steps is None:
        with pytest.raises(NotImplementedError, match="BFloat16"):
            oracle.evaluate(op, case, dtype)
        return
    theirs = oracle.evaluate(op, case, dtype)
    for name, array in ours.items():
        assert_bfloat16_close(array, theirs[name], op.bfloat16_steps)


@pytest.mark.parametrize("bad", BAD, ids=BAD_IDS)
def test_the_recorded_errors_are_pytorchs(bad: Bad):
    op = next(op for op in OPS if op.name == bad.op)
    kwargs = {name: oracle.as_tensor(value) for name, value in bad.kwargs.items()}
    with pytest.raises(bad.error) as caught:
        oracle.counterpart(op)(*map(oracle.as_tensor, bad.args), **kwargs)
    assert bad.error is type(caught.value)
    assert bad.words in str(caught.value)
