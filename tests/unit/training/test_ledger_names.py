# SPDX-License-Identifier: Apache-2.0
"""Whom a run's draws are for: parameters by their path, loaders, masks, evaluation."""

import numpy as np
import pytest

import flaxnn
from flaxnn import init, nn, optim
from flaxnn.data import DataLoader
from flaxnn.nn import _ledger_names
from flaxnn.random import Generator, explain

X = np.random.default_rng(0).random((24, 16), np.float32)
Y = np.arange(24) % 3


def consumers(generator):
    return [row["consumer"] for row in explain(generator).rows]


class Net(nn.Module):
    """Layers in containers, one with two draws' masks, a shared one, a padding row."""

    def __init__(self, *, rngs):
        self.embedding = nn.Embedding(10, 4, padding_idx=0, rngs=rngs)
        self.recurrent = nn.LSTM(4, 3, rngs=rngs)
        self.attention = nn.MultiheadAttention(4, 2, add_bias_kv=True, rngs=rngs)
        self.norm = nn.BatchNorm1d(4)
        self.layers = nn.ModuleList(nn.Linear(2, 2, rngs=rngs) for _ in range(2))
        self.tied = self.layers[0]
        self.stack = nn.Sequential(nn.Conv2d(1, 2, 3, rngs=rngs), nn.ReLU())


def test_every_draw_of_a_model_has_the_path_of_its_parameter():
    generator = Generator(0, ledger=True)
    model = Net(rngs=generator)
    names = [str(name).removeprefix("parameter ") for name in consumers(generator)]
    assert len(names) == len(set(names))
    state = model.state_dict()
    drawn = {
        name for name, value in state.items() if len(set(value.ravel().tolist())) > 2
    }
    assert drawn - {"tied.weight", "tied.bias"} <= set(names) <= set(state)
    assert "layers.1.bias" in names
    assert "attention.out_proj.weight" in names
    # The draws are those of the shapes.
    for row in explain(generator).rows:
        name = row["consumer"].removeprefix("parameter ")
        assert tuple(row["shape"]) == state[name].shape


def test_a_ledger_changes_no_number_of_a_model():
    with_, without = Generator(3, ledger=True), Generator(3)
    one, other = Net(rngs=with_).state_dict(), Net(rngs=without).state_dict()
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name])
    np.testing.assert_array_equal(with_.get_state(), without.get_state())


def test_draws_outside_of_a_module_keep_their_own_name():
    generator = Generator(0, ledger=True)
    init.normal((3, 3), rngs=generator)
    layer = nn.BatchNorm1d(3)
    nn.Linear(2, 2, rngs=generator)
    with generator.consumer("mine"):
        kept = nn.Sequential(nn.Linear(2, 2, bias=False, rngs=generator))
    assert consumers(generator) == [
        "initial values",
        "parameter weight",
        "parameter bias",
        "mine/parameter 0.weight",
    ]
    del layer, kept


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_parameter_of_several_draws_names_them_all(dtype):
    class Rows(nn.Module):
        def __init__(self, *, rngs):
            self.weight = nn.Parameter(init.normal((5, 4), rngs=rngs, dtype=dtype))

    generator = Generator(0, ledger=True)
    model = Rows(rngs=generator)
    assert set(consumers(generator)) == {"parameter weight"}
    del model


def test_a_module_that_is_gone_leaves_nothing_behind():
    before = len(_ledger_names._drawn)
    nn.Sequential(nn.Linear(2, 2, rngs=Generator(0, ledger=True)))
    import gc

    gc.collect()
    assert len(_ledger_names._drawn) <= before


def run(*, validation, ledger=True):
    generator = Generator(0, ledger=ledger)
    model = nn.Sequential(
        nn.Linear(16, 8, rngs=generator),
        nn.Dropout(0.5),
        nn.Linear(8, 3, rngs=generator),
    )
    train = DataLoader((X, Y), 12, shuffle=True, rngs=generator)
    test = DataLoader((X[:6], Y[:6]), 3, rngs=generator)
    trained = flaxnn.fit(
        model,
        train,
        loss=nn.CrossEntropyLoss(),
        optimizer=optim.sgd(lr=0.1),
        epochs=2,
        progress=False,
        validation=test if validation else None,
    )
    return generator, trained


def test_a_run_names_its_loaders_its_masks_and_its_validation():
    generator, _ = run(validation=True)
    train, test = (
        "DataLoader(24 rows, shuffle=True)",
        "DataLoader(6 rows, shuffle=False)",
    )
    epoch = [
        f"{train}/base seed",
        f"{train}/RandomSampler",
        "Dropout mask",
        "Dropout mask",
    ]
    judged = f"evaluation/{test}/base seed"
    assert consumers(generator)[4:] == [*epoch, judged, *epoch, judged]
    assert (
        explain(generator)
        .sentences[-1]
        .startswith("Your evaluation loader shifts the shuffle of epoch 2 by two words")
    )


def test_the_validation_s_shift_is_found_between_two_runs():
    (with_, _), (without, trained) = run(validation=True), run(validation=False)
    said = explain(without, with_).sentences[0]
    assert said.startswith(
        "Your evaluation loader shifts the shuffle of epoch 2 by two words: at word "
    )
    silent = run(validation=False, ledger=False)[1]
    np.testing.assert_array_equal(trained.history["loss"], silent.history["loss"])


def test_evaluate_names_itself():
    generator = Generator(0, ledger=True)
    test = DataLoader((X, Y), 12, shuffle=True, rngs=generator)
    model = nn.Linear(16, 3, rngs=Generator(1))
    flaxnn.evaluate(model, test, metrics=[flaxnn.metrics.accuracy])
    loader = "DataLoader(24 rows, shuffle=True)"
    assert explain(generator).rows[-1]["what"] == (
        f"the shuffle of pass 1 of the evaluation loader {loader}"
    )
