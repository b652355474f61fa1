# SPDX-License-Identifier: Apache-2.0
"""Compiles the training step and the scanned chunk for accelerators that are not here.

    python benchmarks/aot.py [--target NAME]... [--json] [--output FILE]

The model is Fashion-MNIST's 784-512-512-10, trained with SGD in batches of 64. The
chunk is `run_chunk` as `fit` calls it: an epoch over the data set on the device. XLA's
compilers for TPU and for NVIDIA GPUs run on any x86-64 Linux machine. Checked are the
precision of every dot, that nothing is float64, that the state's memory is used again,
and that devices which share a batch talk once for each step. Exits with 1 when a check
fails, else with 2 when a compiler is not installed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib import metadata, util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from jax.sharding import Mesh

FAILED, MISSING = 1, 2
SAMPLES, BATCH, STEPS = 60_000, 64, 938
COLLECTIVES = (
    "all-reduce",
    "all-gather",
    "all-to-all",
    "collective-permute",
    "reduce-scatter",
)
# Read when JAX or libtpu is loaded. libtpu must not ask a cloud which chips are here,
# and programs for other processors do not belong into the persistent cache.
ENVIRONMENT = {
    "JAX_PLATFORMS": "cpu",
    "JAX_ENABLE_COMPILATION_CACHE": "false",
    "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",
    "TPU_ACCELERATOR_TYPE": "v5litepod-4",
    "TPU_LOG_DIR": "disabled",
    "TPU_SKIP_MDS_QUERY": "1",
    "TPU_WORKER_HOSTNAMES": "localhost",
    "TPU_WORKER_ID": "0",
}
# What NVIDIA's data sheet and CUDA's table of compute capability 9.0 say of an H100.
H100 = {
    "gpu_device_info": {
        "cuda_compute_capability": {"major": 9, "minor": 0},
        "core_count": 132,
        "fpus_per_core": 128,
        "clock_rate_ghz": 1.98,
        "device_memory_size": 80 << 30,
        "memory_bandwidth": 3_352_320_000_000,
        "l2_cache_size": 50 << 20,
        "threads_per_warp": 32,
        "threads_per_block_limit": 1024,
        "threads_per_core_limit": 2048,
        "registers_per_block_limit": 1 << 16,
        "registers_per_core_limit": 1 << 16,
        "shared_memory_per_block": 48 << 10,
        "shared_memory_per_block_optin": 227 << 10,
        "shared_memory_per_core": 228 << 10,
        "block_dim_limit_x": 2**31 - 1,
        "block_dim_limit_y": 65_535,
        "block_dim_limit_z": 65_535,
    },
    "platform_name": "CUDA",
    "runtime_version": {"major": 12, "minor": 8},
    "dnn_version_info": {"major": 9, "minor": 8},
    "device_description_str": "NVIDIA H100 80GB HBM3",
}


@dataclass(frozen=True)
class Target:
    """Devices to compile for.

    Attributes:
        what: What a person calls them.
        devices: How many share a batch.
        compiler: The module that holds the compiler.
        packages: What has it, to be installed in JAX's version.
        options: What describes the devices to JAX.
    """

    what: str
    devices: int
    compiler: str
    packages: tuple[str, ...]
    options: dict[str, Any]

    @property
    def missing(self) -> str | None:
        """How to install the compiler, if it is not."""
        try:
            if util.find_spec(self.compiler) is not None:
                return None
        except ModuleNotFoundError:
            pass
        version = metadata.version("jax")
        names = " ".join(f'"{name}=={version}"' for name in self.packages)
        return f"the compiler for {self.what} is not installed: pip install {names}"

    def mesh(self) -> Mesh:
        """The devices as a mesh of one axis."""
        from jax.experimental import topologies
        from jax.sharding import AxisType, Mesh

        devices = topologies.get_topology_desc(**self.options).devices
        return Mesh(devices, ("data",), axis_types=(AxisType.Auto,))


def tpu(what: str, devices: int, name: str, **options: Any) -> Target:
    """Chips of a TPU slice, whose compiler is in libtpu."""
    options |= {"topology_name": name, "platform": "tpu"}
    return Target(what, devices, "libtpu", ("jax[tpu]",), options)


def h100(what: str, devices: int) -> Target:
    """H100s of one host, whose compiler is in JAX's plugin."""
    options = {
        "topology_name": "h100",
        "platform": "cuda",
        "target_config": text_proto(H100),
        "topology": f"1x1x{devices}",
    }
    packages = ("jax-cuda12-pjrt", "jax-cuda12-plugin")
    return Target(what, devices, "jax_plugins.xla_cuda12", packages, options)


