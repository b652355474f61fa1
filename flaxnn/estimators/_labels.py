# SPDX-License-Identifier: Apache-2.0
"""Labels of any kind as codes, and the weights of samples and classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.preprocessing import LabelEncoder
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d


def encoded(y: Any, classes: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """Returns the sorted classes and the code of each label.

    Args:
        y: Labels ``(N,)``: numbers, strings, booleans or objects.
        classes: All classes where they are known, such as those of an earlier fit.

    Returns:
        ``(K,)`` classes and ``(N,)`` int64 codes.

    Raises:
        ValueError: The labels are numbers that are no classes, or one of them is not
            among the classes that are known.
    """
    check_classification_targets(y)
    y = column_or_1d(y, warn=True)
    encoder: Any = LabelEncoder().fit(y if classes is None else classes)
    try:
        codes = encoder.transform(y)
    except ValueError:
        unknown = sorted(set(np.asarray(y).tolist()) - set(encoder.classes_.tolist()))
        raise ValueError(
            f"y has labels {unknown} that are not among the classes "
            f"{encoder.classes_.tolist()} of the first call: name all of them there "
            "(partial_fit's argument classes)"
        ) from None
    return encoder.classes_, np.asarray(codes, np.int64)


def first_classes(estimator: Any, y: Any, classes: Any) -> Any:
    """Returns the classes that a call of partial_fit is to know; None for those of y.

    Args:
        estimator: The estimator, which has ``classes_`` after the first call.
        y: The targets of this call.
        classes: The argument of this call.

    Raises:
        ValueError: They are missing at the first call, or others than then.
    """
    if hasattr(estimator, "classes_"):
        if classes is not None and not np.array_equal(
            np.unique(classes), estimator.classes_
        ):
            raise ValueError(
                f"`classes={classes!r}` is not the same as on last call to "
                f"partial_fit, was: {estimator.classes_!r}"
            )
        return estimator.classes_
    if classes is None and type_of_target(y) != "multilabel-indicator":
        raise ValueError("classes must be passed on the first call to partial_fit.")
    return classes


def sample_weights(sample_weight: Any, samples: int, dtype: Any) -> np.ndarray:
    """Returns the weight of each sample; ones where none are given.

    Args:
        sample_weight: ``(N,)`` weights, one number for all, or None.
        samples: How many samples there are.
        dtype: The dtype that is computed in.

    Raises:
        ValueError: There is not one weight for each sample, or the weights are
            negative, not finite or all zero.
    """
    if sample_weight is None:
        return np.ones(samples, dtype)
    weights = np.asarray(sample_weight, np.float64)
    if weights.ndim == 0:
        weights = np.full(samples, weights)
    if weights.ndim != 1:
        raise ValueError(
            f"Sample weights must be 1D array or scalar, got {weights.ndim}D array"
        )
    if len(weights) != samples:
        raise ValueError(
            f"sample_weight.shape == {weights.shape}, expected {(samples,)}!"
        )
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError("sample_weight must be finite and not negative")
    if not weights.any():
        raise ValueError("sample_weight is zero for every sample")
    return weights.astype(dtype)


def weights_of(
    sample_weight: Any, class_weight: Any, classes: np.ndarray, codes: np.ndarray, dtype
) -> np.ndarray:
    """Returns the weight of each sample times the weight of its class.

    Args:
        sample_weight: As for `sample_weights`.
        class_weight: A weight for each label, ``"balanced"`` or None. Balanced weights
            are the mean weight of a class over that of the sample's class, with the
            samples' own weights counted.
        classes: ``(K,)`` the classes.
        codes: ``(N,)`` the class of each sample.
        dtype: The dtype that is computed in.

    Raises:
        ValueError: As `sample_weights`, a label of ``class_weight`` is unknown, or a
            class weight is negative or not finite.
    """
    weights = sample_weights(sample_weight, len(codes), np.float64)
    if class_weight is not None:
        weights = weights * _class_weights(class_weight, classes, codes, weights)[codes]
        if not np.isfinite(weights).all() or (weights < 0).any():
            raise ValueError(
                f"class_weight must be finite and not negative, got {class_weight!r}"
            )
    return weights.astype(dtype)


def _class_weights(
    class_weight: Any, classes: np.ndarray, codes: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    if isinstance(class_weight, Mapping):
        labels = classes[codes]
        return compute_class_weight(dict(class_weight), classes=classes, y=labels)
    if not (isinstance(class_weight, str) and class_weight == "balanced"):
        raise ValueError(
            "class_weight must be a dictionary {label: weight}, 'balanced' or None, "
            f"got {class_weight!r}"
        )
    totals = np.bincount(codes, weights, minlength=len(classes))
    present = totals > 0  # In a part of the data a class may be absent.
    even = totals.sum() / present.sum()
    return np.divide(even, totals, out=np.zeros_like(totals), where=present)
