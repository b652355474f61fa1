# SPDX-License-Identifier: Apache-2.0
"""A new user's first minutes: the README's command, up to the first picture.

    python benchmarks/first_five_minutes.py [--pip-cache off|on|both] [--limit S]
        [--json] [--output FILE]

The tracked files are cloned into a fresh directory. There the README's first command is
run as it is written, one part after the other, and then the first command of the README
and the guide's first pages that draws a picture. Without pip's cache the packages are
downloaded, as on a machine that never had them. Seconds are of the clock; those of the
processor are beside them, which say more on a busy machine.

Exits with 1 when the stages together take longer than the limit, a command fails, or
there is no picture.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

PAGES = ("README.md", "docs/guide/getting-started.md", "docs/guide/plots.md")
LIMIT = 180.0
IMPORT = 'python -c "import flaxnn; flaxnn.fit"'
# What would spare the new user's machine work that a new user's has to do.
SPARED = ("FLAXNN_COMPILATION_CACHE", "JAX_COMPILATION_CACHE_DIR", "VIRTUAL_ENV")

_BLOCK = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass
class Stage:
    """A command and what it took, in seconds of the clock and of the processor."""

    name: str
    command: str
    seconds: float
    cpu_seconds: float
    said: str


def commands(page: str) -> list[str]:
    """The shell commands of a page, continued lines joined."""
    blocks = _BLOCK.findall((ROOT / page).read_text("utf-8"))
    return [
        line.strip()
        for block in blocks
        for line in block.replace("\\\n", " ").splitlines()
        if line.strip() and not line.startswith("#")
    ]


def plan() -> list[tuple[str, str]]:
    """The stages' names and commands, as the pages have them."""
    venv, activate, install, reproduce = commands("README.md")[0].split(" && ")
    if not (activate.endswith("activate") and install.startswith("pip install")):
        raise SystemExit(
            "the README's first command is not what this script takes apart"
        )
    drawing = [c for page in PAGES for c in commands(page) if "--plots" in c]
    if not drawing:
        raise SystemExit(f"no command of {' or '.join(PAGES)} draws a picture")
    return [
        ("venv", venv),
        ("install", f"{activate} && {install}"),
        ("import", f"{activate} && {IMPORT}"),
        ("reproduce", f"{activate} && {reproduce}"),
        ("picture", f"{activate} && {drawing[0]}"),
    ]


def environment(home: Path, *, cached: bool) -> dict[str, str]:
    """The caller's environment, without what an earlier run left for this one."""
    kept = {k: v for k, v in os.environ.items() if k not in {*SPARED, "PYTHONPATH"}}
    kept["MPLCONFIGDIR"] = str(home)
    if not cached:
        kept["PIP_NO_CACHE_DIR"] = "1"
    return kept


def run(name: str, command: str, folder: Path, environ: dict[str, str]) -> Stage:
    """Runs a command in a shell and ends the program when it fails."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    seconds = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{command}\nended with {done.returncode}:\n{done.stdout}")
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    return Stage(name, command, round(seconds, 2), round(cpu, 2), "".join(lines[-1:]))


def minutes(*, cached: bool) -> dict[str, Any]:
    """One new user from the clone to the picture."""
    with tempfile.TemporaryDirectory() as place:
        folder, home = Path(place) / "flaxnn", Path(place) / "matplotlib"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(folder)], check=True)
        shipped = set(folder.rglob("*.png"))
        environ = environment(home, cached=cached)
        stages = [run(*stage, folder, environ) for stage in plan()]
        venv = folder / ".venv"
        pictures = {
            path for path in folder.rglob("*.png") if venv not in path.parents
        } - shipped
        size = sum(p.stat().st_size for p in venv.rglob("*") if not p.is_symlink())
        return {
            "pip_cache": "on" if cached else "off",
            "stages": [asdict(stage) for stage in stages],
            "total_seconds": round(sum(stage.seconds for stage in stages), 2),
            "installed_mib": round(size / 2**20),
            "pictures": sorted(str(path.relative_to(folder)) for path in pictures),
        }


def show(report: dict[str, Any]) -> None:
    """Prints the report for a person."""
    for user in report["runs"]:
        print(f"pip's cache {user['pip_cache']}, {user['installed_mib']} MiB installed")
        for stage in user["stages"]:
            times = f"{stage['seconds']:8.1f} s  {stage['cpu_seconds']:8.1f} s of CPU"
            print(f"{times}  {stage['name']:10} {stage['said'][:60]}")
        verdict = "within" if user["total_seconds"] <= report["limit"] else "ABOVE"
        print(f"{user['total_seconds']:8.1f} s  {verdict} {report['limit']:g} s")
        print(f"pictures: {', '.join(user['pictures']) or 'NONE'}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pip-cache", choices=("off", "on", "both"), default="off")
    parser.add_argument("--limit", type=float, default=LIMIT)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    caches = {"off": (False,), "on": (True,), "both": (False, True)}
    # Before the commands run, so that the load is not their own.
    from flaxnn.bench import machine

    facts = machine()
    report = {
        "limit": options.limit,
        "machine": facts,
        "runs": [minutes(cached=cached) for cached in caches[options.pip_cache]],
    }
    text = json.dumps(report, indent=2)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")
    print(text) if options.json else show(report)
    return int(
        any(
            user["total_seconds"] > options.limit or not user["pictures"]
            for user in report["runs"]
        )
    )


if __name__ == "__main__":
    sys.exit(main())
