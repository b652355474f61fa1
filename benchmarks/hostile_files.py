# SPDX-License-Identifier: Apache-2.0
"""Loads hostile files, each in a process of its own, and sees what that does.

    python benchmarks/hostile_files.py [--attack NAME …] [--json] [--output FILE]

The files are those of tests/unit/interop/attacks.py, written anew each time. Each has
to be refused with FileFormatError, within 2 s, and with less than 64 MiB more than the
process had in memory after `import flaxnn.interop`. Code counts as run when loading
imports, compiles or executes anything, starts a process, opens a socket or a file for
writing (by Python's audit events), or leaves a file, a module or an environment
variable behind. Sound files of the same families have to load. Linux only. Exits with
1 when a file falls short.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

SECONDS, MEBIBYTES = 2.0, 64.0
# A machine that does other work may stop a process for a while: the best of three.
ATTEMPTS = 3
# Python's audit events that loading a file has no business with; whole families where
# the name ends in a dot.
FORBIDDEN = (
    "compile",
    "exec",
    "import",
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.mkdir",
    "os.posix_spawn",
    "os.putenv",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.spawn",
    "os.symlink",
    "os.system",
    "os.unsetenv",
    "subprocess.Popen",
    "marshal.",
    "ctypes.",
    "pickle.",
    "shutil.",
    "socket.",
    "urllib.",
)


def _memory(field: str) -> float:
    """Mebibytes of this process: `VmRSS`, now, or `VmHWM`, at most."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"/proc/self/status has no {field}")


def _is_forbidden(event: str, args: tuple) -> bool:
    if event == "open":
        mode, flags = args[1:]
        written = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
        return bool(flags & written) or bool(set(mode or "r") & set("wax+"))
    return event.startswith(tuple(e for e in FORBIDDEN if e.endswith("."))) or (
        event in FORBIDDEN
    )


def _surroundings() -> tuple:
    here = Path.cwd()
    return here, sorted(here.iterdir()), dict(os.environ), set(sys.modules)


def watch(path: Path) -> dict[str, Any]:
    """Loads one file in this process, whose working directory is the file's."""
    from flaxnn import interop

    events: list[str] = []
    armed = False

    def hook(event: str, args: tuple) -> None:
        if armed and _is_forbidden(event, args):
            events.append(event)

    sys.addaudithook(hook)
    before = _surroundings()
    idle = _memory("VmRSS")
    start = time.perf_counter()
    armed = True
    try:
        interop.load(path)
        outcome, message = "loaded", ""
    except BaseException as error:
        outcome, message = type(error).__name__, str(error)[:300]
    armed = False
    seconds = time.perf_counter() - start
    growth = _memory("VmHWM") - idle
    if _surroundings() != before:
        events.append("left something behind")
    return {
        "outcome": outcome,
        "message": message,
        "code": events,
        "seconds": round(seconds, 3),
        "mebibytes": round(growth, 1),
    }


def attempt(files: dict[str, bytes]) -> dict[str, Any]:
    """Loads one file in a new process."""
    with tempfile.TemporaryDirectory() as folder:
        for file, content in files.items():
            (Path(folder) / file).write_bytes(content)
        run = subprocess.run(
            [
                sys.executable,
                str(Path(__file__).resolve()),
                "--worker",
                next(iter(files)),
            ],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=600,
        )
    if run.returncode:
        # A crash, or a kill.
        return {
            "outcome": f"exit {run.returncode}",
            "message": run.stderr[-300:],
            "code": [],
            "seconds": 0.0,
            "mebibytes": 0.0,
        }
    return json.loads(run.stdout.splitlines()[-1])


def measure(files: dict[str, bytes], expected: str) -> dict[str, Any]:
    """What the file does, and whether that is as it should be."""
    tries = 1
    row = attempt(files)
    while row["seconds"] >= SECONDS and tries < ATTEMPTS:
        tries += 1
        row = attempt(files)
    row["passed"] = (
        row["outcome"] == expected
        and not row["code"]
        and row["seconds"] < SECONDS
        and row["mebibytes"] < MEBIBYTES
    )
    return row


def main() -> int:
    """Prints what each file does; 1 when one falls short."""
    from tests.unit.interop.attacks import ATTACKS, SOUND

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attack", nargs="+", choices=ATTACKS, metavar="NAME")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--output", type=Path, help="also write the JSON here")
    options = parser.parse_args()
    names = options.attack or list(ATTACKS)
    families = {ATTACKS[name].family for name in names}
    rows: dict[str, dict[str, dict[str, Any]]] = {"attacks": {}, "sound": {}}
    for name in names:
        files = ATTACKS[name].files()
        row = measure(files, "FileFormatError")
        rows["attacks"][name] = {"family": ATTACKS[name].family, **row}
    for name, sound in SOUND.items():
        if sound.family in families:
            row = measure(sound.files(), "loaded")
            rows["sound"][name] = {"family": sound.family, **row}
    everything = [row for kind in rows.values() for row in kind.values()]
    report = {
        "attacks": len(names),
        "refused": sum(
            row["outcome"] == "FileFormatError" for row in rows["attacks"].values()
        ),
        "ran code": sum(bool(row["code"]) for row in everything),
        "sound files": len(rows["sound"]),
        "loaded": sum(row["outcome"] == "loaded" for row in rows["sound"].values()),
        "slowest (s)": max(row["seconds"] for row in everything),
        "largest growth (MiB)": max(row["mebibytes"] for row in everything),
        "limits": {"s": SECONDS, "MiB": MEBIBYTES},
        "passed": all(row["passed"] for row in everything),
    }
    text = json.dumps({**report, "files": rows}, indent=2)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")
    if options.json:
        print(text)
    else:
        for name, row in (rows["attacks"] | rows["sound"]).items():
            print(
                f"{row['family']:13} {name:42} {row['outcome']:16} "
                f"{row['seconds']:5.2f} s {row['mebibytes']:5.1f} MiB"
                + ("" if row["passed"] else "  FALLS SHORT")
            )
        print(json.dumps(report))
    return 0 if report["passed"] else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        print(json.dumps(watch(Path(sys.argv[2]))))
        sys.exit(0)
    sys.exit(main())
