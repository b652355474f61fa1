# SPDX-License-Identifier: Apache-2.0
"""Records a run of a JAX model, as `recorder.py` records one of PyTorch."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from flax.nnx.traversals import flatten_mapping

from flaxnn import nn, optim
from flaxnn.nn._names import Names
from flaxnn.parity._capture import module_names
from flaxnn.parity._moments import moments_of
from flaxnn.parity._port import Port
from flaxnn.parity._program import Carried, Outcome, Plan, Program, parameter_names
from flaxnn.parity._sampling import Sampling, Steps
from flaxnn.parity._writing import TraceWriter, checksum
from flaxnn.random import Generator
from flaxnn.training._pure import enough_precision, model_dtype, split


def record(
    model: nnx.Module,
    data: Iterable[Any],
    *,
    loss: Callable[..., Any],
    optimizer: optax.GradientTransformation,
    steps: int,
    path: str | os.PathLike[str],
    rngs: Generator | None = None,
    whole: Steps = None,
    names: Names = (),
    rules: Sequence[nn.Rule] = (),
    flatten: Mapping[str, Sequence[int]] | None = None,
    overwrite: bool = False,
) -> nnx.Module:
    """Trains a model and writes a trace of it; returns the trained model.

    The trace is in PyTorch's names and layouts, as that of `recorder.py`, so that
    two of them can be compared: before and after a change, or JAX and PyTorch. Every
    step runs the same program whether it is recorded whole or not.

    Args:
        model: A flaxnn or Flax NNX module; it is not changed.
        data: A tuple of arrays, the target last, for one batch of all in each step; or
            what gives such tuples, such as a `flaxnn.data.DataLoader`, which is gone
            through again until all steps are done.
        loss: ``loss(output, target)`` giving a scalar.
        optimizer: Any optax transformation. The state of those of `flaxnn.optim` and
            of optax's own moments is recorded.
        steps: How many steps to make.
        path: The directory to write.
        rngs: The run's Generator, where the model draws from one; it moves on.
        whole: The steps to record whole, as a container or a function of the number.
            By default 0, 1, 2, 4, 8, …, and up to eight more at which the batch's size
            changes, or the learning rate after it was constant.
        names: Flax's paths and PyTorch's, as in `flaxnn.nn.load_state_dict`.
        rules: Further rules, as there.
        flatten: Sizes before flattening, as there.
        overwrite: Whether a trace that is there may be replaced.

    Raises:
        ValueError: There are no data.
        TypeError: The model draws from a Generator, and ``rngs`` is missing.
        FileExistsError: ``path`` is there.

    Torch:
        No counterpart. The run is `flaxnn.fit`'s to within rounding (T2): a program
        that hands out what is inside of it is compiled otherwise.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from flaxnn import models, nn, optim, parity
        >>> model = models.SoftmaxRegression(4, 3, rngs=Generator(0))
        >>> data = (np.ones((2, 4), np.float32), np.array([0, 2]))
        >>> loss, optimizer = nn.CrossEntropyLoss(), optim.sgd(lr=0.1)
        >>> with tempfile.TemporaryDirectory() as place:
        ...     trained = record(
        ...         model, data, loss=loss, optimizer=optimizer, steps=5, path=place
        ...     )
        ...     trace = parity.Trace.open(place)
        >>> len(trace), trace.ended, [step.number for step in trace.whole]
        (5, 'finished', [0, 1, 2, 4])
    """
    port = Port(model, loss, optimizer, names, tuple(rules), dict(flatten or {}))
    graphdef, params, _ = split(model)
    with enough_precision(model_dtype(params)):
        run = _Run(port)
        carried, sampling = run.program.start, Sampling(whole)
        with TraceWriter(path, run.header(), overwrite=overwrite) as writer:
            batches = _batches(data)
            for number in range(steps):
                # As they came: on the device int64 may be int32.
                given = tuple(map(np.asarray, next(batches)))
                batch = tuple(map(jnp.asarray, given))
                groups = run.groups(carried.opt_state)
                rates = [group.get("lr") for group in groups]
                chosen = sampling.is_whole(number, len(batch[0]), rates)
                generator = None if rngs is None else rngs.get_state()
                plan = run.program.plan(carried, batch)
                draws = _drawn(plan, rngs)
                after, outcome = run.program.step(carried, batch, draws, plan.taps)
                line = run.line(given, outcome, groups, generator)
                tensors = None
                if chosen:
                    line["calls"] = plan.calls
                    tensors = run.tensors(given, carried, outcome, after)
                    if generator is not None:
                        tensors["generator"] = generator
                writer.step(line, tensors)
                carried = after
        return nnx.merge(graphdef, carried.params, carried.rest)


class _Run:
    """A port's run, put into the words of a trace."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self.program = Program(port)
        self._names = parameter_names(port)

    def header(self) -> dict[str, Any]:
        """What the run is."""
        arrays = self._port.state_dict()
        own = {name: arrays[name] for name in self._names}
        groups = self.groups(self.program.start.opt_state)
        loss, update = self._port.loss, self.program.start.opt_state
        return {
            "framework": "jax",
            "version": jax.__version__,
            "modules": {
                name: _described(module)
                for name, module in module_names(self._port.model, self._port.names)
            },
            "parameters": {name: _shape(a) for name, a in own.items()},
            "buffers": {n: _shape(a) for n, a in arrays.items() if n not in own},
            "loss": _described(loss),
            "optimizer": {
                "class": type(update).__name__.removesuffix("State"),
                "groups": [{"params": self._names, **groups[0]}, *groups[1:]],
            },
            "settings": {
                "default_dtype": str(model_dtype(self.program.start.params)),
                "matmul_precision": jax.config.values["jax_default_matmul_precision"],
                "platform": jax.default_backend(),
            },
        }

    def groups(self, opt_state: Any) -> list[dict[str, Any]]:
        """The options of each parameter group, as far as flaxnn.optim knows them."""
        params = self.program.start.params
        paths = [".".join(map(str, path)) for path in flatten_mapping(params)]
        model = self._port.model
        known = model if isinstance(model, nn.Module) else paths
        assert self._port.optimizer is not None
        try:
            saved = optim.to_torch_state(self._port.optimizer, opt_state, known)
        except ValueError:
            return [{}]  # An optimiser of optax has its options in closures.
        return [
            {key: value for key, value in group.items() if key != "params"}
            for group in saved["param_groups"]
        ]

    def line(
        self,
        batch: tuple[np.ndarray, ...],
        outcome: Outcome,
        groups: list[dict[str, Any]],
        generator: np.ndarray | None,
    ) -> dict[str, Any]:
        """What is written of every step."""
        gradients = self._named(outcome.gradients)
        return {
            "losses": [float(outcome.loss)],
            "groups": groups,
            "batch": {
                "sizes": [len(array) if array.ndim else 1 for array in batch],
                "checksums": [checksum(array) for array in batch],
            },
            "generator": None if generator is None else checksum(generator),
            "gradient_norms": {
                name: float(np.linalg.norm(np.ravel(array)))
                for name, array in gradients.items()
            },
        }

    def tensors(
        self,
        batch: tuple[np.ndarray, ...],
        before: Carried,
        outcome: Outcome,
        after: Carried,
    ) -> dict[str, Any]:
        """What is written of a whole step."""
        tensors = {f"batch/input/{n}": array for n, array in enumerate(batch[:-1])}
        tensors["batch/target/0"] = batch[-1]
        gradients = self._named(outcome.gradients)
        return {
            **tensors,
            **outcome.arrays,
            **outcome.arrived,
            **{f"gradient/{name}": array for name, array in gradients.items()},
            **self._state(before),
            **{f"after/{key}": array for key, array in self._state(after).items()},
        }

    def _state(self, carried: Carried) -> dict[str, Any]:
        model = nnx.merge(split(self._port.model)[0], carried.params, carried.rest)
        state = {}
        for name, array in self._port.state_dict(model).items():
            kind = "parameter" if name in self._names else "buffer"
            state[f"{kind}/{name}"] = array
        moments = moments_of(carried.opt_state, carried.params)
        for key, tree in moments.items():
            for name, array in self._named(tree).items():
                state[f"optimizer/{key}/{name}"] = array
        return state

    def _named(self, tree: Any) -> dict[str, np.ndarray]:
        """A tree like the parameters' under PyTorch's names."""
        tensors = self._port.tensors(tree)
        return {name: tensors[name] for name in self._names}


