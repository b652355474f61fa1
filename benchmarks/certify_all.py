# SPDX-License-Identifier: Apache-2.0
"""A certificate for every document and for the Fashion-MNIST runs.

    python benchmarks/certify_all.py [--entry NAME ...] [--data DIR] [--strict]
                                     [--json] [--output DIR] [--recorded | --record]

Training runs are certified by `flaxnn.parity.certify`: proven in float64 (T1), held to
PyTorch's noise floor in float32 (T2), from equal weights (T0). PyTorch runs anew in all
its variants where it is installed, which takes minutes for Fashion-MNIST; `--record`
keeps what it did in `benchmarks/reference/certificates`, and `--recorded`, the default
without PyTorch, takes it from there. What a document prints without training anything
is certified by its figures of `flaxnn reproduce`.

`--output` writes `certificates.json` and `certificates.html` into a folder.

Exit status 0 when every certificate is PASS, 1 when one is not, 2 when the arguments
are wrong or, with `--strict`, a run was skipped because its data or its reference are
missing.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# This script's modules are imported by its worker processes too.
sys.path.insert(0, str(ROOT))

from benchmarks.certified_runs import RUNS, Run  # noqa: E402
from flaxnn._environment import environment  # noqa: E402
from flaxnn._errors import DataNotFoundError, MissingPackageError  # noqa: E402
from flaxnn.bench import machine  # noqa: E402
from flaxnn.parity import (  # noqa: E402
    Certificate,
    Check,
    Reference,
    certificates_page,
    certify,
)
from flaxnn.report import print_json  # noqa: E402
from flaxnn.reproduce import ENTRIES, Settings, grades, run  # noqa: E402

REFERENCES = ROOT / "benchmarks" / "reference" / "certificates"
TRAINED = {each.name for each in RUNS}
# The documents' entries that train nothing.
COMPUTED = [
    entry
    for entry in ENTRIES
    if entry.name not in TRAINED and entry.name != "fashion-mnist"
]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    known = [*(entry.name for entry in COMPUTED), *(each.name for each in RUNS)]
    parser.add_argument(
        "--entry", action="append", choices=known, metavar="NAME", help=", ".join(known)
    )
    parser.add_argument("--data", type=Path, help="folder with the Fashion-MNIST files")
    parser.add_argument("--strict", action="store_true", help="2 when one is skipped")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--output", type=Path, metavar="DIR", help="write files there")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--recorded", action="store_true", help="run no PyTorch")
    source.add_argument("--record", action="store_true", help="keep PyTorch's runs")
    options = parser.parse_args()
    if options.data and not options.data.is_dir():
        parser.error(f"--data: {options.data} is not a folder")
    if options.record and not _torch_is_here():
        parser.error("--record needs PyTorch")
    return options


def _torch_is_here() -> bool:
    return importlib.util.find_spec("torch") is not None


def certificates(options: argparse.Namespace) -> Iterator[Certificate | str]:
    """Each certificate as soon as it is there, or why there is none."""
    chosen = options.entry
    for entry in COMPUTED:
        if not chosen or entry.name in chosen:
            (result,) = run([entry], Settings(data=options.data, progress=False))
            if result.status == "skipped":
                yield f"{entry.name}: skipped, {result.reason}"
            else:
                yield of_figures(entry.name, grades([result]))
    for each in RUNS:
        if not chosen or each.name in chosen:
            try:
                yield of_run(each, options)
            except (DataNotFoundError, MissingPackageError) as missing:
                yield f"{each.name}: skipped, {missing}"


def of_figures(name: str, rows: list[dict[str, Any]]) -> Certificate:
    """A certificate of what a document prints, with a check for each group."""
    checks = tuple(
        Check(
            row["grade"],
            row["group"],
            row["error"],
            row["tolerance"],
            row["passed"],
            f"{row['numbers']:,} number{'s' * (row['numbers'] != 1)}",
        )
        for row in rows
    )
    return Certificate(name, checks, environment())


def of_run(each: Run, options: argparse.Namespace) -> Certificate:
    """A certificate of a training run."""
    made = each.arguments(options.data)
    return certify(**made, reference=reference(each, options), name=each.name)


def reference(each: Run, options: argparse.Namespace) -> Reference:
    """What PyTorch does: live, or as it was recorded."""
    path = REFERENCES / f"{each.name}.safetensors"
    if options.recorded or not _torch_is_here():
        if not path.is_file():
            raise MissingPackageError(
                f"nothing is recorded of it in {REFERENCES.relative_to(ROOT)}; with "
                "PyTorch installed, --record does"
            )
        return Reference.load(path)
    from benchmarks.certify_torch import training_functions

    train = partial(training_functions()[each.name], data=options.data)
    told = partial(print, f"{each.name}: PyTorch,", file=sys.stderr, flush=True)
    live = Reference.record(train, proof_steps=each.proof_steps, told=told)
    if options.record:
        REFERENCES.mkdir(parents=True, exist_ok=True)
        live.thinned().save(path)
    return live


def main() -> int:
    options = arguments()
    made: list[Certificate] = []
    skipped: list[str] = []
    for found in certificates(options):
        if isinstance(found, Certificate):
            made.append(found)
        else:
            skipped.append(found)
        if not options.json:
            print(found, end="\n\n", flush=True)
    passing = sum(certificate.passed for certificate in made)
    full = {
        "machine": machine(),
        "passed": passing,
        "certificates": [certificate.to_json() for certificate in made],
        "skipped": skipped,
    }
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        text = json.dumps(full, indent=1, ensure_ascii=False)
        (options.output / "certificates.json").write_text(text + "\n", encoding="utf-8")
        page = certificates_page(made, "flaxnn: certificates of the documents")
        page.write(options.output / "certificates.html")
    if options.json:
        print_json(full)
    else:
        print(f"{passing} of {len(made)} certificates PASS, {len(skipped)} skipped")
    if passing < len(made):
        return 1
    return 2 if skipped and options.strict else 0


if __name__ == "__main__":
    sys.exit(main())
