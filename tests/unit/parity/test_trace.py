# SPDX-License-Identifier: Apache-2.0
"""The reader of traces: what is written comes back, what is damaged is refused."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flaxnn.parity import Trace, TraceError, TraceWriter, checksum

WEIGHT = np.arange(6, dtype=np.float32).reshape(2, 3)
BATCH = np.ones((4, 3), np.float32)
TARGET = np.array([0, 1, 1, 0])


def line(value: float, **more: Any) -> dict[str, Any]:
    return {
        "losses": [value],
        "groups": [{"lr": 0.1}],
        "batch": {
            "sizes": [4, 4],
            "checksums": [checksum(BATCH), checksum(TARGET)],
        },
        "generator": "00000000",
        "gradient_norms": {"weight": float("nan")},
        **more,
    }


def call(**more: Any) -> dict[str, Any]:
    return {
        "module": "",
        "training": True,
        "inputs": [
            "batch/input/0",
            [{"items": {"a": "batch/input/0"}}, {"value": 3}],
            None,
        ],
        "keywords": {"mask": "batch/target/0"},
        "outputs": ["call/0/output/0"],
        "output_gradients": [None],
        "begun": 0,
        "depth": 0,
        **more,
    }


def tensors() -> dict[str, np.ndarray]:
    return {
        "batch/input/0": BATCH,
        "batch/target/0": TARGET,
        "generator": np.zeros(5056, np.uint8),
        "parameter/weight": WEIGHT,
        "buffer/running.mean": np.zeros(3),
        "optimizer/exp_avg/weight": np.zeros_like(WEIGHT),
        "optimizer/step/weight": np.float32(0),
        "call/0/output/0": BATCH @ WEIGHT.T,
        "gradient/weight": np.full_like(WEIGHT, np.nan),
        "after/parameter/weight": WEIGHT + 1,
        "after/buffer/running.mean": np.ones(3),
        "after/optimizer/exp_avg/weight": np.ones_like(WEIGHT),
    }


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Two whole steps, the second from where the first ended, and a light one."""
    path = tmp_path / "run.trace"
    second = {**tensors(), "parameter/weight": WEIGHT + 1}
    with TraceWriter(path, {"framework": "jax", "modules": {}, "loss": None}) as writer:
        writer.step(line(0.5, calls=[call()], loss={"class": "MSELoss"}), tensors())
        writer.step(line(0.25, calls=[call()]), second)
        writer.step({"losses": [0.125, 0.375]})
    return path


def edit(path: Path, number: int, change: Any) -> None:
    """Changes a line of a trace: a function of it, or other text."""
    lines = (path / "trace.jsonl").read_text(encoding="utf-8").splitlines()
    if callable(change):
        value = json.loads(lines[number])
        change(value)
        change = json.dumps(value)
    lines[number] = change
    text = "".join(f"{each}\n" for each in lines)
    (path / "trace.jsonl").write_text(text, encoding="utf-8")


def read_all(path: Path) -> int:
    """Reads everything of a trace; returns how many arrays there were."""
    trace, read = Trace.open(path), 0
    for step in trace.whole:
        after = step.after
        for arrays in (step.parameters, step.buffers, step.gradients):
            read += sum(array.size >= 0 for array in arrays.values())
        for arrays in (*step.optimizer.values(), after.parameters, after.buffers):
            read += sum(array.size >= 0 for array in arrays.values())
        read += len(step.inputs) + len(step.targets) + len(after.optimizer)
        read += sum(len(each.outputs) + len(each.inputs) for each in step.calls)
        read += step.generator is not None and step.indices is None
    return read


