# SPDX-License-Identifier: Apache-2.0
"""Wrong command lines: one clear message, the documented exit code, nothing written.

    python benchmarks/wrong_commands.py [GROUP ...] [--json] [--output FILE]

Each line of wrong_command_cases.py is run as a process of its own, in a new folder with
good, damaged and missing files, without a network. Its error is judged: the exit code;
one message on standard error that begins with "Error: " and names what is wrong; no
stack trace; nothing on standard output but, with --json, an object with the error and
the code; no file made, changed or removed. Exits with 1 where one fails.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# The file beside this one is a module of the project's scripts.
sys.path.insert(0, str(ROOT))

from benchmarks.wrong_command_cases import CASES, Case  # noqa: E402

_NET = """\
from flaxnn import nn

class Net(nn.Linear):
    def __init__(self, *, rngs):
        super().__init__(2, 3, rngs=rngs)

class Wide(nn.Linear):
    def __init__(self, *, rngs):
        super().__init__(20, 3, rngs=rngs)

class NoModel:
    pass
"""
_PORT = """\
import numpy as np
from flaxnn import nn, optim
from flaxnn.random import Generator

def port(width=3):
    return {
        "model": nn.Linear(width, 2, rngs=Generator(0)),
        "data": (np.eye(3, dtype=np.float32), np.array([0, 1, 1])),
        "loss": nn.CrossEntropyLoss(),
        "optimizer": optim.sgd(lr=0.1),
    }
