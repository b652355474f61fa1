# SPDX-License-Identifier: Apache-2.0
"""Runs that PyTorch begins, flaxnn goes on with, and PyTorch ends.

    python benchmarks/handover.py [--case NAME …] [--record] [--json] [--output FILE]

Each of four runs takes 500 steps over shuffled batches: PyTorch stops at step 137, in
the middle of an epoch, and saves what its users save; flaxnn reads that file, goes on
to step 311, in the middle of another epoch, and writes a file; PyTorch loads it with
``weights_only=True`` and finishes. The losses are compared with those of the run that
PyTorch did alone: in float64 every one within 1e-12 (relative), in float32 no further
than T2 allows, four times the distance between PyTorch's own twelve variants of the
run. ``--record`` also writes these distances down for the tests. The generator has to
end in the same state (T0). Needs PyTorch 2.13. Exits with 1 when a check fails.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

STEPS, FIRST, SECOND = 500, 137, 311
# 21 batches an epoch, the last one of 10 rows.
ROWS, BATCH_SIZE, CLASSES, SEED = 650, 32, 4, 2025
PROOF, FLOORS = 1e-12, 4
RECORD = ROOT / "benchmarks" / "reference" / "handover-2.13.npz"
SHARE = "share of T2's limit"


@dataclass(frozen=True)
class Case:
    """A run: its model, and its optimiser and schedule on either side."""

    shape: tuple[int, ...]
    model: Callable[..., Any]
    torch_optimizer: Callable[[Any, Any], Any]
    optimizer: Callable[[Any], Any]
    cycle: bool = False


def mlp(nn: Any, **rngs: Any) -> Any:
    """Two hidden layers."""
    return nn.Sequential(
        nn.Linear(16, 32, **rngs),
        nn.Tanh(),
        nn.Linear(32, 32, **rngs),
        nn.ReLU(),
        nn.Linear(32, CLASSES, **rngs),
    )


def conv_net(nn: Any, **rngs: Any) -> Any:
    """Convolutions with batch norm; the dropout is off."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1, **rngs),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 8, 3, **rngs),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Dropout(0.0),
        nn.Flatten(),
        nn.Linear(32, CLASSES, **rngs),
    )


def sgd(shape: tuple[int, ...], model: Callable[..., Any], lr: float) -> Case:
    """A run with SGD with momentum."""
    return Case(
        shape,
        model,
        lambda o, p: o.SGD(p, lr=lr, momentum=0.9),
        lambda o: o.sgd(lr=lr, momentum=0.9),
    )


CASES = {
    "mlp-sgd": sgd((16,), mlp, 0.02),
    "mlp-adam": Case(
        (16,), mlp, lambda o, p: o.Adam(p, lr=1e-3), lambda o: o.adam(lr=1e-3)
    ),
    "mlp-adamw-one-cycle": Case(
        (16,),
        mlp,
        lambda o, p: o.AdamW(p, lr=1e-3, weight_decay=0.05),
        lambda o: o.adamw(lr=1e-3, weight_decay=0.05),
        cycle=True,
    ),
    "conv-sgd": sgd((1, 8, 8), conv_net, 0.01),
}


