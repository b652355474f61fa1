# SPDX-License-Identifier: Apache-2.0
"""Forty architectures' initial states, as PyTorch 2.13.0 recorded them."""

from __future__ import annotations

import pytest

from flaxnn.random import Generator
from tests.contract import goldens
from tests.contract.architectures import ARCHITECTURES, SEEDS, initial

GOLDENS = goldens.load_digests()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_seed_gives_pytorchs_initial_state(name: str):
    for seed in SEEDS:
        digest = initial(name, Generator(seed)).digest()
        assert (seed, digest) == (seed, GOLDENS[name][str(seed)])


def test_there_are_forty_and_all_are_recorded():
    assert len(ARCHITECTURES) == 40
    assert set(GOLDENS) == set(ARCHITECTURES)
