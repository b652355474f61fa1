# SPDX-License-Identifier: Apache-2.0
"""optimizer.state_dict() of a live PyTorch, read, written and gone on from."""

import copy
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import flaxnn
from flaxnn import nn, optim
from flaxnn.random import Generator
from flaxnn.training import TrainState
from tests.contract.optimizer import gradients, initial
from tests.contract.registry import RUN_IDS, RUNS

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
from tests.contract.oracle import counterpart  # noqa: E402

pytestmark = pytest.mark.torch

T1 = 1e-12
# PyTorch's order, which is not the alphabet's.
NAMES = list(initial("float64"))
HALF = 6

# The last case of each program: numbers alone change nothing in how a state is kept.
PROGRAMS = {
    (entry.name, entry.make(case).update): (entry, case) for entry, case in RUNS
}
PROGRAM_IDS = [f"{entry.name}-{case.name}" for entry, case in PROGRAMS.values()]


@partial(jax.jit, static_argnums=0)
def go_on(update, params, state, grads):
    """Parameters and state after an update with each of the gradients."""

    def step(carry, grads):
        params, state = carry
        updates, state = update(grads, state, params)
        return (optax.apply_updates(params, updates), state), None

    return jax.lax.scan(step, (params, state), grads)[0]


def torch_steps(optimizer, params, grads):
    for k in range(HALF):
        for name, tensor in params.items():
            tensor.grad = torch.from_numpy(np.array(grads[name][k]))
        optimizer.step()


def as_tensors(state):
    """The dictionary that PyTorch loads, with tensors for arrays."""
    entries = {
        number: {key: torch.from_numpy(array) for key, array in entry.items()}
        for number, entry in state["state"].items()
    }
    return {"state": entries, "param_groups": state["param_groups"]}


def assert_t1(ours, theirs):
    for name, tensor in theirs.items():
        expected = np.asarray(tensor.detach() if hasattr(tensor, "detach") else tensor)
        error = np.abs(np.asarray(ours[name]) - expected).max()
        assert error <= T1 * np.abs(expected).max(), name


def assert_same_schema(ours, theirs):
    """The same keys in the same order, the same options, alike arrays."""
    assert list(ours) == list(theirs)
    for mine, group in zip(ours["param_groups"], theirs["param_groups"], strict=True):
        assert list(mine.items()) == list(group.items())
        assert [type(v) for v in mine.values() if isinstance(v, bool)] == [
            type(v) for v in group.values() if isinstance(v, bool)
        ]
    assert list(ours["state"]) == list(theirs["state"])
    for number, entry in theirs["state"].items():
        # In SGD without momentum PyTorch writes a buffer that is None.
        entry = {k: v for k, v in entry.items() if v is not None}
        assert list(ours["state"][number]) == list(entry)
        for key, tensor in entry.items():
            array = ours["state"][number][key]
            assert isinstance(array, np.ndarray)
            assert array.shape == tuple(tensor.shape)
            assert array.dtype == tensor.numpy().dtype
            scale = np.abs(tensor.numpy()).max(initial=0.0)
            assert np.all(np.abs(array - tensor.numpy()) <= T1 * scale), key


@pytest.mark.parametrize(("optimizer", "case"), PROGRAMS.values(), ids=PROGRAM_IDS)
def test_there_and_back_between_two_halves_of_a_run(optimizer, case):
    first, second = (
        {k: g[part] for k, g in gradients("float64").items()}
        for part in (slice(HALF), slice(HALF, 2 * HALF))
    )
    theirs = {
        k: torch.nn.Parameter(torch.from_numpy(p))
        for k, p in initial("float64").items()
    }
    make = partial(counterpart(optimizer), foreach=False, **case.options)
    torch_optimizer = make(list(theirs.values()))
    torch_steps(torch_optimizer, theirs, first)
    halfway = torch_optimizer.state_dict()

    with jax.enable_x64(True):
        ours = jax.tree.map(jnp.asarray, initial("float64"))
        transform = optimizer.make(case)
        ours, state = go_on(transform.update, ours, transform.init(ours), first)
        written = optim.to_torch_state(transform, state, NAMES)
        expected = {
            **halfway,
            "param_groups": [{**halfway["param_groups"][0], "foreach": None}],
        }
        assert_same_schema(written, expected)

        # Ours goes on from PyTorch's, whatever learning rate it was made with.
        taken = {k: jnp.array(p.detach().numpy()) for k, p in theirs.items()}
        other = optimizer.make(case, lr=0.123)
        state = optim.from_torch_state(halfway, other, taken, NAMES)
        assert jax.tree.structure(state) == jax.tree.structure(other.init(taken))
        finished, _ = go_on(other.update, taken, state, second)

    # PyTorch goes on from ours as from its own. Loading, it widens float32 numbers to
    # the parameters' dtype, so NAdam goes on by 1e-12 elsewhere than without a break.
    ends = []
    for saved, tensors in ((as_tensors(written), ours), (halfway, theirs)):
        copies = {
            k: torch.nn.Parameter(torch.tensor(np.array(tensors[k].tolist())))
            for k in NAMES
        }
        resumed = make(list(copies.values()))
        resumed.load_state_dict(copy.deepcopy(saved))
        torch_steps(resumed, copies, second)
        ends.append({k: p.detach().numpy() for k, p in copies.items()})
    assert_t1(*ends)

    torch_steps(torch_optimizer, theirs, second)
    assert_t1(finished, theirs)


