# SPDX-License-Identifier: Apache-2.0
# Made by source/build.py from source/fashion_mnist_run.md: edit that file.

# %% [markdown]
# # Fashion-MNIST, from seed to confusion matrix
#
# A whole run in one sitting: a seed, the weights that PyTorch draws from it, its batches in its
# order, training with a validation after each epoch, and then everything one wants to know of
# the result. The network is document 004's, without the ReLU behind its last layer, trained
# with Adam.
#
# You will see
#
# - weights and batches that are PyTorch's, bit for bit,
# - a history with losses and accuracy, and its picture,
# - where the network errs, which classes it mixes up, and whether its probabilities can be
#   believed.

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
# `check` compares our numbers with those of the document or of PyTorch. On a CPU a wrong digit
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
# ## The same in PyTorch
#
# This is the run. PyTorch 2.13.0 on a CPU with one thread gave the numbers that ours are held to
# below.
#
# ```py
# torch.manual_seed(866285315)
# model = nn.Sequential(
#     nn.Flatten(),
#     nn.Linear(784, 512),
#     nn.ReLU(),
#     nn.Linear(512, 512),
#     nn.ReLU(),
#     nn.Linear(512, 10),
# )
# loader = DataLoader(train, batch_size=64, shuffle=True)
# optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
# losses = []
# for epoch in range(3):
#     for images, labels in loader:
#         loss = F.cross_entropy(model(images), labels)
#         optimizer.zero_grad()
#         loss.backward()
#         optimizer.step()
#         losses.append(loss.item())
#     with torch.no_grad():
#         logits = model(test_images)
#     print((logits.argmax(1) == test_labels).sum(), F.cross_entropy(logits, test_labels))
# ```
#
# ## Weights from a seed
#
# The document sets no seed; this is the only one of all 2³² whose weights are those that it
# prints. They are drawn on the host and are PyTorch's bit for bit (grade T0), whatever device
# computes afterwards.
#
# | PyTorch | flaxnn |
# |---|---|
# | `torch.manual_seed(866285315)` | `generator = flaxnn.random.Generator(866285315)` |
# | `nn.Linear(784, 512)` | `nn.Linear(784, 512, rngs=generator)` |

# %%
from flaxnn import nn, report

generator = flaxnn.random.Generator(866285315)
model = nn.Sequential(
    nn.Flatten(),
    nn.Linear(784, 512, rngs=generator),
    nn.ReLU(),
    nn.Linear(512, 512, rngs=generator),
    nn.ReLU(),
    nn.Linear(512, 10, rngs=generator),
)
print(model)
print(f"{sum(p.size for p in model.parameters()):,} parameters")

PRINTED_WEIGHT = """
tensor([[ 0.0345,  0.0125, -0.0064,  ..., -0.0289, -0.0272,  0.0049],
        [-0.0083,  0.0006,  0.0139,  ...,  0.0288,  0.0230, -0.0266],
        [ 0.0202,  0.0218, -0.0205,  ..., -0.0233, -0.0014,  0.0225],
        ...,
        [-0.0056,  0.0278,  0.0311,  ..., -0.0061,  0.0304,  0.0324],
        [-0.0209,  0.0126, -0.0110,  ...,  0.0329, -0.0086, -0.0268],
        [ 0.0089, -0.0237,  0.0225,  ..., -0.0266,  0.0019,  0.0306]])
"""
corners = np.ix_([0, 1, 2, -3, -2, -1], [0, 1, 2, -3, -2, -1])
initial = np.asarray(model[1].weight)
check("first weight", PRINTED_WEIGHT, initial[corners])

# %% [markdown]
# ## Batches in their order
#
# The model has drawn its weights, and the loader draws next, from the same generator. So the
# order of the batches depends on the seed and on how much the model took. A loader over the
# numbers 0 to 59,999 shows it without any images. The generator is put back afterwards.

# %%
from flaxnn import data

before = generator.get_state()
order = data.DataLoader(np.arange(60000), 64, shuffle=True, rngs=generator)
first_rows = np.ravel(next(iter(order)))[:8].tolist()
generator.set_state(before)
print(first_rows)

PYTORCH_ROWS = [48556, 19572, 35173, 30480, 7898, 19619, 18803, 47123]
check_text("first rows", PYTORCH_ROWS, first_rows)

# %% [markdown]
# ## The images
#
# `data.load` finds the images on this machine, or fetches them through TensorFlow Datasets,
# without TensorFlow. Where neither is possible, the rest of this notebook is skipped and says
# why.

# %%
SKIPPED = "skipped: there are no images"

try:
    train, test = data.load("fashion_mnist"), data.load("fashion_mnist", "test")
    print(f"{len(train):,} images to train on, {len(test):,} to test with")
    PYTORCH_LABELS = [4, 8, 1, 8, 6, 9, 2, 6]
    check_text("their labels", PYTORCH_LABELS, train.arrays[1][first_rows].tolist())
except (FileNotFoundError, ImportError) as missing:
    train = test = None
    print(f"skipped: {missing}")

