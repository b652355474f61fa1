# SPDX-License-Identifier: Apache-2.0
"""What the recorder writes is what happened, and it changes nothing."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import flaxnn
from flaxnn import parity
from flaxnn.parity import Trace, checksum, recorder_path
from flaxnn.random import Generator
from tests.parity.recorded_runs import Net, batches, load_recorder, small, train

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch

nn, optim = torch.nn, torch.optim


@pytest.fixture(scope="module")
def recorder() -> ModuleType:
    return load_recorder()


def as_numpy(tensors: Any) -> list[np.ndarray]:
    return [tensor.detach().numpy() for tensor in tensors]


def test_the_file_stands_alone() -> None:
    tree = ast.parse(recorder_path().read_text(encoding="utf-8"))
    roots = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    }
    assert roots - set(sys.stdlib_module_names) == {"torch"}


@pytest.mark.parametrize("make", [optim.SGD, optim.Adam, optim.RMSprop], ids=str)
def test_a_recorded_run_is_the_same_run(
    recorder: ModuleType, tmp_path: Path, make: Any
) -> None:
    ends = []
    for recorded in (False, True):
        torch.manual_seed(3)
        model = Net()
        optimizer = make(model.parameters(), lr=0.01)
        if recorded:
            with recorder.record(model, optimizer, tmp_path / "run"):
                train(model, optimizer)
        else:
            train(model, optimizer)
        moments = [v for state in optimizer.state.values() for v in state.values()]
        tensors = [t for t in moments if isinstance(t, torch.Tensor)]
        tensors += [*model.state_dict().values(), torch.get_rng_state()]
        ends.append(as_numpy(tensors))
    for plain, recorded in zip(*ends, strict=True):
        np.testing.assert_array_equal(plain, recorded)
    assert Trace.open(tmp_path / "run").ended == "finished"


def test_every_array_is_what_the_run_had(recorder: ModuleType, tmp_path: Path) -> None:
    """Each step is made again from what is recorded of it."""
    torch.manual_seed(3)
    model = Net()
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    with recorder.record(model, optimizer, tmp_path / "run"):
        train(model, optimizer)
    after = {name: t.numpy() for name, t in model.state_dict().items()}
    trace = Trace.open(tmp_path / "run")
    assert trace.header["loss"]["class"] == "CrossEntropyLoss"
    assert trace.header["loss"]["options"]["label_smoothing"] == 0.1
    assert trace.header["modules"]["norm"]["options"]["momentum"] == 0.1
    # The tied weight is recorded once.
    assert "last.weight" not in trace.header["parameters"]
    names = trace.header["optimizer"]["groups"][0]["params"]
    assert names == [name for name, _ in model.named_parameters()]
    for number, (inputs, target) in enumerate(batches(3)):
        step = trace.steps[number]
        np.testing.assert_array_equal(step.inputs[0], inputs)
        np.testing.assert_array_equal(step.targets[0], target)
        assert step.batch_checksums == (checksum(inputs), checksum(target))
        again = Net()
        state = {**step.parameters, **step.buffers}
        state["last.weight"] = state["first.weight"]
        again.load_state_dict({k: torch.tensor(v) for k, v in state.items()})
        assert step.generator is not None
        torch.set_rng_state(torch.tensor(step.generator))
        output = again(inputs)[0]
        loss = nn.functional.cross_entropy(output, target, label_smoothing=0.1)
        loss.backward()
        assert step.losses == (loss.item(),)
        np.testing.assert_array_equal(step.calls[-1].outputs[0], output.detach())
        for name, parameter in again.named_parameters():
            if parameter.grad is None:
                assert name not in step.gradients
                continue
            np.testing.assert_array_equal(step.gradients[name], parameter.grad)
            norm = np.linalg.norm(parameter.grad.double())
            assert step.gradient_norms[name] == pytest.approx(norm, rel=1e-5)
        later = trace.steps[number + 1].parameters if number < 2 else after
        for name, array in step.after.parameters.items():
            np.testing.assert_array_equal(array, later[name])
        assert step.after.optimizer["first.weight"]["step"] == number + 1
    assert trace.steps[0].optimizer == {}


def test_the_calls_of_modules(recorder: ModuleType, tmp_path: Path) -> None:
    torch.manual_seed(3)
    model = Net()
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    with recorder.record(model, optimizer, tmp_path / "run"):
        train(model, optimizer, 1)
    step = Trace.open(tmp_path / "run").steps[0]
    calls = {call.module: call for call in step.calls}
    begun = [call.module for call in sorted(step.calls, key=lambda call: call.begun)]
    assert begun[:6] == ["", "first", "norm", "relu", "first", "drop"]
    assert step.calls[-1].module == ""
    assert [call.depth for call in step.calls[-2:]] == [1, 0]
    # What a module gave is kept as it was before the next one changed it in place.
    assert calls["norm"].outputs[0].min() < 0 <= calls["relu"].outputs[0].min()
    np.testing.assert_array_equal(calls["norm"].outputs[0], calls["relu"].inputs[0])
    assert [output.shape for output in calls["recurrent"].outputs] == [
        (8, 1, 6),
        (1, 8, 6),
    ]
    assert calls["recurrent"].output_gradients[1] is None
    assert calls["attention"].inputs == ()
    assert calls["attention"].keywords["query"].shape == (8, 1, 6)
    assert calls["frozen"].outputs[0].dtype == np.float64
    gradient = calls[""].output_gradients[0]
    assert gradient is not None
    assert gradient.shape == (8, 6)


def test_dropout_left_on_or_off(recorder: ModuleType, tmp_path: Path) -> None:
    model, optimizer = small()
    model.eval()
    with recorder.record(model, optimizer, tmp_path / "run"):
        train(model, optimizer, 1)
    step = Trace.open(tmp_path / "run").steps[0]
    assert {call.training for call in step.calls} == {False}


def test_which_steps_are_whole(recorder: ModuleType, tmp_path: Path) -> None:
    model, optimizer = small()
    with recorder.record(model, optimizer, tmp_path / "run"):
        for number in range(40):
            if number == 20:
                optimizer.param_groups[0]["lr"] = 0.01
            train(model, optimizer, 1, size=3 if number == 27 else 8)
    trace = Trace.open(tmp_path / "run")
    numbers = [step.number for step in trace.whole]
    assert numbers == [0, 1, 2, 4, 8, 16, 20, 27, 28, 29, 32]
    assert [step.groups[0]["lr"] for step in trace.steps[19:21]] == [0.1, 0.01]
    assert trace.steps[27].batch_sizes == (3, 3)
    assert trace.steps[5].gradient_norms.keys() == dict(model.named_parameters()).keys()


def test_a_schedule_of_every_step_is_no_change(
    recorder: ModuleType, tmp_path: Path
) -> None:
    model, optimizer = small()
    with recorder.record(model, optimizer, tmp_path / "run"):
        for number in range(8):
            optimizer.param_groups[0]["lr"] = 0.1 / (number + 1)
            train(model, optimizer, 1)
    numbers = [step.number for step in Trace.open(tmp_path / "run").whole]
    assert numbers == [0, 1, 2, 4]


@pytest.mark.parametrize(
    "whole",
    [{1, 3}, lambda step: step in (1, 3)],
    ids=["container", "function"],
)
def test_chosen_steps_and_all_batches(
    recorder: ModuleType, tmp_path: Path, whole: Any
) -> None:
    model, optimizer = small()
    path = tmp_path / "run"
    with recorder.record(model, optimizer, path, whole=whole, batches="all"):
        train(model, optimizer, 5)
    trace = Trace.open(path)
    assert [step.number for step in trace.whole] == [1, 3]
    for step, (inputs, target) in zip(trace.steps, batches(5), strict=True):
        np.testing.assert_array_equal(step.inputs[0], inputs)
        np.testing.assert_array_equal(step.targets[0], target)


def test_beyond_the_limit_steps_are_light(recorder: ModuleType, tmp_path: Path) -> None:
    model, optimizer = small()
    with recorder.record(model, optimizer, tmp_path / "run", limit=8_000):
        train(model, optimizer, 5)
    trace = Trace.open(tmp_path / "run")
    assert [step.number for step in trace.whole] == [0]
    assert (len(trace), trace.ended) == (5, "finished")
    size = sum(file.stat().st_size for file in (tmp_path / "run").glob("step*"))
    assert size < 16_000


def test_accumulated_gradients(recorder: ModuleType, tmp_path: Path) -> None:
    model, optimizer = small()
    parts = batches(3)
    with recorder.record(model, optimizer, tmp_path / "run"):
        for inputs, target in parts:
            nn.CrossEntropyLoss()(model(inputs), target).backward()
        optimizer.step()
    (step,) = Trace.open(tmp_path / "run").steps
    assert len(step.losses) == 3
    assert step.loss == np.mean(step.losses)
    np.testing.assert_array_equal(step.inputs[0], parts[-1][0])
    assert [call.module for call in step.calls] == ["0", "1", "2", ""]
    np.testing.assert_array_equal(step.gradients["0.bias"], model[0].bias.grad)


def test_a_closure(recorder: ModuleType, tmp_path: Path) -> None:
    model, _ = small()
    before = model[0].weight.detach().clone()
    optimizer = optim.LBFGS(model.parameters(), max_iter=4)
    ((inputs, target),) = batches(1)
    gradients = []

    def closure() -> Any:
        optimizer.zero_grad()
        loss = nn.CrossEntropyLoss()(model(inputs), target)
        loss.backward()
        gradients.append(model[0].weight.grad.clone())
        return loss

    with recorder.record(model, optimizer, tmp_path / "run"):
        optimizer.step(closure)
    (step,) = Trace.open(tmp_path / "run").steps
    assert len(step.losses) == len(gradients) > 1
    assert [call.module for call in step.calls] == ["0", "1", "2", ""]
    np.testing.assert_array_equal(step.parameters["0.weight"], before)
    np.testing.assert_array_equal(step.gradients["0.weight"], gradients[0])


def test_a_functional_loss(recorder: ModuleType, tmp_path: Path) -> None:
    model, optimizer = small()
    with recorder.record(model, optimizer, tmp_path / "run") as recording:
        for inputs, target in batches(2):
            recording.batch(inputs, target, indices=range(8))
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(inputs), target).backward()
            optimizer.step()
    trace = Trace.open(tmp_path / "run")
    assert trace.header["loss"] is None
    for step, (inputs, target) in zip(trace.steps, batches(2), strict=True):
        np.testing.assert_array_equal(step.inputs[0], inputs)
        np.testing.assert_array_equal(step.targets[0], target)
        np.testing.assert_array_equal(step.indices, range(8))
        assert step.batch_checksums == (checksum(inputs), checksum(target))


def test_an_evaluation_is_not_recorded(recorder: ModuleType, tmp_path: Path) -> None:
    model, optimizer = small()
    with recorder.record(model, optimizer, tmp_path / "run"):
        for inputs, target in batches(2):
            train(model, optimizer, 1)
            with torch.no_grad():
                nn.CrossEntropyLoss()(model(inputs[:3]), target[:3])
            model(inputs[:5])  # nobody computes a gradient of this one
    trace = Trace.open(tmp_path / "run")
    assert [step.batch_sizes for step in trace.steps] == [(8, 8), (8, 8)]
    assert [len(step.calls) for step in trace.steps] == [4, 4]


def test_an_evaluation_does_not_choose_steps(
    recorder: ModuleType, tmp_path: Path
) -> None:
    model, optimizer = small()
    with recorder.record(model, optimizer, tmp_path / "run"):
        train(model, optimizer, 5)
        with torch.no_grad():
            model(batches(1, 3)[0][0])
        train(model, optimizer, 3)
    numbers = [step.number for step in Trace.open(tmp_path / "run").whole]
    assert numbers == [0, 1, 2, 4]


def test_two_models_with_a_recorder_each(recorder: ModuleType, tmp_path: Path) -> None:
    pairs = [small(), small()]
    first, second = (
        recorder.record(*pair, tmp_path / str(number))
        for number, pair in enumerate(pairs)
    )
    ((inputs, target),) = batches(1)
    with first, second:
        for _ in range(2):
            losses = [
                nn.CrossEntropyLoss()(model(inputs), target) for model, _ in pairs
            ]
            for loss, (_, optimizer) in zip(losses, pairs, strict=True):
                loss.backward()
                optimizer.step()
    for number in range(2):
        trace = Trace.open(tmp_path / str(number))
        assert [len(step.losses) for step in trace.steps] == [1, 1]
        assert [len(step.calls) for step in trace.steps] == [4, 4]


def test_checkpointed_modules(recorder: ModuleType, tmp_path: Path) -> None:
    from torch.utils.checkpoint import checkpoint

    model, optimizer = small()
    with recorder.record(model, optimizer, tmp_path / "run"):
        for inputs, target in batches(1):
            hidden = checkpoint(model[0], inputs, use_reentrant=False)
            output = model[2](model[1](hidden))
            nn.CrossEntropyLoss()(output, target).backward()
            optimizer.step()
    (step,) = Trace.open(tmp_path / "run").steps
    assert [call.module for call in step.calls] == ["0", "1", "2"]
    np.testing.assert_array_equal(step.inputs[0], batches(1)[0][0])


def test_the_same_run_in_jax(recorder: ModuleType, tmp_path: Path) -> None:
    torch.manual_seed(7)
    model = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 6))
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    ((inputs, target),) = batches(1)
    with recorder.record(model, optimizer, tmp_path / "torch"):
        for _ in range(3):
            optimizer.zero_grad()
            nn.CrossEntropyLoss()(model(inputs), target).backward()
            optimizer.step()
    rngs = Generator(7)
    port = flaxnn.nn.Sequential(
        flaxnn.nn.Linear(6, 5, rngs=rngs),
        flaxnn.nn.Tanh(),
        flaxnn.nn.Linear(5, 6, rngs=rngs),
    )
    parity.record(
        port,
        (inputs.numpy(), target.numpy()),
        loss=flaxnn.nn.CrossEntropyLoss(),
        optimizer=flaxnn.optim.adam(lr=0.01),
        steps=3,
        path=tmp_path / "jax",
    )
    found = parity.compare(tmp_path / "torch", tmp_path / "jax")
    assert not found, str(found)
    assert min(found.compared[phase] for phase in ("forward", "backward")) >= 12
