# SPDX-License-Identifier: Apache-2.0
"""Lanes on the last axis: `lanes_last` is `jax.vmap`, operation by operation."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from flaxnn import nn, optim
from flaxnn.random import Generator
from flaxnn.training import TrainState, make_train_step
from flaxnn.training._lane_rules import RULES
from flaxnn.training._lanes_last import lanes_last

LANES = 5


def close(ours, theirs):
    assert jax.tree.structure(ours) == jax.tree.structure(theirs)
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        if jnp.issubdtype(a.dtype, jnp.inexact):
            np.testing.assert_allclose(a, b, rtol=2e-6, atol=1e-6)
        else:
            np.testing.assert_array_equal(a, b)


def agree(function, *arrays):
    """The function of one lane's arrays, over all lanes, both ways in one program."""

    @jax.jit
    def both(*arrays):
        return lanes_last(function)(*arrays), jax.vmap(function, -1, -1)(*arrays)

    close(*both(*arrays))


def positive(*shape, dtype="float32"):
    values = np.random.default_rng(len(shape)).uniform(0.2, 0.9, (*shape, LANES))
    return jnp.asarray(values.astype(dtype))


def whole(*shape):
    return jnp.asarray(np.random.default_rng(7).integers(0, 3, (*shape, LANES)))


SHARED = jnp.arange(12, dtype=jnp.float32).reshape(3, 4) / 10

UNARY = """
abs acos acosh asin asinh atan atanh cbrt ceil cos cosh digamma erf erf_inv erfc exp
exp2 expm1 floor is_finite lgamma log log1p logistic neg round rsqrt sign sin sinh sqrt
square stop_gradient tan tanh
"""
BINARY = """
add atan2 div eq ge gt le lt max min mul ne nextafter pow rem sub
"""


def test_functions_of_one_array():
    def all_of_them(x):
        above = {"acosh": x + 1}
        return {name: getattr(lax, name)(above.get(name, x)) for name in UNARY.split()}

    agree(all_of_them, positive(3, 4))


@pytest.mark.parametrize("name", ["arrays", "left", "right", "number", "shared"])
def test_functions_of_two_arrays_of_which_one_may_have_no_lanes(name):
    def operands(x, y, number):
        return {
            "arrays": (x, y),
            "left": (x, SHARED + 0.1),
            "right": (SHARED + 0.1, y),
            "number": (x, jnp.broadcast_to(number, x.shape)),
            "shared": (x, jnp.float32(0.3)),
        }[name]

    def all_of_them(*arrays):
        a, b = operands(*arrays)
        return [getattr(lax, each)(a, b) for each in BINARY.split()]

    agree(all_of_them, positive(3, 4), positive(3, 4) * 0.7, positive())


