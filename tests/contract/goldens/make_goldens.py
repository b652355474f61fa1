# SPDX-License-Identifier: Apache-2.0
"""Records what PyTorch makes of everything in the tables.

Run from the root of a checkout, with PyTorch 2.13.0 for CPU, for all families and the
architectures, or for those that are named:

    OMP_NUM_THREADS=1 python -m tests.contract.goldens.make_goldens [FAMILY ...]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from tests.contract import oracle, scheduler_oracle
from tests.contract.architectures import ARCHITECTURES, SEEDS
from tests.contract.initializer import RECORDED_SEED
from tests.contract.optimizer import recorded
from tests.contract.registry import FAMILIES

DTYPES = ("float32", "float64")


def record(family: ModuleType) -> dict[str, np.ndarray]:
    """Returns the arrays of a family by key."""
    arrays = {"torch": np.array(torch.__version__)}
    for op in getattr(family, "OPS", ()):
        for case in op.cases:
            for dtype in DTYPES:
                for name, array in oracle.evaluate(op, case, np.dtype(dtype)).items():
                    arrays[f"{op.name}/{case.name}/{dtype}/{name}"] = array
    for layer in getattr(family, "LAYERS", ()):
        for case in layer.cases:
            key = f"nn.{layer.name}/{case.name}"
            arrays[f"{key}/repr"] = np.array(repr(oracle.build(layer, case)))
            for name, array in oracle.initial(layer, case).items():
                arrays[f"{key}/initial/{name}"] = array
            for dtype in DTYPES:
                results = oracle.evaluate_layer(layer, case, np.dtype(dtype))
                for name, array in results.items():
                    arrays[f"{key}/{dtype}/{name}"] = array
    for initializer in getattr(family, "INITIALIZERS", ()):
        for case in initializer.cases:
            key = f"init.{initializer.name}/{case.name}"
            for dtype in initializer.dtypes:
                drawn = oracle.draw(initializer, case, RECORDED_SEED, dtype)
                arrays[f"{key}/{dtype}"] = drawn.recorded()
                if drawn.warned:
                    arrays[f"{key}/warned"] = np.array(drawn.warned)
    for optimizer in getattr(family, "OPTIMIZERS", ()):
        for case in optimizer.cases:
            key = f"optim.{optimizer.name}/{case.name}"
            for dtype in DTYPES:
                for name, array in recorded(oracle.run(optimizer, case, dtype)).items():
                    arrays[f"{key}/{dtype}/{name}"] = array
    for optimizer in getattr(family, "CLOSURE_OPTIMIZERS", ()):
        for case in optimizer.cases:
            made = oracle.minimize(optimizer, case, "float64")
            for name, array in made.items():
                arrays[f"optim.{optimizer.name}/{case.name}/{name}"] = array
    for scheduler in getattr(family, "SCHEDULERS", ()):
        for case in scheduler.cases:
            key = f"lr_scheduler.{scheduler.name}/{case.name}"
            for name, array in scheduler_oracle.step(scheduler, case).items():
                arrays[f"{key}/{name}"] = array
    return arrays


def record_architectures() -> dict[str, Any]:
    """Returns a digest of each initial state, by architecture and seed."""
    digests = {
        name: {
            str(seed): oracle.initial_architecture(name, seed).digest()
            for seed in SEEDS
        }
        for name in ARCHITECTURES
    }
    return {"torch": torch.__version__, "digests": digests}


def main() -> None:
    """Writes a file for each family, and one for the architectures."""
    torch.set_num_threads(1)
    for name in sys.argv[1:] or (*FAMILIES, "architectures"):
        path = Path(__file__).with_name(f"{name}.npz")
        if name == "architectures":
            text = json.dumps(record_architectures(), indent=1)
            path.with_suffix(".json").write_text(f"{text}\n", encoding="utf-8")
            continue
        np.savez_compressed(path, allow_pickle=False, **record(FAMILIES[name]))


if __name__ == "__main__":
    main()
