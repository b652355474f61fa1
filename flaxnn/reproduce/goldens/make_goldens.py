# SPDX-License-Identifier: Apache-2.0
"""Runs PyTorch once more and writes the goldens of this folder.

    python flaxnn/reproduce/goldens/make_goldens.py [--data DIR] [NAME ...]

Needs torch==2.13.0, scikit-learn and, for the Fashion-MNIST goldens, a folder with
the four IDX files. A golden is a safetensors file: the losses of a PyTorch run, the
noise floor beside them, and a few results; its metadata say how it was made.

The noise floor is how far PyTorch's own variants of the run lie apart: 1 and 2
threads; default, AVX2 and AVX512 capability; initial weights moved by one ulp. Each
variant is a process of its own that starts from the same initial weights and sees the
same batches. The floor at a step is the largest distance between any two variants up
to that step.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

HERE = Path(__file__).parent
FASHION_SEED = 866285315
FASHION_SIZE = {"train": 60000, "t10k": 10000}
# Entries of each parameter tensor that a golden keeps, evenly spaced.
SAMPLE = 64

Arrays = dict[str, np.ndarray]
Tensors = dict[str, torch.Tensor]

# Threads, ATEN_CPU_CAPABILITY, and the seed of the weights' moves by one ulp.
VARIANTS: dict[str, tuple[int, str, int | None]] = {
    "1 thread": (1, "", None),
    "2 threads": (2, "", None),
    "1 thread, default": (1, "default", None),
    "1 thread, avx2": (1, "avx2", None),
    "1 thread, avx512": (1, "avx512", None),
    "2 threads, avx2": (2, "avx2", None),
    **{f"1 thread, one ulp, seed {k}": (1, "", k) for k in range(6)},
}


class NeuralNetwork(nn.Module):
    """The model of document 004, with or without the ReLU on its logits."""

    def __init__(self, final_relu: bool = True) -> None:
        super().__init__()
        self.flatten: nn.Flatten = nn.Flatten()
        self.linear_relu_stack: nn.Sequential = nn.Sequential(
            nn.Linear(784, 512),
            nn.ReLU(),
            nn.Linear(512, 512),
            nn.ReLU(),
            nn.Linear(512, 10),
            *([nn.ReLU()] if final_relu else []),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear_relu_stack(self.flatten(x))


class SimpleMultiClassModel(nn.Module):
    """The model of documents 000 and 001."""

    def __init__(self) -> None:
        super().__init__()
        self.fc: nn.Linear = nn.Linear(5, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(x)


def steps(
    model: nn.Module,
    batches: Iterable[tuple[torch.Tensor, torch.Tensor]],
    optimizer: torch.optim.Optimizer,
) -> np.ndarray:
    """The loop that every document writes, with cross entropy."""
    losses = []
    for x, y in batches:
        loss = nn.CrossEntropyLoss()(model(x), y)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return np.array(losses)


def weights(model: nn.Module) -> Arrays:
    return {name: p.detach().numpy().copy() for name, p in model.named_parameters()}


def sampled(model: nn.Module) -> Arrays:
    """Evenly spaced entries of each parameter, and each one's largest magnitude."""
    out = {}
    for name, array in weights(model).items():
        flat = array.ravel()
        out[name] = flat[np.linspace(0, flat.size - 1, SAMPLE).astype(int)]
        out[f"{name}.max"] = np.abs(flat).max()
    return out


def sha256(array: np.ndarray) -> np.ndarray:
    digest = hashlib.sha256(np.ascontiguousarray(array).tobytes()).digest()
    return np.frombuffer(digest, np.uint8)


# --- wine: the exercise of document 002 ----------------------------------------------


def wine(data: Path | None) -> Tensors:
    from sklearn.datasets import load_wine
    from sklearn.model_selection import train_test_split

    x, y = load_wine(return_X_y=True)
    x_train, x_test, y_train, y_test = map(
        np.asarray, train_test_split(x, y, test_size=0.3, random_state=0)
    )
    mean, std = x_train.mean(axis=0), x_train.std(axis=0)
    return {
        "x": torch.FloatTensor((x_train - mean) / std),
        "y": torch.LongTensor(y_train),
        "x_test": torch.FloatTensor((x_test - mean) / std),
        "y_test": torch.LongTensor(y_test),
    }


def train_wine(model: nn.Module, t: Tensors) -> Arrays:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    losses = steps(model, ((t["x"], t["y"]) for _ in range(1001)), optimizer)
    logits = model(t["x_test"]).detach()
    correct = (logits.argmax(1) == t["y_test"]).sum()
    return {
        "losses": losses,
        "logits": logits.numpy(),
        "correct": correct.numpy(),
        **weights(model),
    }


