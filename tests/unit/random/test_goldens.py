# SPDX-License-Identifier: Apache-2.0
"""Draws against PyTorch's own, recorded from several of its releases.

Made by goldens/make_goldens.py.
"""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flaxnn.random import Generator

GOLDENS = sorted((Path(__file__).parent / "goldens").glob("torch-*.npz"))

# These call the C library. PyTorch called glibc's; another may be an ulp off.
LIBM = {"randn", "normal", "exponential"}
GLIBC = platform.libc_ver()[0] == "glibc"


def _arrays(arguments: dict[str, Any]) -> dict[str, Any]:
    """The call's arguments, arrays made from their dtype and values."""
    return {
        name: np.array(value[1], value[0])
        if name in ("p", "weights") and isinstance(value, list)
        else value
        for name, value in arguments.items()
    }


def _call(generator: Generator, method: str, arguments: dict[str, Any]) -> np.ndarray:
    arguments = _arrays(arguments)
    if method in ("rand", "randn"):
        return getattr(generator, method)(arguments["shape"], dtype=arguments["dtype"])
    return getattr(generator, method)(**arguments)


def _through_mkl(version: str, method: str) -> bool:
    return method == "exponential" and version in ("2.0.1", "2.6.0")


def _replay(path: Path, torch_version: str | None = None) -> list[str]:
    """Replays a recording; returns the calls that drew something else."""
    golden = np.load(path)
    about = json.loads(str(golden["about"]))
    drawn, position, faults = golden["drawn"], 0, []
    for seed, state in zip(about["seeds"], golden["states"], strict=True):
        generator = Generator(
            seed,
            torch_version=torch_version or about["torch"],
            cpu_capability=about["cpu_capability"],
        )
        for (method, arguments), dtype in zip(
            about["calls"], about["dtypes"], strict=True
        ):
            got = _call(generator, method, arguments)
            end = position + got.nbytes
            expected = drawn[position:end].view(dtype).reshape(got.shape)
            position = end
            if _through_mkl(about["torch"], method):
                # MKL's own logarithm: measured to 3 ulp, and 6e-10 of the value.
                rtol = 4e-7 if dtype == "float32" else 1e-9
                same = np.allclose(got, expected, rtol=rtol, atol=0)
            elif method in LIBM and not GLIBC:
                same = np.allclose(got, expected, rtol=4 * np.finfo(dtype).eps)
            else:
                same = got.dtype == dtype and got.tobytes() == expected.tobytes()
            if not same:
                faults.append(f"seed {seed}: {method} {arguments}")
        np.testing.assert_array_equal(generator.get_state(), state)
    assert position == len(drawn)
    return faults


@pytest.mark.parametrize("path", GOLDENS, ids=lambda path: path.stem)
def test_every_draw_is_pytorchs(path: Path) -> None:
    assert _replay(path) == []


def test_every_recorded_release_is_there() -> None:
    assert [path.stem for path in GOLDENS] == [
        "torch-1.13.1-avx2",
        "torch-2.0.1-avx2",
        "torch-2.13.0-avx2",
        "torch-2.13.0-default",
        "torch-2.6.0-avx2",
        "torch-2.6.0-default",
    ]


@pytest.mark.parametrize("path", GOLDENS[:2] + GOLDENS[4:], ids=lambda path: path.stem)
def test_the_version_matters(path: Path) -> None:
    """Before 2.7 the stream itself took another course."""
    with pytest.raises(AssertionError):
        assert _replay(path, torch_version="2.13") == []
