# SPDX-License-Identifier: Apache-2.0
"""The annotations' names: jaxtyping's where it is installed, stand-ins elsewhere."""

from __future__ import annotations

import subprocess
import sys

import jax
import jaxtyping
import numpy as np
import pytest

import flaxnn.functional as F
from flaxnn import _typing
from flaxnn.functional import _linear


def test_jaxtyping_is_used_where_it_is():
    assert _typing.Float is jaxtyping.Float
    assert _typing.Array is jax.Array


def test_a_stand_in_is_used_where_it_is_not(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "jaxtyping", None)
    assert _typing.Float is _typing.Unchecked
    assert _typing.Float[jax.Array, "N C"] is jax.Array


def test_an_unknown_name_is_an_error():
    with pytest.raises(AttributeError, match="no attribute 'Flaot'"):
        _typing.Flaot  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue]


def test_the_suite_checks_shapes_at_run_time():
    x = F.relu(np.zeros((2, 3)))
    with pytest.raises(jaxtyping.TypeCheckError):
        _linear._contract_last(x, F.relu(np.zeros((2, 4))), None)


def test_only_array_loads_jax_and_nothing_needs_jaxtyping():
    script = """
import sys
sys.modules["jaxtyping"] = None
from flaxnn._typing import ArrayLike, DTypeLike, Float, Int
assert "jax" not in sys.modules
from flaxnn._typing import Array
assert "jax" in sys.modules
import flaxnn.functional as F
assert F.relu(-1.0) == 0
"""
    subprocess.run([sys.executable, "-c", script], check=True)
