# SPDX-License-Identifier: Apache-2.0
# Made by source/build.py from source/resume_pytorch_checkpoint.md: edit that file.

# %% [markdown]
# # Resume a PyTorch checkpoint
#
# A PyTorch run has stopped in the middle of its third epoch and left a file. This notebook
# goes on from it with flaxnn, on a TPU or a GPU if there is one, without PyTorch, and writes
# a file from which PyTorch goes on. PyTorch also finished the run itself, so every loss
# behind the checkpoint is known.
#
# You will see
#
# - what is in a PyTorch checkpoint, read without running anything that is in it,
# - optimiser, schedule, generator and the place in the data taken over,
# - 86 steps compared with PyTorch's own, the masks of dropout included,
# - a file for the way back.

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
# ## What PyTorch did
#
# A small network reads digits of 8 × 8 pixels. Dropout draws a mask in every step, AdamW keeps
# two moments for every weight, and the learning rate follows a cosine over six epochs:
#
# ```py
# torch.manual_seed(2025)
# model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.25), nn.Linear(32, 10))
# loader = DataLoader(digits, batch_size=64, shuffle=True)
# optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
# scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=6)
#
# for epoch in range(6):
#     at_epoch = torch.get_rng_state()
#     for batch, (x, y) in enumerate(loader):
#         loss = F.cross_entropy(model(x), y)
#         optimizer.zero_grad()
#         loss.backward()
#         optimizer.step()
#         if (epoch, batch + 1) == (2, 10):
#             torch.save(
#                 {
#                     "model": model.state_dict(),
#                     "optimizer": optimizer.state_dict(),
#                     "scheduler": scheduler.state_dict(),
#                     "epoch": epoch,
#                     "batch": batch + 1,
#                     "generators": torch.get_rng_state(),
#                     "generators_at_epoch": at_epoch,
#                 },
#                 "digits_run.pt",
#             )
#     scheduler.step()
# ```
#
# The state of the generator at the start of the epoch is needed because the order of that
# epoch's batches was drawn then. PyTorch 2.13.0 wrote the file, on a CPU; it comes with
# flaxnn.
#
# ## The file
#
# A `.pt` file holds a pickle, and a pickle is a program. `interop.load` does not run it: it
# knows tensors, numbers, strings and containers, and refuses everything else. Arrays come as
# NumPy's.
#
# | PyTorch | flaxnn |
# |---|---|
# | `torch.load("digits_run.pt", weights_only=True)` | `interop.load("digits_run.pt")` |

# %%
from flaxnn import interop, parity

path = parity.example_path("digits_run.pt")
content = interop.load(path)
for name, value in content["model"].items():
    print(f"{name}: {value.dtype} {list(value.shape)}")
print("epoch", content["epoch"], "batch", content["batch"])
print("scheduler", content["scheduler"])
moments = content["optimizer"]["state"][0]
print("AdamW has done", int(moments["step"]), "steps and keeps", sorted(moments))

place = content["epoch"], content["batch"], int(moments["step"])
check_text("place", (2, 10, 58), place)

# %% [markdown]
# ## The same run, described here
#
# The model is built and the loader made as always. The seed does not matter: all that was
# drawn comes from the file. The generator does matter: model, dropout and loader share one,
# as they share PyTorch's global one.
#
# | PyTorch | flaxnn |
# |---|---|
# | `torch.optim.AdamW(model.parameters(), lr=0.01)` | `optim.adamw(lr=0.01)` |
# | `CosineAnnealingLR(optimizer, T_max=6)` | `lr_scheduler.cosine_annealing_lr(6)` |
# | `model.train()` | nothing: `fit` trains, `predict` evaluates |

# %%
from flaxnn import data, nn, optim
from flaxnn.optim import lr_scheduler

images, labels = data.load("digits").arrays
images = images.reshape(len(images), 64).astype(np.float32) / 16
train, test = (images[:1500], labels[:1500]), (images[1500:], labels[1500:])


def parts(seed):
    generator = flaxnn.random.Generator(seed)
    model = nn.Sequential(
        nn.Linear(64, 32, rngs=generator),
        nn.ReLU(),
        nn.Dropout(0.25, rngs=generator),
        nn.Linear(32, 10, rngs=generator),
    )
    return model, data.DataLoader(train, 64, shuffle=True, rngs=generator)


optimizer = optim.adamw(lr=0.01)
schedule = lr_scheduler.cosine_annealing_lr(6)

# %% [markdown]
# ## Go on
#
# `load_checkpoint` puts the file's numbers into the model, the optimiser, the schedule and the
# generator, and says where the run stands. `fit` goes on from there, on the device that the
# first cell named. Nothing has to be moved to it.

