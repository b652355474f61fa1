# SPDX-License-Identifier: Apache-2.0
# Made by source/build.py from source/neural_network.md: edit that file.

# %% [markdown]
# # A neural network
#
# Document 004, a PyTorch tutorial, builds a network of three linear layers for images of
# clothes, prints its weights, and walks an image through the layers one by one. It stops
# before training. This notebook computes its numbers again with flaxnn, on JAX and without
# PyTorch, and then trains the network on the real Fashion-MNIST.
#
# You will see
#
# - 669,706 parameters drawn as PyTorch draws them,
# - PyTorch's print-outs, letter by letter,
# - three epochs of training, compiled, with PyTorch's batches in PyTorch's order.

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
# ## The device
#
# | PyTorch | flaxnn |
# |---|---|
# | `device = "cuda" if torch.cuda.is_available() else "cpu"` | `device = flaxnn.device()` |
# | `model.to(device)` | nothing: JAX computes on the best device there is |

# %%
print(f"Using {device.platform} device")

# %% [markdown]
# ## The class
#
# It is the document's class, with `rngs` handed to the layers that draw. The document puts
# a ReLU behind the last layer too; the section on training comes back to that.

# %%
from flaxnn import nn


class NeuralNetwork(nn.Module):
    def __init__(self, *, rngs):
        self.flatten = nn.Flatten()
        self.linear_relu_stack = nn.Sequential(
            nn.Linear(28 * 28, 512, rngs=rngs),
            nn.ReLU(),
            nn.Linear(512, 512, rngs=rngs),
            nn.ReLU(),
            nn.Linear(512, 10, rngs=rngs),
            nn.ReLU(),
        )

    def forward(self, x):
        x = self.flatten(x)
        return self.linear_relu_stack(x)


# %% [markdown]
# The document sets no seed. A search over all 2³² seeds found the one with which PyTorch
# draws the weights that it prints, 866285315. PyTorch builds layers on the CPU and moves
# them to the GPU afterwards, so their weights come from the CPU generator, which
# `Generator` is, in NumPy.

# %%
generator = flaxnn.random.Generator(866285315)  # torch.manual_seed(866285315)
model = NeuralNetwork(rngs=generator)
print(model)

PRINTED_MODEL = """
NeuralNetwork(
  (flatten): Flatten(start_dim=1, end_dim=-1)
  (linear_relu_stack): Sequential(
    (0): Linear(in_features=784, out_features=512, bias=True)
    (1): ReLU()
    (2): Linear(in_features=512, out_features=512, bias=True)
    (3): ReLU()
    (4): Linear(in_features=512, out_features=10, bias=True)
    (5): ReLU()
  )
)
"""
check_text("structure", PRINTED_MODEL.strip(), model)

# %% [markdown]
# A model is called with a batch of images. The document's image is random and drawn by the
# GPU's generator, which flaxnn does not reproduce; the class for this one says nothing
# either way.

# %%
X = generator.rand(1, 28, 28)
logits = model(X)
pred_probab = nn.Softmax(dim=1)(logits)
print(f"Predicted class: {pred_probab.argmax(1)}")

# %% [markdown]
# ## Weight and bias
#
# Of the first layer's 512 × 784 weights the document prints the corners. The initial
# weights are drawn on the host and equal PyTorch's bit for bit (grade T0), whatever device
# computes afterwards.

# %%
from flaxnn import report

weight = np.asarray(model.linear_relu_stack[0].weight)
bias = np.asarray(model.linear_relu_stack[0].bias)
print(weight.shape, bias.shape)
print(report.tensor_text(weight, suffix="requires_grad=True"))

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
check("first weight", PRINTED_WEIGHT, weight[corners])

# %% [markdown]
# The document prints all 512 biases; they are compared at the end of this notebook.
#
# ## Model layers
#
# The document follows three images through the layers.
#
# | PyTorch | flaxnn |
# |---|---|
# | `input_image = torch.rand(3, 28, 28)` | `input_image = generator.rand(3, 28, 28)` |
# | `nn.Flatten()` | `nn.Flatten()` |
# | `nn.Linear(in_features=28*28, out_features=20)` | `nn.Linear(28 * 28, 20, rngs=generator)` |
# | `nn.Sequential(flatten, layer1, …)` | `nn.Sequential(flatten, layer1, …)` |

# %%
input_image = generator.rand(3, 28, 28)
check_text("input_image", "[3, 28, 28]", list(input_image.shape))

