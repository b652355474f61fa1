# SPDX-License-Identifier: Apache-2.0
"""Writes loader_order.json: batches and generator states of PyTorch's DataLoader.

Run it with PyTorch 2.13.0 on CPU: python tests/unit/data/goldens/make_loader_order.py
"""

from __future__ import annotations

import hashlib
import itertools
import json
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader

# A shuffled and an unshuffled loader on the global stream and on one of its own, with
# rows that fill the last batch and rows that do not, whole epochs and broken-off ones.
CASES: list[dict[str, Any]] = [
    {
        "seed": 2025 + number,
        "own_seed": own_seed,
        "rows": rows,
        "batch_size": batch_size,
        "shuffle": shuffle,
        "drop_last": drop_last,
        "stop_after": stop_after,
        "epochs": 3,
    }
    for number, (
        own_seed,
        shuffle,
        (rows, batch_size, drop_last, stop_after),
    ) in enumerate(
        itertools.product(
            [None, 42],
            [True, False],
            [
                (7, 3, False, None),
                (7, 3, True, None),
                (6, 3, False, None),
                (6, 3, True, None),
                (2, 5, True, None),
                (7, 3, False, 1),
                (6, 3, False, 2),
                (7, 3, False, 3),
                (1, 1, False, None),
            ],
        )
    )
]
# Sizes too long to print: the order's SHA-256 stands for it.
LARGE = [(0, 1000), (2**63, 4096), (-1, 60_000)]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def state_of(generator: torch.Generator) -> str:
    return sha256(generator.get_state().numpy().tobytes())


def run(case: dict[str, Any]) -> dict[str, Any]:
    torch.manual_seed(case["seed"])
    own = None
    if case["own_seed"] is not None:
        own = torch.Generator().manual_seed(case["own_seed"])
    loader = DataLoader(
        torch.arange(case["rows"]),  # pyright: ignore[reportArgumentType]
        case["batch_size"],
        shuffle=case["shuffle"],
        drop_last=case["drop_last"],
        generator=own,
    )
    epochs = [
        [batch.tolist() for batch in itertools.islice(loader, case["stop_after"])]
        for _ in range(case["epochs"])
    ]
    return {
        **case,
        "batches": epochs,
        "length": len(loader),
        "state": state_of(torch.default_generator),
        "own_state": None if own is None else state_of(own),
    }


def run_large(seed: int, rows: int) -> dict[str, Any]:
    torch.manual_seed(seed)
    data: Any = torch.arange(rows)
    loader = DataLoader(data, rows, shuffle=True)
    orders = [sha256(next(iter(loader)).numpy().tobytes()) for _ in range(2)]
    return {"seed": seed, "rows": rows, "orders": orders}


def main() -> None:
    golden = {
        "torch": torch.__version__.partition("+")[0],
        "cases": [run(case) for case in CASES],
        "large": [run_large(seed, rows) for seed, rows in LARGE],
    }
    path = Path(__file__).with_name("loader_order.json")
    cases = ",\n".join(json.dumps(case) for case in golden["cases"])
    large = ",\n".join(json.dumps(case) for case in golden["large"])
    path.write_text(
        f'{{"torch": "{golden["torch"]}",\n"cases": [\n{cases}\n],\n'
        f'"large": [\n{large}\n]}}\n'
    )


if __name__ == "__main__":
    main()
