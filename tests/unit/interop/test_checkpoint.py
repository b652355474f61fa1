# SPDX-License-Identifier: Apache-2.0
"""Runs written in PyTorch's schema and gone on with; what does not fit is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flaxnn import fit, interop, models, nn, optim
from flaxnn.data import DataLoader
from flaxnn.optim import lr_scheduler
from flaxnn.random import Generator
from flaxnn.training import initial_state
from tests.unit.training.runs import FEATURES, LABELS, Net

STEPS = {"begin": 0, "inside": 10, "edge": 14, "later": 17}


class Case:
    """A run's parts, made anew: a model with dropout, and two Generators."""

    def __init__(self, own: bool, optimizer: Any, options: dict[str, Any]):
        self.rngs = Generator(1)
        self.model = Net(rngs=self.rngs)
        self.loader = DataLoader(
            (FEATURES, LABELS),
            32,
            shuffle=True,
            rngs=self.rngs,
            generator=Generator(4) if own else None,
        )
        self.optimizer, self.options = optimizer, options

    def fit(self, steps: int, **more: Any) -> Any:
        """The run until so many steps are done."""
        model = more.pop("model", self.model)
        return fit(
            model,
            self.loader,
            loss=nn.CrossEntropyLoss(),
            optimizer=self.optimizer,
            steps=steps,
            **{**self.options, **more},
        )


GROUPS = [("*.bias", optim.sgd(lr=0.01)), ("*", optim.sgd(lr=0.1, momentum=0.9))]
RUNS: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "sgd": (lambda: optim.sgd(lr=0.1), {}),
    "adam": (lambda: optim.adam(lr=0.05), {}),
    "epochs": (
        lambda: optim.sgd(lr=0.1, momentum=0.9),
        {"schedule": lr_scheduler.step_lr(1, 0.5)},
    ),
    "plateau": (
        lambda: optim.adamw(lr=0.05),
        {"schedule": lr_scheduler.reduce_lr_on_plateau(patience=0, threshold=0.5)},
    ),
    "steps": (
        lambda: optim.adamw(lr=0.05),
        {"schedule": lr_scheduler.one_cycle_lr(0.1, 40), "schedule_every": "step"},
    ),
    "frozen": (lambda: optim.sgd(lr=0.1, momentum=0.9), {"freeze": ("net.0.*",)}),
}


