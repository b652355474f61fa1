"""How fast `flaxnn.fit` is: against PyTorch's eager loop and against a bare scan.

    python benchmarks/fit.py [--data DIR] [--repeats 7] [--threads 1] [--json]

Two runs are measured side by side, each side in turn, after a warm-up in which their
losses are checked to agree; the figures are medians. The bare scan is what a person
would write by hand for this one model, without checks, history in chunks or a data
loader. Without PyTorch its columns are left out; without the Fashion-MNIST files that
run is.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

MULTINOMIAL_STEPS = 10_001
BATCH_SIZE = 64
FASHION_SEED = 866285315


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with fashion_mnist/")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def alternately(
    sides: dict[str, Callable[[], Any]], repeats: int
) -> dict[str, list[float]]:
    """Seconds of each side, one after the other in every round."""
    for run in sides.values():
        run()
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(repeats):
        for name, run in sides.items():
            started = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - started)
    return seconds


def multinomial(repeats: int) -> dict[str, Any]:
    """Document 002's run of 10,001 full-batch steps."""
    import jax
    import jax.numpy as jnp
    import optax

    import flaxnn
    from flaxnn import models, nn, optim
    from flaxnn.data import documents

    x, y = documents.multinomial()
    model = models.SoftmaxRegression(4, 3, rngs=flaxnn.random.Generator(2025))
    start = {k: jnp.asarray(v) for k, v in model.state_dict().items()}

    def ours() -> np.ndarray:
        return flaxnn.fit(
            model,
            (x, y),
            loss=nn.CrossEntropyLoss(),
            optimizer=optim.sgd(lr=0.01),
            steps=MULTINOMIAL_STEPS,
            progress=False,
        ).history["loss"]

    @jax.jit
    def scan(params: Any, x: jax.Array, y: jax.Array) -> tuple[Any, jax.Array]:
        def loss(p: Any) -> jax.Array:
            logits = x @ p["0.weight"].T + p["0.bias"]
            return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()

        def step(p: Any, _: None) -> tuple[Any, jax.Array]:
            value, grads = jax.value_and_grad(loss)(p)
            return jax.tree.map(lambda a, g: a - 0.01 * g, p, grads), value

        return jax.lax.scan(step, params, None, length=MULTINOMIAL_STEPS)

    def bare() -> np.ndarray:
        return np.asarray(scan(start, jnp.asarray(x), jnp.asarray(y))[1])

    sides: dict[str, Callable[[], Any]] = {"fit": ours, "bare scan": bare}
    if eager := torch_multinomial(start, x, y):
        sides["PyTorch eager"] = eager
    return report(sides, repeats, tolerance=1e-4)


