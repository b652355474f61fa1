# SPDX-License-Identifier: Apache-2.0
"""Classifier and Regressor: any module, with its parameters."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from flaxnn import functional as F
from flaxnn import models, nn, optim
from flaxnn.estimators import Classifier, Regressor
from flaxnn.random import Generator
from flaxnn.training.callbacks import Callback

_stream = np.random.RandomState(0)
X = _stream.randn(40, 3)
NAMES = np.where(X[:, 0] > 0, "up", "down")


class Hidden(nn.Module):
    """A network with a width of its own choice."""

    def __init__(self, in_features, num_classes, width=4, *, rngs):
        self.first = nn.Linear(in_features, width, rngs=rngs)
        self.norm = nn.BatchNorm1d(width)
        self.last = nn.Linear(width, num_classes, rngs=rngs)

    def forward(self, x):
        return self.last(F.relu(self.norm(self.first(x))))


def _softmax(**options) -> Classifier:
    return Classifier(models.SoftmaxRegression, **{"random_state": 0, **options})


def test_parameters_of_the_module_are_parameters() -> None:
    net = Classifier(Hidden, module__width=7, optimizer__momentum=0.5, lr=0.2)
    assert net.get_params()["module__width"] == 7
    assert clone(net).get_params() == net.get_params()
    net.set_params(module__width=2, loss__label_smoothing=0.1, lr=0.1)
    found = net.get_params()
    assert (found["module__width"], found["loss__label_smoothing"]) == (2, 0.1)
    assert found["lr"] == net.lr == 0.1
    assert "module__width=2" in repr(net)
    assert "module__width" in net._repr_html_()
    pipe = make_pipeline(StandardScaler(), net)
    pipe.set_params(classifier__module__width=3, classifier__max_epochs=60)
    pipe.set_params(classifier__random_state=0)
    assert pipe.fit(X, NAMES)[-1].module_.first.weight.shape == (3, 3)
    assert pipe.score(X, NAMES) > 0.8
    # Running statistics and all come through a pickle.
    again = pickle.loads(pickle.dumps(pipe))
    np.testing.assert_array_equal(again.predict_proba(X), pipe.predict_proba(X))


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: _softmax(modul__width=3), TypeError, "unexpected parameter"),
        (lambda: _softmax(momentum=3), TypeError, "unexpected parameter 'momentum'"),
        (lambda: _softmax(module__num_class=3), TypeError, "module__num_classes"),
        (lambda: _softmax(optimizer__momentun=3), TypeError, "optimizer__momentum"),
        (lambda: _softmax(loss__smoothing=3), TypeError, "takes no 'smoothing'"),
        (lambda: Classifier("softmax"), TypeError, "module must be a class"),
        (lambda: Classifier(lambda rngs: 3), TypeError, "got int from it"),
        (lambda: _softmax(lr=-1), ValueError, "lr must be"),
        (lambda: _softmax(max_epochs=0), ValueError, "max_epochs must be"),
        (lambda: _softmax(batch_size="auto"), TypeError, "batch_size must be"),
        (
            lambda: _softmax(predict_nonlinearity="sigmod"),
            ValueError,
            "Did you mean 'sigmoid'",
        ),
        (
            lambda: _softmax(loss=nn.MultiMarginLoss),
            ValueError,
            "does not know MultiMarginLoss",
        ),
        (
            lambda: Classifier(nn.Linear, module__out_features=1),
            ValueError,
            r"1 output\(s\), but y has 2",
        ),
        (lambda: Regressor(nn.Linear, module__out_features=2), ValueError, "one size"),
        (
            lambda: Classifier(nn.Linear(3, 2, rngs=Generator(0)), module__bias=True),
            TypeError,
            "pass its class",
        ),
    ],
)
def test_what_is_refused(build, error: type, message: str) -> None:
    net = build()
    y = X[:, 0] if isinstance(net, Regressor) else NAMES
    with pytest.raises(error, match=message):
        net.fit(X, y)


def test_weights_need_the_loss_of_each_sample() -> None:
    for net in (
        _softmax(loss=F.cross_entropy, predict_nonlinearity="softmax"),
        _softmax(loss__reduction="sum"),
    ):
        with pytest.raises(ValueError, match="sample and class weights"):
            net.fit(X, NAMES, np.ones(40))


@pytest.mark.parametrize(
    ("loss", "tail"),
    [
        (nn.CrossEntropyLoss, lambda: nn.Identity()),
        (nn.NLLLoss, lambda: nn.LogSoftmax(dim=1)),
        (nn.BCEWithLogitsLoss, lambda: nn.Identity()),
        (nn.BCELoss, lambda: nn.Sigmoid()),
    ],
)
def test_probabilities_fit_the_loss(loss: type, tail) -> None:
    def build(in_features, out_features, *, rngs):
        return nn.Sequential(nn.Linear(in_features, out_features, rngs=rngs), tail())

    net = Classifier(build, loss=loss, lr=0.5, max_epochs=15, random_state=0)
    net.fit(X.astype(np.float32), NAMES)
    probabilities = net.predict_proba(X.astype(np.float32))
    assert probabilities.shape == (40, 2)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(
        np.exp(net.predict_log_proba(X)), probabilities, rtol=1e-5
    )
    expected = net.classes_[probabilities.argmax(axis=1)]
    np.testing.assert_array_equal(net.predict(X), expected)
    np.testing.assert_array_equal(net.decision_function(X) > 0, expected == "up")
    assert net.score(X, NAMES) > 0.9


def test_a_module_is_taken_as_it_is_and_left_alone() -> None:
    module = nn.Linear(3, 2, rngs=Generator(7))
    before = np.array(module.weight.get_value())
    net = Classifier(module, lr=1e-9, max_epochs=1, random_state=0)
    net.fit(X.astype(np.float32), NAMES)
    np.testing.assert_allclose(net.module_.weight.get_value(), before, atol=1e-6)
    assert net.module_ is not module
    net.set_params(lr=1.0).fit(X.astype(np.float32), NAMES)
    assert not np.allclose(net.module_.weight.get_value(), before)
    np.testing.assert_array_equal(module.weight.get_value(), before)


def test_inputs_with_more_axes_reach_the_module() -> None:
    images = X.reshape(40, 3, 1)[:, :, [0, 0]]
    net = Classifier(
        lambda rngs: nn.Sequential(nn.Flatten(), nn.Linear(6, 2, rngs=rngs)),
        lr=0.5,
        random_state=0,
    ).fit(images, NAMES)
    assert net.score(images, NAMES) > 0.8
    with pytest.raises(ValueError, match="expecting 3 features"):
        net.predict(images[:, :2])


def test_calls_of_partial_fit_are_epochs_of_fit() -> None:
    options = {"optimizer": optim.adam, "lr": 0.05, "batch_size": 20}
    whole = _softmax(**options, max_epochs=3).fit(X, NAMES)
    parts = _softmax(**options)
    for _ in range(3):
        parts.partial_fit(X, NAMES, classes=["down", "up"])
    for name, array in whole.module_.state_dict().items():
        np.testing.assert_array_equal(parts.module_.state_dict()[name], array)
    assert parts.loss_curve_ == whole.loss_curve_
    again = parts.set_params(warm_start=True, max_epochs=1).fit(X, NAMES)
    assert again.loss_curve_[:3] == whole.loss_curve_
    assert len(again.loss_curve_) == 4


def test_early_stopping_schedules_and_callbacks() -> None:
    class Counts(Callback):
        epochs = 0

        def epoch(self, epoch, step, values):
            Counts.epochs = epoch
            return False

    net = _softmax(
        early_stopping=True,
        n_iter_no_change=2,
        max_epochs=50,
        lr=1.0,
        schedule=optim.lr_scheduler.step_lr(5, gamma=0.5),
        callbacks=[Counts()],
        class_weight="balanced",
    ).fit(X, NAMES)
    assert net.validation_scores_ is not None
    assert len(net.validation_scores_) == net.n_iter_ == Counts.epochs < 50
    assert net.best_validation_score_ == max(net.validation_scores_)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        regressor = Regressor(nn.Linear, lr=0.3, early_stopping=True, random_state=0)
        regressor.fit(X, X[:, :2] - 1)
    assert regressor.predict(X).shape == (40, 2)
    assert max(regressor.validation_scores_ or []) > 0.8