# --- output-layer-2: document 001, which prints no seed; both sides start from seed 0 -


def output_layer(data: Path | None) -> Tensors:
    return {"x": torch.randn(4, 5), "y": torch.tensor([0, 2, 1, 0])}


def train_output_layer(model: nn.Module, t: Tensors) -> Arrays:
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    losses = steps(model, ((t["x"], t["y"]) for _ in range(10)), optimizer)
    # The last cell: raw outputs as class probabilities, gradients through both.
    optimizer.zero_grad()
    outputs = model(t["x"])
    loss = nn.CrossEntropyLoss()(outputs, outputs)
    loss.backward()
    optimizer.step()
    return {"losses": np.append(losses, loss.item()), **weights(model)}


# --- Fashion-MNIST: the model of document 004, trained -------------------------------


def read_idx(path: Path) -> np.ndarray:
    raw = gzip.decompress(path.read_bytes())
    ndim = raw[3]
    shape = np.frombuffer(raw, ">u4", ndim, 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * ndim).reshape(shape)


def plain_logits() -> nn.Module:
    return NeuralNetwork(final_relu=False)


def fashion(data: Path | None) -> Tensors:
    if data is None:
        raise SystemExit("the Fashion-MNIST goldens need --data DIR")
    tensors = {}
    for split, x, y in (("train", "x", "y"), ("t10k", "x_test", "y_test")):
        images = read_idx(data / f"{split}-images-idx3-ubyte.gz")
        labels = read_idx(data / f"{split}-labels-idx1-ubyte.gz")
        assert len(images) == FASHION_SIZE[split]
        # ToTensor: to float32, then a true division.
        tensors[x] = torch.from_numpy(images.copy()).float().div(255)
        tensors[y] = torch.from_numpy(labels.astype(np.int64))
    return tensors


def loader(t: Tensors) -> DataLoader[tuple[torch.Tensor, ...]]:
    return DataLoader(TensorDataset(t["x"], t["y"]), batch_size=64, shuffle=True)


def epochs(t: Tensors, count: int) -> Iterable[tuple[torch.Tensor, torch.Tensor]]:
    batches = loader(t)
    for _ in range(count):
        yield from batches


def train_fashion(
    make: Callable[..., torch.optim.Optimizer], count: int
) -> Callable[[nn.Module, Tensors], Arrays]:
    def train(model: nn.Module, t: Tensors) -> Arrays:
        initial = np.concatenate([p.ravel() for p in weights(model).values()])
        losses = steps(model, epochs(t, count), make(model.parameters(), lr=1e-3))
        state = torch.get_rng_state().numpy()
        with torch.no_grad():
            predicted = model(t["x_test"]).argmax(1)
        return {
            "losses": losses,
            "correct": (predicted == t["y_test"]).sum().numpy(),
            "initial_sha256": sha256(initial),
            "generator_state": state,
            **sampled(model),
        }

    return train


def train_float64(model: nn.Module, t: Tensors) -> Arrays:
    """200 steps of SGD and of Adam in float64, from the same float32 weights."""
    start, state = weights(model), torch.get_rng_state()
    t = {**t, "x": t["x"].double()}
    out = {}
    for name, make in (("sgd", torch.optim.SGD), ("adam", torch.optim.Adam)):
        torch.set_rng_state(state)
        double = NeuralNetwork().double()
        double.load_state_dict({k: torch.from_numpy(v) for k, v in start.items()})
        torch.set_rng_state(state)
        first = (b for b, _ in zip(epochs(t, 1), range(200), strict=False))
        losses = steps(double, first, make(double.parameters(), lr=1e-3))
        out[f"{name}.losses"] = losses
        out.update({f"{name}.{k}": v for k, v in sampled(double).items()})
    return out


# --- the goldens ---------------------------------------------------------------------


@dataclass(frozen=True)
class Golden:
    """How a golden is made."""

    seed: int
    model: Callable[[], nn.Module]
    data: Callable[[Path | None], Tensors]
    train: Callable[[nn.Module, Tensors], Arrays]
    # Results that have a noise floor of their own, besides the losses.
    held: tuple[str, ...] = ()
    floor: bool = True


