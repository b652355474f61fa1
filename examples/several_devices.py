# SPDX-License-Identifier: Apache-2.0
# Made by source/build.py from source/several_devices.md: edit that file.

# %% [markdown]
# # Several devices
#
# A batch is a sum over samples, and a sum can be shared. This notebook trains on four devices,
# each of which takes a quarter of every batch, and compares the run with that on one device and
# with PyTorch's.
#
# You will see
#
# - four devices on a machine that has one CPU,
# - how JAX lays an array out over devices,
# - `mesh=`, the one argument that `fit` needs,
# - what stays equal to the bit, and what differs in the last digits.

# %%
# @title Install flaxnn where it is missing, and say what it computes on
# The URL or the path of a wheel, or "git+https://…" with a repository.
FLAXNN = ""  # @param {type:"string"}

import importlib
import importlib.metadata
import importlib.util
import os
import subprocess
import sys
from pathlib import Path


def version(package):
    """Returns (major, minor) of an installed package, () of a missing one."""
    try:
        numbers = importlib.metadata.version(package).split(".")
    except importlib.metadata.PackageNotFoundError:
        return ()
    return int(numbers[0]), int(numbers[1])


def accelerator():
    """Returns JAX's extra for this machine, from its devices, without JAX itself."""
    devices = Path("/dev")
    if any(devices.glob("nvidia[0-9]*")):
        return "cuda13" if version("jax-cuda13-plugin") else "cuda12"
    chips = any(devices.glob("accel[0-9]*")) or any(devices.glob("vfio/[0-9]*"))
    if chips or "TPU_ACCELERATOR_TYPE" in os.environ or version("libtpu"):
        return "tpu"
    return "cpu"


def requirements(source):
    """Returns what pip is to install: flaxnn, and JAX if it is missing or too old."""
    url = source if "://" in source else Path(source).resolve().as_uri()
    needed = [f"flaxnn[data,plots] @ {url}"]
    if version("jax") < (0, 10):
        # Without the extra, an old plugin would stay and the accelerator be lost.
        needed.append(f"jax[{accelerator()}]>=0.10")
    return needed


