# SPDX-License-Identifier: Apache-2.0
"""What a release would upload holds what it should.

    python .ci/archives.py DIST TREE

DIST has the sdist and the wheel that was built from it, TREE the wheel that was built
from the checkout.
"""

from __future__ import annotations

import sys
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

from packaging.metadata import Metadata

# What the tests need that are run from the unpacked sdist, and what a reader expects.
IN_SDIST = {
    "CHANGELOG.md",
    "CITATION.cff",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "pyproject.toml",
    "tests/conftest.py",
}


def only(folder: Path, pattern: str) -> Path:
    """The one file of that pattern."""
    (found,) = folder.glob(pattern)
    return found


def contents(wheel: Path) -> dict[str, int]:
    """The files of a wheel with their checksums."""
    with zipfile.ZipFile(wheel) as archive:
        return {entry.filename: entry.CRC for entry in archive.infolist()}


def sdist_names(sdist: Path) -> set[str]:
    """The files of an sdist, below its one folder."""
    with tarfile.open(sdist) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def metadata(wheel: Path) -> Metadata:
    """The wheel's metadata, each field held to the specification."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        return Metadata.from_email(archive.read(name), validate=True)


def complain(problems: Iterable[str]) -> None:
    """Ends the program with all of them, if there are any."""
    if found := list(problems):
        sys.exit("\n".join(found))


def main(dist: Path, tree: Path) -> None:
    """Checks the archives and says what they are."""
    wheel, sdist = only(dist, "*.whl"), only(dist, "*.tar.gz")
    package = {
        str(path)
        for path in Path("flaxnn").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    files, source = contents(wheel), sdist_names(sdist)
    foreign = {n for n in files if ".dist-info/" not in n} - package
    licences = [n for n in files if n.endswith(".dist-info/licenses/LICENSE")]
    complain(
        [f"not in the wheel: {name}" for name in sorted(package - set(files))]
        + [f"in the wheel, not in the package: {name}" for name in sorted(foreign)]
        + [f"not in the sdist: {n}" for n in sorted((package | IN_SDIST) - source)]
        + ["no py.typed"] * ("flaxnn/py.typed" not in files)
        + ["no LICENSE in the wheel"] * (not licences)
        + ["the sdist's wheel is not the checkout's"]
        * (files != contents(only(tree, "*.whl")))
    )
    facts = metadata(wheel)
    complain(
        ["the description is no Markdown"]
        * (facts.description_content_type != "text/markdown")
    )
    size = wheel.stat().st_size / 1024
    print(f"{facts.name} {facts.version}: {len(package)} files, {size:.0f} KiB")
    print(f"Python {facts.requires_python}, {facts.license_expression}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