OPERATIONS = {
    "choices": lambda x, i: [
        jnp.where(x > 0.5, x, 0.0),
        jnp.where(x[0, 0] > 0.5, x, 2 * x),
        jnp.where(SHARED > 0.4, x, SHARED),
        lax.clamp(0.3, x, x[0, 0]),
        lax.clamp(SHARED, x, SHARED + 0.1),
    ],
    "elements": lambda x, i: [
        (i & 1, i | 1, i ^ 2, ~i, i.astype(jnp.float32), x**3),
        lax.reduce_precision(x, 5, 4),
    ],
    "reductions": lambda x, i: [
        (x.sum(0), x.max(), x.min(1), x.prod(1), x.argmax(1), x.argmin()),
        (x.mean(axis=1, keepdims=True), x.var(0), (x > 0.5).any(1)),
        ((x > 0.1).all(), jnp.cumsum(x, 1), lax.cummax(x, 0)),
        (lax.cumlogsumexp(x, 1), lax.cumprod(x, 0), lax.cummin(x, 1)),
    ],
    "shapes": lambda x, i: [
        (x.T, x.reshape(2, 6), x[None], x[1], x[:, 1:3], x[::2, ::-1]),
        jnp.concatenate([x, SHARED, x[:1]]),
        jnp.pad(x, ((1, 0), (0, 2)), constant_values=0.5),
        jnp.pad(x, 1, constant_values=x[0, 0]),
        (jnp.split(x, 2, axis=1), lax.optimization_barrier((x, SHARED))),
        (jnp.broadcast_to(x[:, None], (3, 2, 4)), lax.rev(x, (0,))),
    ],
    "results": lambda x, i: [
        (jnp.float32(3), SHARED * 2, i),
    ],
    "indices": lambda x, i: [
        (x[i], SHARED[i], x.at[i].add(1.0), jnp.sort(x, 1)),
        jnp.take_along_axis(x, i[:, None] % 4, axis=1),
    ],
    "loops": lambda x, i: [
        lax.fori_loop(0, i[0], lambda k, y: y * x[k % 3, 0], x),
        lax.scan(lambda c, row: (c + row, c.sum()), x[0], x),
    ],
    "branches": lambda x, i: [
        lax.cond(i[0] > 1, jnp.sin, jnp.cos, x),
        lax.switch(i[0], [jnp.sin, jnp.cos, jnp.tan], SHARED),
    ],
    "larger": lambda x, i: [
        lax.top_k(x, 2),
        lax.conv(x[None, None], SHARED[None, None, :2, :2], (1, 1), "SAME"),
        jnp.linalg.inv(x[:, :3] @ x[:, :3].T + jnp.eye(3)),
    ],
    "calls": lambda x, i: [
        jax.jit(lambda y: jax.nn.softmax(y @ SHARED.T))(x),
        (jax.nn.relu(x - 0.5), jax.nn.logsumexp(x, axis=1)),
        jax.grad(lambda y: jnp.tanh(y @ y.T).sum())(x),
        jax.grad(jax.checkpoint(lambda y: jnp.sin(jnp.sin(y)).sum()))(x),
    ],
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations(name):
    agree(OPERATIONS[name], positive(3, 4), whole(3))


def test_a_second_derivative_of_ones_own_rule():
    @jax.custom_vjp
    def cube(x):
        return x**3

    cube.defvjp(lambda x: (x**3, x), lambda x, g: (g * 7 * x,))
    agree(lambda x: (cube(x), jax.grad(lambda y: cube(y).sum())(x)), positive(3))


DOTS = {
    "matrix": (((1,), (0,)), ((), ())),
    "transposed": (((0,), (1,)), ((), ())),
    "outer": (((), ()), ((), ())),
    "batch": (((1,), (2,)), ((0,), (0,))),
    "two": (((0, 1), (2, 0)), ((), ())),
}


@pytest.mark.parametrize("sides", ["both", "left", "right"])
@pytest.mark.parametrize("name", DOTS)
def test_products(name, sides):
    """A side without lanes keeps its numbers; batches and several axes too."""
    numbers = DOTS[name]
    shapes = {
        "matrix": ((3, 4), (4, 2)),
        "transposed": ((4, 3), (2, 4)),
        "outer": ((3,), (2, 4)),
        "batch": ((2, 4, 3), (2, 5, 4)),
        "two": ((3, 4, 2), (4, 5, 3)),
    }
    left, right = (positive(*shape) for shape in shapes[name])

    def dot(a, b):
        return lax.dot_general(a, b, numbers)

    if sides == "both":
        agree(dot, left, right)
    elif sides == "left":
        agree(lambda a: dot(a, right[..., 0]), left)
    else:
        agree(lambda b: dot(left[..., 0], b), right)


def test_a_product_in_a_wider_dtype():
    x = positive(3, 4, dtype="bfloat16")

    def wide(a):
        return lax.dot(a, a.T, preferred_element_type=jnp.float32)

    agree(wide, x)
    assert lanes_last(wide)(x).dtype == jnp.float32


def test_keys_are_each_lanes_own():
    def draw(key):
        one, two = jax.random.split(key)
        return jax.random.bits(one, (3,)), jax.random.key_data(two)

    agree(draw, jax.random.split(jax.random.key(0), LANES))


OPTIMIZERS = {
    "sgd": optim.sgd(0.1, momentum=0.9, dampening=0.1, weight_decay=0.1),
    "adam": optim.adam(0.1, weight_decay=0.1, amsgrad=True),
    "adamw": optim.adamw(0.1),
    "adamax": optim.adamax(0.1),
    "nadam": optim.nadam(0.1),
    "radam": optim.radam(0.1),
    "adagrad": optim.adagrad(0.1),
    "adadelta": optim.adadelta(0.1),
    "rmsprop": optim.rmsprop(0.1, momentum=0.9, centered=True),
    "rprop": optim.rprop(0.1),
    "asgd": optim.asgd(0.1),
    "clipped": optim.chain(optim.clip_grad_norm(0.1), optim.adam(0.1)),
}


def test_updates_of_every_optimizer():
    def all_of_them(params, grads):
        updates = {}
        for name, optimizer in OPTIMIZERS.items():
            state = optimizer.init(params)
            for _ in range(2):
                updates[name], state = optimizer.update(grads, state, params)
        return updates

    agree(all_of_them, positive(3, 2), positive(3, 2) - 0.5)


def test_a_step_of_what_the_rules_do_not_know():
    """A convolution, and a recurrent layer's scan."""
    model = nn.Sequential(
        nn.Conv1d(2, 3, 3, rngs=Generator(0)),
        nn.Flatten(2, 2),
        nn.RNN(4, 3, batch_first=True, rngs=Generator(1)),
    )
    optimizer = optim.adam(0.01)

    def loss(output, target):
        return ((output[0] - target) ** 2).mean()

    step = make_train_step(model, loss, optimizer)
    state = TrainState.create(model, optimizer)
    x = positive(5, 2, 6)

    def run(scale, x):
        params = jax.tree.map(lambda leaf: leaf * scale, state.params)
        start = dataclasses.replace(state, params=params)
        new, metrics = step(start, (x, jnp.zeros((5, 3, 3))))
        return new.params, metrics

    agree(run, positive(), x)


def test_what_does_not_depend_on_the_lane_is_computed_once():
    def function(x):
        return x + jnp.sin(SHARED)

    jaxpr = jax.make_jaxpr(lanes_last(function))(positive(3, 4))
    (sine,) = [e for e in jaxpr.jaxpr.eqns if e.primitive.name == "sin"]
    assert sine.outvars[0].aval.shape == (3, 4)


def test_no_lanes_at_the_front_of_a_classifiers_gradient():
    """The rules know all that it is made of, so that `jax.vmap` is not asked."""

    def loss(w, x):
        return -jax.nn.log_softmax(x @ w)[:, 0].mean()

    traced = jax.make_jaxpr(lanes_last(lambda w: jax.grad(loss)(w, SHARED)))(
        positive(4, 3)
    )
    names = {eqn.primitive.name for eqn in traced.jaxpr.eqns}
    assert names <= RULES.keys() | {"reduce_sum", "mul"}
    for eqn in traced.jaxpr.eqns:
        shape = eqn.outvars[0].aval.shape
        assert LANES not in shape[:-1]
