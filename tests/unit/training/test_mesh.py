# SPDX-License-Identifier: Apache-2.0
"""Eight devices and two processes, each in interpreters of their own."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from jax.sharding import AxisType

from benchmarks import devices
from tests.unit.training.runs import train


@pytest.mark.slow
def test_one_device_eight_and_two_processes_agree():
    figures = devices.compare("float64")
    assert figures["processes_equal"]
    assert max(figures[name] for name in devices.DISTANCES) <= 1e-12


def test_a_mesh_of_one_device_is_the_device():
    mesh = jax.make_mesh((1,), ("data",), axis_types=(AxisType.Auto,))
    with_mesh, without = train(mesh=mesh), train()
    np.testing.assert_allclose(
        with_mesh.history["loss"], without.history["loss"], rtol=1e-6
    )
    [device] = jax.tree.leaves(with_mesh.model)[0].devices()
    assert device == jax.devices()[0]


def test_what_a_mesh_must_be():
    with pytest.raises(TypeError, match=r"mesh must be a jax\.sharding\.Mesh"):
        train(mesh=8)
    explicit = jax.make_mesh((1,), ("data",), axis_types=(AxisType.Explicit,))
    with pytest.raises(ValueError, match="must be of type Auto"):
        train(mesh=explicit)