@pytest.mark.parametrize(("optimizer", "case"), RUNS, ids=RUN_IDS)
def test_before_the_first_update(optimizer, case):
    params = jax.tree.map(jnp.asarray, initial("float32"))
    theirs = {
        k: torch.nn.Parameter(torch.from_numpy(p))
        for k, p in initial("float32").items()
    }
    fresh = counterpart(optimizer)(list(theirs.values()), **case.options).state_dict()
    transform = optimizer.make(case)
    state = transform.init(params)
    written = optim.to_torch_state(transform, state, NAMES)
    if "momentum_buffer" not in written["state"].get(0, {}) or optimizer.name != "sgd":
        assert_same_schema(written, fresh)
    loaded = optim.from_torch_state(fresh, transform, params, NAMES)
    jax.tree.map(np.testing.assert_array_equal, loaded, state)


def test_float32_options_are_written_as_they_were_given():
    """A float32 0.1 is 0.10000000149 in double; the file says 0.1."""
    params = jax.tree.map(jnp.asarray, initial("float32"))
    options = {"lr": 3e-4, "betas": (0.3, 0.999), "weight_decay": 0.01}
    transform = optim.adam(**options)
    written = optim.to_torch_state(transform, transform.init(params), NAMES)
    theirs = torch.optim.Adam([torch.zeros(1)], **options).state_dict()
    theirs["param_groups"][0]["params"] = [0, 1, 2, 3]
    assert written["param_groups"] == theirs["param_groups"]


class Net(nn.Module):
    def __init__(self, *, rngs):
        super().__init__()
        self.stem = nn.Linear(5, 4, rngs=rngs)
        self.body = nn.Sequential(nn.Tanh(), nn.Linear(4, 4, rngs=rngs), nn.Tanh())
        self.again = self.stem
        self.head = nn.Linear(4, 3, rngs=rngs)

    def forward(self, x):
        return self.head(self.body(self.stem(x)))


class TorchNet(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = torch.nn.Linear(5, 4)
        self.body = torch.nn.Sequential(
            torch.nn.Tanh(), torch.nn.Linear(4, 4), torch.nn.Tanh()
        )
        self.again = self.stem
        self.head = torch.nn.Linear(4, 3)

    def forward(self, x):
        return self.head(self.body(self.stem(x)))


def test_groups_of_a_model_with_a_tied_layer_behind_clipping():
    """SGD in three groups, clipped: half of the run here, half in PyTorch, and back."""

    def make(lr=0.05):
        return optim.chain(
            optim.clip_grad_norm(0.5),
            optim.param_groups(
                {
                    "*.bias": optim.sgd(lr=lr, momentum=0.9),
                    "head.*": optim.sgd(lr=lr / 10),
                },
                default=optim.sgd(lr=lr, momentum=0.8, weight_decay=0.01),
            ),
        )

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 5)), rng.integers(0, 3, 12)
    model = flaxnn.astype(Net(rngs=Generator(4)), "float64")
    run = flaxnn.fit(
        model, (x, y), loss=nn.CrossEntropyLoss(), optimizer=make(), steps=5
    )
    written = optim.to_torch_state(make(), run.state.train.opt_state, run.model)

    theirs = TorchNet().double()
    theirs.load_state_dict(
        {k: torch.from_numpy(np.array(v)) for k, v in run.model.state_dict().items()}
    )
    named = dict(theirs.named_parameters())
    groups = [
        {
            "params": [p for n, p in named.items() if n.endswith(".bias")],
            "lr": 9.0,
            "momentum": 0.1,
        },
        {"params": [named["head.weight"]]},
        {
            "params": [
                p for n, p in named.items() if n.endswith("weight") and "head" not in n
            ]
        },
    ]
    optimizer = torch.optim.SGD(groups, lr=7.0)
    optimizer.load_state_dict(as_tensors(written))
    assert [group["lr"] for group in optimizer.param_groups] == [0.05, 0.005, 0.05]
    for _ in range(5):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(
            theirs(torch.from_numpy(x)), torch.from_numpy(y)
        ).backward()
        torch.nn.utils.clip_grad_norm_(theirs.parameters(), 0.5)
        optimizer.step()
    whole = flaxnn.fit(
        model, (x, y), loss=nn.CrossEntropyLoss(), optimizer=make(), steps=10
    )
    for name, tensor in theirs.state_dict().items():
        np.testing.assert_allclose(
            whole.model.state_dict()[name], tensor.numpy(), rtol=1e-12, atol=1e-14
        )
    assert_same_schema(
        optim.to_torch_state(make(), whole.state.train.opt_state, whole.model),
        optimizer.state_dict(),
    )
    with jax.enable_x64(True):
        state = TrainState.create(whole.model, make())
    loaded = optim.from_torch_state(
        optimizer.state_dict(), make(lr=3.0), state.params, whole.model
    )
    for a, b in zip(
        jax.tree.leaves(loaded[1]),
        jax.tree.leaves(whole.state.train.opt_state[1]),
        strict=True,
    ):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14)


