# SPDX-License-Identifier: Apache-2.0
# Made by source/build.py from source/activations_and_errors.md: edit that file.

# %% [markdown]
# # Activations, errors, and a loss against itself
#
# Document 001, a PyTorch tutorial, goes once more through the output layer, writes the
# activation functions out by hand, and runs into three of PyTorch's errors on the way.
# This notebook computes its numbers again with flaxnn, on JAX and without PyTorch.
#
# You will see
#
# - the formulas by hand and in the library, and their derivatives from `jax.grad`,
# - PyTorch's errors, with PyTorch's words and a hint,
# - a training step of your own, and what the document's losses tell about its author.

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
# Each number that the document prints stands below as it is printed there, and `check`
# compares it with ours. On a CPU a wrong digit stops the notebook. On a GPU or a TPU the
# last digits have not been measured; there, the line only says how far off a number is.

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
# ## Softmax that overflows
#
# By its formula, softmax works for moderate scores.


# %%
def softmax(z):
    powers = np.exp(z)
    return powers / np.sum(powers)


x = np.array([10, 11, 12])
print(softmax(x), sum(softmax(x)))
check("softmax", "[0.09003057 0.24472847 0.66524096]", softmax(x))
check("sum of softmax", "1.0", sum(softmax(x)))

# %% [markdown]
# For scores around 1000 it does not: `np.exp(1000)` is infinite, and infinity divided by
# infinity is not a number. NumPy warns.

# %%
import warnings

large = np.array([1000, 1001, 1002])
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    power, overflow = np.exp(1000), softmax(large)

print(*(f"{w.category.__name__}: {w.message}" for w in caught), sep="\n")
check_text("np.exp(1000)", "np.float64(inf)", repr(power))
check("softmax overflows", "[nan, nan, nan]", overflow)

# %% [markdown]
# With the largest score subtracted, the probabilities are the same and nothing overflows.
# Their sum is one rounding error below 1, here as in the document.


# %%
def stable_softmax(z):
    return softmax(z - np.max(z))


print(stable_softmax(large), sum(stable_softmax(large)))
check("stable_softmax", "[0.09003057 0.24472847 0.66524096]", stable_softmax(large))
check("sum of stable_softmax", "0.9999999999999999", sum(stable_softmax(large)))

# %% [markdown]
# ## The activation functions
#
# The document writes them in NumPy:


# %%
def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def relu(z):
    return np.maximum(0, z)


def leaky_relu(z, alpha=0.01):
    return np.maximum(alpha * z, z)


def tanh(z):
    return np.tanh(z)


def elu(z, alpha=1.0):
    return np.where(z > 0, z, alpha * (np.exp(z) - 1))


def cross_entropy(y_pred, y_true):
    return -np.sum(y_true * np.log(y_pred))


# %% [markdown]
# `flaxnn.functional` has them under PyTorch's names. Computed in float64 on the CPU, both
# agree to 1e-12 of the largest value (grade T1): the formulas are the same. JAX computes
# in float32 unless asked; `enable_x64` asks for the length of a block.

# %%
import flaxnn.functional as F

ACTIVATIONS = (sigmoid, relu, leaky_relu, tanh, elu)
z = np.linspace(-8, 8, 1601)
scores, label = np.array([0.5, -1.0, 2.0]), np.array(2)

with jax.enable_x64(True), jax.default_device(flaxnn.device("cpu")):
    pairs = {f.__name__: (f(z), getattr(F, f.__name__)(z)) for f in ACTIVATIONS}
    by_hand = cross_entropy(stable_softmax(scores), np.eye(3)[label])
    pairs["cross_entropy"] = by_hand, F.cross_entropy(scores, label)

for name, (formula, ours) in pairs.items():
    error = np.abs(formula - np.asarray(ours)).max() / np.abs(formula).max()
    assert error <= 1e-12
    print(f"✓ {name}: relative error {error:.1e}")

# %% [markdown]
# A derivative is a function made from a function. `jax.grad` wants one number in and one
# number out; `jax.vmap` applies the result to every element of an array.

# %%
import matplotlib.pyplot as plt

grid = np.linspace(-4, 4, 401, dtype=np.float32)
figure, panels = plt.subplots(1, 5, figsize=(9, 2.2), sharey=True, dpi=150)
for panel, formula in zip(panels, ACTIVATIONS, strict=True):
    activation = getattr(F, formula.__name__)
    panel.plot(grid, activation(grid), color="#0072B2", label="function")
    slopes = jax.vmap(jax.grad(activation))(grid)
    panel.plot(grid, slopes, color="#E69F00", linestyle="--", label="derivative")
    panel.set_title(formula.__name__, fontsize=9)
    panel.tick_params(labelsize=8)
    panel.grid(alpha=0.3)
panels[0].set_ylim(-1.3, 4.1)
panels[0].legend(loc="upper left", frameon=False, fontsize=8)
figure.tight_layout()

# %% [markdown]
# ## In the library
#
# As a function or as a module, with the dimension named. The result is that of
# `stable_softmax`.
#
# | PyTorch | flaxnn |
# |---|---|
# | `x = torch.tensor([1000, 1001, 1002], dtype=torch.float32)` | `x = np.array([1000, 1001, 1002], np.float32)` |
# | `nn.Softmax(dim=0)(x)` | `nn.Softmax(dim=0)(x)` |
# | `F.softmax(x, dim=0)` | `F.softmax(x, dim=0)` |
# | `F.sigmoid(x)` | `F.sigmoid(x)` |

# %%
from flaxnn import nn, report