def test_what_was_written_is_read(trace: Path) -> None:
    read = Trace.open(trace)
    assert (len(read), read.ended) == (3, "finished")
    assert read.header["framework"] == "jax"
    assert read.header["loss"] == {"class": "MSELoss"}
    assert [step.whole for step in read.steps] == [True, True, False]
    assert [step.loss for step in read.steps] == [0.5, 0.25, 0.25]
    step = read.whole[0]
    assert step.batch_sizes == (4, 4)
    assert step.batch_checksums == (checksum(BATCH), checksum(TARGET))
    assert step.groups == ({"lr": 0.1},)
    assert np.isnan(step.gradient_norms["weight"])
    np.testing.assert_array_equal(step.inputs[0], BATCH)
    np.testing.assert_array_equal(step.targets, [TARGET])
    np.testing.assert_array_equal(step.parameters["weight"], WEIGHT)
    np.testing.assert_array_equal(step.buffers["running.mean"], np.zeros(3))
    np.testing.assert_array_equal(step.gradients["weight"], WEIGHT * np.nan)
    assert step.optimizer["weight"].keys() == {"exp_avg", "step"}
    assert step.optimizer["weight"]["step"].shape == ()
    np.testing.assert_array_equal(step.after.parameters["weight"], WEIGHT + 1)
    np.testing.assert_array_equal(step.after.buffers["running.mean"], np.ones(3))
    assert step.after.optimizer["weight"]["exp_avg"].sum() == 6
    assert step.generator is not None
    assert step.generator.dtype == np.uint8
    assert step.indices is None


def test_a_call_has_its_arguments_and_results(trace: Path) -> None:
    (one,) = Trace.open(trace).whole[0].calls
    assert (one.module, one.training, one.begun, one.depth) == ("", True, 0, 0)
    array, (same, three), nothing = one.inputs
    np.testing.assert_array_equal(array, BATCH)
    np.testing.assert_array_equal(same["a"], BATCH)
    assert (three, nothing, one.output_gradients) == (3, None, (None,))
    np.testing.assert_array_equal(one.keywords["mask"], TARGET)
    np.testing.assert_array_equal(one.outputs[0], BATCH @ WEIGHT.T)


def test_nothing_is_written_twice(trace: Path) -> None:
    first, second = (step.line["tensors"] for step in Trace.open(trace).whole)
    # Where the second step begins is where the first one ended.
    assert second["parameter/weight"] == {
        "file": "step-000000.safetensors",
        "key": "after/parameter/weight",
    }
    assert first["parameter/weight"]["key"] == "parameter/weight"
    # Equal zeros of another dtype or shape are other arrays.
    assert first["buffer/running.mean"]["key"] == "buffer/running.mean"


def test_a_light_step_has_no_arrays(trace: Path) -> None:
    step = Trace.open(trace).steps[2]
    for name in ("inputs", "parameters", "calls", "after", "generator"):
        with pytest.raises(TraceError, match="step 2 is a light one"):
            getattr(step, name)


@pytest.mark.parametrize("error", [KeyboardInterrupt("by hand"), ValueError("bad")])
def test_a_run_that_fails_says_so(tmp_path: Path, error: BaseException) -> None:
    def run() -> None:
        with TraceWriter(tmp_path / "a", {}) as writer:
            writer.step({})
            raise error

    with pytest.raises(type(error)):
        run()
    trace = Trace.open(tmp_path / "a")
    assert (len(trace), trace.ended) == (1, f"{type(error).__name__}: {error}")


def test_a_killed_run_can_be_read(trace: Path) -> None:
    file = trace / "trace.jsonl"
    text = file.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    file.write_text("".join(lines[:3]) + lines[3][:-9], encoding="utf-8")
    assert (len(Trace.open(trace)), Trace.open(trace).ended) == (2, None)