GOLDENS = {
    "wine": Golden(
        2025,
        lambda: nn.Sequential(nn.Linear(13, 3)),
        wine,
        train_wine,
        held=("logits", "0.weight", "0.bias"),
    ),
    "output_layer_2": Golden(
        0,
        SimpleMultiClassModel,
        output_layer,
        train_output_layer,
        held=("fc.weight", "fc.bias"),
    ),
    "fashion_mnist_sgd": Golden(
        FASHION_SEED, NeuralNetwork, fashion, train_fashion(torch.optim.SGD, 5)
    ),
    "fashion_mnist_sgd_logits": Golden(
        FASHION_SEED, plain_logits, fashion, train_fashion(torch.optim.SGD, 5)
    ),
    "fashion_mnist_adam": Golden(
        FASHION_SEED, NeuralNetwork, fashion, train_fashion(torch.optim.Adam, 1)
    ),
    "fashion_mnist_float64": Golden(
        FASHION_SEED, NeuralNetwork, fashion, train_float64, floor=False
    ),
}


def moved(array: np.ndarray, seed: int | None) -> np.ndarray:
    """Weights moved by one unit in the last place, each up or down by chance."""
    if seed is None:
        return array
    up = np.random.default_rng(seed).random(array.shape) < 0.5
    towards = np.where(up, np.inf, -np.inf).astype(array.dtype)
    return np.nextafter(array, towards)


def prepare(golden: Golden, data: Path | None, path: Path) -> None:
    """Writes what every variant starts from: weights, data, generator."""
    torch.manual_seed(golden.seed)
    model = golden.model()
    tensors = golden.data(data)
    arrays = {f"param.{k}": v for k, v in weights(model).items()}
    arrays.update({f"data.{k}": v.numpy() for k, v in tensors.items()})
    arrays["generator"] = torch.get_rng_state().numpy()
    save_file(arrays, path)


def run_variant(name: str, prepared: Path, out: Path, seed: int | None) -> None:
    """In a process of its own: one variant of a run."""
    golden, arrays = GOLDENS[name], load_file(prepared)
    model = golden.model()
    model.load_state_dict(
        {
            k.removeprefix("param."): torch.from_numpy(moved(v, seed))
            for k, v in arrays.items()
            if k.startswith("param.")
        }
    )
    tensors = {
        k.removeprefix("data."): torch.from_numpy(v)
        for k, v in arrays.items()
        if k.startswith("data.")
    }
    torch.set_rng_state(torch.from_numpy(arrays["generator"]))
    result = golden.train(model, tensors)
    save_file({k: np.ascontiguousarray(v) for k, v in result.items()}, out)


def make(name: str, data: Path | None) -> None:
    """Runs all variants of one golden and writes it."""
    golden = GOLDENS[name]
    names = list(VARIANTS) if golden.floor else ["1 thread"]
    results: dict[str, Arrays] = {}
    with tempfile.TemporaryDirectory() as folder:
        prepared, out = Path(folder, "prepared"), Path(folder, "out")
        torch.set_num_threads(1)
        prepare(golden, data, prepared)
        for variant in names:
            threads, capability, seed = VARIANTS[variant]
            environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
            environment |= {"ATEN_CPU_CAPABILITY": capability} if capability else {}
            command = [sys.executable, __file__, "--variant", name, prepared, out, seed]
            subprocess.run(list(map(str, command)), env=environment, check=True)
            results[variant] = load_file(out)
            print(f"{name}: {variant}", flush=True)
    arrays = dict(results["1 thread"])
    if golden.floor:
        losses = np.stack([result["losses"] for result in results.values()])
        spread = np.maximum.accumulate(np.ptp(losses, axis=0))
        # How far each variant ends up from the first, for whoever wants to know.
        arrays["distance_of_variants"] = np.abs(losses - losses[0]).max(axis=1)
        arrays["losses"] = losses[0].astype(np.float32)
        arrays["noise_floor"] = spread.astype(np.float32)
        for key in golden.held:
            stacked = np.stack([result[key] for result in results.values()])
            arrays[f"{key}.noise_floor"] = np.ptp(stacked, axis=0).max()
        if "correct" in arrays:
            correct = [result["correct"].item() for result in results.values()]
            arrays["correct_of_variants"] = np.array(correct)
    metadata = {
        "torch": torch.__version__,
        "capability": torch.backends.cpu.get_cpu_capability(),
        "variants": "; ".join(names),
        "made_by": Path(__file__).name,
    }
    path = HERE / f"{name}.safetensors"
    kept = {k: np.ascontiguousarray(v) for k, v in arrays.items()}
    save_file(kept, path, metadata=metadata)
    path.chmod(0o644)
    print(f"{path.name}: {path.stat().st_size} bytes", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(GOLDENS))
    parser.add_argument("--data", type=Path, help="folder with the IDX files")
    parser.add_argument("--variant", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.variant:
        name, prepared, out, seed = arguments.variant
        moves = None if seed == "None" else int(seed)
        run_variant(name, Path(prepared), Path(out), moves)
        return
    for name in arguments.names or GOLDENS:
        make(name, arguments.data)


if __name__ == "__main__":
    main()
