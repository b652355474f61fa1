# SPDX-License-Identifier: Apache-2.0
# Made by source/build.py from source/port_your_model.md: edit that file.

# %% [markdown]
# # Port your own model, and prove it
#
# Here is a PyTorch model with its training loop. This notebook ports both, shows in float64
# that the port computes the same formulas, and in float32 that it is as close to PyTorch as
# PyTorch is to itself. Then two common mistakes are made on purpose, and found.
#
# You will see
#
# - the port, line beside line,
# - `parity.certify`, which says PASS or FAIL, with the figures,
# - `parity.diverge`, which names the step, the phase, the layer and the likely cause.
#
# PyTorch is not needed: what it did was recorded, and comes with flaxnn. The recording of a
# run of your own takes three lines, and they are here too.

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
# `check` compares numbers with printed ones, and `check_text` texts. On a CPU a wrong digit
# stops the notebook. On a GPU or a TPU the last digits have not been measured; there, the line
# only says how far off a number is.

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
# ## The original
#
# A network for the wines of document 002, whose 13 measurements have very different ranges. So
# a batch norm standardises them first. Adam has a weight decay, and the learning rate is halved
# after five of ten epochs.
#
# ```py
# class WineNet(nn.Module):
#     def __init__(self):
#         super().__init__()
#         self.scale = nn.BatchNorm1d(13, affine=False)
#         self.hidden = nn.Linear(13, 16)
#         self.out = nn.Linear(16, 3)
#
#     def forward(self, x):
#         x = torch.tanh(self.hidden(self.scale(x)))
#         return self.out(x)
#
#
# torch.manual_seed(2025)
# model = WineNet()
# loader = DataLoader(wine, batch_size=31, shuffle=True)
# criterion = nn.CrossEntropyLoss()
# optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=0.01)
# scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=5, gamma=0.5)
#
# for epoch in range(10):
#     for x, y in loader:
#         loss = criterion(model(x), y)
#         optimizer.zero_grad()
#         loss.backward()
#         optimizer.step()
#     scheduler.step()
# ```
#
# ## What was recorded of it
#
# Two things, both where PyTorch is. A *trace* has steps of the run with everything that goes
# into each module and comes out of it. One file does that, which needs neither flaxnn nor JAX;
# the loop stays as it is:
#
# ```py
# from recorder import record
#
# with record(model, optimizer, "wine_net.trace"):
#     train()
# ```
#
# A *reference* has the losses and the trained tensors, in float64 and in float32, and the noise
# floor: how far PyTorch's own variants of the run lie apart, with two threads, with other
# instruction sets, from weights moved in their last digit. `train` is the loop above, with the
# model passed through `variant.start`:
#
# ```py
# parity.Reference.record(train).save("wine_net.safetensors")
# ```

# %%
from flaxnn import parity

TRACE = parity.example_path("wine_net.trace")
REFERENCE = parity.example_path("wine_net.safetensors")

trace, reference = parity.Trace.open(TRACE), parity.Reference.load(REFERENCE)
print(f"PyTorch {reference.environment['torch']}")
print(f"{len(trace)} steps, of which whole: {[step.number for step in trace.whole]}")
for call in trace.whole[0].calls:
    print(f"module {call.module!r}")

# %% [markdown]
# ## The port
#
# | PyTorch | flaxnn |
# |---|---|
# | `import torch.nn as nn` | `from flaxnn import nn` |
# | `nn.Linear(13, 16)` | `nn.Linear(13, 16, rngs=rngs)` |
# | `torch.tanh(x)` | `F.tanh(x)` |
# | `torch.manual_seed(2025)` | `generator = flaxnn.random.Generator(2025)` |
# | `DataLoader(wine, 31, shuffle=True)` | `DataLoader(wine, 31, shuffle=True, rngs=generator)` |
# | `torch.optim.Adam(model.parameters(), …)` | `optim.adam(…)` |
# | `StepLR(optimizer, 5, gamma=0.5)` | `lr_scheduler.step_lr(5, gamma=0.5)` |
#
# PyTorch draws from a global generator, here it is passed: first to the layers, in the order in
# which they are made, then to the loader. A batch norm draws nothing.

# %%
import flaxnn.functional as F
from flaxnn import data, nn, optim
from flaxnn.optim import lr_scheduler


class WineNet(nn.Module):
    def __init__(self, *, rngs, momentum=0.1):
        self.scale = nn.BatchNorm1d(13, affine=False, momentum=momentum)
        self.hidden = nn.Linear(13, 16, rngs=rngs)
        self.out = nn.Linear(16, 3, rngs=rngs)

    def forward(self, x):
        x = F.tanh(self.hidden(self.scale(x)))
        return self.out(x)


features, cultivars = data.load("wine").arrays
x_train, x_test, y_train, y_test = data.train_test_split(
    features.astype(np.float32), cultivars, test_size=0.3, random_state=0
)
print(WineNet(rngs=flaxnn.random.Generator(2025)))

