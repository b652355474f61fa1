# SPDX-License-Identifier: Apache-2.0
"""Makes the small files that the tests of `interop.load` read, with PyTorch 2.13.0.

Run `python -m tests.unit.interop.make_files`; the values are in `test_load.py`.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import safetensors.torch
import torch

FILES = Path(__file__).parent / "files"


def checkpoint() -> dict:
    """A checkpoint with tied weights, views, a Parameter and nesting."""
    weight = torch.arange(6, dtype=torch.float32).reshape(2, 3)
    return {
        "model": OrderedDict(
            {
                "embed.weight": weight,
                "head.weight": weight,
                "head.bias": torch.nn.Parameter(torch.tensor([0.5, -0.5]).double()),
                "steps": torch.tensor(7),
            }
        ),
        "views": [weight.T, weight[1], weight[0, 1].expand(4), weight[:0]],
        "narrow": torch.tensor([1.0, -2.0]).bfloat16(),
        "mask": torch.tensor([True, False]),
        "phase": torch.tensor([1 + 2j, 3 - 4j], dtype=torch.complex64).conj(),
        "epoch": 3,
        "name": "run",
        "lr": [0.1, 0.01],
    }


def main() -> None:
    """Writes the files."""
    torch.save(checkpoint(), FILES / "zip.pt")
    torch.save(checkpoint(), FILES / "zip_protocol4.pt", pickle_protocol=4)
    torch.save(checkpoint(), FILES / "old.pt", _use_new_zipfile_serialization=False)
    narrow = {
        "e4m3": torch.tensor([0.5, -448.0]).to(torch.float8_e4m3fn),
        "u32": torch.tensor([1, 2**32 - 1], dtype=torch.int64).to(torch.uint32),
    }
    torch.save(narrow, FILES / "newer_dtypes.pt")
    safetensors.torch.save_file(
        {**narrow, "half": torch.tensor([[1.5], [2.5]]).half()},
        FILES / "plain.safetensors",
        metadata={"format": "pt"},
    )


if __name__ == "__main__":
    main()
