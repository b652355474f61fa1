# SPDX-License-Identifier: Apache-2.0
"""`interop.load` against live PyTorch: every bit of every tensor. Grade T0."""

from __future__ import annotations

import warnings
from collections import Counter, OrderedDict, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flaxnn import interop
from flaxnn.interop._dtypes import BY_TORCH, TABLE, of_array

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

pytestmark = pytest.mark.torch

# The two formats, each with every protocol that it can be written with.
FORMATS = [
    pytest.param(
        {"_use_new_zipfile_serialization": zipped, "pickle_protocol": protocol},
        id=f"{'zip' if zipped else 'old'}-{protocol}",
    )
    for zipped in (True, False)
    for protocol in (2, 3, 4, 5)
]
ZIP, OLD = FORMATS[0].values[0], FORMATS[4].values[0]
DTYPES = [row.torch for row in TABLE]


def bits(tensor: Any) -> bytes:
    """The elements of a tensor in order, as bytes."""
    plain = tensor.detach().resolve_conj().resolve_neg().contiguous()
    return plain.reshape(-1).view(torch.uint8).numpy().tobytes()


def assert_same(ours: Any, theirs: Any) -> None:
    """Checks that two nested values are the same, tensors to the bit."""
    if isinstance(theirs, torch.Tensor):
        assert isinstance(ours, np.ndarray)
        assert of_array(ours.dtype).torch == str(theirs.dtype).removeprefix("torch.")
        assert ours.shape == tuple(theirs.shape)
        assert ours.tobytes() == bits(theirs)
        assert not ours.flags.writeable
    elif isinstance(theirs, dict):
        assert type(ours) is dict
        assert list(ours) == list(theirs)
        for key in theirs:
            assert_same(ours[key], theirs[key])
    elif isinstance(theirs, list | tuple):
        assert type(ours) is (tuple if isinstance(theirs, tuple) else list)
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            assert_same(one, other)
    else:
        assert type(ours) is type(theirs)
        np.testing.assert_array_equal(ours, theirs)


def round_trip(value: Any, folder: Path, options: dict, again: bool = True) -> Any:
    """What we read of what PyTorch writes, held against that and what it reads."""
    path = folder / "file.pt"
    torch.save(value, path, **options)
    ours = interop.load(path)
    assert_same(ours, value)
    if again:
        assert_same(ours, torch.load(path, weights_only=False))
    return ours


def random_tensor(dtype: str, *shape: int) -> Any:
    """A tensor of random bits, of random truths for bool."""
    kind = getattr(torch, dtype)
    if kind == torch.bool:
        return torch.rand(*shape) < 0.5
    width = torch.empty(0, dtype=kind).element_size()
    *most, last = shape
    return torch.randint(0, 256, (*most, last * width), dtype=torch.uint8).view(kind)


