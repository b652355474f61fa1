# SPDX-License-Identifier: Apache-2.0
"""Makes notebooks and scripts from the texts in this folder, and runs notebooks.

    build.py                        writes them
    build.py --check                fails where one is out of date
    build.py --execute DIR [NAME]   runs the notebooks into DIR
    build.py --seen NAME            notes that translations say what the originals say

A NAME is a text in every language (output_layer) or in one (ko/output_layer).
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
from _execution import execute_all
from _texts import SOURCE, Text, notebook, original, script, texts
from _translation import TranslationError, mark_seen, unseen

EXAMPLES = SOURCE.parent


def made_from(text: Text) -> dict[str, str]:
    """The files that a text makes, by name: a notebook; of an original, a script too.

    Raises:
        TranslationError: A translation does not fit its original.
    """
    files = {f"{text.name}.ipynb": nbformat.writes(notebook(text)) + "\n"}
    return files if text.translates else {f"{text.name}.py": script(text)} | files


def write(every: Sequence[Text], folder: Path) -> None:
    """Writes what the texts make, but for translations that do not fit."""
    for text in every:
        try:
            files = made_from(text)
        except TranslationError:
            continue
        for name, contents in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(contents, "utf-8")


def stale(every: Sequence[Text], folder: Path) -> list[str]:
    """What is not as the texts make it, and translations that are behind."""
    faults, wanted = [], {}
    for text in every:
        try:
            if text.translates:
                faults += unseen(original(text), text.read(), text.name)
            wanted |= made_from(text)
        except TranslationError as error:
            faults.append(str(error))
    present = {
        path.relative_to(folder).as_posix()
        for pattern in ("*.py", "*.ipynb", "*/*.ipynb")
        for path in folder.glob(pattern)
    }
    names = {text.name for text in every}
    faults += [
        f"{name}: no text makes it"
        for name in sorted(present)
        if name.rpartition(".")[0] not in names
    ]
    for name, made in wanted.items():
        found = (folder / name).read_text("utf-8") if name in present else ""
        if found != made:
            lines = difflib.unified_diff(
                found.splitlines(), made.splitlines(), name, "from its text", n=0
            )
            advice = f"{name}: not as its text makes it; run build.py"
            faults.append("\n".join([advice, *lines]))
    return faults


def see(chosen: Sequence[Text]) -> None:
    """Writes to translations the fingerprints of their originals as they are now.

    Raises:
        TranslationError: A translation does not fit its original.
    """
    for text in chosen:
        if text.translates:
            notebook(text)
            marked = mark_seen(original(text), text.read(), text.name)
            text.path.write_text(marked, "utf-8")


def named(names: Sequence[str], every: Sequence[Text]) -> list[Text]:
    """The texts of some names.

    Raises:
        ValueError: There is no text of that name; the message has the nearest.
    """
    known = {name for text in every for name in (text.name, text.stem)}
    for name in set(names) - known:
        near = difflib.get_close_matches(name, known, 1) or sorted(known)
        raise ValueError(f"no text is called {name!r}; there is {', '.join(near)}")
    return [text for text in every if {text.name, text.stem} & set(names)]


def main() -> int:
    """Writes, checks, runs or marks; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true")
    mode.add_argument("--execute", metavar="DIR", type=Path)
    mode.add_argument("--seen", action="store_true")
    parser.add_argument("names", metavar="NAME", nargs="*")
    options = parser.parse_args()
    every = texts()
    try:
        chosen = named(options.names, every)
    except ValueError as error:
        parser.error(str(error))
    if options.execute:
        return execute_all(chosen or every, options.execute)
    if bool(chosen) != options.seen:
        parser.error("--seen wants the NAME of what you looked at; --check wants none")
    try:
        see(chosen)
    except TranslationError as error:
        print(error)
        return 1
    if not options.check:
        write(every, EXAMPLES)
    if faults := stale(every, EXAMPLES):
        print(*faults, sep="\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