flatten = nn.Flatten()
flat_image = flatten(input_image)
check_text("flat_image", "[3, 784]", list(flat_image.shape))

layer1 = nn.Linear(in_features=28 * 28, out_features=20, rngs=generator)
hidden1 = layer1(flat_image)
check_text("hidden1", "[3, 20]", list(hidden1.shape))

seq_modules = nn.Sequential(
    flatten, layer1, nn.ReLU(), nn.Linear(20, 10, rngs=generator)
)
logits = seq_modules(input_image)
check_text("logits", "[3, 10]", list(logits.shape))

# %% [markdown]
# These images and layers were drawn in another session, whose seed is not known. So the
# numbers that the document prints before a layer go in here, and what it prints after the
# layer is what has to come out. First the ReLU:

# %%
PRINTED_BEFORE = """
-1.5071e-01 -4.2613e-01  1.3321e-01 -3.1527e-01  3.5439e-01
-3.5691e-01 -4.6418e-01  1.0611e+00  2.8271e-01  5.6982e-02
 5.6526e-01 -2.3586e-01  7.0047e-04 -2.7395e-01 -2.7888e-01
 4.3065e-02 -4.6131e-01 -1.5210e-01 -2.2935e-01 -7.2748e-01
-1.4575e-01 -3.4718e-01  8.3041e-02 -3.9843e-01  9.0595e-01
-1.2193e-01 -3.6724e-01  7.8541e-01  2.0537e-02  1.4214e-01
 1.6115e-01  4.9334e-02 -1.4593e-01 -3.6390e-01 -4.5012e-01
 8.8599e-02 -3.6883e-01 -3.0174e-01 -4.6783e-01 -5.8375e-01
-1.1554e-01 -8.4348e-02  1.8244e-01 -2.1920e-01  4.7204e-01
-3.7186e-01 -3.7802e-01  8.9063e-01  2.6306e-01  3.1152e-01
 6.0135e-01 -9.6417e-02 -2.8857e-01 -2.7803e-01 -4.1772e-01
 1.3958e-01 -1.2683e-01 -2.6364e-01 -4.6738e-01 -1.1816e+00
"""
PRINTED_AFTER = """
 0.0000e+00  0.0000e+00  1.3321e-01  0.0000e+00  3.5439e-01
 0.0000e+00  0.0000e+00  1.0611e+00  2.8271e-01  5.6982e-02
 5.6526e-01  0.0000e+00  7.0047e-04  0.0000e+00  0.0000e+00
 4.3065e-02  0.0000e+00  0.0000e+00  0.0000e+00  0.0000e+00
 0.0000e+00  0.0000e+00  8.3041e-02  0.0000e+00  9.0595e-01
 0.0000e+00  0.0000e+00  7.8541e-01  2.0537e-02  1.4214e-01
 1.6115e-01  4.9334e-02  0.0000e+00  0.0000e+00  0.0000e+00
 8.8599e-02  0.0000e+00  0.0000e+00  0.0000e+00  0.0000e+00
 0.0000e+00  0.0000e+00  1.8244e-01  0.0000e+00  4.7204e-01
 0.0000e+00  0.0000e+00  8.9063e-01  2.6306e-01  3.1152e-01
 6.0135e-01  0.0000e+00  0.0000e+00  0.0000e+00  0.0000e+00
 1.3958e-01  0.0000e+00  0.0000e+00  0.0000e+00  0.0000e+00
"""
before = np.array(PRINTED_BEFORE.split(), np.float32).reshape(3, 20)
after = nn.ReLU()(before)
print("After ReLU:", report.tensor_text(after))
check("after ReLU", PRINTED_AFTER, after)

# %% [markdown]
# Then the softmax. The logits that go in are rounded to four decimals, and what comes out
# is held to half a unit of the fourth.

# %%
PRINTED_LOGITS = """
 0.0136  0.1250 -0.2537  0.3161 -0.0241 -0.0789 -0.1728  0.1266 -0.0040 -0.2851
 0.1931  0.0656 -0.2310  0.3074 -0.1630 -0.0271 -0.0584  0.2903  0.0406 -0.2842
 0.0712  0.1024 -0.2851  0.3011 -0.1147 -0.0587 -0.1740  0.1596  0.0162 -0.2641
"""
PRINTED_PROBABILITIES = """
 0.1022  0.1142  0.0782  0.1383  0.0984  0.0932  0.0848  0.1144  0.1004  0.0758
 0.1174  0.1034  0.0768  0.1316  0.0822  0.0942  0.0913  0.1294  0.1008  0.0728
 0.1083  0.1117  0.0758  0.1363  0.0899  0.0951  0.0847  0.1183  0.1025  0.0774
"""
logits = np.array(PRINTED_LOGITS.split(), np.float32).reshape(3, 10)
softmax = nn.Softmax(dim=1)
pred_probab = softmax(logits)
print(report.tensor_text(pred_probab))
check("softmax", PRINTED_PROBABILITIES, pred_probab, tolerance=5e-5)

