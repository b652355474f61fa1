# SPDX-License-Identifier: Apache-2.0
"""MLPClassifier and MLPRegressor: what scikit-learn's own checks do not ask."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split

from flaxnn import interop, nn
from flaxnn.estimators import MLPClassifier, MLPRegressor
from flaxnn.random import Generator

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

_stream = np.random.RandomState(0)
X = _stream.randn(40, 3)
CODES = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.5)
NAMES = np.array(["cat", "dog", "eel"])[CODES]
# One program for most tests: one batch of 40 rows.
OPTIONS = {"hidden_layer_sizes": (5,), "random_state": 3, "learning_rate_init": 0.1}


def _net(**options) -> MLPClassifier:
    return MLPClassifier(**{**OPTIONS, "max_iter": 4, **options})


def test_weights_are_those_of_torchs_layers_and_labels_come_back() -> None:
    net = _net(learning_rate_init=1e-30, solver="sgd").fit(X, NAMES)
    rngs = Generator(3)
    layers = [nn.Linear(3, 5, rngs=rngs), nn.Linear(5, 3, rngs=rngs)]
    for layer, weight, bias in zip(layers, net.coefs_, net.intercepts_, strict=True):
        assert weight.dtype == np.float64
        np.testing.assert_array_equal(weight, np.asarray(layer.weight.get_value()).T)
        np.testing.assert_array_equal(bias, np.asarray(layer.bias.get_value()))
    assert net.classes_.tolist() == ["cat", "dog", "eel"]
    assert set(net.predict(X)) <= set(NAMES)
    assert net.n_iter_ == len(net.loss_curve_) == 4
    assert (net.n_layers_, net.n_outputs_, net.t_) == (3, 3, 160)
    assert net.best_loss_ == min(net.loss_curve_)
    assert net.validation_scores_ is None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_copy_says_the_same_bits(dtype: str) -> None:
    net = _net().fit(X.astype(dtype), NAMES)
    expected = net.predict_proba(X.astype(dtype))
    assert expected.dtype == dtype
    for other in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net)):
        np.testing.assert_array_equal(other.predict_proba(X.astype(dtype)), expected)
    # They go on alike.
    first, second = (
        pickle.loads(pickle.dumps(net)).partial_fit(X.astype(dtype), NAMES)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first.coefs_[0], second.coefs_[0])
    assert not np.array_equal(first.coefs_[0], net.coefs_[0])


def test_calls_of_partial_fit_are_epochs_of_fit() -> None:
    whole = _net(batch_size=20).fit(X, NAMES)
    parts = _net(batch_size=20)
    for _ in range(4):
        parts.partial_fit(X, NAMES, classes=["cat", "dog", "eel"])
    for ours, theirs in zip(parts.coefs_, whole.coefs_, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert parts.loss_curve_ == whole.loss_curve_
    assert parts.t_ == whole.t_


def test_what_partial_fit_must_be_told() -> None:
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        _net().partial_fit(X, NAMES)
    net = _net().partial_fit(X, NAMES, classes=["cat", "dog", "eel"])
    with pytest.raises(ValueError, match="not the same as on last call"):
        net.partial_fit(X, NAMES, classes=["cat", "dog"])
    with pytest.raises(ValueError, match=r"labels \['fox'\] that are not among"):
        net.partial_fit(X, ["fox"] * 40)
    with pytest.raises(ValueError, match="early_stopping"):
        net.set_params(early_stopping=True).partial_fit(X, NAMES)


def test_warm_start_goes_on_and_a_cold_one_does_not() -> None:
    net = _net(warm_start=True).fit(X, NAMES)
    before = net.loss_curve_
    net.fit(X, NAMES)
    assert net.loss_curve_[:4] == before
    assert len(net.loss_curve_) == 8
    assert net.loss_curve_[4] < before[-1]
    with pytest.raises(ValueError, match="warm_start=False"):
        net.set_params(hidden_layer_sizes=(6,)).fit(X, NAMES)
    net.set_params(**_net().get_params()).fit(X, NAMES)
    assert net.loss_curve_ == before


def test_early_stopping_takes_the_best_epoch() -> None:
    net = _net(
        early_stopping=True, validation_fraction=0.25, max_iter=30, n_iter_no_change=3
    ).fit(X, NAMES)
    _, held_out = train_test_split(
        np.arange(40), test_size=0.25, random_state=3, stratify=CODES
    )
    scores = net.validation_scores_
    assert scores is not None
    assert len(scores) == net.n_iter_ < 30
    best = accuracy_score(NAMES[held_out], net.predict(X[held_out]))
    assert best == pytest.approx(max(scores))
    assert net.best_validation_score_ == max(scores)
    assert net.best_loss_ is None
    # The first of the best, behind which the run went on.
    epoch = int(np.argmax(scores)) + 1
    assert epoch < net.n_iter_
    until = copy.deepcopy(net).set_params(max_iter=epoch).fit(X, NAMES)
    for ours, theirs in zip(net.coefs_, until.coefs_, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    # More than three epochs in a row were no better than the best before them.
    assert max(scores[:-4]) >= max(scores[-4:]) - 1e-4


def test_early_stopping_of_a_regressor_follows_r2() -> None:
    weights = _stream.rand(40)
    y = np.column_stack([X[:, 0], X[:, 1] ** 2])
    net = MLPRegressor(**OPTIONS, early_stopping=True, max_iter=5)
    net.fit(X, y, weights)
    _, rows = train_test_split(np.arange(40), test_size=0.1, random_state=3)
    expected = r2_score(y[rows], net.predict(X[rows]), sample_weight=weights[rows])
    assert net.best_validation_score_ == pytest.approx(expected, rel=1e-6)


def test_training_stops_when_it_has_converged() -> None:
    net = _net(max_iter=300, tol=0.05, n_iter_no_change=2).fit(X, NAMES)
    losses = net.loss_curve_
    assert net.n_iter_ < 300
    best, bad = np.inf, []
    for loss in losses:
        bad.append(loss > best - 0.05)
        best = min(best, loss)
    # It stops at the first three bad epochs in a row.
    runs = [all(bad[k : k + 3]) for k in range(len(bad) - 2)]
    assert runs[-1]
    assert not any(runs[:-1])


def test_a_run_that_has_not_converged_warns() -> None:
    with pytest.warns(ConvergenceWarning, match="maximum of 4 iterations"):
        _net().fit(X, NAMES)


def test_an_adaptive_rate_goes_down_where_the_run_would_stop() -> None:
    options = {"solver": "sgd", "learning_rate_init": 3.0, "tol": 0.01}
    options |= {"n_iter_no_change": 1, "max_iter": 25}
    constant = _net(**options).fit(X, NAMES)
    adaptive = _net(**options, learning_rate="adaptive").fit(X, NAMES)
    stopped = constant.n_iter_
    assert stopped < adaptive.n_iter_
    assert adaptive.loss_curve_[:stopped] == constant.loss_curve_
    assert adaptive.best_loss_ < constant.best_loss_


def test_inverse_scaling_of_the_rate() -> None:
    options = {"solver": "sgd", "momentum": 0.0, "alpha": 0.0, "max_iter": 2}
    scaled = _net(**options, learning_rate="invscaling", power_t=0.5).fit(X, NAMES)
    first = _net(**{**options, "max_iter": 1}).fit(X, NAMES)
    second = _net(**options).fit(X, NAMES)
    step = second.coefs_[0] - first.coefs_[0]
    # After an epoch of 40 samples the rate is divided by the root of 41.
    np.testing.assert_allclose(
        scaled.coefs_[0], first.coefs_[0] + step / np.sqrt(41), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_array])
def test_sparse_inputs_are_the_same_run(kind) -> None:
    zeroed = np.where(X > 0, X, 0)
    dense = _net().fit(zeroed, NAMES)
    found = _net().fit(kind(zeroed), NAMES)
    np.testing.assert_array_equal(found.coefs_[0], dense.coefs_[0])
    np.testing.assert_array_equal(
        found.predict_proba(kind(zeroed)), dense.predict_proba(zeroed)
    )


def test_class_weights_are_weights_of_their_samples() -> None:
    weights = {"cat": 1.0, "dog": 2.0, "eel": 0.5}
    one = _net(class_weight=weights).fit(X, NAMES)
    other = _net().fit(X, NAMES, [weights[name] for name in NAMES])
    np.testing.assert_array_equal(one.coefs_[0], other.coefs_[0])
    plain = _net().fit(X, NAMES)
    assert not np.allclose(one.coefs_[0], plain.coefs_[0])
    with pytest.raises(ValueError, match="one label for each sample"):
        _net(class_weight="balanced").fit(X, np.eye(2, dtype=int)[CODES % 2])


def test_several_labels_at_once() -> None:
    y = np.column_stack([X[:, 0] > 0, X[:, 1] > 0, X[:, 2] > 0]).astype(int)
    net = _net(max_iter=60).fit(X, y)
    assert net.predict(X).shape == net.predict_proba(X).shape == (40, 3)
    np.testing.assert_array_equal(net.predict(X), net.predict_proba(X) > 0.5)
    assert net.score(X, y) > 0.8
    np.testing.assert_array_equal(
        _net(max_iter=60).fit(X, sparse.csr_array(y)).predict(X), net.predict(X)
    )


def test_two_classes_have_one_output() -> None:
    net = _net(max_iter=40).fit(X, CODES > 0)
    assert (net.n_outputs_, net.out_activation_) == (1, "logistic")
    probabilities = net.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(1), 1)
    np.testing.assert_allclose(np.exp(net.predict_log_proba(X)), probabilities)
    np.testing.assert_array_equal(net.decision_function(X) > 0, net.predict(X))
    assert net.score(X, CODES > 0) > 0.9


def test_the_network_is_a_checkpoint(tmp_path) -> None:
    net = _net().fit(X.astype(np.float32), NAMES)
    interop.save(net.module_.state_dict(), tmp_path / "net.safetensors")
    loaded = interop.load(tmp_path / "net.safetensors")
    assert list(loaded) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    np.testing.assert_array_equal(loaded["2.weight"].T, net.coefs_[1])


def test_a_line_for_each_epoch(capsys) -> None:
    net = _net(verbose=True, max_iter=2).fit(X, NAMES)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        f"epoch {n}: loss {loss:.8f}" for n, loss in enumerate(net.loss_curve_, 1)
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activation": "rellu"}, "Did you mean 'relu'"),
        ({"solver": "addam"}, "Did you mean 'adam'"),
        ({"learning_rate": "adaptiv"}, "Did you mean 'adaptive'"),
        ({"alpha": -1.0}, "alpha must be in the range"),
        ({"batch_size": "all"}, "batch_size must be one of"),
        ({"batch_size": 0}, "batch_size must be in the range"),
        ({"hidden_layer_sizes": (5, 0)}, "hidden_layer_sizes must be in the range"),
        ({"learning_rate_init": 0}, "learning_rate_init must be in the range"),
        ({"learning_rate_init": float("nan")}, "learning_rate_init must be"),
        ({"beta_1": 1.0}, "beta_1 must be in the range"),
        ({"validation_fraction": 1.0}, "validation_fraction must be in the range"),
        ({"n_iter_no_change": 0}, "n_iter_no_change must be in the range"),
    ],
)
def test_parameters_out_of_range(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _net(**options).fit(X, NAMES)


@pytest.mark.parametrize(
    "options",
    [{"max_iter": 2.5}, {"shuffle": "no"}, {"alpha": "0"}, {"momentum": None}],
)
def test_parameters_of_the_wrong_kind(options: dict) -> None:
    (name,) = options
    with pytest.raises(TypeError, match=f"{name} must be"):
        _net(**options).fit(X, NAMES)


def test_a_loss_that_is_not_finite_ends_the_run() -> None:
    net = MLPRegressor(**{**OPTIONS, "learning_rate_init": 1e200}, solver="sgd")
    with pytest.raises(ValueError, match=r"the loss is (nan|inf) in batch 0 of epoch"):
        net.fit(X, X[:, 0])
    with pytest.raises(ValueError, match="not negative, got"):
        MLPRegressor("poisson").fit(X, X[:, 0])
    with pytest.raises(ValueError, match="loss must be one of"):
        MLPRegressor("squared").fit(X, X[:, 0])