def torch_multinomial(
    start: Any, x: np.ndarray, y: np.ndarray
) -> Callable[[], np.ndarray] | None:
    """The document's loop in PyTorch, or None where it is not installed."""
    try:
        import torch
    except ModuleNotFoundError:
        return None
    inputs, labels = torch.from_numpy(x), torch.from_numpy(y)

    def eager() -> np.ndarray:
        model = torch.nn.Sequential(torch.nn.Linear(4, 3))
        model.load_state_dict(
            {k: torch.from_numpy(np.array(v)) for k, v in start.items()}
        )
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        losses = np.zeros(MULTINOMIAL_STEPS, np.float32)
        for k in range(MULTINOMIAL_STEPS):
            loss = torch.nn.CrossEntropyLoss()(model(inputs), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses[k] = loss.item()
        return losses

    return eager


def fashion_epoch(data: Path | None, repeats: int) -> dict[str, Any] | None:
    """One epoch of document 004's model at batch 64, SGD, the data loader included."""
    import jax
    import jax.numpy as jnp
    import optax

    import flaxnn
    from flaxnn import models, nn, optim
    from flaxnn.data import DataLoader, load

    try:
        train = load("fashion_mnist", data_dir=data)
    except FileNotFoundError:
        return None
    model = models.NeuralNetwork(rngs=flaxnn.random.Generator(FASHION_SEED))
    state = {k: jnp.asarray(v) for k, v in model.state_dict().items()}
    names = [f"linear_relu_stack.{k}" for k in (0, 2, 4)]

    def ours() -> np.ndarray:
        loader = DataLoader(
            train,
            BATCH_SIZE,
            shuffle=True,
            rngs=flaxnn.random.Generator(0),
            drop_last=True,
        )
        return flaxnn.fit(
            model,
            loader,
            loss=nn.CrossEntropyLoss(),
            optimizer=optim.sgd(lr=1e-3),
            epochs=1,
            progress=False,
        ).history["loss"]

    images, labels = (jnp.asarray(array) for array in train.arrays)
    loader = DataLoader(
        train.arrays, BATCH_SIZE, shuffle=True, rngs=flaxnn.random.Generator(0)
    )
    batches = len(train) // BATCH_SIZE
    order = loader.epoch().order()[: batches * BATCH_SIZE]
    rows = jnp.asarray(order.reshape(batches, BATCH_SIZE).astype(np.int32))

    @partial(jax.jit, donate_argnums=0)
    def scan(
        params: Any, images: jax.Array, labels: jax.Array, rows: jax.Array
    ) -> tuple[Any, jax.Array]:
        def loss(p: Any, x: jax.Array, y: jax.Array) -> jax.Array:
            for name in names:
                x = jax.nn.relu(x @ p[f"{name}.weight"].T + p[f"{name}.bias"])
            return optax.softmax_cross_entropy_with_integer_labels(x, y).mean()

        def step(p: Any, batch: jax.Array) -> tuple[Any, jax.Array]:
            x = images[batch].reshape(BATCH_SIZE, -1).astype(jnp.float32) / 255
            value, grads = jax.value_and_grad(loss)(p, x, labels[batch])
            return jax.tree.map(lambda a, g: a - 1e-3 * g, p, grads), value

        return jax.lax.scan(step, params, rows)

    def bare() -> np.ndarray:
        params = jax.tree.map(jnp.copy, state)
        return np.asarray(scan(params, images, labels, rows)[1])

    return report({"fit": ours, "bare scan": bare}, repeats, tolerance=1e-4)


def report(
    sides: dict[str, Callable[[], np.ndarray]], repeats: int, tolerance: float
) -> dict[str, Any]:
    """Medians and ratios to `fit`, once the losses are seen to agree."""
    losses = {name: run() for name, run in sides.items()}
    for name, values in losses.items():
        difference = float(np.abs(values - losses["fit"]).max())
        if not difference <= tolerance:
            raise SystemExit(f"{name} computes other losses: {difference} apart")
    seconds = alternately(sides, repeats)
    rounds = zip(*seconds.values(), strict=True)
    ratios = [[other / row[0] for other in row] for row in rounds]
    return {
        name: {
            "median_s": statistics.median(seconds[name]),
            "min_s": min(seconds[name]),
            "max_s": max(seconds[name]),
            "times_fit": statistics.median(row[k] for row in ratios),
        }
        for k, name in enumerate(sides)
    }


def machine(threads: int) -> dict[str, Any]:
    import jax

    versions: dict[str, Any] = {"jax": jax.__version__, "numpy": np.__version__}
    try:
        import torch

        versions["torch"] = torch.__version__
        versions["torch threads"] = torch.get_num_threads()
    except ModuleNotFoundError:
        versions["torch"] = "not installed"
    return {
        **versions,
        "jax threads": threads,
        "device": jax.devices()[0].device_kind,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "processor": processor(),
    }


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2] for line in lines if line.startswith("model name")]
    return names[0].strip() if names else platform.machine()


def pin(threads: int) -> None:
    """Gives both sides as many threads; XLA takes as many as it may run on."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def main() -> None:
    options = arguments()
    pin(options.threads)
    results = {"multinomial": multinomial(options.repeats)}
    if epoch := fashion_epoch(options.data, options.repeats):
        results["fashion-mnist epoch"] = epoch
    full = {"machine": machine(options.threads), "results": results}
    if options.json:
        print(json.dumps(full, indent=1))
        return
    print(", ".join(f"{key} {value}" for key, value in full["machine"].items()))
    for name, sides in results.items():
        print(f"\n{name}")
        for side, row in sides.items():
            print(
                f"  {side:14s} {1e3 * row['median_s']:9.1f} ms "
                f"({1e3 * row['min_s']:.1f} to {1e3 * row['max_s']:.1f}), "
                f"{row['times_fit']:.2f} × fit"
            )
        beyond = 1e3 * (sides["fit"]["median_s"] - sides["bare scan"]["median_s"])
        print(f"  fit beyond the bare scan: {beyond:.1f} ms")


if __name__ == "__main__":
    main()