# %% [markdown]
# ## Model parameters
#
# Parameters have PyTorch's names, shapes and order.

# %%
for name, param in model.named_parameters():
    size, values = list(param.shape), report.tensor_text(param[:2])
    print(f"Layer: {name} | Size: {size} | Values : {values} \n")

PRINTED_LAYERS = """
linear_relu_stack.0.weight [512, 784]
linear_relu_stack.0.bias [512]
linear_relu_stack.2.weight [512, 512]
linear_relu_stack.2.bias [512]
linear_relu_stack.4.weight [10, 512]
linear_relu_stack.4.bias [10]
"""
layers = [f"{name} {list(p.shape)}" for name, p in model.named_parameters()]
check_text("named_parameters", PRINTED_LAYERS.strip(), "\n".join(layers))
print(f"{sum(p.size for p in model.parameters()):,} parameters")

# %% [markdown]
# ## Training on Fashion-MNIST
#
# `data.load` finds the images on this machine, or fetches them through TensorFlow
# Datasets, without TensorFlow. Where neither is possible, this section is skipped and says
# why.

# %%
from flaxnn import data

try:
    train, test = data.load("fashion_mnist"), data.load("fashion_mnist", "test")
    print(f"{len(train):,} images to train on, {len(test):,} to test with")
except (FileNotFoundError, ImportError) as missing:
    train = test = None
    print(f"skipped: {missing}")

# %% [markdown]
# The ReLU behind the last layer stops the gradient of every class whose logit is negative,
# and a network that begins that way may never learn some of the classes.
# `models.NeuralNetwork(final_relu=False)` is the same network without it.
#
# | PyTorch | flaxnn |
# |---|---|
# | `DataLoader(train, 64, shuffle=True)` | `DataLoader(train, 64, shuffle=True, rngs=generator)` |
# | `for epoch …: for images, labels in loader: …` | `flaxnn.fit(…, epochs=3)` |
# | `(model(x).argmax(1) == y).float().mean()` | `flaxnn.evaluate(…, metrics=[metrics.accuracy])` |
#
# The model is drawn first, and the loader's order next from the same generator: these are
# PyTorch's batches, in PyTorch's order (grade T0). The images go to the device once, as
# bytes, and become floats there, exactly as torchvision's `ToTensor` makes them.

# %%
import time

from flaxnn import metrics, models, optim

run = None
if train is not None and test is not None:
    generator = flaxnn.random.Generator(866285315)
    model = models.NeuralNetwork(final_relu=False, rngs=generator)
    start = time.perf_counter()
    run = flaxnn.fit(
        model,
        data.DataLoader(train, 64, shuffle=True, rngs=generator),
        loss=nn.CrossEntropyLoss(),
        optimizer=optim.sgd(lr=0.1),
        epochs=3,
    )
    seconds = time.perf_counter() - start
    print(f"{seconds:.1f} s for {len(run.history['loss']):,} steps")

# %% [markdown]
# PyTorch 2.13.0, on a CPU with one thread and from the same seed, has the losses below at
# every hundredth step, and 8,419 of the 10,000 test images right. With two threads it has
# 8,424 right, and its losses are up to 0.019 from those with one: sums in another order
# round differently, and training makes that grow. The beginning, where little has grown
# yet, is held to 1e-5; all of it to four times the distance of PyTorch from itself (grade
# T2, with two variants of PyTorch); the accuracy to one per cent (grade T3).