@pytest.mark.parametrize("options", FORMATS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_and_views(dtype: str, options: dict, tmp_path: Path) -> None:
    torch.manual_seed(0)
    base = random_tensor(dtype, 5, 6)
    ours = round_trip(
        {
            "whole": base,
            "transposed": base.T,
            "slice": base[1:4, ::2],
            "column": base[:, 3],
            "expanded": base[2, 1].expand(3, 4),
            "scalar": base[4, 5],
            "empty": base[:0],
            "huge and empty": base.new_empty((0, 2**40)),
            "size one": base[2:3, :, None],
        },
        tmp_path,
        options,
        # PyTorch writes its newer dtypes in the old format, and cannot read them.
        again=options["_use_new_zipfile_serialization"]
        or BY_TORCH[dtype].storage is not None,
    )
    shared = ["transposed", "slice", "column", "expanded", "scalar", "size one"]
    for name in shared:
        assert np.shares_memory(ours["whole"], ours[name])
    assert ours["transposed"].strides == ours["whole"].strides[::-1]


@pytest.mark.parametrize("options", FORMATS)
def test_nested_values(options: dict, tmp_path: Path) -> None:
    value = {
        "state": OrderedDict(a=torch.ones(2), b=[torch.zeros(1), (1, "two", None)]),
        3: {"x": True, "y": -(2**70), "z": 2**31, 0.5: float("inf")},
        (1, "key"): {1, 2, 3},
        "frozen": frozenset({"a"}),
        "raw": [b"", b"\x00\xff" * 200, bytearray(b"ab"), bytearray()],
        "complex": 1.5 - 2j,
        "size": tuple(torch.Size([2, 3])),
        "counter": Counter("aab"),
        "default": defaultdict(list, a=[1]),
        "text": ["", "ü€😀\n\\", "a" * 300],
        "numpy": [
            np.arange(6.0).reshape(2, 3).T,
            np.arange(6, dtype=">i4").reshape(2, 3),
            np.array(True),
            np.zeros((0, 3), np.complex64),
        ],
        "numbers": [np.float32(0.1), np.int64(-3), np.bool_(True)],
        "parameter": torch.nn.Parameter(torch.rand(3)),
        "integers": list(range(-300, 70000, 977)),
    }
    value["again"] = value["state"]
    ours = round_trip(value, tmp_path, options)
    assert ours["again"]["a"] is ours["state"]["a"]


def test_names_of_torch(tmp_path: Path) -> None:
    path = tmp_path / "file.pt"
    value = [torch.float32, torch.bfloat16, torch.device("cuda", 1), torch.Size([4])]
    torch.save(value, path)
    ours = interop.load(path)
    assert [of_array(dtype).torch for dtype in ours[:2]] == ["float32", "bfloat16"]
    assert ours[2:] == ["cuda:1", (4,)]


@pytest.mark.parametrize("options", FORMATS)
def test_tied_weights_stay_tied(options: dict, tmp_path: Path) -> None:
    model = torch.nn.ModuleDict(
        {"embed": torch.nn.Embedding(5, 3), "head": torch.nn.Linear(3, 5)}
    )
    model["head"].weight = model["embed"].weight
    ours = round_trip(model.state_dict(), tmp_path, options)
    assert np.shares_memory(ours["embed.weight"], ours["head.weight"])
    assert not np.shares_memory(ours["embed.weight"], ours["head.bias"])


class _WithBuffer(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mask = torch.nn.Buffer(torch.arange(3))
        self.scale = torch.nn.Parameter(torch.ones(2))
        self.scale.note = "kept by PyTorch only"  # pyright: ignore


MODELS = {
    "sequential": lambda: torch.nn.Sequential(
        torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4)),
        torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.LayerNorm(4)),
    ),
    "moduledict": lambda: torch.nn.ModuleDict(
        {"enc": torch.nn.ModuleList([torch.nn.Linear(2, 2) for _ in range(11)])}
    ),
    "lstm": lambda: torch.nn.LSTM(3, 4, num_layers=2, bidirectional=True),
    "transformer": lambda: torch.nn.TransformerEncoderLayer(8, 2, 16),
    "weight norm": lambda: torch.nn.utils.parametrizations.weight_norm(
        torch.nn.Linear(3, 4)
    ),
    "buffer": _WithBuffer,
}


@pytest.mark.parametrize("options", [ZIP, OLD], ids=["zip", "old"])
@pytest.mark.parametrize("keep", [False, True], ids=["detached", "parameters"])
@pytest.mark.parametrize("name", MODELS)
def test_state_dicts(name: str, keep: bool, options: dict, tmp_path: Path) -> None:
    torch.manual_seed(0)
    state = MODELS[name]().state_dict(keep_vars=keep)
    assert list(round_trip(state, tmp_path, options)) == list(state)


@pytest.mark.parametrize("options", [ZIP, OLD], ids=["zip", "old"])
@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_optimizers_and_generators(name: str, options: dict, tmp_path: Path) -> None:
    model = torch.nn.Linear(3, 2)
    given = {"momentum": 0.9} if name == "SGD" else {}
    optimizer = getattr(torch.optim, name)(model.parameters(), lr=0.01, **given)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [1, 3, 3])
    for _ in range(3):
        optimizer.zero_grad()
        model(torch.rand(4, 3)).sum().backward()
        optimizer.step()
        schedule.step()
    value = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "schedule": schedule.state_dict(),
        "generator": torch.get_rng_state(),
    }
    round_trip(value, tmp_path, options)


