# SPDX-License-Identifier: Apache-2.0
"""Runs that PyTorch begins, flaxnn goes on with, and PyTorch ends."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from benchmarks import handover  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("name", handover.CASES)
def test_a_run_handed_over_twice_is_the_run(name: str) -> None:
    with np.load(handover.RECORD) as noise:
        report = handover.compare(name, noise[name])
    assert report["passed"], report
