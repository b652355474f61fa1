"""Records PyTorch's values and gradients of every call in the table of ops.

Run from the root of a checkout, with PyTorch 2.13.0 for CPU:

    OMP_NUM_THREADS=1 python -m tests.contract.goldens.make_goldens
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from tests.contract import oracle
from tests.contract.ops import CALLS

PATH = Path(__file__).with_name("ops.npz")


def main() -> None:
    """Writes the file."""
    torch.set_num_threads(1)
    arrays = {"torch": np.array(torch.__version__)}
    for op, case in CALLS:
        for dtype in ("float32", "float64"):
            for name, array in oracle.evaluate(op, case, np.dtype(dtype)).items():
                arrays[f"{op.name}/{case.name}/{dtype}/{name}"] = array
    np.savez_compressed(PATH, allow_pickle=False, **arrays)


if __name__ == "__main__":
    main()
