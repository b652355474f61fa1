# SPDX-License-Identifier: Apache-2.0
"""LogisticRegression's mini-batch solvers against the loop in PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from flaxnn.estimators import LogisticRegression  # noqa: E402

pytestmark = pytest.mark.torch

SEED, EPOCHS, BATCH, C = 2025, 4, 16, 0.5


def data(classes: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(classes)
    y = rng.integers(0, classes, 75)
    return rng.standard_normal((75, 5)) + y[:, None], y


def train(x, y, classes, make, weights=None, epochs=EPOCHS):
    """A Linear, a shuffled DataLoader, and a decay for the weight alone."""
    torch.manual_seed(SEED)
    layer = torch.nn.Linear(x.shape[1], 1 if classes == 2 else classes).double()
    total = len(y) if weights is None else weights[y].sum()
    groups = [
        {"params": [layer.weight], "weight_decay": 1 / (C * total)},
        {"params": [layer.bias]},
    ]
    optimizer = make(groups)
    held = torch.utils.data.TensorDataset(torch.from_numpy(x), torch.from_numpy(y))
    loader = torch.utils.data.DataLoader(held, batch_size=BATCH, shuffle=True)
    loss = torch.nn.CrossEntropyLoss(
        None if weights is None else torch.from_numpy(weights)
    )
    for _ in range(epochs):
        for inputs, labels in loader:
            optimizer.zero_grad()
            scores = layer(inputs)
            if classes == 2:
                scores = torch.hstack([torch.zeros_like(scores), scores])
            loss(scores, labels).backward()
            optimizer.step()
    return layer.weight.detach().numpy(), layer.bias.detach().numpy()


@pytest.mark.parametrize(("solver", "classes"), [("sgd", 3), ("adam", 2)])
def test_the_run_is_pytorchs(solver, classes):
    x, y = data(classes)
    name = {"sgd": "SGD", "adam": "Adam"}[solver]

    def make(groups):
        return getattr(torch.optim, name)(groups, lr=0.05)

    weights = np.linspace(0.5, 2, classes)
    for class_weight in (None, weights):
        options = {"C": C, "solver": solver, "random_state": SEED, "batch_size": BATCH}
        if class_weight is not None:
            options["class_weight"] = dict(enumerate(weights))
        model = LogisticRegression(
            max_iter=EPOCHS, learning_rate_init=0.05, **options
        ).fit(x, y)
        expected = train(x, y, classes, make, class_weight)
        for found, wanted in zip(
            (model.coef_, model.intercept_), expected, strict=True
        ):
            # T1: the largest difference over the largest number.
            assert np.abs(found - wanted).max() <= 1e-12 * np.abs(wanted).max()


def test_initial_weights_are_bit_equal():
    x, y = data(3)
    options = {"random_state": SEED, "batch_size": BATCH, "max_iter": 1}
    # No number of this size changes a weight.
    model = LogisticRegression(solver="sgd", learning_rate_init=1e-300, **options)
    model.fit(x, y)
    weight, bias = train(
        x, y, 3, lambda groups: torch.optim.SGD(groups, lr=0), epochs=0
    )
    assert_array_equal(model.coef_, weight)
    assert_array_equal(model.intercept_, bias)