# %% [markdown]
# ## Training
#
# All three epochs are one compiled program that visits the host between chunks of steps. After
# each epoch the model is judged on the test images; `metrics` ride along with the training.
#
# | PyTorch | flaxnn |
# |---|---|
# | `for epoch …: for images, labels in loader: …` | `flaxnn.fit(model, loader, epochs=3, …)` |
# | `losses.append(loss.item())` | `run.history["loss"]` |
# | `model.eval()`, `torch.no_grad()`, a loop | `validation=Validation(test.arrays, …)` |

# %%
import time

from flaxnn import metrics, optim
from flaxnn.training import Validation

run = None
if train is not None and test is not None:
    start = time.perf_counter()
    run = flaxnn.fit(
        model,
        data.DataLoader(train, 64, shuffle=True, rngs=generator),
        loss=nn.CrossEntropyLoss(),
        optimizer=optim.adam(lr=1e-3),
        epochs=3,
        metrics=[metrics.accuracy],
        validation=Validation(test.arrays, metrics=[metrics.accuracy]),
    )
    seconds = time.perf_counter() - start
    print(f"{seconds:.1f} s for {len(run.history['loss']):,} steps")
    for name, values in run.evaluations.items():
        print(name, values)

# %% [markdown]
# The first losses have grown no differences yet and are held to 1e-5. Later ones depend on the
# order in which a processor adds, in PyTorch with two threads instead of one as well. So of the
# end it is the accuracy that is compared, to one and a half per cent (grade T3).

# %%
if run is not None:
    first = "2.302256 2.237581 2.146891 2.033521 1.924459"
    check("first losses", first, run.history["loss"][:5], tolerance=1e-5)
    check("accuracy", "0.8734", run.evaluations["accuracy"][-1], tolerance=0.015)

# %%
report.plot_history(
    run.history, run.evaluations, title="Three epochs of Adam"
) if run else SKIPPED

# %% [markdown]
# ## Where it errs
#
# What the network says about some test images. A wrong answer has a thick frame.

# %%
probabilities = None
if run is not None and test is not None:
    logits = flaxnn.predict(run.model, test.arrays[0])
    probabilities = np.asarray(nn.Softmax(dim=1)(logits))

report.plot_predictions(
    test.arrays[0][10:30],
    probabilities[10:30],
    test.arrays[1][10:30],
    class_names=test.class_names,
    columns=5,
    title="Twenty test images",
) if test and probabilities is not None else SKIPPED

# %% [markdown]
# Each row of the confusion matrix is a class, and says what its images are taken for.

# %%
report.plot_confusion_matrix(
    test.arrays[1],
    probabilities.argmax(axis=1),
    class_names=test.class_names,
    normalize=True,
    title="10,000 test images",
) if test and probabilities is not None else SKIPPED

# %% [markdown]
# The same as numbers: the pair that is mixed up most, and the share that is right in each class.

# %%
if test is not None and probabilities is not None:
    matrix = np.zeros((10, 10), int)
    np.add.at(matrix, (test.arrays[1], probabilities.argmax(axis=1)), 1)
    right = np.diag(matrix) / matrix.sum(axis=1)
    for name, share in zip(test.class_names, right, strict=True):
        print(f"{name:12} {share:.1%}")
    wrong = matrix - np.diag(np.diag(matrix))
    is_class, taken_for = np.unravel_index(wrong.argmax(), wrong.shape)
    names = test.class_names[is_class], test.class_names[taken_for]
    print(f"{wrong.max()} of 1,000 images of {names[0]} are taken for {names[1]}")
    check_text("the hardest class", "Shirt", test.class_names[int(right.argmin())])

# %% [markdown]
# ## Can its probabilities be believed?
#
# Of the images for which a network says 0.8, eight in ten should be right. The picture puts the
# images into bins by the probability of the predicted class, and compares it with the share that
# is right. The expected calibration error is the mean distance between the two; PyTorch's
# network has 0.0101.

# %%
report.plot_calibration(
    probabilities, test.arrays[1], title="Calibration on 10,000 test images"
) if test and probabilities is not None else SKIPPED

# %%
if test is not None and run is not None:
    error = metrics.CalibrationError(from_logits=True, num_classes=10)
    result = flaxnn.evaluate(run.model, test.arrays, metrics=[metrics.accuracy, error])
    print(result)
    check("calibration error", "0.0101", result["calibration_error"], tolerance=0.02)

# %% [markdown]
# A temperature changes how sure the network is and not what it says. Here it is for one image of
# which it is not sure.


# %%
def least_sure(probabilities):
    return int(probabilities.max(axis=1).argmin())


report.plot_softmax(
    np.log(probabilities[least_sure(probabilities)]),
    (0.25, 1.0, 4.0),
    class_names=test.class_names,
    title="The image of which the network is least sure",
) if test and probabilities is not None else SKIPPED

# %% [markdown]
# ## What it looks for
#
# A unit of the first layer has one weight for each pixel, so its weights are an image. Ink on
# the red spots speaks for what the unit looks for, ink on the blue ones against it. These are
# the 20 units that training has moved most.


# %%
def most_moved(model, count):
    weight = np.asarray(model[1].weight)
    distance = np.linalg.norm(weight - initial, axis=1)
    return weight[np.argsort(-distance)[:count]]


report.plot_weight_images(
    most_moved(run.model, 20), columns=5, title="What units of the first layer look for"
) if run else SKIPPED