# %%
PYTORCH_LOSSES = """
2.302256 0.865425 0.710066 0.670022 0.363241 0.614350 0.559735 0.538536 0.361736
0.467138 0.292816 0.536200 0.468481 0.431735 0.405236 0.390660 0.339925 0.463804
0.319468 0.427032 0.422172 0.341381 0.308130 0.437631 0.345311 0.714622 0.291492
0.261857 0.219183
"""
if run is not None and test is not None:
    losses = run.history["loss"]
    first = "2.302256 2.299829 2.290458 2.263020 2.255178"
    check("first losses", first, losses[:5], tolerance=1e-5)
    check("losses", PYTORCH_LOSSES, losses[::100], tolerance=4 * 0.019)
    result = flaxnn.evaluate(run.model, test.arrays, metrics=[metrics.accuracy])
    check("accuracy", "0.8419", result["accuracy"], tolerance=0.01)

# %%
SKIPPED = "skipped: there are no images"

report.plot_losses(
    run.history["loss"][::100],
    [float(loss) for loss in PYTORCH_LOSSES.split()],
    title="Three epochs of SGD, steps in hundreds",
) if run else SKIPPED

# %% [markdown]
# A unit of the first layer has one weight for each pixel, so its weights are an image. Ink
# on the red spots speaks for what the unit looks for, ink on the blue ones against it.
# These are the 20 units with the largest weights.


# %%
def strongest(model, count):
    weight = np.asarray(model.linear_relu_stack[0].weight)
    return weight[np.argsort(-np.linalg.norm(weight, axis=1))[:count]]


report.plot_weight_images(
    strongest(run.model, 20), columns=5, title="What units of the first layer look for"
) if run else SKIPPED

# %% [markdown]
# What the network says about some test images. A wrong answer has a thick frame.

# %%
report.plot_predictions(
    test.arrays[0][10:30],
    nn.Softmax(dim=1)(flaxnn.predict(run.model, test.arrays[0][10:30])),
    test.arrays[1][10:30],
    class_names=test.class_names,
    columns=5,
    title="Twenty test images",
) if run and test else SKIPPED

# %% [markdown]
# And which classes it takes for which. Shirts are the hard ones.

# %%
report.plot_confusion_matrix(
    test.arrays[1],
    flaxnn.predict(run.model, test.arrays[0]).argmax(axis=1),
    class_names=test.class_names,
    normalize=True,
    title="10,000 test images",
) if run and test else SKIPPED

# %% [markdown]
# ## All 512 biases
#
# The biases of the first layer, as the document prints them, one by one.

