# SPDX-License-Identifier: Apache-2.0
# Made by source/build.py from source/many_seeds.md: edit that file.

# %% [markdown]
# # 256 seeds at once
#
# Document 002 trains a small classifier from one seed. How much of what it reports is the
# seed's doing? This notebook trains it from 256 seeds, as one compiled program, and then over a
# grid of learning rates and momenta.
#
# You will see
#
# - 256 PyTorch runs in one call, the document's own among them,
# - bands of losses in place of one curve,
# - a heat map over two hyper-parameters,
# - that a lane of the sweep is the run that `fit` makes.

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
# Numbers that the document prints stand below as they are printed there, and `check` compares
# them with ours. On a CPU a wrong digit stops the notebook. On a GPU or a TPU the last digits
# have not been measured; there, the line only says how far off a number is.

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
# ## A run, from its seed
#
# Ten samples with four features, three classes. In the document this model is made after
# another one, a layer with one weight and one bias, from the same stream of random numbers. So
# `build` draws that layer too, and leaves it.

# %%
from flaxnn import nn

X_train = np.array(
    [
        [1, 2, 1, 1],
        [2, 1, 3, 2],
        [3, 1, 3, 4],
        [4, 2, 5, 5],
        [1, 6, 5, 5],
        [1, 4, 5, 8],
        [1, 7, 7, 7],
        [2, 8, 7, 8],
        [2, 7, 6, 7],
        [2, 6, 6, 6],
    ],
    np.float32,
)
y_train = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 2])


def build(*, rngs):
    nn.Linear(1, 1, rngs=rngs)
    return nn.Sequential(nn.Linear(4, 3, rngs=rngs))


# %% [markdown]
# ## 256 of them
#
# In PyTorch this is a loop around everything:
#
# ```py
# for seed in range(1900, 2156):
#     torch.manual_seed(seed)
#     model = build()
#     optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
#     for step in range(10001):
#         ...
# ```
#
# `flaxnn.sweep` takes the recipe and the seeds. Lane `k` is the PyTorch run of its seed; all
# lanes are computed side by side, by one program. JAX makes it with `jax.vmap`: from the step
# of one model, the step of 256. The document's seed, 2025, is among them.
#
# | for one seed | for many |
# |---|---|
# | `flaxnn.fit(build(rngs=generator), …)` | `flaxnn.sweep(build, …, seeds=range(1900, 2156))` |
# | `optimizer=optim.sgd(lr=0.01)` | `optimizer=optim.sgd, lr=0.01` |
# | `run.history["loss"]`: `(steps,)` | `result.history["loss"]`: `(steps, lanes)` |

# %%
import time

from flaxnn import optim

start = time.perf_counter()
result = flaxnn.sweep(
    build,
    (X_train, y_train),
    loss=nn.CrossEntropyLoss(),
    optimizer=optim.sgd,
    lr=0.01,
    seeds=range(1900, 2156),
    steps=10001,
)
seconds = time.perf_counter() - start
print(result)
print(f"{256 * 10001:,} steps in {seconds:.1f} s, with compilation")

# %% [markdown]
# Here is the lane of seed 2025: its first weights and every hundredth loss, as the document
# prints them.

# %%
lane = result.select(seed=2025)
losses = lane.history["loss"][:, 0]

PRINTED_WEIGHT = """
tensor([[-0.2100, -0.1009,  0.2470, -0.4785],
        [-0.4346,  0.2855, -0.1117,  0.1340],
        [ 0.4447, -0.0227, -0.2139, -0.1113]])
"""
initial = build(rngs=flaxnn.random.Generator(2025))
check("initial weight", PRINTED_WEIGHT, initial.state_dict()["0.weight"])

PRINTED_LOSSES = """
1.967613 0.872644 0.762529 0.716454 0.686174 0.662485 0.642596 0.625351 0.610145 0.596596
0.584434 0.573449 0.563474 0.554368 0.546018 0.538325 0.531208 0.524595 0.518427 0.512655
0.507233 0.502124 0.497295 0.492719 0.488371 0.484229 0.480275 0.476492 0.472865 0.469381
0.466029 0.462799 0.459681 0.456667 0.453751 0.450924 0.448181 0.445516 0.442925 0.440403
0.437946 0.435550 0.433211 0.430927 0.428694 0.426510 0.424373 0.422279 0.420227 0.418214
0.416240 0.414302 0.412398 0.410528 0.408689 0.406881 0.405102 0.403351 0.401627 0.399929
0.398256 0.396608 0.394982 0.393379 0.391798 0.390237 0.388697 0.387177 0.385676 0.384193
0.382728 0.381281 0.379851 0.378437 0.377039 0.375657 0.374290 0.372938 0.371600 0.370276
0.368966 0.367670 0.366386 0.365115 0.363857 0.362611 0.361376 0.360154 0.358943 0.357743
0.356554 0.355375 0.354208 0.353050 0.351903 0.350765 0.349638 0.348519 0.347411 0.346311
0.345220
"""
check("losses of seed 2025", PRINTED_LOSSES, losses[::100], tolerance=1.5e-6)

