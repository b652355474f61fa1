# SPDX-License-Identifier: Apache-2.0
"""What a trace has of one step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from flaxnn.parity._trace_lines import TraceError

_DEEPEST = 50


@dataclass(frozen=True)
class Call:
    """One call of a module.

    Attributes:
        module: Its dotted name; the model's own is empty.
        training: Whether it was in training mode.
        inputs: Its positional arguments: an array, a number or text, a tuple or
            dictionary of such, or None for anything else.
        keywords: The same of its keyword arguments.
        outputs: The arrays of its output, nested ones flat, in order.
        output_gradients: The loss's gradient for each; None where none arrived.
        begun: Its place in the order in which the calls of the step began.
        depth: How many calls it was inside of.
    """

    module: str
    training: bool
    inputs: tuple[Any, ...]
    keywords: dict[str, Any]
    outputs: tuple[np.ndarray, ...]
    output_gradients: tuple[np.ndarray | None, ...]
    begun: int
    depth: int


@dataclass(frozen=True)
class State:
    """What a step leaves behind.

    Attributes:
        parameters: Name to array.
        buffers: Name to array.
        optimizer: A parameter's name to its arrays, by PyTorch's keys.
    """

    parameters: dict[str, np.ndarray]
    buffers: dict[str, np.ndarray]
    optimizer: dict[str, dict[str, np.ndarray]]


class Step:
    """One step of the optimiser, and the forward and backward pass before it.

    A light step has numbers only. The arrays of a whole one are read when they are
    asked for, as read-only views of the mapped file.

    Args:
        line: Its line of the trace.
        read: What reads an array that the line points to.

    Attributes:
        number: Its number, from 0.
        whole: Whether its arrays are recorded.
        losses: The loss of each backward pass.
        groups: For each parameter group its learning rate, and what else changed.
        batch_sizes: The rows of each array of the batch: inputs, then targets.
        batch_checksums: Their checksums.
        generator_checksum: That of the generator's state before the forward pass.
        gradient_norms: Parameter to the Euclidean norm of its gradient.
        line: The whole line of the trace.
    """

    def __init__(
        self, line: Mapping[str, Any], read: Callable[[Mapping[str, str]], np.ndarray]
    ) -> None:
        self._read = read
        self.line = line
        self.number: int = line["step"]
        self.whole: bool = line["whole"]
        self.losses: tuple[float, ...] = tuple(float(loss) for loss in line["losses"])
        self.groups: tuple[dict[str, Any], ...] = tuple(line["groups"])
        self.batch_sizes: tuple[int, ...] = tuple(line["batch"]["sizes"])
        self.batch_checksums: tuple[str, ...] = tuple(line["batch"]["checksums"])
        self.generator_checksum: str | None = line["generator"]
        self.gradient_norms: dict[str, float] = {
            name: float(norm) for name, norm in line["gradient_norms"].items()
        }

    @property
    def loss(self) -> float:
        """The mean of the losses; nan where there is none."""
        return sum(self.losses) / len(self.losses) if self.losses else float("nan")

    @property
    def inputs(self) -> tuple[Any, ...]:
        """The model's positional inputs, as in `Call`."""
        outermost = (call.inputs for call in self.calls if call.depth == 0)
        inputs = next(outermost, None) if self.line.get("calls") else None
        return self._batch("input") if inputs is None else inputs

    @property
    def targets(self) -> tuple[Any, ...]:
        """The targets, as far as they were seen."""
        return self._batch("target")

    @property
    def indices(self) -> np.ndarray | None:
        """The rows of the data set, where the loop gave them."""
        return self._one("batch/indices")

    @property
    def generator(self) -> np.ndarray | None:
        """`(5056,)` uint8, the generator's state before the forward pass."""
        return self._one("generator")

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """The parameters before the step."""
        return self._under("parameter/")

    @property
    def buffers(self) -> dict[str, np.ndarray]:
        """The buffers before the forward pass."""
        return self._under("buffer/")

    @property
    def optimizer(self) -> dict[str, dict[str, np.ndarray]]:
        """The optimiser's state before the step, as in `State`."""
        return self._moments("optimizer/")

    @property
    def gradients(self) -> dict[str, np.ndarray]:
        """The gradients that the optimiser was given."""
        return self._under("gradient/")

    @property
    def after(self) -> State:
        """What the step left behind."""
        return State(
            self._under("after/parameter/"),
            self._under("after/buffer/"),
            self._moments("after/optimizer/"),
        )

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """The calls of the modules, in the order in which they returned."""
        self._tensors()
        return tuple(self._call(entry) for entry in self.line.get("calls", ()))

    def _tensors(self) -> dict[str, dict[str, str]]:
        tensors = self.line.get("tensors")
        if tensors is None:
            raise TraceError(
                f"step {self.number} is a light one, with numbers only: take one of "
                "trace.whole, or record with whole= to have this one"
            )
        return tensors

    def _one(self, key: str) -> np.ndarray | None:
        tensors = self._tensors()
        return self._read(tensors[key]) if key in tensors else None

    def _under(self, prefix: str) -> dict[str, np.ndarray]:
        return {
            key.removeprefix(prefix): self._read(entry)
            for key, entry in self._tensors().items()
            if key.startswith(prefix)
        }

    def _moments(self, prefix: str) -> dict[str, dict[str, np.ndarray]]:
        moments: dict[str, dict[str, np.ndarray]] = {}
        for place, array in self._under(prefix).items():
            key, _, name = place.partition("/")
            moments.setdefault(name, {})[key] = array
        return moments

    def _batch(self, what: str) -> tuple[np.ndarray, ...]:
        """The arrays of a batch, by number."""
        arrays = self._under(f"batch/{what}/")
        return tuple(arrays[key] for key in sorted(arrays, key=_ordered))

    def _call(self, entry: Mapping[str, Any]) -> Call:
        try:
            return Call(
                str(entry["module"]),
                bool(entry["training"]),
                tuple(self._value(each) for each in entry["inputs"]),
                {k: self._value(v) for k, v in entry.get("keywords", {}).items()},
                tuple(self._value(each) for each in entry["outputs"]),
                tuple(self._value(each) for each in entry["output_gradients"]),
                int(entry.get("begun", 0)),
                int(entry.get("depth", 0)),
            )
        except TraceError:
            raise
        except (
            LookupError,
            TypeError,
            AttributeError,
            ValueError,
            OverflowError,
        ) as error:
            raise TraceError(
                f"a call of step {self.number} is damaged: {str(error)[:200]}"
            ) from None

    def _value(self, entry: Any, depth: int = 0) -> Any:
        """What an entry stands for: an array by its key, a tuple, or a plain value."""
        if depth > _DEEPEST:
            raise TraceError(f"step {self.number} nests its inputs too deeply")
        if isinstance(entry, str):
            array = self._one(entry)
            if array is None:
                raise TraceError(f"step {self.number} has no tensor {entry[:200]!r}")
            return array
        if isinstance(entry, list):
            return tuple(self._value(each, depth + 1) for each in entry)
        if not isinstance(entry, dict):
            return None
        if isinstance(items := entry.get("items"), dict):
            return {key: self._value(each, depth + 1) for key, each in items.items()}
        return entry.get("value")


def _ordered(key: str) -> tuple[int, str]:
    """Sorts `10` behind `2`."""
    return (int(key), "") if key.isdecimal() and len(key) < 9 else (1 << 30, key)
