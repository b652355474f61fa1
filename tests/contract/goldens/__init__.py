"""What PyTorch 2.13.0 computed: a file for each family, and the architectures'."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.contract.registry import FAMILIES


def load() -> dict[str, np.ndarray]:
    """Returns all families' arrays; "FAMILY.torch" is the version that made them."""
    goldens: dict[str, np.ndarray] = {}
    for family in FAMILIES:
        with np.load(Path(__file__).with_name(f"{family}.npz")) as file:
            for key in file.files:
                name = f"{family}.torch" if key == "torch" else key
                assert name not in goldens, f"{name} stands in two families"
                goldens[name] = file[key]
    return goldens


def load_digests() -> dict[str, dict[str, str]]:
    """Returns the digest of every architecture's initial state, by seed."""
    path = Path(__file__).with_name("architectures.json")
    return json.loads(path.read_text(encoding="utf-8"))["digests"]
