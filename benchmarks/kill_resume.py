# SPDX-License-Identifier: Apache-2.0
"""Kills runs with SIGKILL at random moments, resumes them, and compares their ends.

    python benchmarks/kill_resume.py [--runs 60] [--seed 0] [--json] [--output FILE]

A net with dropout trains on shuffled, flipped images with Adam, a validation that
draws from the run's own generator after each epoch, and a checkpoint every five steps;
saving takes a good part of its time. Each run is killed at a random moment after its
first checkpoints, once or twice, and then goes on to its end. Parameters, optimiser,
generators, every loss and every evaluation have to equal, to the bit, those of the run
that nobody killed. Exits with 1 when one differs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

EPOCHS, EVERY = 80, 5
# Seconds after a start's second checkpoint within which a run is killed.
WINDOW = 3.0


def train(directory: str | None) -> str:
    """The whole run, and a digest of all that it came to."""
    import jax
    import numpy as np

    from flaxnn import fit, metrics, nn, optim
    from flaxnn.data import DataLoader, transforms
    from flaxnn.random import Generator
    from flaxnn.training import Checkpoints, Validation

    stream = np.random.RandomState(0)
    images = stream.randint(0, 256, (203, 8, 8)).astype(np.uint8)
    labels = stream.randint(0, 3, 203)
    rngs = Generator(1)
    model = nn.Sequential(
        nn.Flatten(),
        nn.Linear(64, 64, rngs=rngs),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.Linear(64, 3, rngs=rngs),
    )
    flip = transforms.RandomHorizontalFlip()
    data = DataLoader((images, labels), 32, shuffle=True, rngs=rngs, transform=flip)
    judge = DataLoader((images[:50], labels[:50]), 25, shuffle=True, rngs=rngs)
    run = fit(
        model,
        data,
        loss=nn.CrossEntropyLoss(),
        optimizer=optim.adam(lr=0.01),
        epochs=EPOCHS,
        validation=Validation(judge, [metrics.accuracy]),
        checkpoints=directory and Checkpoints(directory, every=EVERY),
    )
    digest = hashlib.sha256()
    parts = run.state.train, run.state.generators, run.history, run.evaluations
    for leaf in jax.tree.leaves(parts):
        digest.update(np.asarray(leaf).tobytes())
    return digest.hexdigest()


def start(directory: Path | None) -> subprocess.Popen[str]:
    """Starts a run in a process of its own."""
    command = [sys.executable, __file__, "--worker", str(directory or "")]
    return subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    """The digest of a run that comes to its end."""
    out, err = process.communicate(timeout=600)
    if process.returncode:
        raise SystemExit(f"a run failed:\n{err[-3000:]}")
    return out.split()[-1]


def kill_and_resume(number: int, seed: int) -> dict[str, Any]:
    """One run: killed once or twice, then brought to its end."""
    chance = random.Random(f"{seed}/{number}")
    moments = []
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for _ in range(chance.choice((1, 1, 2))):
            process = start(directory)
            # By the second checkpoint of a start both of its programs are compiled.
            ready = max(_saved(directory), default=0) + 2 * EVERY
            while process.poll() is None and max(_saved(directory), default=0) < ready:
                time.sleep(0.002)
            time.sleep(chance.random() * WINDOW)
            process.kill()
            process.communicate()
            moments.append(
                {
                    "newest": max(_saved(directory), default=None),
                    "while_saving": any(directory.glob("*tmp*")),
                    "too_late": process.returncode == 0,
                }
            )
        return {"run": number, "kills": moments, "digest": finish(start(directory))}


def _saved(directory: Path) -> list[int]:
    return [int(p.name) for p in directory.iterdir() if p.name.isdigit()]


def main() -> int:
    """Kills the runs and prints how many came to the same end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--parallel", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--output", type=Path, help="also write the JSON here")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker is not None:
        print(train(options.worker or None), flush=True)
        return 0
    expected = finish(start(None))
    with ThreadPoolExecutor(options.parallel) as pool:
        runs = list(
            pool.map(lambda n: kill_and_resume(n, options.seed), range(options.runs))
        )
    kills = [kill for run in runs for kill in run["kills"]]
    equal = sum(run["digest"] == expected for run in runs)
    report = {
        "runs": len(runs),
        "equal": equal,
        "kills": len(kills),
        "while_saving": sum(kill["while_saving"] for kill in kills),
        "after_the_end": sum(kill["too_late"] for kill in kills),
        "newest_checkpoints": sorted(kill["newest"] for kill in kills),
        "steps": EPOCHS * 7,
    }
    text = json.dumps(report, indent=2)
    if options.output:
        options.output.write_text(text + "\n")
    print(
        text
        if options.json
        else f"{equal} of {len(runs)} runs end bit-identical after {len(kills)} kills "
        f"({report['while_saving']} while a checkpoint was written, "
        f"{report['after_the_end']} came too late)"
    )
    return 0 if equal == len(runs) else 1


if __name__ == "__main__":
    sys.exit(main())
