# SPDX-License-Identifier: Apache-2.0
"""What the recorder does with what it cannot record, and where it cannot write."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from flaxnn.parity import Trace
from tests.parity.recorded_runs import batches, load_recorder, small, train

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch

nn, optim = torch.nn, torch.optim


@pytest.fixture(scope="module")
def recorder() -> ModuleType:
    return load_recorder()


def test_sparse_half_and_empty(recorder: ModuleType, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Embedding(4, 2, sparse=True), nn.Linear(2, 2).bfloat16())
    model.register_buffer("nothing", torch.zeros(0, 3, dtype=torch.int8))
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with recorder.record(model, optimizer, tmp_path / "run"):
        hidden = model[0](torch.tensor([1, 1, 3]))
        model[1](hidden.bfloat16()).sum().backward()
        optimizer.step()
    trace = Trace.open(tmp_path / "run")
    assert trace.ended == "finished"
    step = trace.steps[0]
    np.testing.assert_array_equal(step.gradients["0.weight"].any(1), [0, 1, 0, 1])
    assert step.gradients["1.bias"].dtype == "bfloat16"
    assert step.buffers["nothing"].shape == (0, 3)


def test_a_compiled_model_is_refused(recorder: ModuleType, tmp_path: Path) -> None:
    model, optimizer = small()
    with pytest.raises(TypeError, match=r"record a run without torch\.compile"):
        recorder.record(
            torch.compile(model, backend="eager"), optimizer, tmp_path / "run"
        )
    assert not (tmp_path / "run").exists()


def test_a_model_that_is_not_called(
    recorder: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, optimizer = small()
    with recorder.record(model, optimizer, tmp_path / "run"):
        train(small()[0], optimizer, 2)
    assert "no call of the model was seen" in capsys.readouterr().err
    trace = Trace.open(tmp_path / "run")
    assert len(trace) == 0
    assert "the recorder failed" in str(trace.ended)


@pytest.mark.parametrize("optimizer", [[], "adam", None])
def test_one_optimizer(recorder: ModuleType, tmp_path: Path, optimizer: Any) -> None:
    with pytest.raises(TypeError, match="expected one optimizer"):
        recorder.record(small()[0], optimizer, tmp_path / "run")


def test_overwriting(recorder: ModuleType, tmp_path: Path) -> None:
    model, optimizer = small()
    path = tmp_path / "run"
    for whole, steps in ((range(9), 3), ((), 2)):
        with recorder.record(model, optimizer, path, whole=whole, overwrite=True):
            train(model, optimizer, steps)
    assert [file.name for file in path.iterdir()] == ["trace.jsonl"]
    assert len(Trace.open(path)) == 2
    with pytest.raises(FileExistsError, match="overwrite=True"):
        recorder.record(model, optimizer, path)
    with pytest.raises(FileExistsError, match="is there"):
        recorder.record(model, optimizer, tmp_path, overwrite=True)


def test_an_exception_of_the_run(recorder: ModuleType, tmp_path: Path) -> None:
    model, optimizer = small()
    backward = torch.autograd.backward

    def run() -> None:
        with recorder.record(model, optimizer, tmp_path / "run"):
            train(model, optimizer, 2)
            with pytest.raises(RuntimeError):  # caught by the run itself
                model(torch.zeros(1, 2))
            train(model, optimizer, 1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    trace = Trace.open(tmp_path / "run")
    assert (len(trace), trace.ended) == (3, "KeyboardInterrupt: ")
    assert [len(step.calls) for step in trace.steps] == [4, 4, 4]
    assert torch.autograd.backward is backward
    hooks = torch.nn.modules.module
    assert not hooks._global_forward_hooks
    assert not hooks._global_forward_pre_hooks
    assert not optimizer._optimizer_step_pre_hooks


@pytest.mark.parametrize("size", [4_000, 20_000])
def test_a_full_disk_ends_the_recording_only(
    recorder: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], size: int
) -> None:
    resource = pytest.importorskip("resource", reason="no limits on this system")
    model, optimizer = small()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    recording = recorder.record(model, optimizer, tmp_path / "run", whole={0, 1})
    with recording:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            train(model, optimizer, 40)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "recorder: stopped: OSError" in capsys.readouterr().err
    trace = Trace.open(tmp_path / "run")
    assert len(trace) < 40
    for step in trace.whole:
        assert step.parameters.keys() == dict(model.named_parameters()).keys()
    plain, other = small()
    train(plain, other, 40)
    for mine, recorded in zip(plain.parameters(), model.parameters(), strict=True):
        np.testing.assert_array_equal(mine.detach(), recorded.detach())


def test_a_loss_that_is_not_finite(recorder: ModuleType, tmp_path: Path) -> None:
    model, optimizer = small()
    with recorder.record(model, optimizer, tmp_path / "run"):
        (model(batches(1)[0][0]).sum() * torch.inf).backward()
        optimizer.step()
    step = Trace.open(tmp_path / "run").steps[0]
    assert not np.isfinite(step.loss)
    assert np.isnan(step.after.parameters["2.bias"]).any() or not np.isfinite(
        step.gradient_norms["2.bias"]
    )
