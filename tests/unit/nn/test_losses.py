# SPDX-License-Identifier: Apache-2.0
"""Loss modules pass their options on and keep no array as static state."""

import numpy as np
import pytest
from flax import nnx

from flaxnn import functional as F
from flaxnn import nn

LOGITS = np.array([[0.5, -1.0, 2.0], [0.1, 0.2, 0.3]], np.float32)
CLASSES = np.array([2, 0])
UNIT = np.array([[0.2], [0.7]], np.float32)
BINARY = np.array([[0.0], [1.0]], np.float32)
WEIGHT = np.array([1.0, 2.0, 0.5], np.float32)

CASES = [
    (nn.CrossEntropyLoss, F.cross_entropy, (LOGITS, CLASSES), {"weight": WEIGHT}),
    (nn.CrossEntropyLoss, F.cross_entropy, (LOGITS, CLASSES), {"ignore_index": 2}),
    (nn.CrossEntropyLoss, F.cross_entropy, (LOGITS, CLASSES), {"reduction": "sum"}),
    (nn.CrossEntropyLoss, F.cross_entropy, (LOGITS, CLASSES), {"label_smoothing": 0.2}),
    (nn.NLLLoss, F.nll_loss, (LOGITS, CLASSES), {"weight": WEIGHT, "ignore_index": 0}),
    (nn.NLLLoss, F.nll_loss, (LOGITS, CLASSES), {"reduction": "none"}),
    (nn.BCELoss, F.binary_cross_entropy, (UNIT, BINARY), {"weight": UNIT}),
    (nn.BCELoss, F.binary_cross_entropy, (UNIT, BINARY), {"reduction": "sum"}),
    (
        nn.BCEWithLogitsLoss,
        F.binary_cross_entropy_with_logits,
        (UNIT, BINARY),
        {"weight": UNIT, "pos_weight": np.array([3.0], np.float32)},
    ),
    (nn.MSELoss, F.mse_loss, (UNIT, BINARY), {"reduction": "sum"}),
    (nn.L1Loss, F.l1_loss, (UNIT, BINARY), {"reduction": "none"}),
]


@pytest.mark.parametrize(("module", "function", "arguments", "options"), CASES)
def test_options_reach_the_function(module, function, arguments, options):
    given = module(**options)(*arguments)
    np.testing.assert_array_equal(given, function(*arguments, **options))
    assert not np.array_equal(given, module()(*arguments))


@pytest.mark.parametrize(("module", "function", "arguments", "options"), CASES)
def test_equal_losses_have_equal_structures(module, function, arguments, options):
    a, b = (nnx.split(module(**options))[0] for _ in range(2))
    assert a == b
    assert hash(a) == hash(b)