# %%
model, loader = parts(seed=0)
found = interop.load_checkpoint(path, model, optimizer, loader, schedule=schedule)
print(f"epoch {found.state.epoch}, batch {found.state.batch}")

run = flaxnn.fit(
    found.model,
    loader,
    loss=nn.CrossEntropyLoss(),
    optimizer=optimizer,
    schedule=schedule,
    epochs=6,
    state=found.state,
)
losses = run.history["loss"]
print(f"{len(losses)} steps on {device.platform}, last loss {losses[-1]:.6f}")

# %% [markdown]
# ## Compare with PyTorch
#
# PyTorch went on from the same file, and its losses were recorded. So were those of eleven
# variants of that run: with two threads, with other instruction sets, from weights moved in
# their last digit. How far these lie apart is the noise floor of float32, and four times that
# is what grade T2 allows. A wrong mask, a wrong batch or a wrong learning rate is thousands of
# times further off.

# %%
import hashlib

from flaxnn import report

reference = parity.Reference.load(parity.example_path("digits_run.safetensors"))
recorded, noise = reference.float32, reference.floor
assert recorded is not None
assert noise is not None
floor = noise.for_losses(recorded.losses)

figure = reproduce.series_within(
    "losses",
    "86 steps",
    recorded.losses,
    losses,
    tolerances=4 * floor,
    grade="T2",
    running=True,
)
mark = "✓" if figure.passed else "✗"
print(f"{mark} largest difference {figure.error:.1e}, T2 allows {4 * floor[-1]:.1e}")
assert figure.passed or jax.default_backend() != "cpu"

# %%
report.plot_losses(
    losses, recorded.losses, floor=floor, title="86 steps behind the checkpoint"
)

# %% [markdown]
# The generator has drawn an order for each epoch and a mask for each step. At the end its
# state is PyTorch's, bit for bit (grade T0), whatever device computes. Of the test images the
# model has about as many right (grade T3).

# %%
logits = flaxnn.predict(run.model, test[0])
right = int((np.asarray(logits).argmax(axis=1) == test[1]).sum())
theirs = reference.environment["correct of 297"]
print(f"{right} of 297 test images are right, in PyTorch {theirs}")
assert abs(right - theirs) <= 3

state = hashlib.sha256(run.state.generators[0].tobytes()).hexdigest()
check_text("generator", reference.environment["generator"], state)

# %% [markdown]
# ## The way back
#
# `save_checkpoint` writes the same entries, in a file that `torch.load` reads with
# `weights_only=True`.

# %%
interop.save_checkpoint(
    "digits_back.pt", run.model, run.state, optimizer, schedule=schedule
)
back = interop.load("digits_back.pt")
print(list(back))
check_text("names", list(content["model"]), list(back["model"]))
check_text("place", (6, 0, 144), (back["epoch"], back["batch"], back["step"]))

# %% [markdown]
# PyTorch goes on from it, for six epochs more if it likes. `generators` is a list here, with
# one state for each generator of the run:
#
# ```py
# state = torch.load("digits_back.pt", weights_only=True)
# model.load_state_dict(state["model"])
# optimizer.load_state_dict(state["optimizer"])
# scheduler.load_state_dict(state["scheduler"])
# torch.set_rng_state(state["generators"][0])
# ```
#
# The way back can be stopped at any step too. Here flaxnn does 20 steps, writes a file, and
# another run goes on from that file. Both parts together are the whole, to the last bit.

# %%
first = flaxnn.fit(
    found.model,
    loader,
    loss=nn.CrossEntropyLoss(),
    optimizer=optimizer,
    schedule=schedule,
    steps=58 + 20,
    state=found.state,
)
interop.save_checkpoint(
    "digits_half.pt", first.model, first.state, optimizer, schedule=schedule
)

model, loader = parts(seed=1)
half = interop.load_checkpoint(
    "digits_half.pt", model, optimizer, loader, schedule=schedule
)
second = flaxnn.fit(
    half.model,
    loader,
    loss=nn.CrossEntropyLoss(),
    optimizer=optimizer,
    schedule=schedule,
    epochs=6,
    state=half.state,
)
joined = np.concatenate([first.history["loss"], second.history["loss"]])
print(f"two parts: {np.abs(joined - losses).max():.1e} from the whole")
assert np.array_equal(joined, losses) or jax.default_backend() != "cpu"

# %% [markdown]
# PyTorch has not been loaded:

# %%
print("torch" in sys.modules)
