# SPDX-License-Identifier: Apache-2.0
"""Forty architectures' initial states against the PyTorch that is installed."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

from flaxnn.random import Generator
from tests.contract import goldens, oracle
from tests.contract.architectures import ARCHITECTURES, SEEDS, initial

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_seed_gives_pytorchs_initial_state(name: str):
    ours, theirs = initial(name, Generator(7)), oracle.initial_architecture(name, 7)
    assert list(ours.tensors) == list(theirs.tensors)
    for key, array in theirs.tensors.items():
        assert ours.tensors[key].dtype.kind == array.dtype.kind
        np.testing.assert_array_equal(ours.tensors[key], array, err_msg=key)
    np.testing.assert_array_equal(ours.generator, theirs.generator)
    assert ours.digest() == theirs.digest()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_digests_are_pytorchs(name: str):
    recorded = goldens.load_digests()[name]
    for seed in SEEDS:
        assert recorded[str(seed)] == oracle.initial_architecture(name, seed).digest()
