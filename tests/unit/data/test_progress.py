# SPDX-License-Identifier: Apache-2.0
"""The progress bar: on a terminal, on standard error, and only for what takes long."""

from __future__ import annotations

import os

import pytest

from flaxnn.data import _progress
from flaxnn.data._progress import progress


def _advance(steps):
    with progress("Downloading fashion_mnist", steps) as advance:
        for _ in range(steps):
            advance(1)


def test_no_terminal_no_bar(capfd, monkeypatch):
    monkeypatch.setattr(_progress, "_PATIENCE", 0.0)
    _advance(3)
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals")
@pytest.mark.parametrize(("patience", "shown"), [(0.0, True), (60.0, False)])
def test_on_a_terminal(start, patience, shown):
    """The bar is seen, is gone in the end, and leaves standard output alone."""
    import pty

    master, slave = pty.openpty()
    process = start(
        "import os, sys\n"
        f"os.dup2({slave}, 2)\n"
        "from flaxnn.data import _progress\n"
        f"_progress._PATIENCE = {patience}\n"
        "with _progress.progress('Downloading fashion_mnist', 4) as advance:\n"
        "    advance(1); advance(1)\n"
        "print('all')\n",
        pass_fds=(slave,),
        environment={"TERM": "xterm", "COLUMNS": "80"},
    )
    printed, _ = process.communicate(timeout=60)
    os.close(slave)
    os.set_blocking(master, False)
    try:
        seen = os.read(master, 10**6).decode()
    except OSError:  # nothing to read, or nobody left who could write
        seen = ""
    os.close(master)
    assert printed == "all\n"
    assert ("Downloading fashion_mnist" in seen) is shown
    assert ("50%" in seen) is shown
    assert seen == "" or seen.endswith("\x1b[2K")  # the line is wiped out
