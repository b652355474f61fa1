# SPDX-License-Identifier: Apache-2.0
"""What several models say together, against sums by hand."""

from __future__ import annotations

import numpy as np
import pytest

import flaxnn
from flaxnn import models, nn, optim
from flaxnn.random import Generator
from flaxnn.sweeps import Ensemble


def members(count=4, classes=3, build=models.SoftmaxRegression):
    return [build(2, classes, rngs=Generator(k)) for k in range(count)]


def inputs(rows=7):
    return 3 * np.random.default_rng(0).normal(size=(rows, 2)).astype(np.float32)


def softmax(x):
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("batch_size", [3, 256])
def test_probabilities_are_the_members_mean(batch_size):
    x = inputs()
    ensemble = Ensemble(members(), batch_size=batch_size)
    each = np.stack([softmax(flaxnn.predict(model, x)) for model in members()])
    np.testing.assert_allclose(ensemble.members_proba(x), each, rtol=1e-5)
    np.testing.assert_allclose(ensemble.predict_proba(x), each.mean(axis=0), rtol=1e-5)
    np.testing.assert_array_equal(ensemble.predict(x), each.mean(axis=0).argmax(axis=1))
    votes = np.stack([each.argmax(axis=2) == c for c in range(3)], 2).sum(axis=0)
    np.testing.assert_array_equal(ensemble.vote(x), votes.argmax(axis=1))
    pairs = [(a, b) for a in range(4) for b in range(a)]
    differ = [each[a].argmax(1) != each[b].argmax(1) for a, b in pairs]
    np.testing.assert_allclose(ensemble.disagreement(x), np.mean(differ, axis=0))
    total, expected, mutual = ensemble.uncertainty(x)
    entropies = -(each * np.log(each)).sum(axis=2)
    np.testing.assert_allclose(expected, entropies.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(mutual, total - expected, atol=1e-12)
    assert (mutual > 0).all()


def fixed(bias):
    """A model that says the same whatever it is given."""
    model = nn.Linear(2, len(bias), rngs=Generator(0))
    weight = np.zeros((len(bias), 2), np.float32)
    return nn.load_state_dict(model, {"weight": weight, "bias": np.float32(bias)})


def test_a_tie_goes_to_the_lowest_class():
    ensemble = Ensemble([fixed([0, 0, 9]), fixed([0, 9, 0])])
    x = np.zeros((2, 2), np.float32)
    np.testing.assert_array_equal(ensemble.vote(x), [1, 1])
    np.testing.assert_array_equal(ensemble.disagreement(x), [1.0, 1.0])


def test_members_that_agree_have_no_mutual_information():
    ensemble = Ensemble([fixed([0, 2]) for _ in range(3)])
    x = np.zeros((1, 2), np.float32)
    assert ensemble.disagreement(x) == 0
    assert ensemble.uncertainty(x).mutual_information == pytest.approx(0, abs=1e-12)


def test_one_output_is_for_class_1():
    build = [models.LogisticRegression(2, rngs=Generator(k)) for k in range(3)]
    x = inputs()
    ensemble = Ensemble(build)
    assert ensemble.outputs == "probabilities"
    each = np.stack([flaxnn.predict(model, x)[:, 0] for model in build])
    found = ensemble.predict_proba(x)
    np.testing.assert_allclose(found[:, 1], each.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    logits = Ensemble([fixed([2.0]), fixed([-200.0])])
    np.testing.assert_allclose(
        logits.members_proba(x[:1])[:, 0, 1], [1 / (1 + np.exp(-2.0)), 0], atol=1e-7
    )


def test_outputs_that_are_not_what_was_said_are_refused():
    x = inputs()
    with pytest.raises(ValueError, match="pass outputs='logits'"):
        Ensemble(members(), outputs="probabilities").predict(x)
    chances = [nn.Sequential(model, nn.Softmax(dim=1)) for model in members()]
    assert Ensemble(chances).outputs == "probabilities"
    with pytest.raises(ValueError, match="pass outputs='probabilities'"):
        Ensemble(chances, outputs="logits").predict(x)
    with pytest.raises(ValueError, match="'logits' or 'probabilities'"):
        Ensemble(members(), outputs="odds")  # pyright: ignore[reportArgumentType]


def test_members_of_two_architectures_or_none_are_refused():
    with pytest.raises(ValueError, match="members 0 and 1 differ"):
        Ensemble([*members(1), *members(1, 4)])
    with pytest.raises(ValueError, match="none that is finite"):
        Ensemble([])
    with pytest.raises(ValueError, match="cannot disagree"):
        Ensemble(members(1)).disagreement(inputs())


def test_a_sweep_is_an_ensemble_of_its_finite_lanes():
    x = inputs(20)
    y = x[:, :1] + x[:, 1:]
    result = flaxnn.sweep(
        lambda *, rngs: nn.Linear(2, 1, rngs=rngs),
        (x, y),
        loss=nn.MSELoss(),
        optimizer=optim.sgd,
        lr=[0.01, 1e30],
        seeds=range(3),
        steps=4,
    )
    assert sorted(result.nonfinite) == [3, 4, 5]
    ensemble = Ensemble(result)
    assert repr(ensemble) == "Ensemble(3 members, outputs='logits')"
    each = [flaxnn.predict(result.model(k), x) for k in range(3)]
    found = ensemble.members_proba(x)[:, :, 1]
    np.testing.assert_allclose(
        found, 1 / (1 + np.exp(-np.stack(each)[..., 0])), rtol=1e-5
    )
