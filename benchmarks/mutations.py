# SPDX-License-Identifier: Apache-2.0
"""Plants known mistakes in a copy of flaxnn and sees that the tests catch them.

    python benchmarks/mutations.py [NAME ...] [--json]

A mutation is a text of one file put in place of another, with the tests that have to
fail for it; the lists lie in tests/mutations. Each runs on a copy of the package, so
the checkout is not touched. First all these tests have to pass on an unchanged copy.
Exits with 1 unless every mutation is caught.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PYTEST_FAILED = 1


sys.path.insert(0, str(ROOT))

from tests.mutations import Mutation, listed  # noqa: E402


def copy_to(folder: Path) -> Path:
    """Returns a copy of what the tests need."""
    for name in ("flaxnn", "tests"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in ("pyproject.toml", "ARCHITECTURE.md"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def plant(mutation: Mutation, checkout: Path) -> str:
    """Puts the mistake in place and returns the text that was there."""
    path = checkout / mutation.file
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(mutation.old, mutation.new), encoding="utf-8")
    return text


def run(tests: tuple[str, ...], checkout: Path) -> subprocess.CompletedProcess[str]:
    """Runs tests in a checkout, up to the first that fails."""
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    arguments = ["-q", "-x", "--no-header", "-p", "no:cacheprovider", *tests]
    return subprocess.run(
        [sys.executable, "-B", "-m", "pytest", *arguments],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def caught_by(output: str) -> str:
    """The test that failed first."""
    lines = [line for line in output.splitlines() if line.startswith("FAILED ")]
    return lines[0].removeprefix("FAILED ").partition(" - ")[0] if lines else ""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", help="mutations to plant; all when none")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    chosen = [m for m in listed() if not options.names or m.name in options.names]
    if not chosen:
        raise SystemExit(f"no mutation is called {' or '.join(options.names)}")
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        checkout = copy_to(Path(folder))
        tests = tuple(dict.fromkeys(test for m in chosen for test in m.tests))
        unchanged = run(tests, checkout)
        if unchanged.returncode:
            print(unchanged.stdout[-4000:], unchanged.stderr[-2000:], file=sys.stderr)
            raise SystemExit("the tests fail without any mutation")
        for mutation in chosen:
            started = time.perf_counter()
            text = plant(mutation, checkout)
            outcome = run(mutation.tests, checkout)
            (checkout / mutation.file).write_text(text, encoding="utf-8")
            results.append(
                {
                    "name": mutation.name,
                    "file": mutation.file,
                    # Any other code means that no test has run.
                    "caught": outcome.returncode == PYTEST_FAILED,
                    "by": caught_by(outcome.stdout),
                    "seconds": round(time.perf_counter() - started, 1),
                }
            )
            if not options.json:
                row = results[-1]
                mark = "caught" if row["caught"] else "MISSED"
                print(f"{mark}  {row['name']}: {row['by']}", flush=True)
    caught = sum(row["caught"] for row in results)
    if options.json:
        print(json.dumps({"caught": caught, "total": len(results), "rows": results}))
    else:
        print(f"{caught}/{len(results)} caught")
    return 0 if caught == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
