# SPDX-License-Identifier: Apache-2.0
"""Runs PyTorch once more and writes the runs that come with the package.

    python flaxnn/parity/goldens/make_recordings.py [NAME ...]

wine-net writes `wine_net.trace`, steps of a run, and `wine_net.safetensors`, that run
in all its variants. digits-run writes `digits_run.pt`, a run that stops inside an
epoch, and `digits_run.safetensors`, how PyTorch goes on from there, in all its
variants. Needs torch==2.13.0 and scikit-learn.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import islice
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from flaxnn import parity
from flaxnn.parity import Variant
from flaxnn.parity.recorder import record

HERE = Path(__file__).parent
SEED = 2025
# What the trace of wine-net has whole: the beginning, and where the rate falls.
WHOLE = (0, 1, 20)
# Of digits-run: images to train on, epochs, and where it stops.
TRAINING, EPOCHS, STOPPED = 1500, 6, (2, 10)


# --- wine-net: the notebook on porting ------------------------------------------------


class WineNet(nn.Module):
    """Two layers behind a batch norm, which standardises the measurements."""

    def __init__(self) -> None:
        super().__init__()
        self.scale: nn.BatchNorm1d = nn.BatchNorm1d(13, affine=False)
        self.hidden: nn.Linear = nn.Linear(13, 16)
        self.out: nn.Linear = nn.Linear(16, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.tanh(self.hidden(self.scale(x)))
        return self.out(x)


@functools.cache
def wine() -> TensorDataset:
    from sklearn.datasets import load_wine
    from sklearn.model_selection import train_test_split

    x, y = load_wine(return_X_y=True)
    x, _, y, _ = train_test_split(x, y, test_size=0.3, random_state=0)
    return TensorDataset(torch.FloatTensor(x), torch.LongTensor(y))


def train_wine_net(variant: Variant) -> list[float]:
    return _train_wine_net(variant, lambda *parts: contextlib.nullcontext())


def _train_wine_net(
    variant: Variant,
    recording: Callable[[nn.Module, torch.optim.Optimizer], AbstractContextManager],
) -> list[float]:
    torch.manual_seed(SEED)
    model = variant.start(WineNet())
    loader = DataLoader(wine(), batch_size=31, shuffle=True)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=0.01)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=5, gamma=0.5)
    losses = []
    with recording(model, optimizer):
        for _ in range(10):
            for x, y in loader:
                loss = criterion(model(x.to(variant.dtype)), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            scheduler.step()
    return losses


def wine_net() -> None:
    torch.set_num_threads(1)
    trace = HERE / "wine_net.trace"
    _train_wine_net(
        Variant("1 thread"),
        lambda model, optimizer: record(
            model, optimizer, trace, whole=WHOLE, overwrite=True
        ),
    )
    reference = parity.Reference.record(train_wine_net, told=print)
    reference.save(HERE / "wine_net.safetensors")


# --- digits-run: the notebook on checkpoints ------------------------------------------


def digits(rows: slice) -> TensorDataset:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return TensorDataset(torch.FloatTensor(x[rows] / 16), torch.LongTensor(y[rows]))


class _DigitsRun:
    """A run as its users write it, with a file to go on from."""

    def __init__(self) -> None:
        torch.manual_seed(SEED)
        self.model = nn.Sequential(
            nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.25), nn.Linear(32, 10)
        )
        images = digits(slice(TRAINING))
        self.loader = DataLoader(images, batch_size=64, shuffle=True)
        self.epoch, self.batch = 0, 0
        self.state_at_epoch = torch.get_rng_state()

    def prepare(self) -> None:
        """Makes what holds the model's parameters, as they are now."""
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=0.01)
        self.scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(
            self.optimizer, T_max=EPOCHS
        )

    def train(self, until: tuple[int, int], dtype: torch.dtype) -> list[float]:
        losses = []
        while (self.epoch, self.batch) < until:
            state = torch.get_rng_state()
            if self.batch:
                # The order of an epoch that has begun is drawn again.
                torch.set_rng_state(self.state_at_epoch)
            else:
                self.state_at_epoch = state
            batches = iter(self.loader)
            for _ in islice(batches, self.batch):
                pass
            if self.batch:
                torch.set_rng_state(state)
            for x, y in batches:
                loss = F.cross_entropy(self.model(x.to(dtype)), y)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                losses.append(loss.item())
                self.batch += 1
                if (self.epoch, self.batch) == until:
                    return losses
            self.scheduler.step()
            self.epoch, self.batch = self.epoch + 1, 0
        return losses

    def save(self, path: Path) -> None:
        content = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "epoch": self.epoch,
            "batch": self.batch,
            "generators": torch.get_rng_state(),
            "generators_at_epoch": self.state_at_epoch,
        }
        torch.save(content, path)

    def load(self, path: Path, variant: Variant) -> None:
        content = torch.load(path, weights_only=True)
        self.model.load_state_dict(content["model"])
        self.model = variant.start(self.model)
        self.prepare()
        self.optimizer.load_state_dict(content["optimizer"])
        self.scheduler.load_state_dict(content["scheduler"])
        self.epoch, self.batch = content["epoch"], content["batch"]
        self.state_at_epoch = content["generators_at_epoch"]
        torch.set_rng_state(content["generators"])


def go_on(variant: Variant) -> list[float]:
    run = _DigitsRun()
    run.load(HERE / "digits_run.pt", variant)
    return run.train((EPOCHS, 0), variant.dtype)


def digits_run() -> None:
    torch.set_num_threads(1)
    run = _DigitsRun()
    run.prepare()
    run.train(STOPPED, torch.float32)
    run.save(HERE / "digits_run.pt")
    alone = run.train((EPOCHS, 0), torch.float32)
    state = torch.get_rng_state()
    x, y = digits(slice(TRAINING, None)).tensors
    with torch.no_grad():
        correct = (run.model.eval()(x).argmax(1) == y).sum().item()
    reference = parity.Reference.record(go_on, told=print)
    assert reference.float32 is not None
    assert alone == reference.float32.losses.tolist(), "the file is not the whole run"
    ends = {
        "generator": hashlib.sha256(state.numpy().tobytes()).hexdigest(),
        "correct of 297": correct,
    }
    reference = replace(reference, environment={**reference.environment, **ends})
    reference.save(HERE / "digits_run.safetensors")


RECORDINGS = {
    "wine-net": wine_net,
    "digits-run": digits_run,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(RECORDINGS))
    arguments = parser.parse_args()
    for name in arguments.names or RECORDINGS:
        RECORDINGS[name]()


if __name__ == "__main__":
    main()
