# SPDX-License-Identifier: Apache-2.0
"""Where a port leaves a run, on runs that were recorded in JAX."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optax
import pytest

from flaxnn import nn, optim
from flaxnn.data import DataLoader
from flaxnn.parity import Trace, TraceError, TraceWriter, compare, diverge, record
from flaxnn.random import Generator

STEPS = 4


class Squared(nn.Linear):
    """A layer that is wrong."""

    def forward(self, input: Any) -> Any:
        return super().forward(input) ** 2


def port(second: Callable[..., nn.Module] = nn.Linear) -> dict[str, Any]:
    """The run's own arguments, but perhaps for a layer."""
    generator = Generator(0)
    first = nn.Linear(6, 4, rngs=generator)
    model = nn.Sequential(first, nn.Tanh(), second(4, 3, rngs=generator))
    x = np.random.default_rng(0).normal(size=(10, 6)).astype(np.float32)
    data = DataLoader((x, np.arange(10) % 3), 4, shuffle=True, rngs=generator)
    adam = optim.adam(1e-2)
    loss = nn.CrossEntropyLoss()
    return {"model": model, "data": data, "loss": loss, "optimizer": adam}


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "run.trace"
    record(**port(), steps=STEPS, path=path)
    return path


def test_the_run_itself_agrees_everywhere(trace: Path) -> None:
    found = diverge(trace, **port(), own_weights=True)
    assert not found
    assert found.first is None
    assert found.steps == tuple(range(STEPS))
    assert found.notes == ()
    # Whole are steps 0, 1 and 2, and 3 where the epoch ends in a short batch before.
    whole = len(Trace.open(trace).whole)
    # Inputs and outputs of three layers and the model, but for the batch itself.
    assert found.compared["forward"] == whole * 7
    assert found.compared["data"] == STEPS * 2
    # A parameter and its two moments, of four.
    assert found.compared["optimizer"] == whole * 12
    assert found.to_json()["diverges"] is False


def test_the_arguments_are_left_as_they_were(trace: Path) -> None:
    given = port()
    before = given["model"].state_dict()
    state = given["data"].rngs.get_state()
    diverge(trace, **given)
    np.testing.assert_array_equal(given["data"].rngs.get_state(), state)
    for name, array in given["model"].state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_one_fault_does_not_hide_the_next(trace: Path) -> None:
    given = port(Squared)
    given["loss"] = nn.CrossEntropyLoss(reduction="sum")
    given["optimizer"] = optim.adam(1e-2, eps=1e-7)
    given["data"] = port()["data"]
    found = diverge(trace, **given)
    where = [(f.phase, f.layer) for f in found.findings]
    assert where == [
        ("forward", "2"),
        ("loss", ""),
        ("backward", "2"),
        ("optimizer", ""),
    ]
    causes = [f.cause.name if f.cause else None for f in found.findings]
    assert causes == [None, "reduction", None, "size of epsilon"]
    assert "first difference: step 0, forward, layer '2'" in str(found)
    assert "found independently" in str(found)


def test_everywhere_looks_at_all_steps(trace: Path) -> None:
    given = port() | {"loss": lambda output, target: 2 * _mean(output, target)}
    steps = {f.step for f in diverge(trace, **given).findings}
    assert steps == {0}
    steps = {f.step for f in diverge(trace, **given, everywhere=True).findings}
    assert steps == {step.number for step in Trace.open(trace).whole}


def _mean(output: Any, target: Any) -> Any:
    return nn.CrossEntropyLoss()(output, target)


def test_ignored_modules_are_passed_over(trace: Path) -> None:
    given = port(Squared)
    given["data"] = port()["data"]
    assert not diverge(trace, **given, ignore=["2"])


def test_an_unknown_optimiser_is_compared_at_its_first_step(trace: Path) -> None:
    adadelta = optax.chain(optax.scale_by_adadelta(), optax.scale(-1e-2))
    found = diverge(trace, **port() | {"optimizer": adadelta}, everywhere=True)
    assert {f.step for f in found.findings} == {0}
    assert found.findings[0].phase == "optimizer"
    assert "step 0 was compared only" in found.notes[0]


def test_weights_of_another_seed_are_told(trace: Path) -> None:
    given = port()
    given["model"] = nn.Sequential(
        nn.Linear(6, 4, rngs=Generator(1)),
        nn.Tanh(),
        nn.Linear(4, 3, rngs=Generator(2)),
    )
    assert not diverge(trace, **given)
    first = diverge(
        trace, **given | port() | {"model": given["model"]}, own_weights=True
    )
    assert first.first is not None
    assert (first.first.phase, first.first.layer) == ("state", "0")
    assert first.first.cause is not None
    assert first.first.cause.name == "other initial weights"


@pytest.mark.parametrize(
    ("replaced", "error", "message"),
    [
        ({"model": 3}, TypeError, "model must be a flaxnn.nn.Module"),
        ({"loss": nn.CrossEntropyLoss}, TypeError, "loss must be a function"),
        ({"optimizer": 0.1}, TypeError, "optimizer must be an optax"),
        ({"data": 5}, TypeError, "data must be a flaxnn.data.DataLoader"),
        ({"ignore": ["3"]}, ValueError, "they are: 0, 1, 2"),
        ({"schedule": 0.1}, TypeError, "schedule must be"),
    ],
    ids=["model", "loss", "optimizer", "data", "ignore", "schedule"],
)
def test_wrong_arguments(
    trace: Path, replaced: dict[str, Any], error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        diverge(trace, **port() | replaced)


def test_a_model_with_other_parameters(trace: Path) -> None:
    other = nn.Sequential(nn.Linear(6, 5, rngs=Generator(0)))
    with pytest.raises(RuntimeError, match="size mismatch"):
        diverge(trace, other)


def test_a_trace_without_arrays(tmp_path: Path) -> None:
    with TraceWriter(tmp_path / "light.trace", {"framework": "jax"}) as writer:
        writer.step({"losses": [0.5]})
    with pytest.raises(TraceError, match="has no step with arrays"):
        diverge(tmp_path / "light.trace", **port())


def test_a_trace_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError, match="record a run first"):
        diverge("nowhere.trace", **port())


def test_two_traces_of_one_run(trace: Path, tmp_path: Path) -> None:
    record(**port(), steps=STEPS - 1, path=tmp_path / "again.trace")
    found = compare(trace, tmp_path / "again.trace", exact=True)
    assert not found
    assert found.notes == (f"the runs have {STEPS} and {STEPS - 1} steps",)
    assert found.compared["backward"] > 0


def test_two_traces_that_part(trace: Path, tmp_path: Path) -> None:
    changed = port(Squared) | {"data": port()["data"]}
    record(**changed, steps=2, path=tmp_path / "changed.trace")
    first = compare(trace, tmp_path / "changed.trace").first
    assert first is not None
    assert (first.step, first.phase, first.layer) == (0, "forward", "2")


def test_rounding_is_no_difference_unless_it_is_asked_for(
    trace: Path, tmp_path: Path
) -> None:
    def scaled(output: Any, target: Any) -> Any:
        return (1 + 2**-23) * _mean(output, target)

    record(**port() | {"loss": scaled}, steps=2, path=tmp_path / "other.trace")
    assert not compare(trace, tmp_path / "other.trace")
    assert compare(trace, tmp_path / "other.trace", exact=True)
