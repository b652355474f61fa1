# SPDX-License-Identifier: Apache-2.0
"""What needs an extra says which, where the extra is not installed.

In the development environment all are; `.ci/run wheel` runs these tests where only the
core is.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import flaxnn
from flaxnn._errors import MissingPackageError


def _table() -> object:
    return flaxnn.data.load("wine")


def _estimator() -> object:
    return flaxnn.estimators.MLPClassifier


def _picture() -> object:
    return flaxnn.report.plot_losses(np.ones(3), np.ones(3))


def _events(folder: Path) -> object:
    from flaxnn.training.callbacks import TensorBoard

    model = flaxnn.models.LogisticRegression(rngs=flaxnn.random.Generator(0))
    x = np.ones((4, 1), np.float32)
    return flaxnn.fit(
        model,
        (x, x),
        loss=flaxnn.nn.BCELoss(),
        optimizer=flaxnn.optim.sgd(lr=0.1),
        steps=1,
        callbacks=[TensorBoard(folder)],
    )


def _recorded() -> object:
    from flaxnn.parity import Reference

    return Reference.record(print)


@pytest.mark.parametrize(
    ("package", "extra", "use"),
    [
        ("sklearn", "data", _table),
        ("sklearn", "estimators", _estimator),
        ("matplotlib", "plots", _picture),
        ("tensorboardX", "tensorboard", _events),
        ("torch", "torch", _recorded),
    ],
)
def test_the_error_names_the_extra(
    package: str, extra: str, use: Callable[..., object], tmp_path: Path
) -> None:
    if importlib.util.find_spec(package) is not None:
        pytest.skip(f"{package} is installed here")
    arguments = (tmp_path,) if use is _events else ()
    with pytest.raises(MissingPackageError, match=rf"flaxnn\[{extra}\]"):
        use(*arguments)
