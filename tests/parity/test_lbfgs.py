# SPDX-License-Identifier: Apache-2.0
"""L-BFGS against a live PyTorch: the documents' runs, states, losses out of range."""

import copy
import functools
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import flaxnn
from flaxnn import interop, nn, optim
from flaxnn.data import documents
from flaxnn.random import Generator

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from tests.contract import oracle  # noqa: E402
from tests.contract.closures import evaluate  # noqa: E402
from tests.contract.registry import CLOSURE_RUNS  # noqa: E402
from tests.contract.training import MOVES, Noise  # noqa: E402

pytestmark = pytest.mark.torch
T1 = 1e-12


@dataclass(frozen=True, eq=False)
class Document:
    """A run of the documents, in both frameworks."""

    options: dict[str, Any]
    data: tuple[np.ndarray, np.ndarray]
    inputs: int
    outputs: int
    loss: str
    ends: tuple[str, ...] = ()

    def build(self, nn, **rngs):
        ends = [getattr(nn, name)() for name in self.ends]
        return nn.Sequential(nn.Linear(self.inputs, self.outputs, **rngs), *ends)

    def model(self):
        return flaxnn.astype(self.build(nn, rngs=Generator(2025)), "float64")

    def torch_model(self):
        torch.manual_seed(2025)
        return self.build(torch.nn).double()


DOCUMENTS = {
    "univariate": Document(
        {"lr": 0.5, "max_iter": 4},
        documents.univariate(),
        1,
        1,
        "BCELoss",
        ("Sigmoid",),
    ),
    "multinomial": Document(
        {"max_iter": 3, "line_search_fn": "strong_wolfe"},
        documents.multinomial(),
        4,
        3,
        "CrossEntropyLoss",
    ),
}
RUNS = pytest.mark.parametrize("run", DOCUMENTS.values(), ids=DOCUMENTS)


def ours(run, *, steps, model=None, **options):
    return flaxnn.fit(
        run.model() if model is None else model,
        run.data,
        loss=getattr(nn, run.loss)(),
        optimizer=optim.lbfgs(**run.options),
        steps=steps,
        **options,
    )


def closure_of(run, model, optimizer):
    criterion = getattr(torch.nn, run.loss)()
    x, y = run.data
    x = torch.from_numpy(x).double()
    y = torch.from_numpy(y)
    y = y.double() if y.is_floating_point() else y

    def closure():
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        return loss

    return closure


def theirs(run, steps, scheduler=None):
    model = run.torch_model()
    optimizer = torch.optim.LBFGS(model.parameters(), **run.options)
    stepped = scheduler(optimizer) if scheduler else None
    closure, losses = closure_of(run, model, optimizer), []
    for _ in range(steps):
        losses.append(optimizer.step(closure).item())
        if stepped:
            stepped.step()
    return model, optimizer, np.array(losses)


def assert_close(found, expected):
    found, expected = (np.asarray(a, np.float64) for a in (found, expected))
    assert found.shape == expected.shape
    scale = np.abs(expected).max(initial=0.0)
    assert np.abs(found - expected).max(initial=0.0) <= T1 * scale


def assert_models_close(model, torch_model):
    for name, tensor in torch_model.state_dict().items():
        assert_close(model.state_dict()[name], tensor.numpy())


@RUNS
def test_the_documents_runs(run):
    mine = ours(run, steps=4)
    model, optimizer, losses = theirs(run, 4)
    assert_close(mine.history["loss"], losses)
    assert_models_close(mine.model, model)
    state = optimizer.state[next(model.parameters())]
    assert int(mine.state.train.opt_state.func_evals) == state["func_evals"]


def test_a_schedule_changes_its_learning_rate():
    run = DOCUMENTS["univariate"]
    mine = ours(run, steps=4, schedule=optim.lr_scheduler.step_lr(2, 0.1))
    _, optimizer, losses = theirs(
        run, 4, lambda o: torch.optim.lr_scheduler.StepLR(o, 2, 0.1)
    )
    assert_close(mine.history["loss"], losses)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.005)


def as_tensors(value):
    """What PyTorch loads, with tensors for arrays."""
    if isinstance(value, np.ndarray):
        return torch.from_numpy(np.array(value))
    if isinstance(value, list):
        return [as_tensors(item) for item in value]
    if isinstance(value, dict):
        return {key: as_tensors(item) for key, item in value.items()}
    return value


