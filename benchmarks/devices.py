# SPDX-License-Identifier: Apache-2.0
"""One device against eight, and against two processes; one of which is then killed.

    python benchmarks/devices.py [--json] [--output FILE]

Everything runs on virtual CPU devices. The documents' net of three layers is trained
on generated images with SGD for 20 steps from one seed:

- on 1 device, on a mesh of 8, and on 2 processes of 4 over loopback: the losses are
  within 1e-6 of each other in float32 and 1e-12 in float64 (relative), and the two
  processes' losses and parameters equal to the bit;
- what 1 device began goes on from its checkpoint on 8, and then by 2 processes, within
  the same limits;
- one of two processes is killed in a longer run: the other ends within the heartbeat,
  saying which is gone, and both, started again, end bit-identical to a run of two
  processes that nobody killed.

Exits with 1 when a check fails.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

SHORT, LONG = 20, 400
LIMITS = {"float32": 1e-6, "float64": 1e-12}
DISTANCES = (
    "eight_devices",
    "two_processes",
    "resumed_on_eight",
    "resumed_by_two_processes",
)
# Seconds: JAX tells the others of a lost process after one heartbeat.
HEARTBEAT, SLACK = 10, 5

Report = dict[str, Any]


def train(dtype: str, steps: int, mesh: Any, directory: str | None) -> Report:
    """The run of one process, as figures that JSON keeps to the bit."""
    import jax
    import numpy as np

    import flaxnn
    from flaxnn import fit, models, nn, optim
    from flaxnn.data import DataLoader
    from flaxnn.random import Generator
    from flaxnn.training import Checkpoints

    stream = np.random.RandomState(0)
    images = stream.randint(0, 256, (500, 28, 28)).astype(np.uint8)
    labels = stream.randint(0, 10, 500)
    rngs = Generator(1)
    model = flaxnn.astype(models.NeuralNetwork(rngs=rngs), dtype)
    run = fit(
        model,
        DataLoader((images, labels), 64, shuffle=True, rngs=rngs),
        loss=nn.CrossEntropyLoss(),
        optimizer=optim.sgd(lr=0.05),
        steps=steps,
        mesh=mesh,
        checkpoints=directory and Checkpoints(directory, every=20, keep=3),
    )
    parameters = jax.tree.leaves(run.state.train.params)
    return {
        "losses": [float(loss).hex() for loss in run.history["loss"]],
        "parameters": [
            hashlib.sha256(np.asarray(leaf).tobytes()).hexdigest()
            for leaf in parameters
        ],
    }


def worker(options: argparse.Namespace) -> None:
    """One process of a run; writes its figures to standard output."""
    import jax
    from jax.sharding import AxisType

    if options.processes > 1:
        jax.distributed.initialize(
            f"127.0.0.1:{options.port}",
            num_processes=options.processes,
            process_id=options.process,
            heartbeat_timeout_seconds=HEARTBEAT,
            initialization_timeout=120,
        )
    mesh = None
    if options.mesh:
        mesh = jax.make_mesh((8,), ("data",), axis_types=(AxisType.Auto,))
    report = train(options.dtype, options.steps, mesh, options.directory)
    print(json.dumps(report), flush=True)


def start(
    dtype: str,
    *,
    processes: int = 1,
    mesh: bool = True,
    steps: int = SHORT,
    directory: str | None = None,
) -> list[subprocess.Popen[str]]:
    """Starts the processes of a run."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    devices = 8 // processes
    flags = f"--xla_force_host_platform_device_count={devices}"
    command = [sys.executable, __file__, "--worker", "--dtype", dtype]
    command += ["--port", str(port), "--processes", str(processes)]
    command += ["--steps", str(steps), *(["--mesh"] if mesh else [])]
    command += [] if directory is None else ["--directory", directory]
    return [
        subprocess.Popen(
            [*command, "--process", str(number)],
            env={**os.environ, "XLA_FLAGS": flags, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(processes)
    ]


def finish(processes: list[subprocess.Popen[str]]) -> list[Report]:
    """The figures of processes that come to their end."""
    reports = []
    for process in processes:
        out, err = process.communicate(timeout=600)
        if process.returncode:
            raise SystemExit(f"a process failed:\n{err[-3000:]}")
        reports.append(json.loads(out.splitlines()[-1]))
    return reports


def distance(one: Report, other: Report) -> float:
    """The largest difference of losses, relative to the largest loss."""
    a, b = ([float.fromhex(x) for x in report["losses"]] for report in (one, other))
    return max(abs(x - y) for x, y in zip(a, b, strict=True)) / max(map(abs, b))


def compare(dtype: str) -> Report:
    """The same run on 1 device, on 8, and on 2 processes of 4."""
    [single] = finish(start(dtype, mesh=False))
    [eight] = finish(start(dtype))
    first, second = finish(start(dtype, processes=2))
    with tempfile.TemporaryDirectory() as directory:
        finish(start(dtype, mesh=False, steps=SHORT // 2, directory=directory))
        [resumed] = finish(start(dtype, directory=directory))
        pair = finish(start(dtype, processes=2, steps=SHORT + 5, directory=directory))
    [further] = finish(start(dtype, mesh=False, steps=SHORT + 5))
    return {
        "resumed_on_eight": distance(resumed, single),
        "resumed_by_two_processes": distance(pair[0], further),
        "eight_devices": distance(eight, single),
        "two_processes": distance(first, single),
        "processes_equal": first == second,
        "limit": LIMITS[dtype],
    }


def kill_one() -> Report:
    """Kills one of two processes in mid-run, and starts both again."""
    whole = finish(start("float32", processes=2, steps=LONG))
    with tempfile.TemporaryDirectory() as directory:
        options: dict[str, Any] = {
            "processes": 2,
            "steps": LONG,
            "directory": directory,
        }
        survivor, victim = start("float32", **options)
        while not any(name.name.isdigit() for name in Path(directory).iterdir()):
            if victim.poll() is not None:
                raise SystemExit(
                    f"a process failed:\n{victim.communicate()[1][-3000:]}"
                )
            time.sleep(0.05)
        victim.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        _, err = survivor.communicate(timeout=120)
        seconds = time.monotonic() - killed
        victim.communicate()
        saved = max(int(p.name) for p in Path(directory).iterdir() if p.name.isdigit())
        resumed = finish(start("float32", **options))
    return {
        "seconds_to_stop": round(seconds, 1),
        "heartbeat": HEARTBEAT,
        "exit_code": survivor.returncode,
        "names_it": "process 1 of 2" in err or "heartbeats):\n1\n" in err,
        "newest_checkpoint": saved,
        "resumed_equal": resumed == whole,
    }


def main() -> int:
    """Runs the comparisons and prints their figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--output", type=Path, help="also write the JSON here")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--mesh", action="store_true", help=argparse.SUPPRESS)
    for name in ("port", "process", "processes", "steps"):
        parser.add_argument(f"--{name}", type=int, help=argparse.SUPPRESS)
    for name in ("dtype", "directory"):
        parser.add_argument(f"--{name}", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        worker(options)
        return 0
    report: Report = {dtype: compare(dtype) for dtype in LIMITS}
    report["killed"] = killed = kill_one()
    good = killed["names_it"] and killed["resumed_equal"]
    good = good and killed["exit_code"] != 0
    good = good and killed["seconds_to_stop"] <= HEARTBEAT + SLACK
    for dtype, limit in LIMITS.items():
        figures = report[dtype]
        worst = max(figures[name] for name in DISTANCES)
        good = good and worst <= limit and figures["processes_equal"]
    report["passed"] = good
    text = json.dumps(report, indent=2)
    if options.output:
        options.output.write_text(text + "\n")
    if options.json:
        print(text)
    else:
        for dtype in LIMITS:
            figures = report[dtype]
            print(
                f"{dtype}, {SHORT} steps: 8 devices {figures['eight_devices']:.1e}, "
                f"2 processes {figures['two_processes']:.1e} from 1 device (limit "
                f"{figures['limit']:.0e}), resumed on 8 "
                f"{figures['resumed_on_eight']:.1e}, by 2 processes "
                f"{figures['resumed_by_two_processes']:.1e}; processes equal: "
                f"{figures['processes_equal']}"
            )
        print(
            f"killed one of two: the other stopped after {killed['seconds_to_stop']} s "
            f"(heartbeat {HEARTBEAT} s), named it: {killed['names_it']}; resumed from "
            f"step {killed['newest_checkpoint']}, equal: {killed['resumed_equal']}"
        )
        print("passed" if good else "failed")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
