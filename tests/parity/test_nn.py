# SPDX-License-Identifier: Apache-2.0
"""Modules against a live PyTorch: initial values T0, printing, exceptions."""

import numpy as np
import pytest

from flaxnn import models, nn
from flaxnn.random import Generator

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch


@pytest.mark.parametrize("seed", [0, 2025, -1, 2**40 + 7])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(1, 1), (4, 3), (7, 13), (0, 3), (784, 512)])
@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_linear_draws_pytorchs_weights(seed, bias, dtype, shape):
    torch.manual_seed(seed)
    theirs = torch.nn.Linear(*shape, bias=bias, dtype=getattr(torch, dtype))
    generator = Generator(seed)
    ours = nn.Linear(*shape, bias=bias, rngs=generator, dtype=dtype)
    state = ours.state_dict()
    assert list(state) == list(theirs.state_dict())
    for name, tensor in theirs.state_dict().items():
        assert state[name].dtype == dtype
        np.testing.assert_array_equal(state[name], tensor.numpy())
    np.testing.assert_array_equal(generator.get_state(), torch.get_rng_state().numpy())


def test_a_sequential_in_a_sequential_prints_as_pytorchs():
    def build(n, **options):
        return n.Sequential(
            n.Linear(2, 3, **options),
            n.Sequential(n.ReLU(), n.Linear(3, 1, bias=False, **options)),
            n.Flatten(0),
        )

    ours = build(nn, rngs=Generator(0))
    theirs = build(torch.nn)
    assert repr(ours) == repr(theirs)
    assert [n for n, _ in ours.named_modules()] == [
        n for n, _ in theirs.named_modules()
    ]


@pytest.mark.parametrize("shape", [(2, 3), (3,), (4, 2, 5)])
def test_a_wrong_input_raises_as_pytorch_does(shape):
    x = np.ones(shape, np.float32)
    with pytest.raises(RuntimeError) as theirs:
        torch.nn.Linear(2, 4)(torch.from_numpy(x))
    with pytest.raises(RuntimeError) as ours:
        nn.Linear(2, 4, rngs=Generator(0))(x)
    assert str(theirs.value) in str(ours.value)


def test_document_004s_model_is_drawn_bit_for_bit():
    torch.manual_seed(866285315)
    theirs = torch.nn.Sequential(
        torch.nn.Linear(784, 512), torch.nn.Linear(512, 512), torch.nn.Linear(512, 10)
    )
    ours = models.NeuralNetwork(rngs=Generator(866285315)).state_dict()
    for value, tensor in zip(ours.values(), theirs.state_dict().values(), strict=True):
        np.testing.assert_array_equal(value, tensor.numpy())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_live_state_dict_loads_as_it_is(dtype):
    theirs = torch.nn.Sequential(torch.nn.Linear(4, 3)).to(getattr(torch, dtype))
    ours = models.SoftmaxRegression(4, 3, rngs=Generator(0))
    for tensors in (theirs.state_dict(), dict(theirs.named_parameters())):
        loaded = nn.load_state_dict(ours, tensors).state_dict()
        for name, tensor in theirs.state_dict().items():
            np.testing.assert_array_equal(loaded[name], tensor.float().numpy())