# %% [markdown]
# `port` makes the model, the loader, the loss, the optimiser and the schedule afresh, as each
# comparison begins at the seed. The two arguments are for the mistakes further down.


# %%
def port(optimizer=optim.adam, momentum=0.1):
    generator = flaxnn.random.Generator(2025)
    return {
        "model": WineNet(rngs=generator, momentum=momentum),
        "data": data.DataLoader((x_train, y_train), 31, shuffle=True, rngs=generator),
        "loss": nn.CrossEntropyLoss(),
        "optimizer": optimizer(lr=0.01, weight_decay=0.01),
        "schedule": lr_scheduler.step_lr(5, gamma=0.5),
    }


# %% [markdown]
# ## The proof
#
# The certificate holds the port to three grades. T0: the initial weights are equal bit for bit.
# T1: in float64, losses and every trained tensor differ by at most 1e-12 of the largest value.
# Two programs that agree so far after forty steps compute the same formulas. T2: in float32,
# they differ by at most four times PyTorch's noise floor.
#
# It is about formulas, and TPUs have no float64, so it is made on the CPU.


# %%
def certify(**changes):
    with jax.default_device(flaxnn.device("cpu")):
        return parity.certify(**port(**changes), reference=reference, name="WineNet")


certificate = certify()
print(certificate)
check_text("verdict", "PASS", certificate.verdict)

grades = [check.grade for check in certificate.checks]
check_text("checks", (1, 7, 7), tuple(grades.count(g) for g in ("T0", "T1", "T2")))

# %% [markdown]
# `certificate.write("wine.html")` makes a page of it, to be kept beside the port.
#
# The same run as it is used, by `flaxnn.fit`, on the device of the first cell:

# %%
run = flaxnn.fit(**port(), epochs=10)
losses = run.history["loss"]
recorded, noise = reference.float32, reference.floor
assert recorded is not None
assert noise is not None
floor = noise.for_losses(recorded.losses)
printed = " ".join(f"{loss:.9f}" for loss in recorded.losses)
check("losses", printed, losses, tolerance=4 * floor[-1])

predicted = flaxnn.predict(run.model, x_test).argmax(axis=1)
print(f"{(predicted == y_test).sum()} of {len(y_test)} test samples are right")

# %%
from flaxnn import report

report.plot_losses(
    losses, recorded.losses, floor=floor, title="The port and the original: 40 steps"
)

# %% [markdown]
# ## The same question, step by step
#
# `diverge` asks otherwise: it takes each recorded step, gives every module of the port what the
# module in PyTorch was given, and compares what comes out. Then it does so with the loss, with
# the gradients on the way back, and with the optimiser. Nothing differs:


# %%
def diverge(**changes):
    with jax.default_device(flaxnn.device("cpu")):
        return parity.diverge(TRACE, **port(**changes))


found = diverge()
print(found)
assert found.first is None

# %% [markdown]
# ## A mistake: the other weight decay
#
# In PyTorch, `Adam` adds `weight_decay * param` to the gradient, and `AdamW` takes
# `lr * weight_decay * param` from the parameter. The names are close, and so are the losses: a
# plot would not show it.

# %%
wrong = flaxnn.fit(**port(optimizer=optim.adamw), epochs=10)
gap = np.abs(wrong.history["loss"] - recorded.losses).max()
print(f"the losses are {gap:.3f} off at most")

found = diverge(optimizer=optim.adamw)
print(found)

# %% [markdown]
# It is found in the first step. Forward pass, loss and gradients of that step are right, so the
# finding names the optimiser, and says which mistake gives these numbers.


# %%
def check_finding(found, phase, cause):
    assert found.first is not None
    assert found.first.cause is not None
    check_text("step", 0, found.first.step)
    check_text("phase", phase, found.first.phase)
    check_text("cause", cause, found.first.cause.name)


check_finding(found, "optimizer", "weight decay coupled or decoupled")

# %% [markdown]
# ## Another: whose momentum?
#
# PyTorch's batch norm weighs the new batch with `momentum`, 0.1 if nothing is said. Flax weighs
# the old average with it, 0.9 or more. Whoever copies the number from one to the other has a
# network that trains as before, with the same losses: running averages are not used until the
# model is evaluated.

# %%
wrong = flaxnn.fit(**port(momentum=0.9), epochs=10)
gap = np.abs(wrong.history["loss"] - recorded.losses).max()
print(f"the losses are {gap:.1e} off at most")
assert gap <= 4 * floor[-1] or jax.default_backend() != "cpu"

found = diverge(momentum=0.9)
print(found)
check_finding(found, "state", "momentum convention of batch norm")

# %% [markdown]
# The losses pass, and the certificate does not: it looks at the buffers too.

# %%
certificate = certify(momentum=0.9)
print(f"{certificate.verdict}: {certificate.reason}")
check_text("verdict", "FAIL", certificate.verdict)
failed = [check.what for check in certificate.checks if not check.passed]
check_text("what fails", ["scale.running_mean", "scale.running_var"], failed[:2])

# %% [markdown]
# PyTorch has not been loaded:

# %%
print("torch" in sys.modules)
