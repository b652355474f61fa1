# SPDX-License-Identifier: Apache-2.0
"""The models of the documents, one file each."""

from flaxnn.models._logistic_regression import LogisticRegression
from flaxnn.models._neural_network import NeuralNetwork
from flaxnn.models._simple_multi_class import SimpleMultiClassModel
from flaxnn.models._softmax_regression import SoftmaxRegression

__all__ = [
    "LogisticRegression",
    "NeuralNetwork",
    "SimpleMultiClassModel",
    "SoftmaxRegression",
]
