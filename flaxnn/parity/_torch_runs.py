# SPDX-License-Identifier: Apache-2.0
"""Calls a PyTorch training function in the variants that its noise floor needs.

Threads and moved weights are changed in this process. The instruction set is chosen by
an environment variable that PyTorch reads when it is loaded, so each one has a process
of its own, where the function has to be importable.
"""

from __future__ import annotations

import importlib.util
import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

import numpy as np

from flaxnn._errors import MissingPackageError
from flaxnn.parity._recording import Recording
from flaxnn.parity._variant import Variant

Train = Callable[[Variant], Any]

# From narrow to wide; a processor has those up to its own.
_CAPABILITIES = ("default", "avx2", "avx512")


def require_torch() -> None:
    """Raises unless PyTorch is installed.

    Raises:
        MissingPackageError: It is not.
    """
    if importlib.util.find_spec("torch") is None:
        raise MissingPackageError(
            "recording a training function needs PyTorch: install it with pip install "
            '"flaxnn[torch]", or pass what was recorded elsewhere '
            "(flaxnn.parity.Reference.load)"
        )


def variants(
    threads: Sequence[int], capabilities: Sequence[str] | None, perturbations: int
) -> list[Variant]:
    """Returns the float32 runs behind the plain one.

    Args:
        threads: Numbers of threads, the plain run's first.
        capabilities: Instruction sets; None for those that the processor has.
        perturbations: How many runs start from weights moved by one ulp.
    """
    least, *others = threads
    found = [Variant(_threads(n), threads=n) for n in others]
    chosen = _here() if capabilities is None else capabilities
    found += [
        Variant(f"{_threads(least)}, {name}", threads=least, capability=name)
        for name in chosen
    ]
    found += [
        Variant(f"{_threads(least)}, one ulp, seed {k}", threads=least, moves=k)
        for k in range(perturbations)
    ]
    return found


def plain(threads: int, precision: str, steps: int | None = None) -> Variant:
    """Returns the run that the others are variants of.

    Args:
        threads: How many threads it has.
        precision: Its dtype.
        steps: How many steps, where not all.
    """
    return Variant(_threads(threads), precision, threads, steps=steps)


def _threads(count: int) -> str:
    return f"{count} thread{'s' * (count > 1)}"


def _here() -> Sequence[str]:
    """The instruction sets that this machine's PyTorch can be told to use."""
    import torch

    own = torch.backends.cpu.get_cpu_capability().lower()
    end = _CAPABILITIES.index(own) + 1 if own in _CAPABILITIES else 1
    return _CAPABILITIES[:end]


def run(train: Train, variant: Variant) -> tuple[Recording, Variant]:
    """Returns the recording of one call, and the variant that it was given.

    Neither the number of threads nor PyTorch's generator is left changed.

    Args:
        train: The training function.
        variant: What to ask it for.
    """
    import torch

    given, before = variant.fresh(), torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        try:
            torch.set_num_threads(variant.threads)
            losses = train(given)
        finally:
            torch.set_num_threads(before)
    return given.recording(losses), given


def run_elsewhere(train: Train, variant: Variant) -> Recording:
    """Returns the recording of a call in a process with its own instruction set.

    Args:
        train: The training function.
        variant: What to ask it for.

    Raises:
        NotImportableError: The function cannot be found in another process.
    """
    import torch

    try:
        pickle.dumps(train)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise NotImportableError(str(error)) from error
    state = torch.get_rng_state().numpy()
    with _environment(variant), _one_process() as pool:
        try:
            return pool.submit(_in_process, train, variant.fresh(), state).result()
        except (BrokenProcessPool, AttributeError, ImportError) as error:
            raise NotImportableError(str(error)) from error


class NotImportableError(RuntimeError):
    """Another process cannot import the training function."""


def _one_process() -> ProcessPoolExecutor:
    # Forked, PyTorch would keep the instruction set that it chose when it was loaded.
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


def _in_process(train: Train, variant: Variant, state: np.ndarray) -> Recording:
    import torch

    torch.set_rng_state(torch.from_numpy(state))
    return run(train, variant)[0]


@contextmanager
def _environment(variant: Variant) -> Iterator[None]:
    """The variables that a new process finds."""
    changes = {
        "ATEN_CPU_CAPABILITY": variant.capability,
        "OMP_NUM_THREADS": str(variant.threads),
    }
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def torch_environment() -> dict[str, Any]:
    """Returns what PyTorch's numbers depend on besides the function."""
    import torch

    return {
        "torch": torch.__version__,
        "capability": torch.backends.cpu.get_cpu_capability(),
        "mkldnn": torch.backends.mkldnn.is_available(),
        "float32_matmul_precision": torch.get_float32_matmul_precision(),
    }