def test_only_a_trace_is_overwritten(tmp_path: Path, trace: Path) -> None:
    (trace / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        TraceWriter(trace, {})
    TraceWriter(trace, {}, overwrite=True).close()
    assert sorted(each.name for each in trace.iterdir()) == ["notes.txt", "trace.jsonl"]
    with pytest.raises(FileExistsError, match=r"give another path$"):
        TraceWriter(tmp_path, {}, overwrite=True)
    assert trace.is_dir()


def test_what_is_no_trace(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="record a run first"):
        Trace.open(tmp_path / "missing")
    with pytest.raises(TraceError, match=r"holds trace\.jsonl"):
        Trace.open(tmp_path)
    for content in (b"", b"\n", b"{}\n", b"[1]\n", b"\xff\xfe\n", b"[" * 99999 + b"\n"):
        (tmp_path / "trace.jsonl").write_bytes(content)
        with pytest.raises(TraceError):
            Trace.open(tmp_path)


def test_a_newer_format(trace: Path) -> None:
    edit(trace, 0, lambda header: header.update(format=2))
    with pytest.raises(TraceError, match="update flaxnn"):
        Trace.open(trace)


@pytest.mark.parametrize(
    "change",
    [
        {"step": 5},
        {"whole": 1},
        {"losses": ["none"]},
        {"losses": [int("9" * 400)]},
        {"losses": None},
        {"groups": [3]},
        {"batch": {}},
        {"batch": {"sizes": [True], "checksums": []}},
        {"batch": {"sizes": 3, "checksums": []}},
        {"generator": 3},
        {"gradient_norms": {"weight": None}},
        {"calls": [[]]},
        {"loss": "MSELoss"},
        {"tensors": {"parameter/weight": "parameter/weight"}},
        {"tensors": {"a": {"file": "../step-000000.safetensors", "key": "a"}}},
        {"tensors": {"a": {"file": "/etc/passwd", "key": "a"}}},
        {"kind": "end"},
    ],
    ids=lambda change: str(change)[:40],
)
def test_a_damaged_line(trace: Path, change: dict[str, Any]) -> None:
    edit(trace, 2, lambda entry: entry.update(change))
    with pytest.raises(TraceError, match=r"line 3 of .* step 1"):
        Trace.open(trace)


@pytest.mark.parametrize("key", ["inputs", "outputs", "module", "output_gradients"])
def test_a_damaged_call(trace: Path, key: str) -> None:
    edit(trace, 1, lambda entry: entry["calls"][0].pop(key))
    with pytest.raises(TraceError, match="a call of step 0"):
        _ = Trace.open(trace).whole[0].calls


@pytest.mark.parametrize("inputs", [["no/such"], [[[]] * 3], ["é" * 999], [{}], [3.5]])
def test_odd_inputs(trace: Path, inputs: list) -> None:
    edit(trace, 1, lambda entry: entry["calls"][0].update(inputs=inputs))
    step = Trace.open(trace).whole[0]
    if isinstance(inputs[0], str):
        with pytest.raises(TraceError, match="has no tensor"):
            _ = step.inputs
    else:
        assert len(step.inputs) == 1


def test_deep_inputs(trace: Path) -> None:
    deep: list = []
    for _ in range(200):
        deep = [deep]
    edit(trace, 1, lambda entry: entry["calls"][0].update(inputs=deep))
    with pytest.raises(TraceError, match="too deeply"):
        _ = Trace.open(trace).whole[0].inputs


@pytest.mark.parametrize("length", [0, 7, 100, -1])
def test_a_file_cut_short(trace: Path, length: int) -> None:
    file = trace / "step-000000.safetensors"
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(TraceError, match="copy the trace again"):
        _ = Trace.open(trace).whole[0].parameters


def test_a_file_that_is_missing_or_of_another_run(trace: Path) -> None:
    first = trace / "step-000000.safetensors"
    (trace / "step-000001.safetensors").replace(first)
    with pytest.raises(TraceError, match=r"has no .*: it is another run's"):
        _ = Trace.open(trace).whole[0].parameters
    first.unlink()
    with pytest.raises(TraceError, match="cannot be read"):
        _ = Trace.open(trace).whole[0].parameters


def test_random_damage_is_refused_or_harmless(trace: Path) -> None:
    chance = random.Random(0)
    file = trace / "trace.jsonl"
    good = file.read_bytes()
    assert read_all(trace) > 20
    refused = 0
    for _ in range(300):
        bad = bytearray(good)
        for _ in range(chance.choice((1, 1, 3, 30))):
            bad[chance.randrange(len(bad))] = chance.choice(b'"[]{}:,09ae-. \n\x00\xff')
        file.write_bytes(bad[: chance.choice((len(bad), chance.randrange(len(bad))))])
        try:
            read_all(trace)
        except TraceError:
            refused += 1
    assert refused > 100


def test_reading_needs_neither_jax_nor_torch() -> None:
    code = (
        "import sys; from flaxnn.parity import Trace, TraceWriter;"
        "assert not {'jax', 'torch', 'flax'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
