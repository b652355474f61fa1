# SPDX-License-Identifier: Apache-2.0
"""Dropout and batch norm in whole runs against a live PyTorch: masks T0, float64 T1."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import flaxnn
from flaxnn import nn, optim
from flaxnn.data import DataLoader
from flaxnn.random import Generator

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch

T1 = 1e-12
ROWS, BATCH, SEED = 37, 8, 11


def build(n, **options):
    """The same net of either side's modules."""
    return n.Sequential(
        n.Linear(6, 16, **options),
        n.BatchNorm1d(16),
        n.ReLU(),
        n.Dropout(0.3),
        n.Linear(16, 8, **options),
        n.BatchNorm1d(8, momentum=None),
        n.AlphaDropout(0.2),
        n.Linear(8, 3, **options),
    )


def arrays():
    rng = np.random.default_rng(0)
    return rng.normal(size=(ROWS, 6)), rng.integers(0, 3, ROWS)


def assert_t1(ours, theirs):
    """Largest difference over largest magnitude, the criterion of T1."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= T1 * np.abs(theirs).max()


def assert_same_state(ours, theirs):
    state = ours.state_dict()
    assert list(state) == list(theirs.state_dict())
    for name, tensor in theirs.state_dict().items():
        if name.endswith("num_batches_tracked"):
            assert int(state[name]) == int(tensor)
        else:
            assert state[name].dtype == np.float64
            assert_t1(state[name], tensor.numpy())


def torch_loader(own=None, **options):
    x, y = arrays()
    data = torch.utils.data.TensorDataset(torch.tensor(x), torch.tensor(y))
    return torch.utils.data.DataLoader(data, BATCH, generator=own, **options)


def torch_epochs(model, loader, epochs, optimizer=None):
    """PyTorch's own loop; returns the losses."""
    optimizer = optimizer or torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    loss, losses = torch.nn.CrossEntropyLoss(), []
    for _ in range(epochs):
        for x, y in loader:
            value = loss(model(x), y)
            losses.append(value.item())
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
    return np.array(losses)


def our_run(generator, *, own=None, **options):
    model = flaxnn.astype(build(nn, rngs=generator), "float64")
    loader = DataLoader(arrays(), BATCH, shuffle=True, rngs=generator, generator=own)
    return flaxnn.fit(
        model,
        loader,
        loss=nn.CrossEntropyLoss(),
        optimizer=optim.sgd(lr=0.1, momentum=0.9),
        **options,
    )


@pytest.mark.parametrize("own", [False, True])
def test_two_epochs_of_pytorchs_loop(own):
    """The loader's draws of an epoch come first, then each step's masks in order."""
    torch.manual_seed(SEED)
    theirs = build(torch.nn).double()
    torch_own = torch.Generator().manual_seed(5) if own else None
    losses = torch_epochs(theirs, torch_loader(torch_own, shuffle=True), epochs=2)

    generator, ours_own = Generator(SEED), Generator(5) if own else None
    run = our_run(generator, own=ours_own, epochs=2)
    assert len(losses) == 10
    assert_t1(run.history["loss"], losses)
    assert_same_state(run.model, theirs)
    np.testing.assert_array_equal(generator.get_state(), torch.get_rng_state().numpy())
    if ours_own is not None and torch_own is not None:
        np.testing.assert_array_equal(
            ours_own.get_state(), torch_own.get_state().numpy()
        )


def test_evaluation_uses_the_running_statistics_and_draws_nothing():
    torch.manual_seed(SEED)
    theirs = build(torch.nn).double()
    torch_epochs(theirs, torch_loader(shuffle=True), epochs=1)
    generator = Generator(SEED)
    run = our_run(generator, epochs=1)
    before = generator.get_state()
    x, _ = arrays()
    with torch.no_grad():
        expected = theirs.eval()(torch.tensor(x)).numpy()
    assert_t1(flaxnn.predict(run.model, x, batch_size=BATCH), expected)
    np.testing.assert_array_equal(generator.get_state(), before)


def test_drawing_is_a_call_after_manual_seed():
    torch.manual_seed(SEED)
    theirs = build(torch.nn).double()
    generator = Generator(SEED)
    ours = flaxnn.astype(build(nn, rngs=generator), "float64")
    x, _ = arrays()
    with jax.enable_x64(True), nn.drawing(generator):
        outputs = [ours(jnp.asarray(x)) for _ in range(3)]
    for output in outputs:
        assert_t1(output, theirs(torch.tensor(x)).detach().numpy())
    assert_same_state(ours, theirs)
    np.testing.assert_array_equal(generator.get_state(), torch.get_rng_state().numpy())


SHAPES = {
    "Dropout": [(), (4,), (3, 5), (2, 3, 4, 5), (0, 3), (40, 50)],
    "Dropout1d": [(3, 4), (2, 3, 4), (2, 0, 4)],
    "Dropout2d": [(2, 3, 4, 4), (0, 3, 2, 2)],
    "Dropout3d": [(3, 2, 2, 2), (2, 3, 2, 2, 2)],
    "AlphaDropout": [(), (3, 5), (2, 3, 4, 5), (0, 3)],
    "FeatureAlphaDropout": [(3, 5), (2, 3, 4), (2, 3, 4, 5), (0, 3)],
}


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "float16"])
@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("name", SHAPES)
def test_which_numbers_are_drawn(name, p, dtype):
    """T0: the mask, and the generator after it, in training and in evaluation."""
    for shape in SHAPES[name]:
        for training in (True, False):
            torch.manual_seed(3)
            theirs = getattr(torch.nn, name)(p).train(training)
            ones = torch.ones(shape, dtype=getattr(torch, dtype))
            expected = theirs(ones).float().numpy()
            generator = Generator(3)
            with jax.enable_x64(dtype == "float64"), nn.drawing(generator):
                ours = getattr(nn, name)(p).train(training)(jnp.ones(shape, dtype))
            assert ours.dtype == dtype
            exact = "Alpha" not in name or dtype == "float32"
            np.testing.assert_allclose(
                np.asarray(ours, np.float32), expected, rtol=2e-7 if exact else 1e-2
            )
            np.testing.assert_array_equal(
                generator.get_state(), torch.get_rng_state().numpy()
            )


def test_pytorch_fills_the_noise_of_a_transposed_input_in_memory_order():
    """The known difference: JAX's arrays have no memory order."""
    x = np.ones((3, 4), np.float32)
    torch.manual_seed(0)
    theirs = torch.nn.functional.dropout(torch.tensor(x).t()).numpy()
    with nn.drawing(Generator(0)):
        ours = np.asarray(nn.Dropout()(jnp.asarray(x)))
    np.testing.assert_array_equal(theirs.T, ours)
