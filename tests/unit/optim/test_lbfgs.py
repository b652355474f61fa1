# SPDX-License-Identifier: Apache-2.0
"""L-BFGS as a transformation: what it needs, refuses, and keeps compiled."""

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from flaxnn import optim

TRACES = []


def quadratic(params):
    """Its minimum is where every number of ``w`` is 1 and ``b`` is -2."""
    return jnp.sum(3.0 * (params["w"] - 1.0) ** 2) + (params["b"] + 2.0) ** 2


PARAMS = {"w": jnp.array([4.0, -3.0]), "b": jnp.array(0.5)}


def stepped(update, params, state):
    TRACES.append(update)
    loss, grads = jax.value_and_grad(quadratic)(params)
    updates, state = update(grads, state, params, value=loss, value_fn=quadratic)
    return optax.apply_updates(params, updates), state


compiled = jax.jit(stepped, static_argnums=0)


def test_other_numbers_do_not_recompile():
    found = set()
    TRACES.clear()
    for options in (
        {},
        {"lr": 0.3},
        {"max_iter": 2, "max_eval": 9},
        {"max_eval": 3},
        {"tolerance_grad": 100.0},
        {"tolerance_change": 100.0},
    ):
        optimizer = optim.lbfgs(**options)
        params, state = compiled(optimizer.update, PARAMS, optimizer.init(PARAMS))
        found.add((float(params["b"]), int(state.func_evals)))
    assert len(TRACES) == 1
    assert len(found) == 6
    # And one program is the vmap of all.
    rates = jnp.array([0.3, 1.0])
    mapped, _ = jax.vmap(
        lambda lr: compiled(optimizer.update, PARAMS, optim.lbfgs(lr).init(PARAMS))
    )(rates)
    for k, rate in enumerate((0.3, 1.0)):
        alone, _ = compiled(optimizer.update, PARAMS, optim.lbfgs(rate).init(PARAMS))
        for name in PARAMS:
            np.testing.assert_allclose(mapped[name][k], alone[name], rtol=1e-5)


def test_what_is_static_tells_updates_apart():
    assert optim.lbfgs() == optim.lbfgs(1.0, max_eval=25)
    assert optim.lbfgs(max_eval=26) != optim.lbfgs()
    assert optim.lbfgs(max_eval=26).update == optim.lbfgs().update
    assert optim.lbfgs(history_size=5).update != optim.lbfgs().update
    assert optim.lbfgs(line_search_fn="strong_wolfe").update != optim.lbfgs().update


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("line_search_fn", [None, "strong_wolfe"])
def test_shapes_and_dtypes_are_kept(line_search_fn, dtype):
    with jax.enable_x64(dtype == "float64"):
        params = jax.tree.map(lambda leaf: leaf.astype(dtype), PARAMS)
        optimizer = optim.lbfgs(line_search_fn=line_search_fn, history_size=4)
        first = optimizer.init(params)
        shapes = jax.eval_shape(
            lambda p, s: stepped(optimizer.update, p, s), params, first
        )
    for found, expected in zip(shapes, (params, first), strict=True):
        assert jax.tree.structure(found) == jax.tree.structure(expected)
        for one, two in zip(*map(jax.tree.leaves, (found, expected)), strict=True):
            assert (one.shape, one.dtype) == (two.shape, two.dtype)
    wide = jnp.promote_types(dtype, jnp.float32)
    assert {leaf.dtype for leaf in jax.tree.leaves(first.d)} == {wide}
    assert first.old_dirs.shape == (4, 3)


def test_no_leaf_and_no_element():
    optimizer = optim.lbfgs(max_iter=2, line_search_fn="strong_wolfe")
    for params in ({}, jnp.zeros((0, 3))):
        updates, _ = optimizer.update(
            params,
            optimizer.init(params),
            params,
            value=jnp.ones(()),
            value_fn=lambda params: jnp.ones(()),
        )
        assert jax.tree.map(jnp.shape, updates) == jax.tree.map(jnp.shape, params)


def test_an_update_lowers_for_every_platform():
    optimizer = optim.lbfgs(line_search_fn="strong_wolfe")
    step = jax.jit(lambda p: stepped(optimizer.update, p, optimizer.init(p))[0])
    platforms = ("cpu", "cuda", "tpu")
    exported = jax.export.export(step, platforms=platforms)(PARAMS)
    assert exported.platforms == platforms
    assert "f64" not in exported.mlir_module()


