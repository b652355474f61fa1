# SPDX-License-Identifier: Apache-2.0
"""Fuzzes `flaxnn.interop.load`, guided by coverage.

    python benchmarks/fuzz_files.py --executions N [--seconds S] [--seed K]
        [--target NAME …] [--findings DIR] [--json] [--output FILE]

The executions are shared among four targets: the pickle machine, behind a sound archive
or in the older format; the archive; the safetensors header; and the index of sharded
files. tests/unit/interop/mutators.py changes an input and keeps what is around the
change sound. A finding is an exception other than FileFormatError, two seconds of
processor time for one input, 256 MiB resident, an array that cannot be read, or the end
of the process; its input is kept in DIR. Afterwards the inputs that found something new
are run again, to say which lines of the reader they reach. Needs `pip install atheris`
(which has wheels for Linux); exits with 2 without it, and with 1 for a finding or when
there were fewer executions than asked for.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import CodeType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

SECONDS, MEBIBYTES = 2.0, 256.0
# What reads; the rest of the room writes, or knows a run's checkpoints.
READER = (
    *("_archive", "_directory", "_dtypes", "_globals", "_json", "_keys", "_legacy"),
    *("_load", "_mapped", "_numpy_pickles", "_opcodes", "_plain", "_safetensors"),
    *("_sharded", "_tensors", "_unpickle", "_values"),
)


def peak() -> float:
    """The most mebibytes that were resident in this process, ever."""
    # ru_maxrss of getrusage begins with that of the process that started this one.
    status = Path("/proc/self/status").read_text("ascii")
    return round(int(status.partition("VmHWM:")[2].split()[0]) / 1024, 1)


def fuzz(options: argparse.Namespace) -> None:
    """Fuzzes one target in this process, and ends it."""
    import atheris

    with atheris.instrument_imports(  # pyright: ignore[reportAttributeAccessIssue]
        include=["flaxnn.interop"]
    ):
        from tests.unit.interop.fuzz_targets import MAX_LENGTH, Target

    base = peak()
    name = options.target[0]
    findings: list[dict[str, Any]] = []
    state: dict[str, float] = {
        "executions": 0,
        "loaded": 0,
        "refused": 0,
        "idle (MiB)": base,
        "slowest (s)": 0.0,
    }
    begin = time.monotonic()
    rng = random.Random()

    def keep(data: bytes, what: str) -> None:
        if any(what == finding["what"] for finding in findings):
            return
        file = options.findings / f"{name}-{len(findings)}"
        file.write_bytes(target.file(data))
        findings.append({"what": what, "file": str(file)})
        print(f"finding: {what}: {file}", file=sys.stderr, flush=True)

    def report() -> None:
        text = json.dumps({**state, "findings": findings})
        options.report.write_text(text)

    def one(data: bytes) -> None:
        # Processor time, as the machine may do other work.
        start = time.process_time()
        try:
            state["loaded" if target.load(data) is not None else "refused"] += 1
        except BaseException as error:
            keep(data, f"{type(error).__name__}: {str(error)[:200]}")
        seconds = time.process_time() - start
        if seconds > state["slowest (s)"]:
            state["slowest (s)"] = round(seconds, 4)
        if seconds > SECONDS:
            keep(data, "takes more than two seconds")
        state["peak (MiB)"] = peak()
        if state["peak (MiB)"] > MEBIBYTES:
            keep(data, "more than 256 MiB are resident")
        state["executions"] += 1
        over = options.seconds and time.monotonic() - begin > options.seconds
        if over or state["executions"] >= options.executions:
            report()
            sys.stderr.flush()
            os._exit(0)
        if state["executions"] % 1000 == 0:
            report()

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        rng.seed(seed)
        return target.mutate(data, rng)[:max_size]

    folder = options.report.parent / "files"
    folder.mkdir()
    target = Target(name, folder)
    report()
    arguments = [
        sys.argv[0],
        f"-seed={options.seed}",
        f"-max_len={MAX_LENGTH}",
        "-timeout=600",
        f"-artifact_prefix={options.findings}/{name}-",
        str(options.corpus),
    ]
    atheris.Setup(arguments, one, custom_mutator=mutate)
    atheris.Fuzz()


def run(name: str, executions: int, options: argparse.Namespace) -> dict[str, Any]:
    """Fuzzes one target in a new process; the corpus stays in the options' folder."""
    from tests.unit.interop.fuzz_targets import Target

    corpus = options.corpus / name
    corpus.mkdir()
    options.findings.mkdir(parents=True, exist_ok=True)
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        for n, seed in enumerate(Target(name, Path(folder)).seeds()):
            (corpus / f"seed{n}").write_bytes(seed)
        record = Path(folder) / "report.json"
        command = [sys.executable, __file__, "--worker", "--target", name]
        command += ["--executions", str(executions), "--seed", str(options.seed)]
        command += ["--corpus", str(corpus), "--report", str(record)]
        command += ["--findings", str(options.findings)]
        if options.seconds:
            command += ["--seconds", str(options.seconds / len(options.target))]
        start = time.monotonic()
        process = subprocess.run(
            command,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            check=False,
        )
        if not record.exists():
            raise SystemExit(f"the fuzzer did not start:\n{process.stderr[-3000:]}")
        row = json.loads(record.read_text())
    if process.returncode:
        what = f"the process ended with {process.returncode}"
        row["findings"].append({"what": what, "file": process.stderr[-500:]})
    if not any(options.findings.iterdir()):
        options.findings.rmdir()
    row["inputs kept"] = len(list(corpus.iterdir()))
    row["seconds"] = round(time.monotonic() - start)
    return row


