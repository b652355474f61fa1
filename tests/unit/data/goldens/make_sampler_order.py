# SPDX-License-Identifier: Apache-2.0
"""Writes sampler_order.json: batches and generator states of PyTorch's samplers.

Run it with PyTorch 2.13.0 on CPU: python tests/unit/data/goldens/make_sampler_order.py
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from torch.utils import data

WEIGHTS = [0.1, 0.0, 2.0, 0.7, 0.7, 1.5, 0.3]
# The name of a sampler and its arguments.
SAMPLERS: list[tuple[str, list[Any]]] = [
    ("WeightedRandomSampler", [WEIGHTS, 8]),
    ("WeightedRandomSampler", [WEIGHTS, 1]),
    ("WeightedRandomSampler", [WEIGHTS, 6, False]),
    ("SubsetRandomSampler", [[6, 0, 3, 3, 1]]),
    ("RandomSampler", [[0] * 7, False, 17]),
    ("RandomSampler", [[0] * 7, True, 40]),
    ("SequentialSampler", [[0] * 7]),
]


def state_of(generator: torch.Generator) -> str:
    return hashlib.sha256(generator.get_state().numpy().tobytes()).hexdigest()


def run(name: str, arguments: list[Any], own_seed: int | None) -> dict[str, Any]:
    """Two epochs of a loader with the sampler, and the states after them."""
    torch.manual_seed(2025)
    own = None if own_seed is None else torch.Generator().manual_seed(own_seed)
    given = {} if own is None else {"generator": own}
    sampler = getattr(data, name)(*arguments, **given)
    rows: Any = torch.arange(7)
    loader = data.DataLoader(rows, 3, sampler=sampler)
    return {
        "sampler": name,
        "arguments": arguments,
        "own_seed": own_seed,
        "length": len(loader),
        "batches": [[batch.tolist() for batch in loader] for _ in range(2)],
        "state": state_of(torch.default_generator),
        "own_state": None if own is None else state_of(own),
    }


def main() -> None:
    cases = [
        run(name, arguments, own_seed)
        for name, arguments in SAMPLERS
        for own_seed in (None, 42)
        if own_seed is None or name != "SequentialSampler"
    ]
    version = torch.__version__.partition("+")[0]
    lines = ",\n".join(json.dumps(case) for case in cases)
    path = Path(__file__).with_name("sampler_order.json")
    path.write_text(f'{{"torch": "{version}",\n"cases": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
