# SPDX-License-Identifier: Apache-2.0
# Made by source/build.py from source/batched_softmax.md: edit that file.

# %% [markdown]
# # Softmax of a batch
#
# Document 003, a note on PyTorch, says why the last layer of a classifier has no
# activation, turns its outputs into probabilities by hand, and does so first for one
# vector and then for a batch. This notebook does the same with flaxnn, on JAX and without
# PyTorch.
#
# You will see
#
# - PyTorch's random numbers from a seed,
# - a batch made from a function of one vector, by `jax.vmap`,
# - what softmax and the cross entropy do to each other's gradients.

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
# The document shows its results as pictures and sets no seed, so it has no figures to
# compare with. The numbers below were printed by PyTorch 2.13.0 from seed 0, on a CPU, and
# `check` compares ours with them. On a CPU a wrong digit stops the notebook. On a GPU or a
# TPU the last digits have not been measured; there, the line only says how far off a
# number is.

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
# ## Logits
#
# The last layer computes weighted sums. They can be any number, positive or negative, and
# are called logits. A sigmoid on each of them would give numbers between 0 and 1, but
# independent ones, whose sum is not 1. A ReLU would lose what is below 0. So the last
# layer has no activation: its logits $z$ go to softmax as they are,
#
# $$p_i = \frac{e^{z_i}}{\sum_k e^{z_k}},$$
#
# and the probabilities $p$, with the right class, to the cross entropy.
#
# ## One vector
#
# The document's logits are random. `Generator` is PyTorch's CPU generator, written in
# NumPy: from one seed both draw the same numbers, bit for bit (grade T0).
#
# | PyTorch | flaxnn |
# |---|---|
# | `torch.manual_seed(0)` | `generator = flaxnn.random.Generator(0)` |
# | `torch.rand(10)` | `generator.rand(10)` |

# %%
from flaxnn import report

generator = flaxnn.random.Generator(0)
logit_vector = generator.rand(10)
print(report.tensor_text(logit_vector))

PYTORCH_RAND = """
tensor([0.4963, 0.7682, 0.0885, 0.1320, 0.3074, 0.6341, 0.4901, 0.8964, 0.4556,
        0.6323])
"""
check_text("rand(10)", PYTORCH_RAND.strip(), report.tensor_text(logit_vector))

# %% [markdown]
# The formula, with `jax.numpy` where the document has `torch`:
#
# | PyTorch | JAX |
# |---|---|
# | `torch.exp(z) / torch.sum(torch.exp(z))` | `jnp.exp(z) / jnp.sum(jnp.exp(z))` |

# %%
import jax.numpy as jnp


def softmax(z):
    return jnp.exp(z) / jnp.sum(jnp.exp(z))


prob_vector = softmax(logit_vector)
print(report.tensor_text(prob_vector))
print(report.tensor_text(prob_vector.sum()))

PYTORCH_PROBABILITIES = """
tensor([0.0977, 0.1282, 0.0650, 0.0678, 0.0809, 0.1121, 0.0971, 0.1457, 0.0938,
        0.1119])
"""
check("softmax of rand(10)", PYTORCH_PROBABILITIES, prob_vector)
check("its sum", "tensor(1.0000)", prob_vector.sum())

# %% [markdown]
# ## A batch
#
# Four samples, seven classes. PyTorch's way is to sum over the second axis and to reshape
# the sums into a column, so that the division repeats them along the rows:
#
# ```py
# powers = torch.exp(preds_logits)
# pred_probs = powers / powers.sum(axis=1).reshape(-1, 1)
# ```
#
# The same expression works with `jax.numpy`. JAX has another way: `jax.vmap` makes, from
# the function of one vector, a function of a batch of them. No axis is named and nothing
# is reshaped.

# %%
BATCH_SIZE, N_CLASSES = 4, 7

preds_logits = generator.rand(BATCH_SIZE, N_CLASSES)
print(report.tensor_text(preds_logits))

pred_probs = jax.vmap(softmax)(preds_logits)
print(report.tensor_text(pred_probs))
print(report.tensor_text(pred_probs.sum(axis=1)))

PYTORCH_BATCH = """
tensor([[0.1397, 0.1472, 0.1008, 0.1167, 0.1322, 0.1655, 0.1980],
        [0.1701, 0.0898, 0.1013, 0.1511, 0.1908, 0.1137, 0.1832],
        [0.1395, 0.1594, 0.2378, 0.0951, 0.1104, 0.1333, 0.1245],
        [0.2308, 0.1084, 0.1190, 0.1057, 0.0938, 0.1119, 0.2303]])
"""
check("softmax of rand(4, 7)", PYTORCH_BATCH, pred_probs)
check("row sums", "tensor([1.0000, 1.0000, 1.0000, 1.0000])", pred_probs.sum(axis=1))

# %%
report.plot_probabilities(
    pred_probs,
    class_names=[f"class {k}" for k in range(N_CLASSES)],
    sample_names=[f"sample {k}" for k in range(BATCH_SIZE)],
    title="Each row sums to one",
)

# %% [markdown]
# ## The library's softmax
#
# `F.softmax` and `nn.Softmax` take the dimension, as in PyTorch, and subtract the largest
# logit first. In float64 on the CPU they agree with the formula to 1e-12 (grade T1).

# %%
import flaxnn.functional as F
from flaxnn import nn

with jax.enable_x64(True), jax.default_device(flaxnn.device("cpu")):
    logits = preds_logits.astype(np.float64)
    by_hand = np.exp(logits) / np.exp(logits).sum(axis=1).reshape(-1, 1)
    for ours in (F.softmax(logits, dim=1), nn.Softmax(dim=1)(logits)):
        error = np.abs(ours - by_hand).max() / by_hand.max()
        assert error <= 1e-12
        print(f"✓ relative error {error:.1e}")

# %% [markdown]
# ## Into the cross entropy
#
# The loss of a sample is $-\log p$ of its right class. PyTorch's `CrossEntropyLoss`, and
# flaxnn's, take logits and have the softmax inside. To give them probabilities is a common
# slip: nothing fails, and the loss is another one.

# %%
labels = np.array([6, 4, 2, 0])
by_hand = -jnp.log(pred_probs[jnp.arange(BATCH_SIZE), labels]).mean()
print("by hand           ", by_hand)
print("from logits       ", F.cross_entropy(preds_logits, labels))
print("from probabilities", F.cross_entropy(pred_probs, labels), "(the slip)")
np.testing.assert_allclose(F.cross_entropy(preds_logits, labels), by_hand, rtol=1e-6)

# %% [markdown]
# ## Gradients
#
# How does each probability move with each logit? `jax.jacobian` answers with a matrix. On
# paper it is $\mathrm{diag}(p) - p\,p^\top$.

# %%
jacobian = jax.jacobian(softmax)(logit_vector)
p = np.asarray(prob_vector)
np.testing.assert_allclose(jacobian, np.diag(p) - np.outer(p, p), atol=1e-6)
print("✓ the Jacobian is the one on paper, shape", jacobian.shape)

# %% [markdown]
# Behind the cross entropy that matrix disappears. The gradient of the loss by the logits
# is what the model says less what is right, divided by the number of samples.

# %%
gradient = jax.grad(F.cross_entropy)(jnp.asarray(preds_logits), labels)
on_paper = (np.asarray(pred_probs) - np.eye(N_CLASSES)[labels]) / BATCH_SIZE
np.testing.assert_allclose(gradient, on_paper, atol=1e-6)
print(report.tensor_text(gradient))

# %% [markdown]
# PyTorch has not been loaded:

# %%
print("torch" in sys.modules)