class Reached:
    """The lines of the reader that run inside of a `with` of it, by file."""

    def __init__(self) -> None:
        room = ROOT / "flaxnn" / "interop"
        self.lines: dict[str, set[int]] = {str(room / f"{n}.py"): set() for n in READER}

    def __enter__(self) -> None:
        sys.settrace(self._trace)

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _trace(self, frame: Any, event: str, _: object) -> Any:
        lines = self.lines.get(frame.f_code.co_filename)
        if lines is None:
            return None
        if event == "line":
            lines.add(frame.f_lineno)
        return self._trace

    def rerun(self, corpora: Path, targets: list[str]) -> None:
        """Loads what the fuzzer has kept once more."""
        from tests.unit.interop.fuzz_targets import Target

        for name in targets:
            with tempfile.TemporaryDirectory() as folder:
                target = Target(name, Path(folder))
                for file in sorted((corpora / name).iterdir()):
                    # An error is a finding already.
                    with self, contextlib.suppress(Exception):
                        target.load(file.read_bytes())

    def report(self) -> dict[str, Any]:
        """How many lines of functions there are and ran, and which did not."""
        total = ran = 0
        missed = {}
        for path, lines in self.lines.items():
            there = _lines(compile(Path(path).read_text("utf-8"), path, "exec"))
            total, ran = total + len(there), ran + len(there & lines)
            if there - lines:
                missed[Path(path).name] = sorted(there - lines)
        return {"lines": total, "reached": ran, "not reached": missed}


def _lines(code: CodeType) -> set[int]:
    """The lines of the functions in a module's code; its own run on import."""
    found: set[int] = set()
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            if constant.co_flags & 0x2:  # CO_NEWLOCALS: a function, no class
                first = constant.co_firstlineno
                found |= {n for *_, n in constant.co_lines() if n and n != first}
            found |= _lines(constant)
    return found


def main() -> int:
    """Prints what was found; 1 when that is anything."""
    names = ["pickle", "archive", "safetensors", "index"]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--executions", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, help="stop after so many")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--target", nargs="+", choices=names, default=names)
    parser.add_argument("--findings", type=Path, default=Path("fuzz-findings"))
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--output", type=Path, help="also write the JSON here")
    for hidden in ("--corpus", "--report"):
        parser.add_argument(hidden, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("the fuzzer is the package atheris: pip install atheris", file=sys.stderr)
        return 2
    if options.worker:
        fuzz(options)
    reached = Reached()
    # Some functions run only now.
    with reached:
        importlib.import_module("flaxnn.interop")
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        options.corpus = Path(folder)
        shares = _shared(options.executions, options.target)
        for name, executions in shares.items():
            rows[name] = run(name, executions, options)
            if not options.json:
                print(f"{name}: {json.dumps(rows[name])}", flush=True)
        reached.rerun(options.corpus, options.target)
    coverage = reached.report()
    executed = sum(row["executions"] for row in rows.values())
    findings = [finding for row in rows.values() for finding in row["findings"]]
    report = {
        "executions": executed,
        "seed": options.seed,
        "findings": findings,
        "slowest (s)": max(row["slowest (s)"] for row in rows.values()),
        "peak (MiB)": max(row["peak (MiB)"] for row in rows.values()),
        "coverage": f"{coverage['reached']} of {coverage['lines']} lines",
    }
    text = json.dumps({**report, "targets": rows, "lines": coverage}, indent=2)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")
    print(text if options.json else json.dumps(report))
    enough = executed >= options.executions or options.seconds
    return 1 if findings or not enough else 0


def _shared(executions: int, names: list[str]) -> dict[str, int]:
    """The executions by target: half for pickles, as there is most to them."""
    weights = {"pickle": 5, "archive": 2, "safetensors": 2, "index": 1}
    total = sum(weights[name] for name in names)
    shares = {name: executions * weights[name] // total for name in names}
    shares[names[0]] += executions - sum(shares.values())
    return shares


if __name__ == "__main__":
    sys.exit(main())