x = large.astype(np.float32)
print(report.tensor_text(nn.Softmax(dim=0)(x)))
check("nn.Softmax", "tensor([0.0900, 0.2447, 0.6652])", nn.Softmax(dim=0)(x))
check("F.softmax", "tensor([0.0900, 0.2447, 0.6652])", F.softmax(x, dim=0))

print(report.tensor_text(F.sigmoid(x)))
check("F.sigmoid", "tensor([1., 1., 1.])", F.sigmoid(x))

# %% [markdown]
# ## Three errors
#
# The document meets three exceptions:
#
# - integers given to softmax,
# - a dimension that a vector does not have,
# - `softmax` asked of an array: in the document, `F` had become the name of an array. The
#   same slip gives the same message here. (A NumPy array as the *argument* of `F.softmax`
#   is what flaxnn expects; PyTorch wants a tensor.)
#
# flaxnn raises the same types, and its messages begin with PyTorch's words, so that a
# search for them finds what has been written about PyTorch. What comes after says what to
# do.

# %%
from operator import methodcaller

ATTEMPTS = {
    "int64 tensor": lambda: F.softmax(large, dim=0),
    "dim=1 on a vector": lambda: nn.Softmax(dim=1)(x),
    "numpy input to F.softmax": lambda: methodcaller("softmax", x, dim=0)(large),
}
PRINTED_ERRORS = """
NotImplementedError: "softmax_lastdim_kernel_impl" not implemented for 'Long'
IndexError: Dimension out of range (expected to be in range of [-1, 0], but got 1)
AttributeError: 'numpy.ndarray' object has no attribute 'softmax'
"""
for name, printed in zip(ATTEMPTS, PRINTED_ERRORS.strip().splitlines(), strict=True):
    try:
        ATTEMPTS[name]()
        said = "nothing was raised"
    except (NotImplementedError, IndexError, AttributeError) as error:
        said = f"{type(error).__name__}: {error}"
    print(said)
    check_text(name, printed, said[: len(printed)])

# %% [markdown]
# ## Ten steps, from a seed that is known
#
# The document trains the same small model as document 000 and prints ten losses, from
# 0.8790 down to 0.6234. It sets no seed, and
# none of the 2³² seeds gives its losses in a fresh run.
# So this section starts from seed 0, and the losses to compare with were printed by
# PyTorch 2.13.0 from that seed, on a CPU.

# %%
from flaxnn import models, optim

generator = flaxnn.random.Generator(0)  # torch.manual_seed(0)
model = models.SimpleMultiClassModel(rngs=generator)
inputs, labels = generator.randn(4, 5), np.array([0, 2, 1, 0])

optimizer = optim.adam(lr=0.01)
run = flaxnn.fit(
    model, (inputs, labels), loss=nn.CrossEntropyLoss(), optimizer=optimizer, steps=10
)

PYTORCH_LOSSES = """
1.353499412536621
1.324547529220581
1.2962008714675903
1.2684756517410278
1.2413840293884277
1.2149338722229004
1.1891275644302368
1.1639608144760132
1.13942289352417
1.1154959201812744
"""
check("losses of seed 0", PYTORCH_LOSSES, run.history["loss"], tolerance=5e-7)

# %%
report.plot_losses(
    run.history["loss"],
    [float(loss) for loss in PYTORCH_LOSSES.split()],
    title="Ten Adam steps from seed 0",
)

# %% [markdown]
# ## A loss against itself
#
# In its last cell the document feeds the outputs in as their own target:
# `criterion(outputs, outputs)`. A target of floats stands for class probabilities, one
# for each class; they are not checked, in PyTorch or here. The gradient flows through
# both arguments.
#
# `make_train_step` gives one training step as a pure function: state and batch in, new
# state and metrics out. `run.state.train` has the parameters and Adam's moments as they
# are after ten steps, so the step goes on from there, as the document's optimiser does.

# %%
from flaxnn.training import make_train_step


def against_itself(output, target):
    return F.cross_entropy(output, output)


step = jax.jit(make_train_step(model, against_itself, optimizer))
state, metrics = step(run.state.train, (inputs, labels))
print(metrics["loss"])
check("the last cell", "0.9671098589897156", metrics["loss"], tolerance=5e-7)

# %% [markdown]
# ## What the document's losses tell
#
# The ten losses of the document fall slowly at first and then faster:

# %%
PRINTED_LOSSES = """
0.8790372610092163
0.8682606220245361
0.8504062294950022
0.8268001079559326
0.7986413240432739
0.7670071125030518
0.7328615188598633
0.6970622539520264
0.6603679060935974
0.6234432458877563
"""
printed_losses = np.array(PRINTED_LOSSES.split(), float)
print(-np.diff(printed_losses).round(4))
print(-np.diff(run.history["loss"]).round(4), "(seed 0)")

# %% [markdown]
# A first Adam step moves every parameter by the learning rate, so a fresh run is fastest
# at the start, as from seed 0. Adam that has been running on other inputs starts with a
# momentum that points elsewhere. The numbers of the document's cells say the same: the
# model was made in cell 34, and the loop was run as cell 43. So the cell had probably been
# run before, each time with new inputs.
#
# Here is the loop once more on new inputs, from where the run above ended. The drops grow
# from step to step, as in the document.

# %%
step = jax.jit(make_train_step(model, nn.CrossEntropyLoss(), optimizer))
state, batch = run.state.train, (generator.randn(4, 5), labels)
losses = []
for _ in range(10):
    state, metrics = step(state, batch)
    losses.append(float(metrics["loss"]))
print(-np.diff(losses).round(4))