def test_bfloat16_tensors_and_shared_memory():
    param = torch.nn.Parameter(torch.ones(2, dtype=torch.bfloat16))
    optimizer = torch.optim.SGD([param], lr=0.1, momentum=0.9)
    param.grad = torch.tensor([0.3, -2.0], dtype=torch.bfloat16)
    optimizer.step()
    ours = {"w": jnp.ones(2, jnp.bfloat16)}
    state = optim.from_torch_state(
        optimizer.state_dict(), optim.sgd(momentum=0.5), ours, ["w"]
    )
    assert state.momentum_buffer["w"].dtype == jnp.bfloat16
    before = np.array(state.momentum_buffer["w"])
    np.testing.assert_array_equal(before.astype("float32"), param.grad.float().numpy())
    optimizer.step()
    np.testing.assert_array_equal(state.momentum_buffer["w"], before)


def test_what_a_scheduler_adds_to_a_group_is_no_fault():
    param = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([param], lr=0.1, momentum=0.9)
    torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=10)
    ours = {"w": jnp.ones(2)}
    state = optim.from_torch_state(
        optimizer.state_dict(), optim.sgd(momentum=0.5), ours, ["w"]
    )
    np.testing.assert_allclose(state.hyperparams["lr"], 0.04, rtol=1e-6)
    assert "initial_lr" not in state.hyperparams


SCHEDULERS = [
    ("step_lr", "StepLR", {"step_size": 2}),
    ("one_cycle_lr", "OneCycleLR", {"max_lr": 0.5, "total_steps": 20}),
    ("cyclic_lr", "CyclicLR", {"base_lr": 0.1, "max_lr": 0.5}),
]


@pytest.mark.parametrize(("name", "torch_name", "options"), SCHEDULERS)
@pytest.mark.parametrize(
    ("make", "torch_make"),
    [
        (partial(optim.sgd, momentum=0.9), partial(torch.optim.SGD, momentum=0.9)),
        (optim.adam, torch.optim.Adam),
    ],
    ids=["sgd", "adam"],
)
def test_a_scheduled_run(name, torch_name, options, make, torch_make):
    param = torch.nn.Parameter(torch.ones(2, dtype=torch.float64))
    theirs = torch_make([param], lr=0.1)
    scheduler = getattr(torch.optim.lr_scheduler, torch_name)(theirs, **options)
    with jax.enable_x64(True):
        params = {"w": jnp.ones(2, jnp.float64)}
        ours = optim.scheduled(
            make(lr=0.1), getattr(optim.lr_scheduler, name)(**options)
        )
        state = ours.init(params)
        for _ in range(3):
            param.grad = torch.ones_like(param)
            theirs.step()
            scheduler.step()
            _, state = ours.update({"w": jnp.ones(2, jnp.float64)}, state, params)
        written = optim.to_torch_state(ours, state, ["w"])
        mine, group = (
            saved["param_groups"][0] for saved in (written, theirs.state_dict())
        )
        assert list(mine) == list(group)
        for key, expected in group.items():
            if isinstance(expected, float | tuple):
                assert mine[key] == pytest.approx(expected, rel=1e-12), key
            else:
                assert mine[key] == expected, key
        fresh = ours.init(params)
        loaded = optim.from_torch_state(theirs.state_dict(), ours, params, ["w"])
        assert jax.tree.structure(loaded) == jax.tree.structure(fresh)
        for key, value in state.inner_state.hyperparams.items():
            np.testing.assert_allclose(
                loaded.inner_state.hyperparams[key], value, rtol=1e-12, err_msg=key
            )


def test_names_that_pytorch_saved_must_be_ours():
    named = [
        ("b", torch.nn.Parameter(torch.ones(1))),
        ("a", torch.nn.Parameter(torch.ones(1))),
    ]
    saved = torch.optim.SGD(named, lr=0.1).state_dict()
    params = {"a": jnp.ones(1), "b": jnp.ones(1)}
    optim.from_torch_state(saved, optim.sgd(), params, ["b", "a"])
    with pytest.raises(ValueError, match=r"param_names are \['b', 'a'\]"):
        optim.from_torch_state(saved, optim.sgd(), params, ["a", "b"])


def test_a_frozen_parameter_of_pytorchs_is_named():
    params = [torch.nn.Parameter(torch.ones(2)) for _ in range(2)]
    optimizer = torch.optim.Adam(params)
    params[0].grad = torch.ones(2)
    optimizer.step()
    with pytest.raises(ValueError, match="b has no state, as a parameter that got no"):
        optim.from_torch_state(
            optimizer.state_dict(),
            optim.adam(),
            {"a": jnp.ones(2), "b": jnp.ones(2)},
            ["a", "b"],
        )
