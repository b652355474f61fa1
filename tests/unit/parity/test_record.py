# SPDX-License-Identifier: Apache-2.0
"""The recorder of JAX runs: what it writes is what the run had."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import flaxnn
from flaxnn import nn, optim, parity
from flaxnn.data import DataLoader
from flaxnn.parity._sampling import Sampling
from flaxnn.random import Generator

CHANCE = np.random.default_rng(0)
INPUTS = CHANCE.normal(size=(20, 4)).astype(np.float32)
TARGETS = CHANCE.integers(0, 3, 20)


class Net(nn.Module):
    def __init__(self, *, slope: float = 0.0, rngs: Any) -> None:
        super().__init__()
        self.first = nn.Linear(4, 5, rngs=rngs)
        self.norm = nn.BatchNorm1d(5, rngs=rngs)
        self.act = nn.LeakyReLU(slope, rngs=rngs)
        self.drop = nn.Dropout(0.5, rngs=rngs)
        self.last = nn.Linear(5, 3, rngs=rngs)

    def forward(self, x: Any) -> Any:
        return self.last(self.drop(self.act(self.norm(self.first(x)))))


class FlaxNet(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.first = nnx.Linear(4, 5, rngs=rngs)
        self.drop = nnx.Dropout(0.5, rngs=rngs)
        self.last = nnx.Linear(5, 3, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        return self.last(self.drop(jax.nn.relu(self.first(x))))


def run(path: Path, *, slope: float = 0.0, steps: int = 6) -> Any:
    """A recorded run over batches of 8, 8 and 4 rows."""
    rngs = Generator(0)
    model = Net(slope=slope, rngs=rngs)
    loader = DataLoader((INPUTS, TARGETS), batch_size=8, shuffle=True, rngs=rngs)
    return parity.record(
        model,
        loader,
        loss=nn.CrossEntropyLoss(),
        optimizer=optim.sgd(lr=0.1, momentum=0.9),
        steps=steps,
        path=path,
        rngs=rngs,
    )


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    path = tmp_path_factory.mktemp("record") / "run.trace"
    return run(path), path


def test_a_step_follows_from_what_is_recorded(recorded: tuple[Any, Path]) -> None:
    trained, path = recorded
    trace = parity.Trace.open(path)
    assert trace.header["framework"] == "jax"
    assert trace.header["modules"]["act"]["options"]["negative_slope"] == 0.0
    assert trace.header["optimizer"]["groups"][0]["lr"] == 0.1
    assert trace.header["loss"]["class"] == "CrossEntropyLoss"
    assert list(trace.header["buffers"]) == [
        "norm.running_mean",
        "norm.running_var",
        "norm.num_batches_tracked",
    ]
    # 2 and 5 are of the short batch, 3 the one behind it.
    assert [step.number for step in trace.whole] == [0, 1, 2, 3, 4, 5]
    for step in (trace.steps[0], trace.steps[4]):
        assert step.generator is not None
        model = nn.load_state_dict(
            Net(rngs=Generator(9)), {**step.parameters, **step.buffers}
        )
        generator = Generator(0)
        generator.set_state(step.generator)
        with nn.drawing(generator):
            output = model(step.inputs[0])
        np.testing.assert_allclose(output, step.calls[-1].outputs[0], rtol=1e-5)
        loss = nn.CrossEntropyLoss()(output, jnp.asarray(step.targets[0]))
        assert step.loss == pytest.approx(float(loss), rel=1e-5)
        names = [call.module for call in step.calls]
        assert names == ["first", "norm", "act", "drop", "last", ""]
        assert [call.depth for call in step.calls] == [1, 1, 1, 1, 1, 0]
        assert all(call.training for call in step.calls)
        gradient = step.calls[4].output_gradients[0]
        assert gradient is not None
        np.testing.assert_allclose(
            step.gradients["last.weight"],
            gradient.T @ step.calls[4].inputs[0],
            rtol=1e-5,
            atol=1e-7,
        )
        norm = np.linalg.norm(step.gradients["last.weight"])
        assert step.gradient_norms["last.weight"] == pytest.approx(norm)
    for before, after in zip(trace.steps, trace.steps[1:], strict=False):
        for one, other in (
            (before.after.parameters, after.parameters),
            (before.after.buffers, after.buffers),
        ):
            assert one.keys() == other.keys()
            for name, array in one.items():
                np.testing.assert_array_equal(array, other[name])
    assert trace.steps[1].optimizer["first.weight"].keys() == {"momentum_buffer"}
    last = trace.steps[-1].after
    for name, array in trained.state_dict().items():
        np.testing.assert_array_equal(array, {**last.parameters, **last.buffers}[name])


def test_it_is_the_run_of_fit(recorded: tuple[Any, Path]) -> None:
    trained, path = recorded
    rngs = Generator(0)
    model = Net(rngs=rngs)
    loader = DataLoader((INPUTS, TARGETS), batch_size=8, shuffle=True, rngs=rngs)
    fitted = flaxnn.fit(
        model,
        loader,
        loss=nn.CrossEntropyLoss(),
        optimizer=optim.sgd(lr=0.1, momentum=0.9),
        epochs=2,
        rngs=rngs,
    )
    trace = parity.Trace.open(path)
    np.testing.assert_allclose(
        [step.loss for step in trace.steps], fitted.history["loss"], rtol=1e-5
    )
    for name, array in fitted.model.state_dict().items():
        np.testing.assert_allclose(
            array, trained.state_dict()[name], rtol=2e-4, atol=1e-5
        )


def test_two_runs_are_compared(recorded: tuple[Any, Path], tmp_path: Path) -> None:
    _, path = recorded
    run(tmp_path / "again", steps=1)
    run(tmp_path / "other", slope=0.2, steps=1)
    assert not parity.compare(path, tmp_path / "again", exact=True)
    findings = parity.compare(path, tmp_path / "other").findings
    first = next(found for found in findings if found.layer)
    assert (first.step, first.phase, first.layer) == (0, "forward", "act")


def test_flax_and_optax_under_pytorchs_names(tmp_path: Path) -> None:
    model = FlaxNet(nnx.Rngs(0))
    kernel = np.asarray(model.first.kernel[...])
    parity.record(
        model,
        (INPUTS, TARGETS),
        loss=lambda output, target: (
            optax.losses.softmax_cross_entropy_with_integer_labels(
                output, target
            ).mean()
        ),
        optimizer=optax.adam(0.1),
        steps=3,
        path=tmp_path / "a",
    )
    np.testing.assert_array_equal(model.first.kernel[...], kernel)
    trace = parity.Trace.open(tmp_path / "a")
    step = trace.steps[0]
    np.testing.assert_array_equal(step.parameters["first.weight"], kernel.T)
    assert step.after.optimizer["last.weight"].keys() == {"exp_avg", "exp_avg_sq"}
    np.testing.assert_allclose(
        step.after.optimizer["last.weight"]["exp_avg"],
        0.1 * step.gradients["last.weight"],
        rtol=1e-5,
    )
    # Its keys move on: another mask at each step.
    masks = [step.calls[1].outputs[0] == 0 for step in trace.steps]
    assert (masks[0] != masks[1]).any()
    assert step.generator is None


def test_what_cannot_be_recorded(tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "loss": nn.CrossEntropyLoss(),
        "optimizer": optim.sgd(lr=0.1),
        "steps": 1,
    }
    model = Net(rngs=Generator(0))
    with pytest.raises(TypeError, match="pass the run's Generator as rngs="):
        parity.record(model, (INPUTS, TARGETS), path=tmp_path / "a", **options)
    assert "TypeError" in str(parity.Trace.open(tmp_path / "a").ended)
    with pytest.raises(ValueError, match="give no batch"):
        parity.record(model, [], path=tmp_path / "b", **options)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        parity.record(model, (INPUTS, TARGETS), path=tmp_path / "a", **options)


def test_sampling() -> None:
    rates = [0.1] * 20 + [0.01] * 20
    sizes = [8] * 30 + [3] + [8] * 9
    sampling = Sampling(None)
    steps = range(40)
    whole = [n for n in steps if sampling.is_whole(n, sizes[n], rates[n])]
    assert whole == [0, 1, 2, 4, 8, 16, 20, 30, 31, 32]
    sampling = Sampling(None)
    falling = [n for n in steps if sampling.is_whole(n, 8, 1 / (n + 1))]
    assert falling == [0, 1, 2, 4, 8, 16, 32]
    sampling = Sampling(None)
    assert sum(sampling.is_whole(n, n, 0.1) for n in range(100)) == 8 + 8
    for chosen in ({3, 5}, lambda n: n in (3, 5)):
        sampling = Sampling(chosen)
        assert [n for n in steps if sampling.is_whole(n, 8, 0.1)] == [3, 5]
