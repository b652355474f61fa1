# SPDX-License-Identifier: Apache-2.0
"""What every test runs under, and the fixtures that several folders share."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import jax
import pytest

from tests import compiling

# Where Debian and Ubuntu's package `dataset-fashion-mnist` puts its files.
SYSTEM_FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
FASHION_MNIST_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)

# A silent broadcast hides a wrong shape, and float64 must be asked for locally.
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_enable_x64", False)

# Where programs are kept from one run of the tests for the next, each worker keeps its
# own: JAX does not write them in one go, and another worker could read half of one.
if _programs := os.environ.get("JAX_COMPILATION_CACHE_DIR"):
    _programs = f"{_programs}/{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    os.environ["JAX_COMPILATION_CACHE_DIR"] = _programs
    jax.config.update("jax_compilation_cache_dir", _programs)

# No test asks the network: a request fails at once, in a subprocess too. Nothing
# listens at that port.
for _variable in ("http_proxy", "https_proxy"):
    os.environ[_variable] = os.environ[_variable.upper()] = "http://127.0.0.1:9"
os.environ["no_proxy"] = os.environ["NO_PROXY"] = "127.0.0.1,localhost"


def pytest_configure(config: pytest.Config) -> None:
    """Lets pytest-xdist hand out files in the order they are collected in."""
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts long files first, so that no worker is left alone with one at the end.

    Those that are compiled alike come together: they use each other's programs.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(
        key=lambda item: (
            item.path not in slow,
            compiling.is_quick(item.path),
            item.path.parent.name != "training",
        )
    )


def pytest_collection_finish() -> None:
    """Spares the garbage collector another look at every test, again and again."""
    gc.collect()
    gc.freeze()


# Compiled anew, whatever the developer's shell says.
os.environ.pop("FLAXNN_COMPILATION_CACHE", None)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Compiles as the test needs it, with one thread for PyTorch.

    PyTorch's sums depend on how the work is split.
    """
    compiling.compile_for(item.path)
    if item.get_closest_marker("torch"):
        import torch

        torch.set_num_threads(1)


def _holds_fashion_mnist(directory: Path) -> bool:
    return all(
        (directory / name).is_file() or (directory / f"{name}.gz").is_file()
        for name in FASHION_MNIST_FILES
    )


@pytest.fixture(scope="session")
def fashion_mnist_dir() -> Path:
    """The folder with the real Fashion-MNIST files; skips where there is none."""
    candidates = [SYSTEM_FASHION_MNIST]
    if root := os.environ.get("FLAXNN_DATA_DIR"):
        candidates.insert(0, Path(root) / "fashion_mnist")
    for directory in candidates:
        if _holds_fashion_mnist(directory):
            return directory
    looked = ", ".join(str(directory) for directory in candidates)
    pytest.skip(
        f"no Fashion-MNIST files in {looked}: set FLAXNN_DATA_DIR to the folder that "
        "holds fashion_mnist/, or install Debian's dataset-fashion-mnist"
    )
