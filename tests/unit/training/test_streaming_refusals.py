# SPDX-License-Identifier: Apache-2.0
"""Streamed data: what is refused while they are read, and what streams by itself."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import flaxnn
from flaxnn import metrics, models, nn, optim
from flaxnn._errors import MissingPackageError
from flaxnn.random import Generator
from flaxnn.training import _memory
from tests.unit.training.runs import FEATURES, LABELS, train
from tests.unit.training.streams import ROWS, SIZE, Counted

grain = pytest.importorskip("grain", reason="Grain is not installed")


@pytest.mark.usefixtures("small_parts")
class TestRefusals:
    """What is found while the data are read, before it is computed."""

    @pytest.fixture(autouse=True)
    def no_thread_stays(self) -> Any:
        before = set(threading.enumerate())
        yield
        deadline = time.monotonic() + 5
        while extra := set(threading.enumerate()) - before:
            assert time.monotonic() < deadline, extra
            time.sleep(0.01)

    def test_a_value_that_is_not_finite(self) -> None:
        features = FEATURES.copy()
        features[150, 2] = np.inf
        with pytest.raises(ValueError, match=r"1 value.*first at \(150, 2\): inf"):
            train(arrays=Counted(features, LABELS), stream=True)

    @pytest.mark.parametrize("row", [0, 97, 202])
    def test_a_label_out_of_range(self, row: int) -> None:
        labels = LABELS.copy()
        labels[row] = 3
        with pytest.raises(IndexError, match="Target 3 is out of bounds") as caught:
            train(arrays=Counted(FEATURES, labels), stream=True)
        if row:  # the first batch is met before any row is
            assert f"This is row {row} of the data set." in caught.value.__notes__

    def test_in_an_evaluation(self) -> None:
        labels = LABELS.copy()
        labels[120] = 9
        model = train(steps=0).model
        data = Counted(FEATURES, labels)
        matrix = metrics.ConfusionMatrix(num_classes=3)
        with pytest.raises(IndexError, match="9") as caught:
            flaxnn.evaluate(model, data, metrics=[matrix], stream=True)
        assert "This is row 120 of the data set." in caught.value.__notes__

    def test_rows_of_another_kind(self) -> None:
        rows: list[Any] = list(zip(FEATURES, LABELS, strict=True))
        rows[180] = (FEATURES[180], 1.5)
        with pytest.raises(RuntimeError, match=r"float32\[4\], int64\[\].*float64\[\]"):
            train(arrays=rows, stream=True)
        rows[180] = (FEATURES[180, :3], 1)
        with pytest.raises(RuntimeError, match="stack expects each array to be equal"):
            train(arrays=rows, stream=True)

    def test_an_error_of_the_data_set_comes_out_as_it_is(self) -> None:
        class Damaged(list):
            def __getitem__(self, index: Any) -> Any:
                if index == 190:
                    raise OSError("the disk is gone")
                return super().__getitem__(index)

        rows = Damaged(zip(FEATURES, LABELS, strict=True))
        with pytest.raises(OSError, match="the disk is gone") as caught:
            train(arrays=rows, stream=True)
        assert caught.value.__notes__ == ["This is row 190 of the data set."]
        names = [entry.name for entry in caught.traceback]
        assert names[-1] == "__getitem__"

    def test_an_error_over_many_rows_names_them(self) -> None:
        class Damaged(Counted):
            def gather(self, indices: np.ndarray) -> tuple[np.ndarray, ...]:
                if 190 in indices:
                    raise OSError("the disk is gone")
                return super().gather(indices)

        with pytest.raises(OSError, match="the disk is gone") as caught:
            train(arrays=Damaged(FEATURES, LABELS), stream=True)
        (note,) = caught.value.__notes__
        assert "190" in note
        assert note.startswith("This came of reading rows ")

    def test_the_whole_set_at_each_step(self) -> None:
        model = models.SoftmaxRegression(4, 3, rngs=Generator(0))
        options = {"loss": nn.CrossEntropyLoss(), "optimizer": optim.sgd(lr=0.1)}
        with pytest.raises(TypeError, match=r"stream=True needs mini-batches"):
            flaxnn.fit(model, (FEATURES, LABELS), steps=1, stream=True, **options)

    @pytest.mark.parametrize("stream", [1, "yes"])
    def test_what_is_no_answer(self, stream: Any) -> None:
        with pytest.raises(TypeError, match="stream must be True, False or None"):
            train(stream=stream)

    def test_nothing(self) -> None:
        empty = Counted(FEATURES[:0], LABELS[:0])
        with pytest.raises(ValueError, match="empty"):
            flaxnn.evaluate(
                train(steps=0).model, empty, metrics=[metrics.accuracy], stream=True
            )

    def test_without_grain(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "grain", None)
        with pytest.raises(MissingPackageError, match=r"flaxnn\[data\]"):
            train(stream=True)


class TestWhatStreamsByItself:
    """``stream=None``: what is larger than half of the memory."""

    @pytest.fixture
    def streams(self, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
        seen: list[bool] = []
        monkeypatch.setattr(
            "flaxnn.training._reader._grain", lambda: seen.append(True) or grain
        )
        return seen

    @pytest.mark.parametrize("lazy", [True, False])
    @pytest.mark.parametrize(("share", "expected"), [(1.99, True), (2.01, False)])
    def test_half_of_the_memory(
        self,
        streams: list[bool],
        monkeypatch: pytest.MonkeyPatch,
        lazy: bool,
        share: float,
        expected: bool,
    ) -> None:
        for name in ("device_bytes", "host_bytes"):
            monkeypatch.setattr(
                f"flaxnn.training._samples.{name}", lambda *_: share * ROWS * SIZE
            )
        arrays = Counted(FEATURES, LABELS) if lazy else None
        run = train(arrays=arrays, steps=1)
        assert bool(streams) == expected
        flaxnn.evaluate(run.model, arrays or (FEATURES, LABELS), metrics=[_accuracy])
        assert len(streams) == 2 * expected

    def test_the_host_counts_for_what_is_not_in_its_memory(
        self, streams: list[bool], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("flaxnn.training._samples.host_bytes", lambda: 1000.0)
        train(steps=1)
        assert not streams
        train(arrays=Counted(FEATURES, LABELS), steps=1)
        assert streams

    def test_all_rows_at_once_are_never_streamed(
        self, streams: list[bool], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("flaxnn.training._samples.device_bytes", lambda *_: 1000.0)
        flaxnn.fit(
            models.SoftmaxRegression(4, 3, rngs=Generator(0)),
            (FEATURES, LABELS),
            loss=nn.CrossEntropyLoss(),
            optimizer=optim.sgd(lr=0.1),
            steps=1,
        )
        assert not streams

    def test_the_memory_of_this_machine(self, tmp_path: Path) -> None:

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_memory, "_LIMIT", tmp_path / "memory.max")
            machine = _memory.host_bytes()
            assert 2**27 < machine < 2**50
            assert _memory.device_bytes() == machine
            (tmp_path / "memory.max").write_text("max\n")
            assert _memory.host_bytes() == machine
            (tmp_path / "memory.max").write_text("1048576\n")
            assert _memory.host_bytes() == 2**20


def _accuracy(output: jax.Array, target: jax.Array) -> jax.Array:
    return metrics.accuracy(output, target)