@pytest.mark.parametrize("stop", STEPS)
@pytest.mark.parametrize("name", RUNS)
def test_a_run_goes_on_from_its_file(name: str, stop: str, tmp_path: Path) -> None:
    make, options = RUNS[name]
    own = name in ("sgd", "epochs")
    whole = Case(own, make(), options).fit(24)
    first = Case(own, make(), options)
    path = tmp_path / "run.pt"
    schedule = options.get("schedule")
    if STEPS[stop]:
        begun = first.fit(STEPS[stop])
        state, model = begun.state, begun.model
    else:
        state = initial_state(first.model, first.optimizer, first.loader, **options)
        model = first.model
    interop.save_checkpoint(path, model, state, first.optimizer, schedule=schedule)
    second = Case(own, make(), options)
    found = interop.load_checkpoint(
        path, second.model, second.optimizer, second.loader, **options
    )
    assert not found.rest
    rest = second.fit(24, model=found.model, state=found.state)
    expected = whole.history["loss"][STEPS[stop] :]
    np.testing.assert_array_equal(rest.history["loss"], expected)
    for mine, theirs in zip(rest.state.generators, whole.state.generators, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    for one, other in zip(
        rest.model.state_dict().values(), whole.model.state_dict().values(), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_full_batches_and_bare_weights(tmp_path: Path) -> None:
    model = models.SoftmaxRegression(4, 3, rngs=Generator(0))
    data, loss = (FEATURES, LABELS), nn.CrossEntropyLoss()
    optimizer = optim.sgd(lr=0.1, momentum=0.9)
    options = {"loss": loss, "optimizer": optimizer}
    whole = fit(model, data, steps=9, **options)
    begun = fit(model, data, steps=4, **options)
    path = tmp_path / "run.pt"
    interop.save_checkpoint(path, begun.model, begun.state, optimizer, rest={"a": [1]})
    found = interop.load_checkpoint(path, model, optimizer, data)
    assert found.rest == {"a": [1]}
    rest = fit(found.model, data, steps=9, state=found.state, **options)
    np.testing.assert_array_equal(rest.history["loss"], whole.history["loss"][4:])
    interop.save(begun.model.state_dict(), path)
    bare = interop.load_checkpoint(path, model, optimizer, data)
    for name, array in bare.model.state_dict().items():
        np.testing.assert_array_equal(array, begun.model.state_dict()[name])
    assert int(bare.state.train.step) == 0


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, Case, dict[str, Any]]:
    """A file of a run in the middle of an epoch, and what it holds."""
    case = Case(True, optim.adam(lr=0.05), {})
    run = case.fit(10)
    path = tmp_path / "run.pt"
    interop.save_checkpoint(path, run.model, run.state, case.optimizer)
    return path, case, dict(interop.load(path))


def refused(
    saved: Any, change: Callable[[dict[str, Any]], None], **options: Any
) -> Any:
    path, case, content = saved
    change(content)
    interop.save(content, path)
    args = {"optimizer": case.optimizer, "data": case.loader, **options}
    return interop.load_checkpoint(path, case.model, **args)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda c: c.pop("generators_at_epoch"), {}, "before each epoch"),
        (lambda c: c["generators"].pop(), {}, r"1 generator\(s\), and this run has 2"),
        (lambda c: c.update(generators=[b"x"]), {}, "bytes"),
        (
            lambda c: c["generators"].__setitem__(0, np.full(5056, 7, np.uint8)),
            {},
            "not the state of a PyTorch CPU",
        ),
        (lambda c: c.update(epoch=-1), {}, "epoch must be an integer of at least 0"),
        (lambda c: c.update(epoch=1.5), {}, "epoch must be an integer of at least 0"),
        (lambda c: c.update(batch=8), {}, "this loader has 7"),
        (lambda c: None, {"batch": 8}, "this loader has 7"),
        (lambda c: None, {"data": None}, "pass its DataLoader"),
        (
            lambda c: None,
            {"keys": {"weights": "model"}},
            "the parts of a run are model",
        ),
        (lambda c: None, {"keys": {"model": "net"}}, "has no 'net', but 'model'"),
        (lambda c: c.update(best=c.pop("model")), {}, r'keys=\{"model": "…"\}'),
        (lambda c: None, {"optimizer": optim.sgd(lr=0.1)}, "Adam"),
    ],
    ids=range(13),
)
def test_what_does_not_fit_is_refused(
    saved: Any, change: Any, options: Any, message: str
) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        refused(saved, change, **options)


def test_names_of_other_programs(saved: Any) -> None:
    def renamed(content: dict[str, Any]) -> None:
        content["net_weights"] = content.pop("model")
        content["optimizer_state_dict"] = content.pop("optimizer")
        content["best"] = 0.5

    found = refused(saved, renamed, keys={"model": "net_weights"})
    assert found.rest == {"best": 0.5}
    assert int(found.state.train.opt_state.step) == 10
    assert (found.state.epoch, found.state.batch) == (1, 3)


def test_weights_that_do_not_fit_are_all_named(saved: Any) -> None:
    def broken(content: dict[str, Any]) -> None:
        content["model"]["net.0.bais"] = content["model"].pop("net.0.bias")
        content["model"]["net.3.weight"] = np.zeros((3, 8), np.float32)

    with pytest.raises(RuntimeError) as caught:
        refused(saved, broken)
    for words in ("net.0.bias", "did you mean", "size mismatch for net.3.weight"):
        assert words in str(caught.value)


def test_what_cannot_be_written_is_refused(saved: Any, tmp_path: Path) -> None:
    _, case, _ = saved
    state = initial_state(case.model, case.optimizer, case.loader)
    write = interop.save_checkpoint
    with pytest.raises(ValueError, match=r"goes into a \.pt or \.pth file"):
        write(tmp_path / "run.safetensors", case.model, state, case.optimizer)
    with pytest.raises(ValueError, match="rest has epoch"):
        write(tmp_path / "a.pt", case.model, state, case.optimizer, rest={"epoch": 1})
    with pytest.raises(TypeError, match=r"rest\['x'\]|\['x'\] is of type builtins.set"):
        write(tmp_path / "a.pt", case.model, state, case.optimizer, rest={"x": {1}})
    assert not list(tmp_path.glob("a.pt*"))
