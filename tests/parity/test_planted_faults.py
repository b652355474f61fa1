# SPDX-License-Identifier: Apache-2.0
"""Planted faults are found: step, phase, layer and cause, of runs of PyTorch."""

from __future__ import annotations

import pytest

from flaxnn.parity import diverge
from tests.planted.correct import CORRECT
from tests.planted.fault import Fault, Makes
from tests.planted.runner import FAULTS, Traces, result

pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = [pytest.mark.torch, pytest.mark.slow]


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Traces:
    """The recorded runs."""
    return Traces(tmp_path_factory.mktemp("traces"))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_found_and_named(fault: Fault, traces: Traces) -> None:
    found = result(fault, traces)
    assert found.located, str(found.found)
    assert found.named, str(found.found)


@pytest.mark.parametrize(("name", "run", "make"), CORRECT, ids=[p[0] for p in CORRECT])
def test_a_correct_port_raises_no_alarm(
    name: str, run: str, make: Makes, traces: Traces
) -> None:
    found = diverge(traces.of(run), **make())
    assert not found, f"{name}: {found}"
    assert set(found.compared) >= {"data", "forward", "loss", "backward", "optimizer"}
