# SPDX-License-Identifier: Apache-2.0
"""Makes a script and a notebook from each text in this folder, and runs notebooks.

    python examples/source/build.py                   writes them
    python examples/source/build.py --check           fails where one is out of date
    python examples/source/build.py --execute DIR     runs the notebooks into DIR

The texts are Jupytext's Markdown: what is fenced as `python` is a code cell, the rest
is prose. A fence with `include="FILE"` is a cell that several texts share.
"""

from __future__ import annotations

import argparse
import ast
import base64
import copy
import difflib
import itertools
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

SOURCE = Path(__file__).resolve().parent
EXAMPLES = SOURCE.parent

# The name is Jupyter's for "the Python at hand", on Colab too.
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
CELL_SECONDS = 600
# What each file of Python begins with; a cell does not.
LICENCE = "# SPDX-License-Identifier: Apache-2.0\n"


def texts() -> list[Path]:
    """The texts, one for each document."""
    return sorted(SOURCE.glob("*.md"))


def notebook(text: Path) -> NotebookNode:
    """The notebook of a text: shared cells filled in, no outputs."""
    made = jupytext.read(text, fmt="md")
    for index, cell in enumerate(made.cells):
        cell["id"] = f"cell-{index:02d}"
        if shared := cell.metadata.pop("include", None):
            source = (text.parent / shared).read_text("utf-8")
            cell.source = source.removeprefix(LICENCE).rstrip()
    made.metadata = nbformat.from_dict(
        {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    )
    nbformat.validate(made)
    return made


def script(made: NotebookNode, text: Path) -> str:
    """The script of a notebook, with its prose as comments."""
    plain = copy.deepcopy(made)
    filters = {"notebook_metadata_filter": "-all", "cell_metadata_filter": "-all"}
    plain.metadata = nbformat.from_dict({"jupytext": filters})
    for cell, following in itertools.pairwise(plain.cells):
        if defines(cell, -1) or defines(following, 0):
            cell.metadata["lines_to_next_cell"] = 2  # as ruff formats it
    note = f"{LICENCE}# Made by source/build.py from source/{text.name}: edit that file.\n\n"
    return note + jupytext.writes(plain, fmt="py:percent")


def defines(cell: NotebookNode, statement: int) -> bool:
    """Whether a cell's first (0) or last (-1) statement is a function or a class."""
    body = ast.parse(cell.source).body if cell.cell_type == "code" else []
    return bool(body) and isinstance(body[statement], ast.FunctionDef | ast.ClassDef)


def twins(text: Path, folder: Path) -> dict[Path, str]:
    """The files made from a text, with their contents."""
    made = notebook(text)
    return {
        folder / f"{text.stem}.py": script(made, text),
        folder / f"{text.stem}.ipynb": nbformat.writes(made) + "\n",
    }


def stale(folder: Path) -> list[str]:
    """What is missing, out of date, or made from a text that is gone."""
    wanted: dict[Path, str] = {}
    for text in texts():
        wanted |= twins(text, folder)
    present = {*folder.glob("*.py"), *folder.glob("*.ipynb")}
    faults = [f"{path.name}: no text makes it" for path in present - set(wanted)]
    for path, made in wanted.items():
        found = path.read_text("utf-8") if path in present else ""
        if found != made:
            lines = difflib.unified_diff(
                found.splitlines(), made.splitlines(), path.name, "from its text", n=0
            )
            faults.append("\n".join(lines))
    return faults


def execute(text: Path, folder: Path) -> None:
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
    try:
        client = NotebookClient(
            made,
            km=manager,
            timeout=CELL_SECONDS,
            extra_arguments=["--log-level=ERROR"],
        )
        client.execute(env=environment, cleanup_kc=True)
    finally:
        nbformat.write(made, folder / f"{text.stem}.ipynb")
    for number, picture in enumerate(pictures(made), start=1):
        (folder / f"{text.stem}-{number}.png").write_bytes(picture)


def pictures(made: NotebookNode) -> list[bytes]:
    """The PNG images among a notebook's outputs."""
    return [
        base64.b64decode(output.data["image/png"])
        for cell in made.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]


def execute_all(folder: Path) -> int:
    """Runs every notebook, two at a time, and says which failed."""
    folder.mkdir(parents=True, exist_ok=True)
    failed = 0
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=fresh) as workers:
        runs = [workers.submit(timed, text, folder) for text in texts()]
        for run in as_completed(runs):
            name, seconds, error = run.result()
            if error:
                failed += 1
                print(error, file=sys.stderr)
            print(f"{name}: {seconds:.1f} s", flush=True)
    return 1 if failed else 0


def timed(text: Path, folder: Path) -> tuple[str, float, str]:
    """Runs a notebook; its name, the seconds it took, and what a cell raised."""
    from nbclient.exceptions import CellExecutionError

    started, error = time.perf_counter(), ""
    try:
        execute(text, folder)
    except CellExecutionError as raised:
        error = str(raised)
    return text.stem, time.perf_counter() - started, error


def main() -> int:
    """Writes, checks or runs; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true")
    mode.add_argument("--execute", metavar="DIR", type=Path)
    chosen = parser.parse_args()
    if chosen.execute is not None:
        return execute_all(chosen.execute)
    if chosen.check:
        faults = stale(EXAMPLES)
        print("\n".join([*faults, "run examples/source/build.py"] if faults else []))
        return 1 if faults else 0
    for text in texts():
        for path, made in twins(text, EXAMPLES).items():
            path.write_text(made, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
