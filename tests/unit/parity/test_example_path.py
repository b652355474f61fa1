# SPDX-License-Identifier: Apache-2.0
"""The recorded runs that come with the package are whole, and of one PyTorch."""

import numpy as np
import pytest

from flaxnn import interop
from flaxnn.parity import Reference, Trace, example_path


@pytest.mark.parametrize(("name", "steps"), [("wine_net", 40), ("digits_run", 86)])
def test_references_have_both_runs_and_a_floor(name, steps):
    reference = Reference.load(example_path(f"{name}.safetensors"))
    assert reference.float32 is not None
    assert reference.float64 is not None
    assert reference.floor is not None
    assert len(reference.float32.losses) == len(reference.float64.losses) == steps
    assert reference.environment["torch"].startswith("2.13.0")
    assert len(reference.floor.members) == 11
    assert 0 < reference.floor.losses[-1] < 1e-6


def test_the_trace_is_of_the_run_in_the_reference():
    trace = Trace.open(example_path("wine_net.trace"))
    reference = Reference.load(example_path("wine_net.safetensors"))
    assert trace.ended == "finished"
    assert [step.number for step in trace.whole] == [0, 1, 20]
    losses = np.array([step.losses[-1] for step in trace.steps], np.float32)
    assert reference.float32 is not None
    np.testing.assert_array_equal(losses, reference.float32.losses)


def test_the_checkpoint_stops_inside_an_epoch():
    content = interop.load(example_path("digits_run.pt"))
    assert (content["epoch"], content["batch"]) == (2, 10)
    assert content["scheduler"]["last_epoch"] == 2
    assert content["optimizer"]["state"][0]["step"] == 58
    assert content["generators"].shape == (5056,)


def test_other_names_are_refused_with_the_nearest():
    with pytest.raises(ValueError, match=r"did you mean 'wine_net\.trace'"):
        example_path("winenet.trace")
    with pytest.raises(ValueError, match="expected one of"):
        example_path("make_recordings.py")