# %% [markdown]
# And the lane is the run that `fit` makes of its seed. Sums may be taken in another order, so
# they agree to a few units in the last place, not to the bit.

# %%
run = flaxnn.fit(
    build(rngs=flaxnn.random.Generator(2025)),
    (X_train, y_train),
    loss=nn.CrossEntropyLoss(),
    optimizer=optim.sgd(lr=0.01),
    steps=10001,
)
gap = np.abs(losses - run.history["loss"]).max()
print(f"lane and fit: {gap:.1e} apart at most")
assert gap <= 1e-6 or jax.default_backend() != "cpu"

# %% [markdown]
# ## What a seed is worth
#
# The first losses differ by a factor of eight, the last ones hardly. The problem is
# convex, so all runs go to the same place.

# %%
first, last = result.history["loss"][0], result.history["loss"][-1]
print(f"first loss: {first.min():.3f} to {first.max():.3f}")
print(f"last loss:  {last.min():.3f} to {last.max():.3f}")
print(f"seed 2025: {(first < losses[0]).mean():.0%} of the others begin lower")
assert np.isfinite(last).all()
assert last.max() / last.min() < 1.1 < first.max() / first.min()

# %%
from flaxnn import report

report.plot_bands(
    {"256 seeds": result.history["loss"][:300]},
    title="Document 002's classifier, from 256 seeds: the first 300 steps",
)

# %% [markdown]
# Does it matter for a prediction? The document asks for the class of a new sample. Here are the
# probabilities that sixteen of the trained models give to class 2, and the average over all 256.

# %%
from flaxnn import sweeps

sample = np.array([[1, 9, 9, 8]], np.float32)
ensemble = sweeps.Ensemble(result)
chances = np.stack(
    [nn.Softmax(1)(result.model(k)(sample))[0] for k in range(0, len(result), 16)]
)
low, high = chances[:, 2].min(), chances[:, 2].max()
print(f"class 2 in 16 of the models: {low:.3f} to {high:.3f}")
print(f"averaged over all: {ensemble.predict_proba(sample)[0].round(3)}")

document = nn.Softmax(1)(lane.model(0)(sample))
check("probabilities", "tensor([[2.5770e-09, 5.5491e-02, 9.4451e-01]])", document)
check_text("votes", [2], ensemble.vote(sample).tolist())

# %% [markdown]
# ## A grid
#
# A list in place of a number is swept. Here are five learning rates, four momenta and eight
# seeds: 160 runs, and still one program, as hyper-parameters are numbers in its state.

# %%
grid = flaxnn.sweep(
    build,
    (X_train, y_train),
    loss=nn.CrossEntropyLoss(),
    optimizer=optim.sgd,
    lr=[0.003, 0.01, 0.03, 0.1, 0.3],
    momentum=[0.0, 0.5, 0.9, 0.97],
    seeds=range(8),
    steps=1001,
)
print(grid)
best = grid.records[grid.best("loss")]
print({name: best[name] for name in ("seed", "lr", "momentum", "loss")})

# %%
grid.plot_heat_map("lr", "momentum", title="Loss after 1,001 steps")

# %%
grid.select(momentum=0.9).plot_curves("lr", title="Momentum 0.9: 8 seeds for each rate")

# %% [markdown]
# Any lane of the grid is a run too:

# %%
chosen = grid.select(seed=3, lr=0.03, momentum=0.9)
run = flaxnn.fit(
    build(rngs=flaxnn.random.Generator(3)),
    (X_train, y_train),
    loss=nn.CrossEntropyLoss(),
    optimizer=optim.sgd(lr=0.03, momentum=0.9),
    steps=1001,
)
gap = np.abs(chosen.history["loss"][:, 0] - run.history["loss"]).max()
print(f"lane and fit: {gap:.1e} apart at most")
assert gap <= 1e-5 or jax.default_backend() != "cpu"
