# SPDX-License-Identifier: Apache-2.0
"""The compiled part of many runs: how their lanes are laid out."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

from flaxnn.training._lanes_last import lanes_last
from flaxnn.training._loop import run_chunk
from flaxnn.training._placement import Placement
from flaxnn.training._pure import Tree
from flaxnn.training._state import TrainState
from flaxnn.training._step import Batch, Metrics, TrainStep

Layout = Literal["auto", "last", "vmap", "map"]

# Of 64 lanes on a CPU, batches of 32 rows: up to so many parameters the lanes are
# fastest as the last axis (275 parameters: 0.56 of vmap's time; 1,155: 1.4), since the
# innermost loops are then long. 8 lanes of either are faster by vmap: a block is not
# half full with less than 32.
_SMALL = 500
_MANY = 32
# From so many parameters on a CPU runs one lane after the other faster than all at
# once: a lane's own products fill its cores, and its arrays stay in its caches.
_WIDE = 50_000
# Lanes that are computed at once on the last axis. The last block is filled up, so
# that every block is the same program, however many lanes there are. 256 lanes take
# 0.45 s in four of 64 and 0.35 s in one, but 64 lanes would then take as long as 256.
BLOCK = 64


def check_layout(layout: Any) -> None:
    """Raises unless this is a layout."""
    known = get_args(Layout)
    if layout not in known:
        names = ", ".join(map(repr, known[:-1]))
        raise ValueError(f"layout must be {names} or {known[-1]!r}, got {layout!r}")


def layout_for(layout: Layout, params: Tree, lanes: int) -> Layout:
    """The layout that "auto" stands for.

    On accelerators it is that of a CPU for small models, whose last axis their units
    run over, too, and else `jax.vmap`'s, whose products are those that they are built
    for. That is by design; it has not been measured there.

    Args:
        layout: The layout that is asked for.
        params: The parameters of one lane.
        lanes: How many there are.
    """
    if layout != "auto":
        return layout
    size = sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params))
    if size < _SMALL and lanes >= _MANY:
        return "last"
    return "map" if size >= _WIDE and jax.default_backend() == "cpu" else "vmap"


@partial(
    jax.jit,
    static_argnames=("capacity", "transform", "layout", "block", "mesh"),
    donate_argnames="states",
)
def run_lanes(
    step: TrainStep,
    states: TrainState,
    arrays: Batch,
    pixels: jax.Array,
    rows: jax.Array | np.ndarray | None,
    draws: tuple[Batch, Batch],
    length: jax.Array | int,
    *,
    capacity: int,
    transform: Callable[..., jax.Array] | None,
    layout: Layout,
    block: int,
    mesh: Mesh | None = None,
) -> tuple[TrainState, Metrics]:
    """Runs `run_chunk` for every lane of states, rows and draws.

    Args:
        step: As in `run_chunk`, and so are the others.
        states: The lanes are the first axis; donated.
        arrays: For all lanes.
        pixels: For all lanes.
        rows: The lanes are the first axis.
        draws: The lanes are the first axis.
        length: For all lanes.
        capacity: For all lanes.
        transform: For all lanes.
        layout: Any but "auto".
        block: How many lanes are computed at once in the layout "last".
        mesh: Its devices share out the lanes, whose number they divide.

    Returns:
        The states after, and ``(capacity, lanes, …)`` metrics.
    """

    def lanes(
        step: TrainStep, states: TrainState, rows: Any, draws: Any, *shared: Any
    ) -> tuple[TrainState, Metrics]:
        arrays, pixels, length = shared

        def run(each: tuple[TrainState, Any, Any], **changes: Any) -> Any:
            state, rows, draws = each
            return run_chunk(
                step,
                state,
                arrays,
                pixels,
                rows,
                draws,
                length,
                capacity=capacity,
                transform=transform,
                placement=Placement(),
                **changes,
            )

        def last(block: Any) -> Any:
            return _moved(run(_moved(block, 0, -1), over=lanes_last), -1, 0)

        many = (states, rows, draws)
        if layout == "last":
            states, metrics = _by_blocks(last, many, block)
            return states, _moved(metrics, 0, 1)
        if layout == "map":
            states, metrics = jax.lax.map(run, many)
            return states, _moved(metrics, 0, 1)
        return jax.vmap(run, out_axes=(0, 1))(many)

    operands = (step, states, rows, draws, arrays, pixels, length)
    if mesh is None:
        return lanes(*operands)
    cut, whole = PartitionSpec(mesh.axis_names), PartitionSpec()
    # Nothing goes from one device to another, so nothing needs to be checked.
    return jax.shard_map(
        lanes,
        mesh=mesh,
        in_specs=(whole, cut, cut, cut, whole, whole, whole),
        out_specs=(cut, PartitionSpec(None, mesh.axis_names)),
        check_vma=False,
    )(*operands)


def _by_blocks(function: Callable[[Tree], Tree], many: Tree, width: int) -> Tree:
    """The results of a function that takes so many lanes at once, block by block."""
    count = jax.tree.leaves(many)[0].shape[0]
    blocks = -(-count // width)

    def cut(array: jax.Array) -> jax.Array:
        # The last lane is there again where the others do not fill the last block.
        if count < blocks * width:
            array = array[jnp.minimum(jnp.arange(blocks * width), count - 1)]
        return array.reshape(blocks, width, *array.shape[1:])

    def joined(array: jax.Array) -> jax.Array:
        return array.reshape(blocks * width, *array.shape[2:])[:count]

    return jax.tree.map(joined, jax.lax.map(function, jax.tree.map(cut, many)))


def _moved(tree: Tree, source: int, target: int) -> Tree:
    """The arrays with one of their axes at another place."""
    return jax.tree.map(lambda array: jnp.moveaxis(array, source, target), tree)
