# SPDX-License-Identifier: Apache-2.0
"""Activation modules where the table of the contract cannot say it."""

from __future__ import annotations

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import flaxnn
from flaxnn import nn, optim
from flaxnn.random import Generator

NEGATIVE = -jnp.ones(1000)
INPLACE = [
    name
    for name in nn.__all__
    if inspect.isclass(value := getattr(nn, name))
    and "inplace" in inspect.signature(value.__init__).parameters
]


@pytest.mark.parametrize("name", INPLACE)
def test_inplace_is_refused_not_ignored(name: str):
    build, args = getattr(nn, name), (0.1, 20.0) if name == "Threshold" else ()
    assert repr(build(*args, inplace=False)) == repr(build(*args))
    with pytest.raises(ValueError, match="cannot be changed"):
        build(*args, inplace=True)


def test_relu6_is_a_hardtanh():
    layer = nn.ReLU6()
    assert isinstance(layer, nn.Hardtanh)
    assert (layer.min_val, layer.max_val) == (0.0, 6.0)


def test_prelu_draws_nothing():
    generator = Generator(0)
    layer = nn.PReLU(3, rngs=generator)
    assert generator.words_drawn == 0
    np.testing.assert_array_equal(layer.weight, np.full(3, 0.25))


def test_rrelu_draws_new_slopes_between_the_bounds_for_every_element():
    layer = nn.RReLU(0.2, 0.6, rngs=nnx.Rngs(0))
    first, second = -layer(NEGATIVE), -layer(NEGATIVE)
    assert not np.array_equal(first, second)
    for slopes in (first, second):
        assert len(np.unique(slopes)) > 990
        assert 0.2 <= slopes.min() < 0.21
        assert 0.59 < slopes.max() <= 0.6
        assert abs(slopes.mean() - 0.4) < 0.01
    np.testing.assert_array_equal(layer(-NEGATIVE), -NEGATIVE)


def test_rrelu_repeats_itself_from_the_same_keys_and_takes_the_dropout_stream():
    first, second = (nn.RReLU(rngs=nnx.Rngs(dropout=3)) for _ in range(2))
    np.testing.assert_array_equal(first(NEGATIVE), second(NEGATIVE))
    other = nn.RReLU(rngs=nnx.Rngs(dropout=4))
    assert not np.array_equal(other(NEGATIVE), first(NEGATIVE))


def test_rrelus_of_one_rngs_have_slopes_of_their_own():
    rngs = nnx.Rngs(0)
    first, second = nn.RReLU(rngs=rngs), nn.RReLU(rngs=rngs)
    assert not np.array_equal(first(NEGATIVE), second(NEGATIVE))


def test_rrelus_gradient_is_its_slope():
    layer = nn.RReLU(rngs=nnx.Rngs(0))
    expected = -nnx.clone(layer)(NEGATIVE)
    gradient = jax.grad(lambda x: nnx.clone(layer)(x).sum())(NEGATIVE)
    np.testing.assert_array_equal(gradient, expected)


@pytest.mark.parametrize("rngs", [None, Generator(0)])
def test_rrelu_without_keys_is_for_evaluation_only(rngs: Generator | None):
    layer = nn.RReLU(0.0, 0.5, rngs=rngs)
    with pytest.raises(RuntimeError, match=r"construct it with rngs=flax\.nnx\.Rngs"):
        layer(NEGATIVE)
    np.testing.assert_array_equal(layer.eval()(NEGATIVE), NEGATIVE / 4)


def test_rrelu_refuses_what_holds_no_keys():
    seed: object = 0
    with pytest.raises(TypeError, match=r"rngs must be a flax\.nnx\.Rngs.*got int"):
        nn.RReLU(rngs=seed)  # pyright: ignore[reportArgumentType]


def _model() -> nn.Module:
    generator = Generator(0)
    return nn.Sequential(
        nn.Linear(4, 8, rngs=generator),
        nn.RReLU(rngs=nnx.Rngs(0)),
        nn.Linear(8, 2, rngs=generator),
    )


def test_rrelu_trains_and_is_the_mean_slope_afterwards():
    x = Generator(1).randn(32, 4)
    data = (x, (x.sum(1) > 0).astype(np.int32))

    def losses(model: nn.Module, steps: int, lr: float) -> np.ndarray:
        return flaxnn.fit(
            model,
            data,
            loss=nn.CrossEntropyLoss(),
            optimizer=optim.sgd(lr=lr),
            steps=steps,
        ).history["loss"]

    model = _model()
    # With a learning rate of 0 only the slopes differ from step to step.
    still = losses(model, 3, 0.0)
    assert len(set(still.tolist())) == 3
    np.testing.assert_array_equal(losses(_model(), 3, 0.0), still)
    assert losses(model, 60, 0.5)[-1] < 0.5 * still[0]
    mean = nn.Sequential(model[0], nn.LeakyReLU((1 / 8 + 1 / 3) / 2), model[2])
    np.testing.assert_allclose(
        flaxnn.predict(model, x), flaxnn.predict(mean, x), rtol=1e-6
    )
