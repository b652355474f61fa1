# SPDX-License-Identifier: Apache-2.0
"""Estimators against the loop that a PyTorch user writes, from the same seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from flaxnn import models, nn, optim
from flaxnn.estimators import Classifier, MLPClassifier, MLPRegressor, Regressor

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

_stream = np.random.RandomState(0)
X = _stream.randn(48, 4)
LABELS = _stream.randint(0, 3, 48)
WEIGHTS = _stream.rand(48)
BATCH, EPOCHS, SEED = 16, 3, 5
LIMITS = {"float64": 1e-12, "float32": 2e-6}


def _mlp(outputs: int) -> Any:
    return torch.nn.Sequential(
        torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, outputs)
    )


def _softmax() -> Any:
    return torch.nn.Sequential(torch.nn.Linear(4, 3))


def _train(build, arrays, loss, optimizer, dtype: str) -> tuple[Any, list[float]]:
    """The loop; the loss is one of the model, the batch's inputs and the rest."""
    torch.manual_seed(SEED)
    model = build().to(getattr(torch, dtype))
    tensors = [torch.tensor(array) for array in arrays]
    data = torch.utils.data.TensorDataset(*tensors)
    loader = torch.utils.data.DataLoader(data, BATCH, shuffle=True)
    optimizer = optimizer(model.parameters())
    means = []
    for _ in range(EPOCHS):
        total, rows = 0.0, len(data)
        for batch in loader:
            optimizer.zero_grad()
            value = loss(model, *batch)
            value.backward()
            optimizer.step()
            total += value.item() * len(batch[0])
        means.append(total / rows)
    return model, means


def _assert_same_run(estimator: Any, model: Any, losses: list[float], dtype: str):
    limit = LIMITS[dtype]
    for name, theirs in model.state_dict().items():
        ours = np.asarray(estimator.module_.state_dict()[name])
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=limit, atol=limit)
    np.testing.assert_allclose(estimator.loss_curve_, losses, rtol=4 * limit)


@pytest.mark.parametrize(("solver", "dtype"), [("sgd", "float64"), ("adam", "float32")])
def test_mlp_classifier(solver: str, dtype: str) -> None:
    alpha = 0.7
    # The last batch is short.
    inputs, labels, weights = X[:37].astype(dtype), LABELS[:37], WEIGHTS[:37]
    classifier = MLPClassifier(
        (8,),
        solver=solver,
        alpha=alpha,
        batch_size=BATCH,
        learning_rate_init=0.05,
        max_iter=EPOCHS,
        random_state=SEED,
    ).fit(inputs, labels, weights)

    def loss(model, x, w, y):
        each = torch.nn.functional.cross_entropy(model(x), y, reduction="none")
        squares = sum((p**2).sum() for p in model.parameters() if p.ndim == 2)
        return ((w * each).sum() + 0.5 * alpha * squares) / w.sum()

    def optimizer(parameters):
        if solver == "adam":
            return torch.optim.Adam(parameters, lr=0.05)
        return torch.optim.SGD(parameters, lr=0.05, momentum=0.9, nesterov=True)

    arrays = inputs, weights.astype(dtype), labels
    model, losses = _train(lambda: _mlp(3), arrays, loss, optimizer, dtype)
    _assert_same_run(classifier, model, losses, dtype)
    with torch.no_grad():
        logits = model(torch.tensor(inputs))
    np.testing.assert_allclose(
        classifier.predict_proba(inputs),
        torch.softmax(logits, 1).numpy(),
        rtol=10 * LIMITS[dtype],
    )


def test_mlp_classifier_of_two_classes() -> None:
    classifier = MLPClassifier(
        (8,), batch_size=BATCH, max_iter=EPOCHS, random_state=SEED, alpha=0
    ).fit(X, LABELS > 0)
    bce = torch.nn.BCEWithLogitsLoss()
    model, losses = _train(
        lambda: _mlp(1),
        (X, (LABELS > 0)[:, None].astype(float)),
        lambda model, x, y: bce(model(x), y),
        lambda parameters: torch.optim.Adam(parameters, lr=0.001),
        "float64",
    )
    _assert_same_run(classifier, model, losses, "float64")


def test_mlp_regressor_of_counts() -> None:
    y = np.abs(X[:, :2])
    regressor = MLPRegressor(
        "poisson", (8,), batch_size=BATCH, max_iter=EPOCHS, random_state=SEED, alpha=0
    ).fit(X, y)

    def objective(model, x, y):
        z = model(x)
        constant = torch.special.xlogy(y, y) - y
        return (z.exp() - y * z + constant).sum(1).mean()

    model, losses = _train(
        lambda: _mlp(2),
        (X, y),
        objective,
        lambda parameters: torch.optim.Adam(parameters, lr=0.001),
        "float64",
    )
    _assert_same_run(regressor, model, losses, "float64")


def test_classifier_of_any_module() -> None:
    classifier = Classifier(
        models.SoftmaxRegression,
        lr=0.1,
        max_epochs=EPOCHS,
        batch_size=BATCH,
        random_state=SEED,
        loss__label_smoothing=0.1,
        optimizer__momentum=0.9,
    ).fit(X, LABELS)
    loss = torch.nn.CrossEntropyLoss(label_smoothing=0.1)

    model, losses = _train(
        _softmax,
        (X, LABELS),
        lambda model, x, y: loss(model(x), y),
        lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9),
        "float64",
    )
    _assert_same_run(classifier, model, losses, "float64")


def test_classifier_with_class_weights() -> None:
    weights = {0: 1.0, 1: 3.0, 2: 0.5}
    classifier = Classifier(
        models.SoftmaxRegression,
        lr=0.1,
        max_epochs=EPOCHS,
        batch_size=BATCH,
        random_state=SEED,
        class_weight=weights,
    ).fit(X, LABELS)
    # PyTorch divides by the weights of the batch's classes, too.
    loss = torch.nn.CrossEntropyLoss(torch.tensor(list(weights.values())).double())
    model, losses = _train(
        _softmax,
        (X, LABELS),
        lambda model, x, y: loss(model(x), y),
        lambda parameters: torch.optim.SGD(parameters, lr=0.1),
        "float64",
    )
    _assert_same_run(classifier, model, losses, "float64")


def test_regressor_of_any_module_with_dropout() -> None:
    def build(*, rngs):
        return nn.Sequential(
            nn.Linear(4, 8, rngs=rngs), nn.Dropout(0.5), nn.Linear(8, 1, rngs=rngs)
        )

    regressor = Regressor(
        build,
        optimizer=optim.adam,
        lr=0.01,
        max_epochs=EPOCHS,
        batch_size=BATCH,
        random_state=SEED,
    ).fit(X, X[:, 0])
    mse = torch.nn.MSELoss()
    model, losses = _train(
        lambda: torch.nn.Sequential(
            torch.nn.Linear(4, 8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 1)
        ),
        (X, X[:, :1].copy()),
        lambda model, x, y: mse(model(x), y),
        lambda parameters: torch.optim.Adam(parameters, lr=0.01),
        "float64",
    )
    _assert_same_run(regressor, model, losses, "float64")
