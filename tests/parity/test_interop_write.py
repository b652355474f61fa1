# SPDX-License-Identifier: Apache-2.0
"""What `interop.save` writes, read by live PyTorch: a part is benchmarks/roundtrip.py.

Grade T0.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from flaxnn import interop
from flaxnn.interop._dtypes import TABLE

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("safetensors.torch", reason="safetensors is not installed")

from benchmarks import roundtrip  # noqa: E402
from benchmarks.generated_checkpoints import KINDS, draw  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture(params=[False, True], ids=["read", "mapped"])
def load(request: pytest.FixtureRequest) -> Any:
    """PyTorch's safe reader."""
    return lambda path: torch.load(path, weights_only=True, mmap=request.param)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.torch)
def test_dtypes_and_views(row: Any, load: Any, tmp_path: Path) -> None:
    raw = np.random.default_rng(0).integers(0, 256, 30 * row.numpy.itemsize, np.uint8)
    base = (raw % 2 if row.torch == "bool" else raw).view(row.numpy).reshape(5, 6)
    value = {
        "whole": base,
        "transposed": base.T,
        "slice": base[1:4, ::2],
        "broadcast": np.broadcast_to(base[2, 1:2], (3, 4)),
        "number": base[4, 5:].reshape(()),
        "empty": base[:0],
        "again": base,
    }
    interop.save(value, tmp_path / "model.pt")
    theirs = load(tmp_path / "model.pt")
    found = roundtrip.differences(theirs, value, exact=True, shared=True)
    assert found == []
    assert theirs["transposed"].stride() == (1, 6)


def test_containers_numbers_and_text(load: Any, tmp_path: Path) -> None:
    value = {
        "numbers": [0, -1, 2**31, -(2**63), 2**300, 1.5, -0.0, float("nan")],
        "others": (None, True, False, "", "ü€😀\n", "lone \ud800", "a" * 70_000),
        "empty": [{}, [], (), OrderedDict()],
        3: {0.5: "float", 7: {"deep": [[[()]]]}},
        "ordered": OrderedDict(b=1, a=OrderedDict(c=2)),
        "counter": Counter("aab"),
    }
    interop.save(value, tmp_path / "model.pt")
    theirs = load(tmp_path / "model.pt")
    assert roundtrip.differences(theirs, value, exact=True, shared=True) == []


def test_jax_arrays(load: Any, tmp_path: Path) -> None:
    weight = jnp.linspace(0, 1, 6, dtype=jnp.bfloat16).reshape(2, 3)
    interop.save({"a": weight, "b": weight, "n": jnp.int32(3)}, tmp_path / "model.pt")
    theirs = load(tmp_path / "model.pt")
    assert theirs["a"].data_ptr() == theirs["b"].data_ptr()
    for name, array in {"a": weight, "b": weight, "n": jnp.int32(3)}.items():
        ours = roundtrip.described(np.asarray(array))
        assert roundtrip.described(theirs[name]) == ours


@pytest.mark.parametrize("order", [">f4", ">i2", ">c16"])
def test_other_byte_order(order: str, load: Any, tmp_path: Path) -> None:
    array = np.arange(6).astype(order)
    interop.save([array, array[::-1]], tmp_path / "model.pt")
    first, second = load(tmp_path / "model.pt")
    np.testing.assert_array_equal(first.numpy(), array)
    np.testing.assert_array_equal(second.numpy(), array[::-1])


def test_pytorchs_own_tensors_are_written(load: Any, tmp_path: Path) -> None:
    tensor = torch.arange(6.0).reshape(2, 3)
    interop.save({"a": tensor, "t": tensor.T}, tmp_path / "model.pt")
    theirs = load(tmp_path / "model.pt")
    expected = {"a": tensor, "t": tensor.T}
    assert roundtrip.differences(theirs, expected, exact=True, shared=True) == []


# One of each of three kinds, in both formats.
@pytest.mark.parametrize("index", [1, 4, 10])
def test_a_sample_of_the_generated_files(index: int, tmp_path: Path) -> None:
    drawn = draw(index, seed=5)
    trip = roundtrip.Trip(drawn, tmp_path)
    trip.run()
    assert trip.found == []
    assert len(trip.ways) >= 5


def test_kinds_and_formats_take_turns() -> None:
    drawn = [draw(index, seed=0) for index in range(40)]
    met = {(one.kind, *one.options.values()) for one in drawn}
    assert len(met) == 8 * len(KINDS)
    assert {one.in_flaxnn for one in drawn if one.model} == {True, False}


BASE = torch.arange(6.0).reshape(2, 3)
CHANGES = {
    "a bit": {"a": BASE + torch.tensor([0.0, 0, 1e-6]), "b": [1.0]},
    "a sign": {"a": BASE * torch.tensor([-1.0, 1, 1]), "b": [1.0]},
    "a dtype": {"a": BASE.int(), "b": [1.0]},
    "a shape": {"a": BASE.reshape(3, 2), "b": [1.0]},
    "a transposition": {"a": BASE.T.reshape(2, 3), "b": [1.0]},
    "a number's type": {"a": BASE, "b": [1]},
    "a container": {"a": BASE, "b": (1.0,)},
    "a dict": OrderedDict(a=BASE, b=[1.0]),
    "an order": {"b": [1.0], "a": BASE},
    "a length": {"a": BASE, "b": [1.0, 2.0]},
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_comparison_sees(name: str) -> None:
    value = {"a": BASE, "b": [1.0]}
    same = {"a": BASE.clone(), "b": [1.0]}
    assert roundtrip.differences(same, value, exact=True, shared=True) == []
    assert roundtrip.differences(CHANGES[name], value, exact=True, shared=True)


def test_the_comparison_sees_sharing() -> None:
    tied, loose = [BASE, BASE.T[1:]], [BASE, BASE.T[1:].clone()]
    other = [BASE, BASE.T[:2] + 1]
    assert roundtrip.differences(tied, tied, exact=True, shared=True) == []
    for value in (loose, other):
        assert roundtrip.differences(value, tied, exact=True, shared=True)
    assert roundtrip.differences(loose, tied, exact=True, shared=False) == []


def test_the_script_tells_by_its_exit_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert roundtrip.main(["--files", "2"]) == 0
    assert "0 differences" in capsys.readouterr().out
    load = interop.load
    monkeypatch.setattr(interop, "load", lambda path: {**load(path), "more": 1})
    assert roundtrip.main(["--files", "1"]) == 1
    assert "file 0 (tensors), PyTorch to flaxnn" in capsys.readouterr().out