if importlib.util.find_spec("flaxnn") is None:
    if not FLAXNN:
        raise ModuleNotFoundError(
            "flaxnn is not installed: set FLAXNN, at the top of this cell, to the URL "
            "or the path of its wheel, or to git+https://… with its repository"
        )
    pip = [sys.executable, "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, *requirements(FLAXNN)], check=True)
    importlib.invalidate_caches()
    if "jax" in sys.modules:
        raise RuntimeError("JAX was loaded before: restart the session and run again")

import jax

import flaxnn

device = flaxnn.device()
python = sys.version.split()[0]
print(f"flaxnn {flaxnn.__version__}, JAX {jax.__version__}, Python {python}")
print(f"computing on {device.platform}: {device.device_kind}")
if device.platform == "cpu" and accelerator() != "cpu":
    print(f'JAX does not see the accelerator: install "jax[{accelerator()}]"')

# %% [markdown]
# ## How the figures are checked
#
# `check` compares numbers with printed ones. On a CPU a difference beyond the tolerance stops
# the notebook. On a GPU or a TPU the last digits have not been measured; there, the line only
# says how far off a number is.

# %%
import re

import jax
import numpy as np

from flaxnn import reproduce

NUMBER = re.compile(r"-?\d+\.\d*(?:e[-+]\d+)?|nan")


def check(name, printed, ours, *, tolerance=None):
    """Holds our numbers to those in a print-out, digit for digit.

    With a tolerance, the largest absolute difference counts instead of the digits.
    """
    numbers, ours = NUMBER.findall(printed), np.ravel(ours)
    figures = list(reproduce.printed(name, numbers, ours, tolerance=tolerance))
    wrong = [figure for figure in figures if not figure.passed]
    off = max((f.error for f in figures if np.isfinite(f.error)), default=0.0)
    how = "as printed" if tolerance is None else f"within {tolerance:.1e}"
    count = f"{len(figures) - len(wrong)} of {len(figures)} numbers {how}"
    print(f"{'✗' if wrong else '✓'} {name}: {count}, largest difference {off:.1e}")
    # Last digits were measured on CPUs only; elsewhere the line above has to do.
    assert not wrong or jax.default_backend() != "cpu", wrong


def check_text(name, printed, ours):
    """Holds what we print to a print-out, word for word."""
    figure = reproduce.exact(name, "text", printed, ours)
    print(f"{'✓' if figure.passed else '✗'} {name}: as printed")
    assert figure.passed, f"expected {figure.reference}\ngot {figure.value}"


# %% [markdown]
# ## Four devices of one CPU
#
# JAX can divide a CPU into several devices. They share its cores, so nothing gets faster, but the
# program is the one that runs on several TPUs or GPUs. The number is fixed when JAX starts, and
# the first cell has started it. So here it is started again. A program of your own sets
# `jax_num_cpu_devices` before anything else, or is run with
# `XLA_FLAGS=--xla_force_host_platform_device_count=4`.

# %%
from jax.extend import backend

if device.platform == "cpu" and jax.device_count() < 4:
    backend.clear_backends()
    jax.config.update("jax_num_cpu_devices", 4)
    device = flaxnn.device()

devices = jax.devices()
print(devices)

# %% [markdown]
# ## The mesh
#
# A mesh is a table of devices whose axes have names. This one has a single axis, `data`, and
# four devices, or fewer where there are fewer. On a machine with one TPU or GPU it has one place:
# everything runs, and there is nothing to share.

# %%
count = max(n for n in (1, 2, 4) if n <= len(devices))
mesh = jax.make_mesh(
    (count,),
    ("data",),
    axis_types=(jax.sharding.AxisType.Auto,),
    devices=devices[:count],
)
print(mesh)

# %% [markdown]
# `P("data")` lays the first axis of an array out along that axis of the mesh, and `P()` puts all
# of it on every device. An array knows where its parts are:

# %%
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

batch = np.arange(24, dtype=np.float32).reshape(8, 3)
shared = jax.device_put(batch, NamedSharding(mesh, P("data")))
whole = jax.device_put(batch, NamedSharding(mesh, P()))
for part in shared.addressable_shards:
    print(part.device, "has rows", part.data[:, 0] / 3)


def shapes(array):
    return [part.data.shape for part in array.addressable_shards]


check_text("parts", [(8 // count, 3)] * count, shapes(shared))
check_text("whole", [(8, 3)] * count, shapes(whole))

# %% [markdown]
# A program is written for the array as a whole. The compiler sees how it lies, and adds what the
# devices have to tell each other. Here it is a sum over all of them, an *all-reduce*:


# %%
def mean_of_squares(x):
    return (x**2).mean()


program = jax.jit(mean_of_squares).lower(shared).compile().as_text() or ""
check_text("all-reduce", count > 1, "all-reduce" in program)
check("mean of squares", "180.166667", jax.jit(mean_of_squares)(shared), tolerance=1e-4)

# %% [markdown]
# ## A run on all of them
#
# The exercise of document 002: 124 wines, 13 measurements, three cultivars, 1,001 steps of SGD.
# In PyTorch a second device means processes, `DistributedDataParallel` and a sampler of its own:
#
# ```py
# torch.distributed.init_process_group("gloo")
# model = DistributedDataParallel(model)
# loader = DataLoader(wine, sampler=DistributedSampler(wine), …)
# ```
#
# Here it is an argument. Parameters lie whole on each device, each computes the gradient of its
# 31 wines, and one all-reduce in each step adds the gradients up.
#
# | PyTorch | flaxnn |
# |---|---|
# | `torchrun --nproc-per-node=4 train.py` | nothing: one process has all devices |
# | `DistributedDataParallel(model)` | `flaxnn.fit(…, mesh=mesh)` |
# | `DistributedSampler(data)` | nothing: the order is that of one device |
# | batch size of one process | batch size of all devices together |

# %%
from flaxnn import data, nn, optim

features, cultivars = data.load("wine").arrays
x_train, x_test, y_train, y_test = data.train_test_split(
    features, cultivars, test_size=0.3, random_state=0
)
mean, std = x_train.mean(axis=0), x_train.std(axis=0)
x_train, x_test = (((x - mean) / std).astype(np.float32) for x in (x_train, x_test))


def train_on_wine(**options):
    return flaxnn.fit(
        nn.Sequential(nn.Linear(13, 3, rngs=flaxnn.random.Generator(2025))),
        (x_train, y_train),
        loss=nn.CrossEntropyLoss(),
        optimizer=optim.sgd(lr=0.01),
        steps=1001,
        **options,
    )


one, several = train_on_wine(), train_on_wine(mesh=mesh)

# %% [markdown]
# PyTorch's losses, recorded with version 2.13.0 on one CPU, hold for both:

# %%
PYTORCH_LOSSES = """
1.244093 0.372887 0.249448 0.197411 0.167439 0.147498
0.133056 0.121992 0.113172 0.105930 0.099844
"""
for name, run in (("one device", one), (f"{count} devices", several)):
    check(name, PYTORCH_LOSSES, run.history["loss"][::100], tolerance=1.5e-6)
    predicted = np.asarray(flaxnn.predict(run.model, x_test)).argmax(axis=1)
    check_text("right of 54", 54, (predicted == y_test).sum())

# %% [markdown]
# Four partial sums are added in another order than one long sum, so the last digits of the two
# runs differ, by far less than PyTorch's runs with one and with two threads may (grade T2).

# %%
from flaxnn import report

report.plot_losses(
    several.history["loss"],
    one.history["loss"],
    names=(f"{count} devices", "one device"),
    title="Wine: 1,001 steps of SGD",
)

# %% [markdown]
# In float64 the digits that differ are beyond the fifteenth, which shows that nothing but the
# order of sums has changed (grade T1). TPUs have no float64, so this is for CPUs and GPUs.


# %%
def in_float64(**options):
    with jax.enable_x64(True):
        model = nn.Sequential(nn.Linear(13, 3, rngs=flaxnn.random.Generator(2025)))
        run = flaxnn.fit(
            flaxnn.astype(model, "float64"),
            (x_train.astype(np.float64), y_train),
            loss=nn.CrossEntropyLoss(),
            optimizer=optim.sgd(lr=0.01),
            steps=1001,
            **options,
        )
    return run.history["loss"]


if device.platform != "tpu":
    exact, summed = in_float64(), in_float64(mesh=mesh)
    error = np.abs(exact - summed).max() / np.abs(exact).max()
    print(f"float64: relative difference {error:.1e}")
    assert exact.dtype == np.float64
    assert error <= 1e-12

# %% [markdown]
# ## Mini-batches
#
# Order and shuffling are the host's business and do not know of devices. With a loader of 60
# images, each of the four gets 15 of every batch. The generator ends in the same state, bit for
# bit (grade T0); the losses differ in their last digits.

# %%
images, labels = data.load("digits").arrays
images = images.reshape(len(images), 64).astype(np.float32) / 16
train, test = (images[:1500], labels[:1500]), (images[1500:], labels[1500:])


def train_on_digits(**options):
    generator = flaxnn.random.Generator(0)
    model = nn.Sequential(
        nn.Linear(64, 32, rngs=generator), nn.ReLU(), nn.Linear(32, 10, rngs=generator)
    )
    run = flaxnn.fit(
        model,
        data.DataLoader(train, 60, shuffle=True, rngs=generator),
        loss=nn.CrossEntropyLoss(),
        optimizer=optim.adam(lr=0.01),
        epochs=4,
        **options,
    )
    return run, generator.get_state()


(one, state), (several, states) = train_on_digits(), train_on_digits(mesh=mesh)
check_text("generator", True, np.array_equal(state, states))

gap = np.abs(one.history["loss"] - several.history["loss"]).max()
print(f"losses of {len(one.history['loss'])} steps: {gap:.1e} apart at most")
assert gap <= 1e-5 or jax.default_backend() != "cpu"

for run in (one, several):
    predicted = np.asarray(flaxnn.predict(run.model, test[0])).argmax(axis=1)
    print(
        f"{(predicted == test[1]).mean():.1%} of {len(test[1])} test images are right"
    )

# %% [markdown]
# And the same number of devices gives the same bits again:

# %%
again, _ = train_on_digits(mesh=mesh)
gap = np.abs(again.history["loss"] - several.history["loss"]).max()
print(f"again: {gap:.1e} apart")
assert gap == 0 or jax.default_backend() != "cpu"

# %% [markdown]
# ## A sweep on all of them
#
# Runs of different seeds have nothing to tell each other. `sweep` gives each device a quarter of
# them.


# %%
def build(*, rngs):
    return nn.Sequential(nn.Linear(13, 3, rngs=rngs))


def sweep(**options):
    return flaxnn.sweep(
        build,
        (x_train, y_train),
        loss=nn.CrossEntropyLoss(),
        optimizer=optim.sgd,
        lr=0.01,
        seeds=range(2020, 2036),
        steps=1001,
        **options,
    )


spread, together = sweep(mesh=mesh), sweep()
gap = np.abs(spread.history["loss"] - together.history["loss"]).max()
print(f"16 runs, {16 // count} on each device: {gap:.1e} apart at most")
assert gap <= 1e-6 or jax.default_backend() != "cpu"

losses = spread.select(seed=2025).history["loss"][:, 0]
check("seed 2025", PYTORCH_LOSSES, losses[::100], tolerance=1.5e-6)

# %% [markdown]
# On a machine with several TPUs or GPUs the cells above run on those as they are.