def text_proto(value: Any) -> str:
    """A value of Protocol Buffers as text."""
    if not isinstance(value, dict):
        return f'"{value}"' if isinstance(value, str) else str(value)
    fields = (
        f"{name} {{ {text_proto(part)} }}"
        if isinstance(part, dict)
        else f"{name}: {text_proto(part)}"
        for name, part in value.items()
    )
    return " ".join(fields)


TARGETS = {
    "tpu-v5e": tpu("one TPU v5e chip", 1, "v5e:1x1", chips_per_host_bounds=[1, 1, 1]),
    "tpu-v5e-2x2": tpu("a TPU v5e 2x2", 4, "v5e:2x2"),
    "cuda": h100("one H100", 1),
    "cuda-x4": h100("four H100", 4),
}


@dataclass(frozen=True)
class Program:
    """A compiled program's facts.

    Attributes:
        name: ``"step"`` or ``"chunk"``.
        compile_seconds: What XLA took.
        dots: Matrix products.
        highest: How many of them ask for HIGHEST precision on both sides.
        float64: Whether anything is float64.
        collectives: Each operation between devices.
        state_bytes: The training state's size.
        alias_bytes: How much of the arguments' memory the results are written to.
        argument_bytes: The arguments' size on each device.
        temporary_bytes: Memory for what lies in between.
        flops: Operations of one step on each device; None where XLA does not say.
    """

    name: str
    compile_seconds: float
    dots: int
    highest: int
    float64: bool
    collectives: list[str]
    state_bytes: int
    alias_bytes: int
    argument_bytes: int
    temporary_bytes: int
    flops: float | None

    def checks(self, devices: int) -> dict[str, bool]:
        """What has to hold of it, and whether it does."""
        shared = ["all-reduce"] if devices > 1 else []
        return {
            "HIGHEST on every dot": 0 < self.dots == self.highest,
            "no float64": not self.float64,
            "the state is donated": self.alias_bytes >= self.state_bytes > 0,
            "one all-reduce per step" if shared else "no communication": (
                self.collectives == shared
            ),
        }


def programs(target: Target) -> list[Program]:
    """Compiles the step and the chunk."""
    import jax
    import numpy as np
    from jax.sharding import NamedSharding, PartitionSpec

    from flaxnn import models, nn, optim
    from flaxnn._counted import whole_labels
    from flaxnn.data import pixel_table
    from flaxnn.random import Generator
    from flaxnn.training import TrainState, make_train_step
    from flaxnn.training._loop import run_chunk
    from flaxnn.training._placement import Placement

    mesh = target.mesh()
    placement = Placement(mesh if target.devices > 1 else None)

    def on_mesh(array: Any, *spec: str) -> jax.ShapeDtypeStruct:
        sharding = NamedSharding(mesh, PartitionSpec(*spec))
        return jax.ShapeDtypeStruct(array.shape, array.dtype, sharding=sharding)

    def of(dtype: Any, *shape: int) -> np.ndarray:
        return np.broadcast_to(np.zeros((), dtype), shape)

    model = models.NeuralNetwork(rngs=Generator(0))
    optimizer = optim.sgd(lr=1e-3)
    step = make_train_step(model, nn.CrossEntropyLoss(), optimizer)
    start = TrainState.create(model, optimizer)
    state, on_step = jax.tree.map(on_mesh, (start, step))

    def one_step(step: Any, state: Any, batch: Any) -> Any:
        with whole_labels(target.devices > 1):
            return step(state, placement.batch(batch, None))

    images, labels = of(np.float32, BATCH, 28, 28), of(np.int32, BATCH)
    batch = on_mesh(images, "data"), on_mesh(labels)
    data = of(np.uint8, SAMPLES, 28, 28), of(np.int32, SAMPLES)
    rows = of(np.int32, STEPS, BATCH)
    inputs = jax.tree.map(on_mesh, (data, pixel_table(), rows))
    lowered = {
        "step": jax.jit(one_step, donate_argnums=1).lower(on_step, state, batch),
        "chunk": run_chunk.lower(
            on_step,
            state,
            *inputs,
            ((), ()),
            STEPS,
            capacity=STEPS,
            placement=placement,
        ),
    }
    size = sum(leaf.nbytes for leaf in jax.tree.leaves(start))
    return [compiled(name, program, size) for name, program in lowered.items()]