"""
# A pickle whose reader would call os.system.
_EVIL = b"cposix\nsystem\n(S'touch evil'\ntR."
_TEXTS = {
    "file": "",
    "zero.csv": "",
    "zero.pt": "",
    "net.py": _NET,
    "port.py": _PORT,
    "wide.py": _PORT.replace("width=3", "width=5"),
    "number.py": "def port():\n    return 3\n",
    "syntax.py": "def port(:\n",
    "raising.py": "def port():\n    values = []\n    return values[3]\n\nport()\n",
    "table.csv": "a,b,kind\n" + "".join(f"{i},{i % 5},{i % 3}\n" for i in range(12)),
    "nan.csv": "a,b,kind\n1,2,0\nnan,3,1\n2,2,1\n",
    "words.csv": "a,b,kind\n1,2,0\nmany,3,1\n",
    "narrow.csv": "kind\n1\n0\n",
    "text.toml": "this is no TOML\n",
    "unknown.toml": 'model = "SoftmaxRegression"\ndata = "wine"\nepocs = 3\n',
    "run.toml": 'model = "SoftmaxRegression"\nsteps = 1\n'
    'data = { name = "table.csv", target = "kind" }\n',
}
_FOLDERS = ("empty", "folder.html", "folder.pt", "raw", "broken.trace")


def prepare(folder: Path) -> None:
    """Makes the files that command lines name."""
    import numpy as np

    from flaxnn import interop

    for name in _FOLDERS:
        (folder / name).mkdir()
    for name, text in _TEXTS.items():
        (folder / name).write_text(text)
    rng = np.random.default_rng(0)
    weights = {"weight": rng.normal(size=(40, 40)).astype(np.float32)}
    interop.save({"model": weights}, folder / "good.pt")
    interop.save(weights, folder / "good.safetensors")
    whole = (folder / "good.pt").read_bytes()
    (folder / "short.pt").write_bytes(whole[: len(whole) // 2])
    # In the pickle, which comes first.
    (folder / "damaged.pt").write_bytes(whole[:64] + bytes(64) + whole[128:])
    (folder / "evil.pt").write_bytes(_EVIL)
    whole = (folder / "good.safetensors").read_bytes()
    (folder / "short.safetensors").write_bytes(whole[: len(whole) // 2])
    (folder / "bad.safetensors").write_bytes(b"\xff" * 8 + whole[8:])
    for part in ("train-images-idx3", "train-labels-idx1"):
        (folder / "raw" / f"{part}-ubyte").write_bytes(bytes(64))
    for part in ("t10k-images-idx3", "t10k-labels-idx1"):
        (folder / "raw" / f"{part}-ubyte").write_bytes(bytes(64))


def prepare_runs(folder: Path) -> None:
    """Makes the recorded run, the sweep and the runs that command lines name."""
    from flaxnn import parity

    namespace: dict[str, Any] = {}
    exec(_PORT, namespace)
    parity.record(**namespace["port"](), steps=1, path=folder / "run.trace")
    for file in (folder / "run.trace").iterdir():
        broken = folder / "broken.trace" / file.name
        broken.write_bytes(file.read_bytes()[:40])
    for line in (
        "sweep run.toml --directory kept",
        "train run.toml --out run --no-plots",
    ):
        done = _started(shlex.split(line), folder, _environment(folder))
        if done.returncode:
            raise RuntimeError(f"flaxnn {line} failed: {done.stderr}")
    shutil.copytree(folder / "run", folder / "damaged")
    for file in (folder / "damaged").rglob("*"):
        if file.suffix in (".safetensors", ".pt", ".json"):
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def judge(case: Case, code: int, out: str, errors: str) -> list[str]:
    """Returns what is wrong with how a wrong command line ended."""
    faults = []
    if code != case.code:
        faults.append(f"exit code {code}, expected {case.code}")
    if "Traceback" in out + errors:
        faults.append("a stack trace")
    messages = [line for line in errors.splitlines() if line.startswith("Error: ")]
    # A missing data set is a finding where there are no words.
    if case.words and (len(messages) != 1 or not errors.startswith("Error: ")):
        faults.append(f"{len(messages)} messages, expected one")
    faults += [f"{word!r} is not said" for word in case.words if word not in errors]
    if "--json" in case.arguments:
        faults += _json_faults(case, out)
    elif out:
        faults.append("something on standard output")
    return faults


def _json_faults(case: Case, out: str) -> list[str]:
    try:
        report = json.loads(out)
    except ValueError:
        return ["no JSON on standard output"]
    if not case.words:
        return []
    if report.get("exit_code") != case.code:
        return ["another exit code in the JSON"]
    said = report.get("error", "")
    return [f"{word!r} is not in the JSON" for word in case.words if word not in said]


def run_case(case: Case, template: Path) -> dict[str, Any]:
    """Runs a command line in a new folder, and judges it."""
    with tempfile.TemporaryDirectory(prefix="flaxnn-wrong-") as name:
        folder = Path(name) / "work"
        shutil.copytree(template, folder)
        before = _content(folder)
        environment = _environment(folder, case.without, case.file_limit)
        try:
            done = _started(case.arguments, folder, environment)
        except subprocess.TimeoutExpired:
            faults, code, errors = ["not ended after two minutes"], None, ""
        else:
            code, errors = done.returncode, done.stderr
            faults = judge(case, code, done.stdout, errors)
        after = _content(folder)
        changed = sorted(
            path
            for path in before.keys() | after.keys()
            if before.get(path) != after.get(path)
        )
        faults += [f"{path} was written" for path in changed]
    return {
        "about": case.about,
        "command": f"flaxnn {case.line}",
        "exit_code": code,
        "error": errors.strip().replace(name, "…").replace(str(template.parent), "…"),
        "faults": faults,
    }


def _started(
    arguments: list[str],
    folder: Path,
    environment: dict[str, str],
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flaxnn", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _environment(
    folder: Path, without: tuple[str, ...] = (), limit: int | None = None
) -> dict[str, str]:
    """A machine without data, a network, some packages or space for larger files."""
    home = folder.parent / "home"
    home.mkdir(exist_ok=True)
    blocked = "".join(f"sys.modules[{name!r}] = None\n" for name in without)
    if limit is not None:
        blocked += "import resource\n"
        blocked += f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
    (home / "sitecustomize.py").write_text(f"import sys\n{blocked}")
    kept = ("PATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "TMPDIR")
    nowhere = "http://127.0.0.1:9"
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "PYTHONPATH": os.pathsep.join([str(home), str(ROOT)]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
        "HOME": str(home),
        "JAX_PLATFORMS": "cpu",
        "MPLCONFIGDIR": str(home),
        "http_proxy": nowhere,
        "https_proxy": nowhere,
    }


def _content(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("group", nargs="*", choices=[[], *CASES], default=[])
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--output", type=Path, help="write the JSON there")
    asked = parser.parse_args()
    results: dict[str, list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory(prefix="flaxnn-wrong-") as name:
        template = Path(name) / "template"
        template.mkdir()
        prepare(template)
        prepare_runs(template)
        for group in asked.group or CASES:
            results[group] = []
            for case in CASES[group]:
                result = run_case(case, template)
                results[group].append(result)
                if not asked.json:
                    _show(result)
    if asked.output is not None and asked.output.exists():
        # Groups that were not asked for stay, in the order of the table.
        kept = json.loads(asked.output.read_text(encoding="utf-8"))["groups"]
        merged = {**kept, **results}
        results = {group: merged[group] for group in CASES if group in merged}
    every = [result for group in results.values() for result in group]
    failed = [result for result in every if result["faults"]]
    summary = {"commands": len(every), "failed": len(failed), "groups": results}
    text = json.dumps(summary, indent=1, ensure_ascii=False) + "\n"
    if asked.output is not None:
        asked.output.write_text(text, encoding="utf-8")
    if asked.json:
        print(text, end="")
    else:
        print(f"{len(every) - len(failed)} of {len(every)} end as they should")
    return 1 if failed else 0


def _show(result: dict[str, Any]) -> None:
    mark = "✗" if result["faults"] else "✓"
    said = (result["error"].splitlines() or ["(nothing)"])[0]
    print(f"{mark} {result['exit_code']!s:>4}  {result['command']}\n        {said}")
    for fault in result["faults"]:
        print(f"        ✗ {fault}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
