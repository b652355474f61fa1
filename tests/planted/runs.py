# SPDX-License-Identifier: Apache-2.0
"""The PyTorch side: five runs, recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.planted.arrays import CLASSES, PLANS, SEED, arrays

# Whole are all of its steps, so that none is missed for being a light one.
_WHOLE = range(16)


def record_run(name: str, path: Path) -> None:
    """Trains a run in PyTorch and writes its trace."""
    import torch

    from flaxnn.parity.recorder import record

    torch.manual_seed(SEED)
    model = _MODELS[name](torch.nn)
    optimizer, scheduler, every = _trainer(name, model, torch.optim)
    x, y = (torch.from_numpy(array) for array in arrays(name))
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(x, y), PLANS[name].batch_size, shuffle=True
    )
    smoothing = 0.1 if name == "mlp-adam" else 0.0
    criterion = torch.nn.CrossEntropyLoss(label_smoothing=smoothing)
    if name == "mlp-adam":
        model[5].eval()  # A dropout that is switched off.
    with record(model, optimizer, path, whole=_WHOLE):
        for _ in range(PLANS[name].epochs):
            for inputs, targets in loader:
                optimizer.zero_grad()
                criterion(model(inputs), targets).backward()
                optimizer.step()
                if scheduler is not None and every == "step":
                    scheduler.step()
            if scheduler is not None and every == "epoch":
                scheduler.step()


def _mlp_sgd(nn: Any) -> Any:
    return nn.Sequential(
        nn.Linear(12, 8, bias=False),
        nn.ReLU(),
        nn.Linear(8, 8),
        nn.ReLU(),
        nn.Linear(8, CLASSES),
    )


def _mlp_adam(nn: Any) -> Any:
    return nn.Sequential(
        nn.Linear(12, 8),
        nn.GELU(),
        nn.LayerNorm(8),
        nn.Linear(8, 8),
        nn.ELU(),
        nn.Dropout(0.5),
        nn.Linear(8, CLASSES),
    )


def _conv_sgd(nn: Any) -> Any:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Conv2d(4, 4, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(64, CLASSES),
    )


def _conv_adam(nn: Any) -> Any:
    return nn.Sequential(
        nn.Conv2d(2, 4, 3),
        nn.BatchNorm2d(4),
        nn.GELU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.25),
        nn.Linear(16, CLASSES),
    )


def _float64(nn: Any) -> Any:
    return nn.Sequential(nn.Linear(12, 8), nn.Tanh(), nn.Linear(8, CLASSES)).double()


_MODELS = {
    "mlp-sgd": _mlp_sgd,
    "mlp-adam": _mlp_adam,
    "conv-sgd": _conv_sgd,
    "conv-adam": _conv_adam,
    "float64": _float64,
}


def _trainer(name: str, model: Any, optim: Any) -> tuple[Any, Any, str]:
    parameters = model.parameters()
    schedulers = optim.lr_scheduler
    if name == "mlp-sgd":
        sgd = optim.SGD(parameters, 0.1, momentum=0.9, weight_decay=0.01)
        return sgd, None, ""
    if name == "mlp-adam":
        adam = optim.Adam(parameters, 1e-2, weight_decay=0.01)
        return adam, schedulers.ExponentialLR(adam, 0.5), "epoch"
    if name == "conv-sgd":
        sgd = optim.SGD(parameters, 0.05, momentum=0.9)
        return sgd, schedulers.StepLR(sgd, 2, 0.1), "step"
    if name == "conv-adam":
        return optim.AdamW(parameters, 1e-2, weight_decay=0.05), None, ""
    return optim.Adam(parameters, 1e-2), None, ""
