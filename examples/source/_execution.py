# SPDX-License-Identifier: Apache-2.0
"""Runs notebooks on the Python that runs this, two at a time."""

from __future__ import annotations

import base64
import itertools
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import nbformat
from _texts import KERNEL, Text, notebook
from _translation import TranslationError
from nbformat import NotebookNode

CELL_SECONDS = 600


def execute_all(chosen: Sequence[Text], folder: Path) -> int:
    """Runs notebooks into a folder, and says which failed; returns the exit status."""
    failed = 0
    fresh = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory() as programs,
        ProcessPoolExecutor(2, fresh, _keep_programs, (programs,)) as workers,
    ):
        runs = [workers.submit(_run, group, folder) for group in groups(chosen)]
        for run in as_completed(runs):
            for took, error in run.result():
                if error:
                    failed += 1
                    print(error, file=sys.stderr)
                print(took, flush=True)
    return 1 if failed else 0


def groups(chosen: Sequence[Text]) -> list[list[Text]]:
    """The texts that one worker runs behind each other: one text's, the original first.

    So a translation finds the programs that the original had JAX compile.
    """
    ordered = sorted(chosen, key=lambda text: (text.stem, text.translates, text.name))
    return [list(group) for _, group in itertools.groupby(ordered, lambda t: t.stem)]


def _keep_programs(folder: str) -> None:
    """Has JAX keep what this worker's notebooks compile.

    Each worker has a folder of its own: JAX writes a program to its place bit by bit,
    where another process would read half of it.
    """
    os.environ["JAX_COMPILATION_CACHE_DIR"] = f"{folder}/{os.getpid()}"
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"


def _run(group: Sequence[Text], folder: Path) -> list[tuple[str, str]]:
    """Runs notebooks; for each, what it took, and what a cell raised."""
    from nbclient.exceptions import CellExecutionError

    results = []
    for text in group:
        before, error = os.times(), ""
        try:
            execute(text, folder)
        except (CellExecutionError, TranslationError) as raised:
            error = f"{text.name}: {raised}"
        spent = [now - then for now, then in zip(os.times(), before, strict=True)]
        took = f"{text.name}: {spent[4]:.1f} s, of the CPU {sum(spent[:4]):.1f} s"
        results.append((took, error))
    return results


def execute(text: Text, folder: Path) -> None:
    """Runs a notebook on this Python; writes it with its outputs and its pictures.

    Raises:
        nbclient.exceptions.CellExecutionError: A cell raised; what ran is written.
    """
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient

    made = notebook(text)
    # Without folders to look in there is only this Python's own kernel.
    specs = KernelSpecManager(kernel_dirs=[])
    manager = AsyncKernelManager(kernel_name=KERNEL["name"], kernel_spec_manager=specs)
    # A back end from the environment would take the place of the notebook's own.
    environment = {k: v for k, v in os.environ.items() if k != "MPLBACKEND"}
    written = folder / f"{text.name}.ipynb"
    written.parent.mkdir(parents=True, exist_ok=True)
    try:
        client = NotebookClient(
            made,
            km=manager,
            timeout=CELL_SECONDS,
            extra_arguments=["--log-level=ERROR"],
        )
        client.execute(env=environment, cleanup_kc=True)
    finally:
        nbformat.write(made, written)
    for number, picture in enumerate(pictures(made), start=1):
        written.with_name(f"{text.stem}-{number}.png").write_bytes(picture)


def pictures(made: NotebookNode) -> list[bytes]:
    """The PNG images among a notebook's outputs."""
    return [
        base64.b64decode(output.data["image/png"])
        for cell in made.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
