# SPDX-License-Identifier: Apache-2.0
"""What is measured, on this machine and on pretended ones."""

import stat
import sys
import zlib

import jax
import jax.numpy as jnp
import pytest

from flaxnn._diagnosis import _facts, _host
from flaxnn._diagnosis._probe import precision

HIGHEST = jax.lax.Precision.HIGHEST


def rounded(bits):
    """A product whose left side keeps so many bits, the first one included."""

    def dot(a, b):
        return jnp.dot(jax.lax.reduce_precision(a, 8, bits - 1), b, precision=HIGHEST)

    return dot


def in_two_parts(a, b):
    high = jax.lax.reduce_precision(a, 8, 7)
    low = jax.lax.reduce_precision(a - high, 8, 7)
    return jnp.dot(high, b, precision=HIGHEST) + jnp.dot(low, b, precision=HIGHEST)


@pytest.mark.parametrize(
    ("dot", "name"),
    [
        (rounded(24), "float32"),
        (rounded(11), "TF32"),
        (rounded(8), "bfloat16"),
        (rounded(5), "5 bits"),
        (in_two_parts, "bfloat16 in parts"),
    ],
)
def test_a_format_is_told_by_what_it_keeps(dot, name):
    assert precision(dot) == name


def test_a_real_machine(tmp_path, monkeypatch):
    monkeypatch.setenv("FLAXNN_COMPILATION_CACHE", str(tmp_path))
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    monkeypatch.setenv("NPROC", "1")
    monkeypatch.delenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", raising=False)
    (tmp_path / "jit_f-1-cache").write_bytes(zlib.compress(b"program"))
    (tmp_path / "jit_g-2-cache").write_bytes(zlib.compress(b"program")[:-3])
    found = _facts.facts()
    assert found["goldens"] == "AVX512"
    assert found["variables"]["NPROC"] == "1"
    assert found["cores"]["allowed"] >= 1
    assert found["cache"]["entries"] == 2
    assert found["cache"]["damaged"] == 1
    assert found["cache"]["problem"] is None
    measured = found["jax"]
    assert measured["environment"]["platform"] == "cpu"
    assert measured["precision"] == {"default": "float32", "flaxnn": "float32"}
    assert measured["cache"]["directory"] == str(tmp_path)
    assert measured["cache"]["works"]
    # JAX's own default, which keeps hardly any program of a CPU.
    assert measured["cache"]["min_seconds"] == 1.0
    if sys.platform == "linux":
        assert measured["threads"] == 1


@pytest.mark.parametrize(
    ("content", "damaged"),
    [
        (zlib.compress(bytes(10_000)), False),
        (zlib.compress(bytes(10_000))[:-1], True),
        (b"x\x9c not zlib", True),
        (b"", True),
        # zstandard's magic number; what follows is not looked at.
        (b"\x28\xb5\x2f\xfd...", False),
    ],
)
def test_entries_that_were_cut_short(content, damaged):
    assert _facts.is_damaged(content) is damaged


def test_a_cache_that_is_a_file_is_a_problem(tmp_path):
    (tmp_path / "file").touch()
    assert "Not a directory" in _facts.cache_state(tmp_path / "file")["problem"]


def script(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


posix = pytest.mark.skipif(sys.platform == "win32", reason="shell scripts")


@posix
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("exec sleep 60", {"error": "no answer within 0.2 seconds", "hung": True}),
        ("echo oh >&2; kill -SEGV $$", {"error": "it ended with status -11. oh"}),
        ("echo hello; echo '{\"a\": 1}'", {"a": 1}),
        ("exit 3", {"error": "it ended with status 3."}),
        ('echo \'{"error": "ImportError"}\'', {"error": "ImportError"}),
    ],
)
def test_a_backend_that_hangs_or_crashes_is_reported(
    tmp_path, monkeypatch, text, expected
):
    monkeypatch.setattr(sys, "executable", script(tmp_path / "python", text))
    seconds = 0.2 if "sleep" in text else 60
    assert _facts.probe(seconds) == expected


def test_a_platform_that_is_not_there_is_reported(monkeypatch):
    monkeypatch.setenv("JAX_PLATFORMS", "nonsense")
    assert "nonsense" in _facts.probe(60)["error"]


def test_accelerators_by_their_files(tmp_path):
    for name in ("dev/nvidia0", "dev/nvidia1", "dev/nvidiactl", "dev/kfd"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    devices = tmp_path / "sys/bus/pci/devices"
    # Two TPU v5e chips, Google's network card, and another maker's card.
    for number, (vendor, device) in enumerate(
        [
            ("0x1ae0", "0x0063"),
            ("0x1ae0", "0x0063"),
            ("0x1ae0", "0x0042"),
            ("0x8086", "1"),
        ]
    ):
        folder = devices / str(number)
        folder.mkdir(parents=True)
        (folder / "vendor").write_text(vendor + "\n")
        (folder / "device").write_text(device + "\n")
    assert _host.accelerators(tmp_path) == {"NVIDIA": 2, "AMD": 1, "TPU": 2}
    assert _host.accelerators(tmp_path / "nowhere") == {}


def test_what_a_container_allows(tmp_path):
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemFree: 1 kB\nMemAvailable:  4096 kB\n")
    assert _host.available_memory(tmp_path) == 4 << 20
    (group / "memory.max").write_text("max\n")
    (group / "memory.current").write_text("1000\n")
    (group / "cpu.max").write_text("max 100000\n")
    assert _host.available_memory(tmp_path) == 4 << 20
    assert "quota" not in _host.cores(tmp_path)
    (group / "memory.max").write_text("5000\n")
    (group / "cpu.max").write_text("150000 100000\n")
    assert _host.available_memory(tmp_path) == 4000
    assert _host.cores(tmp_path)["quota"] == 1.5
    assert _host.available_memory(tmp_path / "nowhere") is None


@posix
def test_gpus_as_their_driver_tells_them(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert _host.gpus() == []
    smi = tmp_path / "nvidia-smi"
    script(
        smi, "echo 'NVIDIA H100, 1000, 250, 570.1'; echo 'Grid, [N/A], [N/A], 570.1'"
    )
    assert _host.gpus() == [
        {
            "name": "NVIDIA H100",
            "memory": 1000 << 20,
            "free": 250 << 20,
            "driver": "570.1",
        },
        {"name": "Grid", "memory": None, "free": None, "driver": "570.1"},
    ]
    script(smi, "echo no driver; exit 9")
    assert _host.gpus() == []
