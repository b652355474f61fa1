# SPDX-License-Identifier: Apache-2.0
"""Records what PyTorch draws, for tests that run without it.

    python make_goldens.py
    ATEN_CPU_CAPABILITY=default python make_goldens.py

writes ``torch-<version>-<capability>.npz`` beside this file. Run it with each of the
PyTorch releases whose file is here (x86-64 Linux, an Intel processor for those before
2.7, which draw through MKL there). Nothing but PyTorch and NumPy is needed.

A file holds, as JSON, the calls of `flaxnn.random.Generator` that draw the same, each a
method and its arguments, and the bytes that PyTorch drew, one call after the other from
one stream per seed, with the state at the end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

SEEDS = (0, -(2**63) + 5)
SIZES = (0, 1, 2, 5, 15, 16, 17, 40)


def weights_of(n: int, dtype: str) -> list[Any]:
    """Returns n weights with a zero now and then, as a list."""
    return [dtype, [(i * 7 % 5) / 4 for i in range(n)]]


def calls() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields methods of `flaxnn.random.Generator` with their arguments."""
    for n in SIZES:
        for dtype in ("float32", "float64"):
            shape = {"shape": [n], "dtype": dtype}
            yield "rand", shape
            yield "randn", shape
            yield "uniform", {**shape, "low": -0.3, "high": 1.6}
            yield "normal", {**shape, "mean": 0.3, "std": 1.7}
            yield "exponential", {**shape, "lambd": 1.7}
            yield "bernoulli", {**shape, "p": 0.3}
            yield "bernoulli", {"p": [dtype, [0.25] * n]}
            yield "random", shape
            if n > 1:
                weights = {"weights": weights_of(n, dtype)}
                for k, replacement in ((1, True), (1, False), (9, True)):
                    draw = {"num_samples": k, "replacement": replacement}
                    yield "multinomial", {**weights, **draw}
                yield "multinomial", {**weights, "num_samples": n, "replacement": False}
        for low, high in ((-3, 1000), (0, 2**28), (-5, 2**40)):
            yield "randint", {"low": low, "high": high, "shape": [n], "dtype": "int64"}
        yield "randint", {"low": 0, "high": 2**30, "shape": [n], "dtype": "int32"}
        yield "random", {"shape": [n], "dtype": "int64"}
        yield "random", {"shape": [n], "dtype": "uint8"}
        yield "randperm", {"n": n}


def tensor_of(dtype: str, values: list[float]) -> torch.Tensor:
    return torch.tensor(values, dtype=getattr(torch, dtype))


def draw(g: torch.Generator, method: str, a: dict[str, Any]) -> torch.Tensor:
    """Draws with PyTorch what a call of ours draws."""
    if method == "randperm":
        return torch.randperm(a["n"], generator=g)
    if method == "multinomial":
        weights = tensor_of(*a["weights"])
        return torch.multinomial(
            weights, a["num_samples"], a["replacement"], generator=g
        )
    if method == "bernoulli" and isinstance(a["p"], list):
        return torch.bernoulli(tensor_of(*a["p"]), generator=g)
    dtype = getattr(torch, a["dtype"])
    if method == "rand":
        return torch.rand(a["shape"], dtype=dtype, generator=g)
    if method == "randn":
        return torch.randn(a["shape"], dtype=dtype, generator=g)
    if method == "randint":
        low, high = a["low"], a["high"]
        return torch.randint(low, high, a["shape"], dtype=dtype, generator=g)
    empty = torch.empty(a["shape"], dtype=dtype)
    if method == "random":
        return empty.random_(generator=g)
    names = {
        "uniform": ["low", "high"],
        "normal": ["mean", "std"],
        "exponential": ["lambd"],
        "bernoulli": ["p"],
    }
    return getattr(empty, method + "_")(*(a[k] for k in names[method]), generator=g)


def capability() -> str:
    """Returns which of PyTorch's kernels run, in flaxnn's words."""
    return (
        "avx2" if "CPU capability usage: AVX" in torch.__config__.show() else "default"
    )


def main() -> None:
    table = list(calls())
    drawn, types, states = [], [], []
    for seed in SEEDS:
        g = torch.Generator()
        g.manual_seed(seed)
        results = [draw(g, method, arguments).numpy() for method, arguments in table]
        drawn += [np.frombuffer(result.tobytes(), np.uint8) for result in results]
        types = [str(result.dtype) for result in results]
        states.append(g.get_state().numpy())
    version = torch.__version__.split("+")[0]
    about = {
        "torch": version,
        "cpu_capability": capability(),
        "seeds": SEEDS,
        "calls": table,
        "dtypes": types,
    }
    path = Path(__file__).parent / f"torch-{version}-{capability()}.npz"
    np.savez_compressed(
        path,
        about=np.array(json.dumps(about)),
        drawn=np.concatenate(drawn),
        states=np.stack(states),
    )
    print(path.name, path.stat().st_size, "bytes,", len(table), "calls")


if __name__ == "__main__":
    main()