def compiled(name: str, lowered: Any, state_bytes: int) -> Program:
    """Compiles a program and reads what came out."""
    start = time.perf_counter()
    program = lowered.compile()
    seconds = time.perf_counter() - start
    written = lowered.as_text()
    dots = [line for line in written.splitlines() if "stablehlo.dot_general" in line]
    memory = program.memory_analysis()
    operations = "|".join(COLLECTIVES)
    return Program(
        name=name,
        compile_seconds=round(seconds, 2),
        dots=len(dots),
        highest=sum("precision = [HIGHEST, HIGHEST]" in dot for dot in dots),
        float64=re.search(r"\bf64\b|xf64>", written) is not None,
        # Asynchronous ones have a start and an end.
        collectives=re.findall(rf" ({operations})(?:-start)?\(", program.as_text()),
        state_bytes=state_bytes,
        alias_bytes=memory.alias_size_in_bytes,
        argument_bytes=memory.argument_size_in_bytes,
        temporary_bytes=memory.temp_size_in_bytes,
        flops=(program.cost_analysis() or {}).get("flops"),
    )


def show(target: Target, found: list[Program], console: Console) -> None:
    table = Table(
        f"[bold]{target.what}[/bold]", box=None, header_style="dim", pad_edge=False
    )
    for program in found:
        table.add_column(program.name, justify="right")

    def row(name: str, values: Iterable[str]) -> None:
        table.add_row(name, *values)

    for check in found[0].checks(target.devices):
        held = (program.checks(target.devices)[check] for program in found)
        row(check, ("[green]✓[/green]" if ok else "[red]✗[/red]" for ok in held))
    row("compilation", (f"{p.compile_seconds:.1f} s" for p in found))
    row("dots", (str(p.dots) for p in found))
    row("collectives", (", ".join(p.collectives) or "none" for p in found))
    for name in ("state", "alias", "argument", "temporary"):
        sizes = (getattr(p, f"{name}_bytes") / 1e6 for p in found)
        row(f"{name} memory", (f"{size:.2f} MB" for size in sizes))
    flops = (p.flops for p in found)
    row("operations", ("–" if f is None else f"{f / 1e6:.1f} M" for f in flops))
    console.print(table)
    console.print()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    names = ["all", *TARGETS]
    add(
        "--target", action="append", choices=names, help="repeatable; all when left out"
    )
    add("--json", action="store_true", help="print one JSON object")
    add("--output", type=Path, metavar="FILE", help="write the JSON there too")
    options = parser.parse_args()
    asked = options.target or ["all"]
    options.target = list(TARGETS) if "all" in asked else list(dict.fromkeys(asked))
    return options


def main() -> int:
    options = arguments()
    os.environ.update(ENVIRONMENT)
    from flaxnn import bench

    console = Console(stderr=options.json, highlight=False)
    report: dict[str, Any] = {"machine": bench.machine(), "targets": {}}
    code = 0
    for name in options.target:
        target = TARGETS[name]
        if target.missing is not None:
            report["targets"][name] = {"missing": target.missing}
            console.print(target.missing, markup=False, soft_wrap=True)
            code = code or MISSING
            continue
        found = programs(target)
        show(target, found, console)
        checks = {p.name: p.checks(target.devices) for p in found}
        if not all(all(held.values()) for held in checks.values()):
            code = FAILED
        report["targets"][name] = {
            program.name: asdict(program) | {"checks": checks[program.name]}
            for program in found
        }
    written = json.dumps(report, indent=2)
    if options.output is not None:
        options.output.write_text(written + "\n", encoding="utf-8")
    if options.json:
        print(written)
    return code


if __name__ == "__main__":
    sys.exit(main())
