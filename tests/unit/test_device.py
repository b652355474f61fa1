# SPDX-License-Identifier: Apache-2.0
"""Choosing a device by name."""

import jax
import numpy as np
import pytest

import flaxnn
from flaxnn import models, nn, optim
from flaxnn.random import Generator

on_cpu_only = pytest.mark.skipif(
    jax.default_backend() != "cpu", reason="there is an accelerator"
)


def test_auto_takes_the_best_there_is():
    assert flaxnn.device() == flaxnn.device("auto") == jax.devices()[0]


def test_a_device_by_its_name_and_index():
    assert flaxnn.device("cpu").platform == "cpu"
    assert flaxnn.device("cpu:0") == flaxnn.device("cpu")


@on_cpu_only
@pytest.mark.parametrize("name", ["cuda", "gpu", "rocm", "tpu", "cuda:1", "cpu:64"])
def test_a_device_that_is_not_there_fails_loudly(name):
    with pytest.raises(RuntimeError, match=f"no device '{name}' here: JAX sees"):
        flaxnn.device(name)


@pytest.mark.parametrize("name", ["", "mps", "cuda:", "cuda:x", "cpu:-1", "auto:0"])
def test_an_unknown_name_is_explained(name):
    with pytest.raises(ValueError, match="unknown device"):
        flaxnn.device(name)


def test_a_device_is_named_by_a_string():
    with pytest.raises(TypeError, match="string"):
        flaxnn.device(0)


def test_a_run_on_a_chosen_device():
    x, y = np.ones((4, 2), np.float32), np.array([0, 1, 0, 1])
    with jax.default_device(flaxnn.device("cpu")):
        run = flaxnn.fit(
            models.SoftmaxRegression(2, 2, rngs=Generator(0)),
            (x, y),
            loss=nn.CrossEntropyLoss(),
            optimizer=optim.sgd(),
            steps=2,
        )
    assert run.model.state_dict()["0.bias"].devices() == {flaxnn.device("cpu")}
