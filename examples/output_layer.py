# SPDX-License-Identifier: Apache-2.0
# Made by source/build.py from source/output_layer.md: edit that file.

# %% [markdown]
# # The output layer
#
# Document 000, a PyTorch tutorial, explains the output layer of a classifier: what softmax
# is, why it has to be computed with care, and how ten steps of training bring the loss
# down. This notebook computes its numbers again with flaxnn, on JAX and without PyTorch.
#
# You will see
#
# - softmax in NumPy and in the library,
# - ten Adam steps that print the document's losses, from one seed,
# - what takes the place of `loss.backward()`.

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
# ## Softmax
#
# Softmax turns scores $z$ into probabilities:
#
# $$p_i = \frac{e^{z_i}}{\sum_k e^{z_k}}$$
#
# No float can hold $e^{1000}$. With the largest score subtracted from all of them the
# ratios stay as they are, and so do the probabilities, and no exponent is above 0.


# %%
def stable_softmax(z):
    powers = np.exp(z - np.max(z))
    return powers / powers.sum()


probabilities = stable_softmax(np.array([1000, 1001, 1002]))
print(probabilities)
check("stable_softmax", "[0.09003057 0.24472847 0.66524096]", probabilities)

# %% [markdown]
# The library's softmax does the same. `flaxnn.functional` has PyTorch's names and
# arguments; it takes NumPy or JAX arrays of floats.
#
# | PyTorch | flaxnn |
# |---|---|
# | `torch.tensor([1000, 1001, 1002], dtype=torch.float32)` | `np.array([1000, 1001, 1002], np.float32)` |
# | `F.softmax(x, dim=0)` | `F.softmax(x, dim=0)` |
# | `torch.sigmoid(x)` | `F.sigmoid(x)` |
#
# The document leaves `dim` out. PyTorch then guesses and warns, and so does flaxnn.
# `report.tensor_text` writes an array as PyTorch prints a tensor.

# %%
import warnings

import flaxnn.functional as F
from flaxnn import report

x = np.array([1000, 1001, 1002], np.float32)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    softmax_output = F.softmax(x)

message = str(caught[0].message)
print(f"{caught[0].category.__name__}: {message}")
wording = "Implicit dimension choice for softmax has been deprecated"
check_text("warning", wording, message[: len(wording)])

print(report.tensor_text(softmax_output))
check("F.softmax", "tensor([0.0900, 0.2447, 0.6652])", softmax_output)

sigmoid_output = F.sigmoid(x)
print(report.tensor_text(sigmoid_output))
check("F.sigmoid", "tensor([1., 1., 1.])", sigmoid_output)

# %% [markdown]
# ## A model from a seed
#
# The document's model is one linear layer from five inputs to three classes. Its class is
# the same in both libraries, but for `rngs`. PyTorch draws the initial weights from a
# generator that is global and hidden; here you make the generator and hand it over.

# %%
from flaxnn import nn


class SimpleMultiClassModel(nn.Module):
    def __init__(self, *, rngs):
        self.fc = nn.Linear(5, 3, rngs=rngs)

    def forward(self, x):
        return self.fc(x)


# %% [markdown]
# The document sets no seed. A search over all 2³² seeds found the one whose run prints
# its losses, 1043173585. `Generator` is PyTorch's CPU generator, written in NumPy. The
# model takes the first draws, 15 weights and 3 biases, and the inputs come next from the
# same stream. All of them equal PyTorch's bit for bit (grade T0), because they are drawn
# on the host, whatever device computes afterwards.

# %%
generator = flaxnn.random.Generator(1043173585)  # torch.manual_seed(1043173585)
model = SimpleMultiClassModel(rngs=generator)
inputs = generator.randn(4, 5)  # torch.randn(4, 5)
labels = np.array([0, 2, 1, 0])

print(model)
print(list(model.parameters()))

# %% [markdown]
# ## Ten steps
#
# The document trains with a loop:
#
# ```py
# criterion = nn.CrossEntropyLoss()
# optimizer = optim.Adam(model.parameters(), lr=0.01)
# for _ in range(10):
#     preds = model(inputs)
#     loss = criterion(preds, labels)
#     print(loss.item())
#     optimizer.zero_grad()
#     loss.backward()
#     optimizer.step()
# ```
#
# With flaxnn the loop is a call. The ten steps are compiled into one program, which runs
# without coming back to Python in between. The optimiser holds no parameters; it is the
# rule by which a gradient becomes an update. `fit` returns a trained copy of the model,
# and `history["loss"][k]` is the loss before update `k`, the one that the loop prints.

# %%
from flaxnn import optim

run = flaxnn.fit(
    model,
    (inputs, labels),
    loss=nn.CrossEntropyLoss(),
    optimizer=optim.adam(lr=0.01),
    steps=10,
)
losses = run.history["loss"]
print(losses)

# %% [markdown]
# The document prints up to 17 digits. A float32 number has about seven, so the losses are
# held to 5e-7, which is about four units in the last place.

# %%
PRINTED_LOSSES = """
1.2759089469909668
1.238755702972412
1.2023335695266724
1.1666080951690674
1.1315937042236328
1.0973193645477295
1.06381094455719
1.0310912132263184
0.9991796612739563
0.9680922031402588
"""
check("losses", PRINTED_LOSSES, losses, tolerance=5e-7)

# %% [markdown]
# The upper half of the picture has both curves, one on top of the other; the lower half
# has the difference between them.

# %%
report.plot_losses(
    losses,
    [float(loss) for loss in PRINTED_LOSSES.split()],
    names=("flaxnn", "document"),
    title="Ten Adam steps",
)

# %% [markdown]
# ## The gradient is a function
#
# PyTorch records what happens to a tensor and walks back through the record. JAX takes a
# function and returns another one, its gradient.
#
# | PyTorch | JAX |
# |---|---|
# | `loss.backward()` adds to `parameter.grad` | `jax.grad(loss_of)(parameters)` returns gradients |
# | `optimizer.zero_grad()` clears `parameter.grad` | nothing is stored, so nothing is cleared |
#
# For that the loss has to be a function of the parameters. `flaxnn.functional_call` calls
# a model with parameters from a dictionary, under PyTorch's names. `jax.jit` compiles the
# function when it is first called.


# %%
def loss_of(parameters):
    return F.cross_entropy(flaxnn.functional_call(model, parameters, inputs), labels)


value, gradients = jax.jit(jax.value_and_grad(loss_of))(model.state_dict())
print("loss", value)
print(report.tensor_text(gradients["fc.weight"]))

# %% [markdown]
# On paper, the gradient of the cross entropy is simple: the probabilities less the right
# answers, averaged over the samples. JAX's agrees with it to float32 rounding.

# %%
excess = np.asarray(F.softmax(model(inputs), dim=1)) - np.eye(3)[labels]
on_paper = {"fc.weight": excess.T @ inputs / 4, "fc.bias": excess.mean(axis=0)}
for name, gradient in gradients.items():
    np.testing.assert_allclose(gradient, on_paper[name], rtol=1e-5, atol=1e-6)
    print(f"✓ {name}: the gradient on paper")

# %% [markdown]
# PyTorch has not been loaded:

# %%
print("torch" in sys.modules)