@RUNS
def test_its_state_goes_there_and_back(run, tmp_path):
    half = ours(run, steps=2)
    model, optimizer, _ = theirs(run, 2)
    made = optim.lbfgs(**run.options)
    written = optim.to_torch_state(made, half.state.train.opt_state, half.model)
    saved = copy.deepcopy(optimizer.state_dict())
    assert written["param_groups"] == saved["param_groups"]
    entry = {k: v for k, v in saved["state"][0].items() if k != "al"}
    assert list(written["state"]) == [0]
    assert list(written["state"][0]) == list(entry)
    for name, expected in entry.items():
        found = written["state"][0][name]
        if isinstance(expected, list):
            assert len(found) == len(expected) > 1
            for one, two in zip(found, expected, strict=True):
                assert_close(one, two.numpy())
        else:
            assert_close(found, expected)

    # Both go on from both, ours also by way of a file.
    rest = theirs(run, 4)[2][2:]
    before = copy.deepcopy(model.state_dict())
    for state in (saved, as_tensors(written)):
        model.load_state_dict(before)
        resumed = torch.optim.LBFGS(model.parameters(), lr=7.0)
        resumed.load_state_dict(copy.deepcopy(state))
        closure = closure_of(run, model, resumed)
        assert_close([resumed.step(closure).item() for _ in range(2)], rest)
    torch.save({"model": before, "optimizer": saved, "epoch": 2}, tmp_path / "their.pt")
    interop.save_checkpoint(tmp_path / "our.pt", half.model, half.state, made)
    for name in ("their.pt", "our.pt"):
        other = optim.lbfgs(**{**run.options, "lr": 7.0, "max_iter": 99})
        back = interop.load_checkpoint(tmp_path / name, half.model, other, run.data)
        finished = ours(run, steps=4, model=back.model, state=back.state)
        assert_close(finished.history["loss"], rest)


def test_before_the_first_update_there_is_no_state():
    params = {"w": jnp.ones(2)}
    optimizer = optim.lbfgs(lr=0.3)
    fresh = torch.optim.LBFGS([torch.zeros(2)], lr=0.3).state_dict()
    state = optimizer.init(params)
    assert optim.to_torch_state(optimizer, state, ["w"]) == fresh
    loaded = optim.from_torch_state(fresh, optimizer, params, ["w"])
    jax.tree.map(np.testing.assert_array_equal, loaded, state)


@pytest.mark.parametrize("line_search_fn", [None, "strong_wolfe"])
@pytest.mark.parametrize("start", [0.6, 30.0])
def test_losses_that_are_not_finite(line_search_fn, start):
    """``p - log(p)`` is nan below 0 and inf at 0; every branch is PyTorch's."""
    options = {"lr": 3.0, "max_iter": 6, "line_search_fn": line_search_fn}
    first = np.array([start, 2.0, 0.7])
    tensor = torch.nn.Parameter(torch.from_numpy(first))
    optimizer = torch.optim.LBFGS([tensor], **options)

    def closure():
        optimizer.zero_grad()
        loss = (tensor - tensor.log()).sum()
        loss.backward()
        return loss

    with jax.enable_x64(True):
        mine = optim.lbfgs(**options)
        params = jnp.asarray(first)
        state = mine.init(params)
        for _ in range(3):
            expected = optimizer.step(closure).item()
            loss, params, state = _stepped(mine.update, params, state)
            np.testing.assert_allclose(loss, expected, rtol=T1)
            np.testing.assert_allclose(params, tensor.detach().numpy(), rtol=1e-10)
            known = optimizer.state[tensor]
            assert int(state.func_evals) == known["func_evals"]
            assert int(state.n_iter) == known["n_iter"]
            assert int(state.stored) == len(known["ro"])


def _objective(params):
    return jnp.sum(params - jnp.log(params))


@functools.partial(jax.jit, static_argnums=0)
def _stepped(update, params, state):
    loss, grads = jax.value_and_grad(_objective)(params)
    updates, state = update(grads, state, params, value=loss, value_fn=_objective)
    return loss, optax.apply_updates(params, updates), state


# Two programs. A first trial far too short leaves the search's branches to rounding:
# PyTorch's own losses are then 0.3 apart.
FLOAT32 = [
    (optimizer, case)
    for optimizer, case in CLOSURE_RUNS
    if case.net == "perceptron" and case.updates > 1 and case.name != "wolfe-tiny"
]


@pytest.mark.parametrize(
    ("optimizer", "case"), FLOAT32, ids=[case.name for _, case in FLOAT32]
)
def test_float32_is_within_pytorchs_own_noise(optimizer, case):
    losses = evaluate(optimizer, case, "float32")["losses"]
    variants = [
        oracle.minimize(optimizer, case, "float32", moves)["losses"]
        for moves in (None, *MOVES)
    ]
    assert Noise.of(losses, variants).share <= 1


def test_what_pytorch_refuses():
    tensor = torch.nn.Parameter(torch.ones(1))
    with pytest.raises(ValueError, match="LBFGS doesn't support per-parameter options"):
        torch.optim.LBFGS([{"params": [tensor]}, {"params": [torch.ones(1)]}])
    with pytest.raises(ValueError, match="LBFGS doesn't support per-parameter options"):
        optim.param_groups({"*": optim.lbfgs()})

    def closure():
        loss = (tensor**2).sum()
        loss.backward()
        return loss

    with pytest.raises(RuntimeError, match="only 'strong_wolfe' is supported"):
        torch.optim.LBFGS([tensor], line_search_fn="armijo").step(closure)
    with pytest.raises(RuntimeError, match="only 'strong_wolfe' is supported"):
        optim.lbfgs(line_search_fn="armijo")