def test_the_objective_and_the_parameters_are_needed():
    optimizer = optim.lbfgs()
    state, loss = optimizer.init(PARAMS), jnp.ones(())
    with pytest.raises(ValueError, match="lbfgs needs the parameters"):
        optimizer.update(PARAMS, state, value=loss, value_fn=quadratic)
    for given in ({}, {"value": loss}, {"value_fn": quadratic}):
        with pytest.raises(TypeError, match=r"value=loss, value_fn=objective"):
            optimizer.update(PARAMS, state, PARAMS, **given)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"history_size": 0}, ValueError, "history_size must be at least 1, got 0"),
        ({"history_size": 2.0}, TypeError, "history_size must be an integer, got 2.0"),
        ({"max_iter": 2.5}, TypeError, "max_iter must be an integer, got 2.5"),
        ({"max_eval": True}, TypeError, "max_eval must be an integer, got True"),
        ({"line_search_fn": "x"}, RuntimeError, "only 'strong_wolfe' is supported"),
    ],
)
def test_bad_options(options, error, words):
    with pytest.raises(error, match=words):
        optim.lbfgs(**options)


def test_it_stands_alone():
    inside = optim.scheduled(optim.lbfgs(), optim.lr_scheduler.step_lr(2))
    for lbfgs in (optim.lbfgs(), inside, optim.averaged(inside), optim.chain(inside)):
        with pytest.raises(ValueError, match="pass lbfgs alone"):
            optim.chain(optim.clip_grad_norm(1.0), lbfgs)
        with pytest.raises(ValueError, match="LBFGS doesn't support per-parameter"):
            optim.param_groups({"*.bias": optim.sgd()}, default=lbfgs)


def saved():
    """A state of PyTorch's after two iterations over two numbers, then one."""
    vector = np.array([1.0, 2.0, 3.0])
    return {
        "state": {
            0: {
                "func_evals": 2,
                "n_iter": 2,
                "d": vector,
                "t": 1,
                "old_dirs": [vector],
                "old_stps": [vector],
                "ro": [np.array(0.5)],
                "H_diag": np.array(2.0),
                "al": [None] * 100,
                "prev_flat_grad": vector,
                "prev_loss": 0.25,
            }
        },
        "param_groups": [
            {
                **optim.to_torch_state(
                    optim.lbfgs(), optim.lbfgs().init(PARAMS), ["w", "b"]
                )["param_groups"][0]
            }
        ],
    }


def test_vectors_are_in_the_order_of_the_names():
    """PyTorch's begins with the weight; a tree's order is the alphabet's."""
    state = optim.from_torch_state(saved(), optim.lbfgs(), PARAMS, ["w", "b"])
    np.testing.assert_array_equal(state.d["w"], [1.0, 2.0])
    np.testing.assert_array_equal(state.old_dirs[0], [3.0, 1.0, 2.0])
    assert int(state.stored) == 1
    written = optim.to_torch_state(optim.lbfgs(), state, ["w", "b"])["state"][0]
    for name, expected in saved()["state"][0].items():
        if name != "al":
            np.testing.assert_array_equal(written[name], expected)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"d": np.zeros(2)}, r"size mismatch for d: copying \(2,\), expected \(3,\)"),
        ({"ro": []}, r"old_dirs, old_stps, ro differ in length: \[1, 1, 0\]"),
        ({"t": None}, "the state of LBFGS has no t"),
        ({"step": 3}, "step does not belong to the state of LBFGS"),
    ],
)
def test_a_state_that_does_not_fit(changes, words):
    state = saved()
    state["state"][0].update(changes)
    with pytest.raises(ValueError, match=words):
        optim.from_torch_state(state, optim.lbfgs(), PARAMS, ["w", "b"])


def test_a_state_of_other_options():
    with pytest.raises(ValueError, match=r"history_size is 100 there, .* with 7"):
        optim.from_torch_state(saved(), optim.lbfgs(history_size=7), PARAMS, ["w", "b"])
    state = saved()
    state["state"][1] = {"step": 1}
    with pytest.raises(ValueError, match="b has a state, and PyTorch keeps LBFGS's"):
        optim.from_torch_state(state, optim.lbfgs(), PARAMS, ["w", "b"])
