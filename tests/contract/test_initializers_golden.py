# SPDX-License-Identifier: Apache-2.0
"""Every initialiser against what PyTorch 2.13.0 recorded; needs no PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
from flax import nnx

from flaxnn import init
from flaxnn.random import Generator
from tests.contract import goldens
from tests.contract.initializer import (
    RECORDED_SEED,
    BadInitializer,
    InitCase,
    Initializer,
    draw,
)
from tests.contract.registry import (
    BAD_INITIALIZER_IDS,
    BAD_INITIALIZERS,
    FILL_IDS,
    FILLS,
    INITIALIZERS,
)

GOLDENS = goldens.load()


@pytest.mark.parametrize(("initializer", "case"), FILLS, ids=FILL_IDS)
def test_values_warnings_and_the_state_after(initializer: Initializer, case: InitCase):
    key = f"init.{initializer.name}/{case.name}"
    for dtype in initializer.dtypes:
        drawn = draw(initializer, case, RECORDED_SEED, dtype)
        assert {value.shape for value in drawn.values} == {case.shape}
        initializer.assert_close(drawn.recorded(), GOLDENS[f"{key}/{dtype}"], dtype)
        assert list(drawn.warned) == list(GOLDENS.get(f"{key}/warned", ()))


@pytest.mark.parametrize("source", [Generator, nnx.Rngs])
@pytest.mark.parametrize("bad", BAD_INITIALIZERS, ids=BAD_INITIALIZER_IDS)
@pytest.mark.filterwarnings("ignore:mean is more than 2 std")
def test_bad_input_raises_in_pytorchs_words(bad: BadInitializer, source: type):
    with pytest.raises(bad.error) as caught:
        bad.use(source(0))
    assert bad.words in str(caught.value)


@pytest.mark.parametrize("bad", BAD_INITIALIZERS, ids=BAD_INITIALIZER_IDS)
@pytest.mark.filterwarnings("ignore:mean is more than 2 std")
def test_a_refused_call_draws_nothing(bad: BadInitializer):
    generator = Generator(0)
    with pytest.raises(bad.error):
        bad.use(generator)
    assert generator.words_drawn == 0


def test_every_public_initializer_is_in_the_table():
    numbers = {"Source", "calculate_gain", "fan_in_and_fan_out"}
    assert {entry.name for entry in INITIALIZERS} == set(init.__all__) - numbers


def test_the_arrays_are_of_the_dtype_asked_for():
    for entry in INITIALIZERS:
        for dtype in entry.dtypes:
            array = entry.call(entry.cases[0], Generator(0), dtype)
            assert (entry.name, np.dtype(array.dtype).name) == (entry.name, dtype)