def _batches(data: Any) -> Iterator[Any]:
    """The batches, epoch after epoch."""
    if isinstance(data, tuple):
        while True:
            yield data
    while True:
        batch = None
        for batch in data:
            yield batch
        if batch is None:
            raise ValueError(
                "the data give no batch: expected a tuple of arrays, or what can be "
                "gone through again and again, such as a flaxnn.data.DataLoader"
            )


def _drawn(plan: Plan, rngs: Generator | None) -> list[jax.Array]:
    if rngs is None and plan.requests:
        raise TypeError(
            f"the model draws numbers in its forward pass ({plan.requests[0].method}): "
            "pass the run's Generator as rngs="
        )
    return [jnp.asarray(each.draw(rngs)) for each in plan.requests if rngs is not None]


def _described(thing: Any) -> dict[str, Any]:
    """A module's or a function's name, and its options that are plain."""
    if not hasattr(thing, "__dict__") or not isinstance(thing, nnx.Module):
        return {
            "class": getattr(thing, "__name__", type(thing).__name__),
            "options": {},
        }
    options = {
        name: value
        for name, value in vars(thing).items()
        if not name.startswith("_") and _is_plain(value)
    }
    return {"class": type(thing).__name__, "options": options}


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return isinstance(value, str | int | float | None)


def _shape(array: Any) -> dict[str, Any]:
    return {"dtype": str(array.dtype), "shape": list(array.shape)}