def samples(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Inputs around a centre for each class, and the classes."""
    stream = np.random.RandomState(0)
    labels = stream.randint(0, CLASSES, ROWS)
    centres = stream.randn(CLASSES, *case.shape)
    return centres[labels] + 2.0 * stream.randn(ROWS, *case.shape), labels


class TorchRun:
    """PyTorch's run, as its users write it: the loop, and a file to go on from."""

    def __init__(self, case: Case, dtype: str, moves: int | None = None):
        import torch

        from flaxnn.reproduce.goldens.make_goldens import moved

        self.torch = torch
        torch.manual_seed(SEED)
        model = case.model(torch.nn)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_(torch.from_numpy(moved(parameter.numpy(), moves)))
        x, y = samples(case)
        self.model = model.to(getattr(torch, dtype))
        data = torch.utils.data.TensorDataset(
            torch.from_numpy(x.astype(dtype)), torch.from_numpy(y)
        )
        self.loader = torch.utils.data.DataLoader(data, BATCH_SIZE, shuffle=True)
        self.optimizer = case.torch_optimizer(torch.optim, model.parameters())
        one_cycle = torch.optim.lr_scheduler.OneCycleLR
        self.scheduler = one_cycle(self.optimizer, 0.01, STEPS) if case.cycle else None
        self.epoch, self.batch = 0, 0
        self.now = self.at_epoch = torch.get_rng_state()

    def train(self, steps: int) -> list[float]:
        """Goes on until so many steps are done in all; returns the losses."""
        torch, losses = self.torch, []
        cross_entropy = torch.nn.CrossEntropyLoss()
        while True:
            torch.set_rng_state(self.at_epoch if self.batch else self.now)
            self.at_epoch = torch.get_rng_state()
            batches = iter(self.loader)
            for _ in islice(batches, self.batch):
                pass
            if self.batch:
                torch.set_rng_state(self.now)
            for x, y in batches:
                loss = cross_entropy(self.model(x), y)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                if self.scheduler is not None:
                    self.scheduler.step()
                losses.append(loss.item())
                self.batch += 1
                self.now = torch.get_rng_state()
                if self.epoch * len(self.loader) + self.batch == steps:
                    return losses
            self.epoch, self.batch = self.epoch + 1, 0
            self.now = torch.get_rng_state()

    def save(self, path: Path) -> None:
        """Writes the file that flaxnn goes on from."""
        state = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "epoch": self.epoch,
            "batch": self.batch,
            "generators": self.now,
            "generators_at_epoch": self.at_epoch,
        }
        if self.scheduler is not None:
            state["scheduler"] = self.scheduler.state_dict()
        self.torch.save(state, path)

    def load(self, path: Path) -> None:
        """Reads the file that flaxnn wrote."""
        state = self.torch.load(path, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.scheduler is not None:
            self.scheduler.load_state_dict(state["scheduler"])
        self.epoch, self.batch = state["epoch"], state["batch"]
        [self.now], [self.at_epoch] = (
            state["generators"],
            state["generators_at_epoch"],
        )


def go_on(case: Case, dtype: str, source: Path, target: Path) -> list[float]:
    """Flaxnn's part, from one file to the other; returns its losses."""
    import flaxnn
    from flaxnn import interop, nn, optim
    from flaxnn.data import DataLoader
    from flaxnn.optim import lr_scheduler
    from flaxnn.random import Generator

    # Another seed than PyTorch's: all that matters comes from the file.
    rngs = Generator(SEED + 1)
    model = flaxnn.astype(case.model(nn, rngs=rngs), dtype)
    x, y = samples(case)
    loader = DataLoader((x.astype(dtype), y), BATCH_SIZE, shuffle=True, rngs=rngs)
    schedule = lr_scheduler.one_cycle_lr(0.02, STEPS) if case.cycle else None
    optimizer = case.optimizer(optim)
    found = interop.load_checkpoint(
        source, model, optimizer, loader, schedule=schedule, schedule_every="step"
    )
    run = flaxnn.fit(
        found.model,
        loader,
        loss=nn.CrossEntropyLoss(),
        optimizer=optimizer,
        schedule=schedule,
        schedule_every="step",
        steps=SECOND,
        state=found.state,
        progress=False,
    )
    interop.save_checkpoint(target, run.model, run.state, optimizer, schedule=schedule)
    return run.history["loss"].tolist()


def hand_over(case: Case, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """The losses of the run in three parts, and the generator's last state."""
    with tempfile.TemporaryDirectory() as name:
        there, back = Path(name, "there.pt"), Path(name, "back.pt")
        begun = TorchRun(case, dtype)
        losses = begun.train(FIRST)
        begun.save(there)
        losses += go_on(case, dtype, there, back)
        ended = TorchRun(case, dtype)
        ended.load(back)
        losses += ended.train(STEPS)
        return np.array(losses), ended.now.numpy()


def whole(case: Case, dtype: str, moves: int | None = None) -> tuple[Any, Any]:
    """The same of the run that PyTorch does alone."""
    run = TorchRun(case, dtype, moves)
    return np.array(run.train(STEPS)), run.now.numpy()


def variants(names: list[str]) -> dict[str, np.ndarray]:
    """``(12, STEPS)`` losses of PyTorch's float32 variants of each run."""
    from flaxnn.reproduce.goldens.make_goldens import VARIANTS

    runs: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for threads, capability, seed in VARIANTS.values():
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
        environment |= {"ATEN_CPU_CAPABILITY": capability} if capability else {}
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder, "run.npz")
            moves = "" if seed is None else str(seed)
            command = [sys.executable, __file__, "--worker", moves, str(out)]
            command += ["--case", *names]
            subprocess.run(command, env=environment, check=True)
            with np.load(out) as file:
                for name in names:
                    runs[name].append(file[name])
    return {name: np.stack(losses) for name, losses in runs.items()}


def noise(floors: np.ndarray) -> np.ndarray:
    """``(STEPS,)`` the largest distance among the variants up to each step."""
    return np.maximum.accumulate(np.ptp(floors, axis=0))


def compare(name: str, noise: np.ndarray) -> dict[str, Any]:
    """The distances of one run in float64 and float32.

    Args:
        name: The case.
        noise: ``(STEPS,)`` the distance among PyTorch's float32 variants of it.
    """
    case = CASES[name]
    expected, state = whole(case, "float64")
    losses, end = hand_over(case, "float64")
    error = float((np.abs(losses - expected) / np.abs(expected)).max())
    same = [np.array_equal(state, end)]
    expected, state = whole(case, "float32")
    losses, end = hand_over(case, "float32")
    same.append(np.array_equal(state, end))
    distance = np.maximum.accumulate(np.abs(losses - expected))
    last = np.maximum.accumulate(np.spacing(expected.astype(np.float32)))
    share = float((distance / (FLOORS * np.maximum(noise, last))).max())
    return {
        "steps": len(losses),
        "float64": error,
        "limit": PROOF,
        "float32": float(distance[-1]),
        "float32 noise floor": float(noise[-1]),
        SHARE: share,
        "same generator": all(same),
        "passed": all(same) and error <= PROOF and share <= 1,
    }


def main() -> int:
    """Prints what was measured; 1 when a check fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--record", action="store_true", help=f"write {RECORD.name}")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--output", type=Path, help="also write the JSON here")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        moves, out = options.worker
        seed = int(moves) if moves else None
        runs = {n: whole(CASES[n], "float32", seed)[0] for n in options.case}
        np.savez(out, **runs)
        return 0
    floors: dict[str, Any] = {
        name: noise(runs) for name, runs in variants(options.case).items()
    }
    if options.record:
        np.savez_compressed(RECORD, **floors)
    report = {name: compare(name, floors[name]) for name in options.case}
    text = json.dumps(report, indent=2)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")
    if options.json:
        print(text)
    else:
        for name, one in report.items():
            print(
                f"{name:20} float64 {one['float64']:.1e} (limit {PROOF:.0e}), float32 "
                f"{one['float32']:.1e} at {one[SHARE]:.2f} of T2's limit, "
                f" same generator: {one['same generator']}: "
                f"{'passed' if one['passed'] else 'FAILED'}"
            )
    return 0 if all(one["passed"] for one in report.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