# %%
PRINTED_BIAS = """
-3.3893e-02  1.1856e-02 -2.9198e-03  7.7550e-05 -3.6560e-03 -6.9579e-03 -1.2820e-02
-1.3843e-02 -3.2885e-02 -3.0706e-02  1.8154e-02 -2.2628e-02 -1.9467e-02 -1.1431e-02
 3.4236e-02  1.4550e-02  3.5565e-02  6.1036e-03  1.5597e-02 -3.4587e-02  8.7269e-03
-1.1294e-02 -1.6513e-02 -1.8476e-02 -1.3202e-02  8.8488e-03  9.9392e-04  5.2359e-03
-2.4069e-03 -1.5483e-02  2.5843e-02  1.0256e-02 -2.9113e-02 -2.5873e-02 -1.9944e-02
-2.6365e-02  2.5999e-02  2.7609e-02  1.5273e-02 -3.3479e-02 -6.3627e-03  2.9811e-02
-1.2839e-02 -5.0589e-03 -3.1901e-02  3.3307e-02 -4.5675e-03 -2.6921e-02  2.1544e-02
 7.8810e-03 -2.4426e-02 -2.1167e-03 -3.1412e-02 -1.5664e-02  1.6812e-02 -1.7104e-02
 3.4536e-02 -6.5952e-03  2.6700e-02 -1.2066e-02  6.5335e-03  2.8978e-02  1.8800e-02
 1.4221e-02  3.2925e-02 -1.9482e-02 -2.4511e-02  3.0306e-04 -2.9231e-04 -2.4209e-02
 2.5072e-02 -8.5218e-03 -2.6121e-02  2.6395e-02  1.9129e-02  1.4820e-02 -1.2511e-02
 3.5386e-02  1.4013e-02 -2.6863e-02 -4.6941e-04  2.2849e-02 -1.6215e-02  3.4199e-02
-1.3711e-02  2.8474e-02 -3.1933e-02 -3.3415e-02 -1.6178e-02  1.4155e-02 -6.5667e-03
 2.3611e-03 -3.2452e-02  8.6236e-03 -1.5981e-03  1.1232e-03  1.1975e-02 -2.3774e-03
 1.7887e-02  3.5201e-02 -1.1175e-02 -3.5412e-02  1.2975e-02 -1.2248e-02  2.7172e-02
-3.2291e-02  1.5862e-02  2.5353e-02  3.1547e-02 -3.1174e-02 -2.1079e-02  1.9473e-02
 1.6254e-03 -2.6573e-02  1.8785e-02  2.9551e-02 -2.4120e-02 -1.6095e-02 -1.1159e-02
-3.2816e-02  1.4767e-02  1.6708e-02  2.6993e-02 -5.7211e-03 -1.8452e-02  3.2536e-02
 2.8532e-02  2.2516e-04  2.1189e-02 -3.3233e-02  3.0423e-02  3.3523e-02 -1.0432e-02
-3.2602e-02 -2.8546e-02 -6.4327e-03  6.9642e-03 -1.4304e-02  6.8462e-03  5.0203e-03
 2.1585e-02  3.1545e-02 -1.0934e-03 -1.9406e-02 -2.9421e-02 -1.7411e-02 -2.0412e-02
 2.5102e-02  1.2547e-02 -3.0986e-02  1.6634e-02 -2.4984e-02 -2.6488e-02  3.4600e-03
 3.2208e-02  1.4877e-02  3.5410e-02 -3.1163e-02  2.8038e-02 -5.1891e-03  5.3359e-03
-2.6971e-02 -3.0791e-02  9.9291e-03  2.0621e-02  1.9868e-03  1.9627e-02  1.0046e-02
-2.4433e-02  2.8893e-02  1.1766e-02  1.0414e-02  2.3457e-03 -1.2746e-02 -1.0818e-02
-3.2967e-02 -1.4925e-02 -3.2252e-03 -2.2941e-03  9.0597e-04  6.9115e-03 -2.1735e-03
-2.4123e-02 -3.3446e-02  1.0484e-03  3.9039e-03  2.3986e-02 -3.4971e-02  1.3492e-02
 3.0857e-02 -2.8267e-02 -3.3370e-02 -2.1649e-02 -3.0752e-02 -5.1667e-03  3.0889e-02
-2.6058e-02 -3.4022e-02  8.5368e-03 -1.3550e-02  4.6412e-03  2.8140e-02  2.9436e-02
 1.6564e-02  6.6783e-03 -2.2961e-02 -3.0092e-02 -1.2963e-02  1.6480e-02 -1.8736e-02
-2.1679e-04 -1.8737e-02 -2.3382e-02 -1.0879e-02 -2.6364e-02  1.4948e-02 -2.4392e-02
 9.0217e-03 -3.0474e-02  2.4682e-02 -1.5634e-02  2.7837e-02 -2.2873e-04  3.5140e-02
 3.0557e-02 -1.0857e-02 -7.7954e-03  2.0694e-02  2.0313e-02 -2.7490e-02 -2.2558e-02
 2.8936e-02  3.4033e-02  2.6560e-02  3.0019e-02  2.9273e-02 -2.7359e-02 -1.2905e-02
-2.0313e-02  9.5828e-03  8.8425e-03 -1.7195e-02 -2.0704e-02  1.0450e-03  2.5950e-02
 1.9036e-02  1.4443e-02  2.9559e-02  2.9179e-03 -1.0265e-02  2.3461e-02 -1.3738e-02
-3.0526e-02  6.4547e-03  3.4369e-03 -9.6529e-03  2.7027e-02 -1.5767e-02 -2.1840e-02
 3.5234e-02  1.3105e-03 -2.4140e-02 -1.6030e-02  5.1552e-03 -3.3987e-02 -3.0117e-02
-8.1727e-03 -2.6289e-02  3.4823e-02  3.1985e-02 -9.3816e-03  2.1257e-02  1.2116e-02
-1.3521e-02 -4.1174e-03  9.8654e-03 -1.1240e-02 -2.1743e-02 -2.4009e-02 -2.7295e-02
-1.6306e-02  1.3614e-02  3.1704e-02 -3.0783e-02 -5.3847e-03 -1.0096e-03  1.3106e-02
 2.3826e-02  1.7730e-03  9.5286e-03 -3.3278e-02  1.8588e-02  1.8140e-02  2.7753e-02
-3.4654e-02  3.2467e-02  5.3144e-03  2.2868e-02 -3.2193e-03 -8.4300e-03 -2.9408e-02
-3.1121e-02 -3.2734e-03  1.4886e-02  2.5475e-02  2.4241e-02 -2.7010e-02 -2.7500e-02
-8.5497e-03 -2.0963e-02  1.0632e-02  8.7818e-03  2.6593e-02  1.5180e-02  3.4387e-03
 2.1794e-02  2.5454e-02  9.5285e-03 -2.9737e-02 -1.0218e-02  2.4998e-02  2.8257e-02
-2.1038e-02  7.7758e-03  8.9003e-03  2.5068e-02 -2.8536e-02  2.4896e-02 -1.5650e-02
 3.2877e-02 -1.6008e-02 -9.3496e-03  4.9157e-03  8.2707e-04 -5.9403e-03 -1.5385e-03
 5.3282e-03 -9.3790e-03  3.4493e-02  1.8209e-02 -2.6138e-02  1.3822e-02  3.4545e-02
-2.5219e-02 -1.9581e-02  2.1199e-02 -1.4929e-02  2.1148e-02 -1.5851e-02  2.7479e-02
-2.8841e-02 -5.9577e-03  3.2018e-02 -2.7280e-02  1.3414e-03  1.6764e-03 -1.0262e-02
-5.5625e-03 -4.0343e-03  1.0875e-02  8.6537e-03  2.2670e-02 -1.8073e-02 -1.1438e-02
-3.1738e-02 -2.8944e-02 -3.1937e-02  2.5979e-02  2.4261e-02 -2.2968e-02  6.3852e-03
 1.9372e-02 -1.9294e-02  1.1858e-02 -9.6578e-03  1.0866e-02  2.6905e-03  2.7356e-02
-2.8320e-02  6.9093e-03  9.8558e-03  2.3251e-02  7.5669e-03  4.5801e-03  1.9185e-02
 1.5209e-02 -5.4668e-03 -2.8662e-02  8.1289e-03 -3.1957e-02 -9.9186e-03 -8.0599e-03
 1.0866e-02 -1.7790e-02  1.0896e-02 -1.6066e-02  2.4573e-02 -2.3933e-02 -6.1969e-03
 9.0088e-03  2.1756e-02  3.3143e-02  3.4638e-02  3.1814e-02  4.8598e-03  3.3483e-02
-1.1576e-03 -2.6452e-02  3.2410e-02  1.9123e-03  1.1893e-02 -1.2665e-02 -2.3922e-02
-3.4212e-02  1.7064e-02 -5.5048e-03 -2.6277e-02  2.8375e-02 -2.5197e-02  3.2328e-02
 3.1944e-02  1.7533e-02 -5.4455e-03  1.4251e-02 -7.3559e-03 -2.6303e-02 -1.5736e-02
 1.5723e-05  1.7847e-02 -3.5334e-02 -2.8193e-02 -6.2669e-03  1.3890e-02 -3.5535e-02
 2.1055e-02 -2.6242e-02  2.0644e-02 -2.7883e-02  2.9360e-02  7.8302e-03 -2.6974e-02
 2.5662e-02 -2.3669e-02  9.9982e-03 -2.5166e-03  2.6066e-02  1.8942e-02  3.2216e-02
 2.5957e-02  1.6543e-02 -7.1712e-03  8.9232e-03  1.0911e-03  1.2185e-02  9.3086e-03
-1.6120e-02  2.5654e-02 -2.1371e-02 -2.8406e-02 -2.8229e-02  1.1333e-02 -3.4800e-02
 2.0971e-02 -5.9193e-03 -1.7254e-02 -2.7244e-02 -2.6970e-02 -2.7199e-02  1.0899e-02
-1.6956e-02  2.3275e-02  1.3890e-02 -1.4555e-02 -9.0339e-04 -4.6278e-03 -7.1598e-03
-2.1138e-02 -1.0034e-02 -1.9791e-04  3.5472e-02 -5.5492e-04 -2.6190e-03  1.0888e-02
-2.2592e-02  8.5627e-03 -2.3297e-02  5.3967e-03  1.1539e-02  2.3211e-03 -1.1103e-02
 6.7959e-03  2.0121e-02 -3.5005e-02 -1.4148e-02  2.8122e-02  9.9652e-03  6.7002e-03
 3.1070e-02  3.9661e-04 -1.6871e-02 -3.7969e-03  2.8706e-02  1.5999e-02  2.8321e-02
-6.6723e-03  6.6234e-03 -1.4215e-02  4.7967e-03  2.1303e-02 -4.9500e-03  1.1886e-02
-3.2711e-02
"""
check("first bias", PRINTED_BIAS, bias)
