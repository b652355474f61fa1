# SPDX-License-Identifier: Apache-2.0
"""Any module as a classifier."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from flaxnn import nn, optim
from flaxnn.estimators._generic import ModuleEstimator
from flaxnn.estimators._labels import encoded, weights_of
from flaxnn.estimators._parameters import check_choice
from flaxnn.estimators._predictions import NetworkClassifier
from flaxnn.estimators._probabilities import LINKS, Link, threshold
from flaxnn.estimators._weighted import Correct, score_of

_LINKS: dict[type, Link] = {
    nn.CrossEntropyLoss: "softmax",
    nn.NLLLoss: "exp",
    nn.BCEWithLogitsLoss: "sigmoid",
    nn.BCELoss: "identity",
}


class Classifier(NetworkClassifier, ModuleEstimator):
    """Classifier that trains any module, such as a network ported from PyTorch.

    Parameters of the module, the loss and the optimiser are given, searched and set as
    ``module__hidden``, ``loss__label_smoothing`` and ``optimizer__momentum``. Where the
    module's class must be told ``in_features``, ``num_classes`` or ``out_features`` and
    they are not given, they are what the data have. It is trained by `flaxnn.fit`, in
    the dtype of X: float32 stays float32, all else is float64.

    Args:
        module: A class or function that takes ``rngs=`` and gives a module of one
            input, or a module, whose weights are then the first.
        loss: The class of a loss ``(output, target)``, or a function or module that is
            one. Targets are codes of classes, or for a single output 0 and 1 in its
            shape.
        optimizer: A function that takes ``lr=`` and gives an optimiser.
        lr: The learning rate; None for the optimiser's own default.
        max_epochs: How many epochs.
        batch_size: Samples in a batch.
        shuffle: Whether each epoch has an order of its own.
        schedule: One of `flaxnn.optim.lr_scheduler`, stepped after each epoch.
        random_state: An int gives PyTorch's numbers of that seed: initial weights and
            order of batches. None for a new seed each time, or a NumPy RandomState.
        early_stopping: Whether to hold out samples, stop when their accuracy does not
            get better, and take the network of the best epoch.
        validation_fraction: The share of samples that is held out.
        tol: By how much the accuracy must get better.
        n_iter_no_change: How many epochs in a row may be no better.
        warm_start: Whether ``fit`` goes on with the network of the last call.
        class_weight: A weight for each label, ``"balanced"`` or None.
        predict_nonlinearity: What makes probabilities of outputs: ``"softmax"``,
            ``"sigmoid"``, ``"exp"`` or ``"identity"``; ``"auto"`` knows it for
            CrossEntropyLoss, BCEWithLogitsLoss, NLLLoss and BCELoss.
        callbacks: Of `flaxnn.training.callbacks`.
        verbose: Whether to print a line for each epoch.
        **parameters: ``module__x``, ``loss__x`` and ``optimizer__x``.

    Attributes:
        classes_: ``(K,)`` the labels, sorted.
        module_: The trained module, which `flaxnn.interop.save_checkpoint` takes.
        loss_curve_: The mean loss of each epoch; ``loss_`` is the last.
        best_loss_: The least of them; None with early stopping.
        validation_scores_: The accuracy after each epoch, with early stopping.
        best_validation_score_: The greatest of them.
        n_iter_: How many epochs there were.
        n_features_in_: The number of features: ``X.shape[1]``.
        feature_names_in_: Their names, where X has some.

    Torch:
        The loop over a ``DataLoader`` (2.13.0) after
        ``torch.manual_seed(random_state)`` and the construction of the model: initial
        weights and batches T0, the run T1 in float64 and T2 in float32. With sample or
        class weights the loss is ``Σ wᵢ lᵢ / Σ wᵢ`` over a batch.

    Example:
        >>> import numpy as np
        >>> from flaxnn import models
        >>> X = np.array([[0.0, 1.0], [1.0, 0.0], [0.2, 0.9], [0.8, 0.1]])
        >>> y = ["up", "down", "up", "down"]
        >>> net = Classifier(models.SoftmaxRegression, lr=1.0, random_state=0)
        >>> net.fit(X, y).predict([[0.1, 0.7]])
        array(['up'], dtype='<U4')
        >>> sorted(net.set_params(optimizer__momentum=0.9).get_params())[-3:]
        ['validation_fraction', 'verbose', 'warm_start']
    """

    def __init__(
        self,
        module: Any,
        *,
        loss: Any = nn.CrossEntropyLoss,
        optimizer: Any = optim.sgd,
        lr: float | None = 0.01,
        max_epochs: int = 10,
        batch_size: int = 128,
        shuffle: bool = True,
        schedule: Any = None,
        random_state: Any = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        tol: float = 1e-4,
        n_iter_no_change: float = 10,
        warm_start: bool = False,
        class_weight: Any = None,
        predict_nonlinearity: str = "auto",
        callbacks: Any = (),
        verbose: bool = False,
        **parameters: Any,
    ):
        self.module = module
        self.loss = loss
        self.optimizer = optimizer
        self.lr = lr
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.schedule = schedule
        self.random_state = random_state
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.class_weight = class_weight
        self.predict_nonlinearity = predict_nonlinearity
        self.callbacks = callbacks
        self.verbose = verbose
        self._parameters = parameters

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Trains the module and returns the estimator.

        Args:
            X: Inputs ``(N, …)``: an array, a data frame or a sparse matrix, which is
                made dense as a whole.
            y: Labels ``(N,)``.
            sample_weight: ``(N,)`` weights, or None.

        Raises:
            TypeError: A parameter is of the wrong kind, or nothing takes it.
            ValueError: A parameter is out of range, the data are bad, or the loss gets
                nan or infinite.
        """
        self._fit(X, y, sample_weight)
        return self

    @property
    def _link(self) -> Link:
        if self.predict_nonlinearity != "auto":
            return self.predict_nonlinearity  # pyright: ignore[reportReturnType]
        kind = self.loss if isinstance(self.loss, type) else type(self.loss)
        if kind not in _LINKS:
            raise ValueError(
                f"predict_nonlinearity='auto' does not know {kind.__name__}: say what "
                f"makes probabilities of the module's outputs, one of {list(LINKS)}"
            )
        return _LINKS[kind]

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_choice(
            "predict_nonlinearity", self.predict_nonlinearity, ("auto", *LINKS)
        )

    def _targets(self, y: np.ndarray, classes: Any, *, goes_on: bool) -> dict[str, int]:
        known = self.classes_ if goes_on else classes
        self.classes_: np.ndarray = encoded(y, known)[0]
        classes_found = len(self.classes_)
        single = self._link in ("sigmoid", "identity") and classes_found <= 2
        return {
            "num_classes": classes_found,
            "out_features": 1 if single else classes_found,
        }

    def _arrays(
        self, y: np.ndarray, sample_weight: Any, shape: tuple[int, ...], dtype: Any
    ) -> tuple[np.ndarray | None, np.ndarray]:
        _, codes = encoded(y, self.classes_)
        outputs = int(np.prod(shape))
        if self._link in ("sigmoid", "identity") and outputs == 1:
            if len(self.classes_) > 2:
                raise ValueError(
                    f"the module has one output, but y has {len(self.classes_)} "
                    "classes: that is for two"
                )
            target = codes.astype(dtype).reshape(-1, *shape)
        elif outputs < len(self.classes_):
            raise ValueError(
                f"the module has {outputs} output(s), but y has {len(self.classes_)} "
                "classes: it needs one for each"
            )
        else:
            target = codes
        if sample_weight is None and self.class_weight is None:
            return None, target
        classes, weight = self.classes_, self.class_weight
        return weights_of(sample_weight, weight, classes, codes, dtype), target

    def _strata(self, target: np.ndarray) -> np.ndarray | None:
        return target.reshape(len(target))

    def _judge(
        self, weight: np.ndarray, target: np.ndarray
    ) -> tuple[dict[str, Any], Any]:
        several = np.issubdtype(target.dtype, np.integer)
        return {
            "correct": Correct(None if several else threshold(self._link))
        }, score_of
