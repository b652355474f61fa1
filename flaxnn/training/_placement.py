# SPDX-License-Identifier: Apache-2.0
"""Where a run's arrays lie: on one device, or over the devices of a mesh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec


@dataclass(frozen=True)
class Placement:
    """Puts arrays where a run needs them.

    Args:
        mesh: The devices that share each batch; None for JAX's default device.
    """

    mesh: Mesh | None = None

    @property
    def shards(self) -> int:
        """Into how many parts a batch is cut."""
        return 1 if self.mesh is None else self.mesh.size

    def everywhere(self, tree: Any) -> Any:
        """The arrays of a pytree, whole on every device."""
        return jax.tree.map(lambda leaf: self._put(leaf, PartitionSpec()), tree)

    def shared(self, array: Any, axis: int) -> jax.Array:
        """An array cut along the axis of the samples, where that comes out even."""
        return self._put(array, self._spec(axis, array.shape[axis]))

    def columns(self, size: int) -> np.ndarray:
        """The samples of a batch of this size that this process's devices take."""
        if self.mesh is None:
            return np.arange(size)
        sharding = NamedSharding(self.mesh, self._spec(0, size))
        parts = sharding.addressable_devices_indices_map((size,)).values()
        taken = np.zeros(size, bool)
        for index in parts:
            taken[index] = True
        return np.flatnonzero(taken)

    def shared_parts(self, array: np.ndarray, axis: int, size: int) -> jax.Array:
        """As `shared` for an array of which this process has its own `columns` only.

        Args:
            array: This process's part.
            axis: The axis of the samples.
            size: The length of that axis in all processes together.
        """
        columns = self.columns(size)
        if self.mesh is None or len(columns) == size:
            return self.shared(array, axis)
        shape = (*array.shape[:axis], size, *array.shape[axis + 1 :])

        def part(index: Any) -> np.ndarray:
            bounds = index[axis].indices(size)[:2]
            local = slice(*np.searchsorted(columns, bounds))
            return array[*index[:axis], local, *index[axis + 1 :]]

        sharding = NamedSharding(self.mesh, self._spec(axis, size))
        return jax.make_array_from_callback(shape, sharding, part)

    def _spec(self, axis: int, size: int) -> PartitionSpec:
        """How an axis of this length is cut, where that comes out even."""
        if self.mesh is None or size % self.shards:
            return PartitionSpec()
        return PartitionSpec(*(None,) * axis, self.mesh.axis_names)

    def labels(self, target: Any) -> jax.Array:
        """A full batch's target: class indices whole everywhere, others shared."""
        if self.mesh is None or not _is_integer(target):
            return self.shared(target, 0)
        return self._put(target, PartitionSpec())

    def batch(
        self, arrays: tuple[jax.Array, ...], rows: jax.Array | None
    ) -> tuple[jax.Array, ...]:
        """A batch inside a compiled program: samples shared, class indices whole.

        Args:
            arrays: The data set.
            rows: ``(B,)`` rows of it; None for all.
        """
        if self.mesh is None:
            return arrays if rows is None else tuple(array[rows] for array in arrays)
        *inputs, target = arrays
        place = self._whole if _is_integer(target) else self._cut
        if rows is not None:
            rows = self._whole(rows)
            inputs = [array[rows] for array in inputs]
            # By rows of its own: XLA would look the target up by the part of the rows
            # that a device needs for its inputs, and gather it from all afterwards.
            target = target[jax.lax.optimization_barrier(rows)]
        return (*(self._cut(array) for array in inputs), place(target))

    def _cut(self, array: jax.Array) -> jax.Array:
        """Cuts a batch among the devices, where that comes out even."""
        assert self.mesh is not None
        if array.shape[0] % self.shards:
            return array
        spec = PartitionSpec(self.mesh.axis_names)
        return jax.lax.with_sharding_constraint(array, NamedSharding(self.mesh, spec))

    def _whole(self, array: jax.Array) -> jax.Array:
        assert self.mesh is not None
        spec = PartitionSpec()
        return jax.lax.with_sharding_constraint(array, NamedSharding(self.mesh, spec))

    def _put(self, array: Any, spec: PartitionSpec) -> jax.Array:
        if self.mesh is None:
            # Unlike jnp.asarray, this takes aligned arrays on a CPU as they are.
            return jax.device_put(on_one_device(array))
        sharding = NamedSharding(self.mesh, spec)
        if sharding.is_fully_addressable:
            return jax.device_put(array, sharding)
        host = np.asarray(array)
        return jax.make_array_from_callback(
            host.shape, sharding, lambda index: host[index]
        )


def on_one_device(array: Any) -> Any:
    """The array; in the host's memory where several devices have it whole."""
    spread = isinstance(array, jax.Array) and len(array.sharding.device_set) > 1
    return np.asarray(array) if spread else array


def _is_integer(array: Any) -> bool:
    return jnp.issubdtype(array.dtype, jnp.integer)


def checked_placement(mesh: Any, batch_size: int) -> Placement:
    """The placement on a mesh that can share batches of this size."""
    if mesh is None:
        return Placement()
    if not isinstance(mesh, Mesh):
        raise TypeError(
            "mesh must be a jax.sharding.Mesh, such as jax.make_mesh((8,), ('data',), "
            f"axis_types=(jax.sharding.AxisType.Auto,)), got {type(mesh).__name__}"
        )
    if any(kind != AxisType.Auto for kind in mesh.axis_types):
        raise ValueError(
            f"the mesh's axes {mesh.axis_names} must be of type Auto, got "
            f"{mesh.axis_types}: pass axis_types=(jax.sharding.AxisType.Auto,) * "
            f"{len(mesh.axis_names)} to jax.make_mesh"
        )
    if batch_size % mesh.size:
        raise ValueError(
            f"a batch of {batch_size} does not divide among the mesh's {mesh.size} "
            "devices: choose a batch_size that is a multiple of them"
        )
    return Placement(mesh)