@pytest.mark.parametrize("options", [ZIP, OLD], ids=["zip", "old"])
def test_conjugates_and_negatives(options: dict, tmp_path: Path) -> None:
    torch.manual_seed(0)
    base = torch.randn(3, 4, dtype=torch.complex64)
    value = {
        "base": base,
        "conj": base.conj(),
        "part": base.conj()[1:, ::2].T,
        "expanded": base.conj()[0, 0].expand(1000),
    }
    ours = round_trip(value, tmp_path, options)
    assert np.shares_memory(ours["conj"], ours["part"])
    round_trip({"imag": base.conj().imag}, tmp_path, options)


def test_a_storage_of_two_dtypes_and_an_odd_one(tmp_path: Path) -> None:
    raw = torch.arange(11, dtype=torch.uint8)
    # PyTorch cannot read the first: the storage has three bytes more.
    round_trip({"odd": raw[:8].view(torch.float32)}, tmp_path, ZIP, again=False)
    wide = torch.tensor(range(8), dtype=torch.uint16)
    round_trip([wide, wide.view(torch.uint32), wide.view(torch.uint8)], tmp_path, ZIP)


@pytest.mark.parametrize("name", ["a.b", "with space", "ü", "..x"])
def test_names_of_files(name: str, tmp_path: Path) -> None:
    torch.save({"a": torch.ones(2)}, tmp_path / f"{name}.pt")
    np.testing.assert_array_equal(interop.load(tmp_path / f"{name}.pt")["a"], [1, 1])


def test_without_checksums_and_other_alignment(tmp_path: Path) -> None:
    from torch.utils.serialization import config

    with config.patch({"save.storage_alignment": 4096}):
        round_trip({"a": torch.rand(7)}, tmp_path, ZIP)
    torch.serialization.set_crc32_options(False)
    try:
        round_trip({"a": torch.rand(7)}, tmp_path, ZIP)
    finally:
        torch.serialization.set_crc32_options(True)


@pytest.mark.parametrize("options", [ZIP, OLD], ids=["zip", "old"])
@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: torch.nn.Linear(2, 2), "save model.state_dict"),
        (lambda: torch.eye(2).to_sparse(), "to_dense"),
        (lambda: torch.quantize_per_tensor(torch.ones(2), 1, 0, torch.qint8), "dequan"),
        (lambda: torch.ones(2, dtype=torch.complex32), "complex64"),
        (lambda: torch.ones(2, device="meta"), "meta device"),
        (lambda: Path("x"), "pathlib"),
    ],
    ids=["module", "sparse", "quantized", "complex32", "meta", "object"],
)
def test_refusals(make: Any, match: str, options: dict, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.save({"a": make()}, tmp_path / "file.pt", **options)
    with pytest.raises(interop.FileFormatError, match=match):
        interop.load(tmp_path / "file.pt")


def test_torchscript_is_refused(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), tmp_path / "file.pt")
    with pytest.raises(interop.FileFormatError, match="TorchScript"):
        interop.load(tmp_path / "file.pt")


@pytest.mark.parametrize("dtype", [row.torch for row in TABLE if row.safetensors])
def test_safetensors(dtype: str, tmp_path: Path) -> None:
    safetensors = pytest.importorskip(
        "safetensors.torch", reason="safetensors is not installed"
    )
    torch.manual_seed(0)
    value = {
        "b.weight": random_tensor(dtype, 3, 5),
        "a": random_tensor(dtype, 1)[0],
        "empty": random_tensor(dtype, 1)[:0],
    }
    path = tmp_path / "file.bin"
    safetensors.save_file(value, path, metadata={"format": "pt"})
    ours = interop.load(path)
    assert_same(
        {name: ours[name] for name in sorted(ours)}, dict(sorted(value.items()))
    )
