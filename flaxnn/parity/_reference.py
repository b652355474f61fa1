# SPDX-License-Identifier: Apache-2.0
"""What PyTorch did: the runs that a port is held to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from flaxnn.parity import _torch_runs
from flaxnn.parity._noise import NoiseFloor
from flaxnn.parity._recording import Recording, Sample
from flaxnn.parity._reference_file import read, write
from flaxnn.parity._variant import Variant


@dataclass(frozen=True)
class Reference:
    """A training run of PyTorch: in float64, in float32, and its noise floor.

    It is recorded where PyTorch is installed, and saved for machines that have none.

    Attributes:
        float64: The run in float64, from the float32 weights; it may be shorter. None
            where it is missing, and then nothing is proven.
        float32: The run in float32; None where it is missing.
        initial: The float32 tensors before the first step; empty where unknown.
        floor: How far PyTorch's own variants of the float32 run lie apart; None where
            only one was recorded.
        environment: Versions, instruction set and threads of the recording.

    Raises:
        ValueError: Both runs are missing, or the floor is shorter than the run.
    """

    float64: Recording | None = None
    float32: Recording | None = None
    initial: Mapping[str, Sample] = field(default_factory=dict)
    floor: NoiseFloor | None = None
    environment: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.float64 is None and self.float32 is None:
            raise ValueError("a reference needs a float64 run, a float32 run, or both")
        run, floor = self.float32, self.floor
        if run and floor and len(floor.losses) != len(run.losses):
            raise ValueError(
                f"the noise floor has {len(floor.losses)} steps, the float32 run "
                f"{len(run.losses)}"
            )

    @classmethod
    def record(
        cls,
        train: Callable[[Variant], Any],
        *,
        proof_steps: int | None = None,
        threads: Sequence[int] = (1, 2),
        capabilities: Sequence[str] | None = None,
        perturbations: int = 6,
        told: Callable[[str], None] | None = None,
    ) -> Reference:
        """Returns what a training function of PyTorch does, in all its variants.

        The function seeds PyTorch, builds its model in float32, passes it to
        ``variant.start``, trains with inputs of ``variant.dtype``, and returns the
        loss before each update. It is called once in float64, once in float32, and
        once more for each variant: more threads, other instruction sets (each in a
        process of its own, which imports the function), weights moved by one ulp.

        Args:
            train: ``train(variant)``, the losses.
            proof_steps: After how many steps ``variant.stop`` ends the float64 run;
                None for all. Where rounding grows from step to step, a long run shows
                the growth: 200 steps prove the formulas as well.
            threads: Numbers of threads, the first that of the plain run.
            capabilities: Of ``"default"``, ``"avx2"`` and ``"avx512"``; None for all
                that the processor has.
            perturbations: How many runs start from weights moved by one ulp.
            told: Called with the name of each run before it begins.

        Raises:
            MissingPackageError: PyTorch is not installed.
            TypeError: The function does not call ``variant.start``, or returns none.
            ValueError: Two variants differ in their number of steps.
        """
        _torch_runs.require_torch()
        others = _torch_runs.variants(threads, capabilities, perturbations)
        told = told or (lambda name: None)
        proof = _torch_runs.plain(threads[0], "float64", proof_steps)
        told(f"float64, {proof.name}")
        float64, _ = _torch_runs.run(train, proof)
        plain = _torch_runs.plain(threads[0], "float32")
        told(f"float32, {plain.name}")
        float32, given = _torch_runs.run(train, plain)
        runs, left_out = {plain.name: float32}, {}
        for variant in others:
            told(f"float32, {variant.name}")
            try:
                if variant.capability:
                    runs[variant.name] = _torch_runs.run_elsewhere(train, variant)
                else:
                    runs[variant.name], _ = _torch_runs.run(train, variant)
            except _torch_runs.NotImportableError as error:
                left_out[variant.name] = f"cannot be run in another process: {error}"
        environment = _torch_runs.torch_environment() | {"threads": threads[0]}
        if left_out:
            environment["variants left out"] = left_out
        version = environment["torch"]
        floor = NoiseFloor.of(runs, f"PyTorch {version}") if len(runs) > 1 else None
        return cls(float64, float32, given.initial, floor, environment)

    def thinned(self, most: int = 64) -> Reference:
        """Returns it with at most so many entries of each tensor, evenly spaced.

        Args:
            most: How many entries to keep.
        """

        def thin(run: Recording | None) -> Recording | None:
            return run and replace(run, tensors=_thinned(run.tensors, most))

        return replace(
            self,
            float64=thin(self.float64),
            float32=thin(self.float32),
            initial=_thinned(self.initial, most),
        )

    def save(self, path: str | Path) -> None:
        """Writes it to a file.

        Args:
            path: Ending in ``.safetensors`` or ``.npz``.

        Raises:
            ValueError: It ends in something else.
        """
        write(_arrays(self), _facts(self), Path(path))

    @classmethod
    def load(cls, path: str | Path) -> Reference:
        """Returns what `save` wrote, or what another program wrote under these names.

        ``float64/losses`` and ``float32/losses`` are the losses;
        ``float64/tensor/NAME`` and ``float32/tensor/NAME`` the tensors at the end;
        ``initial/NAME`` the float32 tensors before the first step; ``floor/losses``
        and ``floor/tensor/NAME`` a noise floor. All but the losses of one run may be
        missing.

        Args:
            path: A ``.safetensors`` or ``.npz`` file.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: It is damaged, or holds no losses.
        """
        arrays, facts = read(Path(path))
        known = facts.get("samples", {})

        def under(prefix: str) -> dict[str, Sample]:
            return {
                key.removeprefix(prefix): _sample(array, known.get(key))
                for key, array in arrays.items()
                if key.startswith(prefix)
            }

        def run(dtype: str) -> Recording | None:
            losses = arrays.get(f"{dtype}/losses")
            if losses is None:
                return None
            return Recording(losses.astype(dtype), under(f"{dtype}/tensor/"))

        floor = None
        if "floor/losses" in arrays:
            told = facts.get("floor", {})
            tensors = under("floor/tensor/")
            floor = NoiseFloor(
                arrays["floor/losses"],
                {name: sample.largest for name, sample in tensors.items()},
                told.get("source", "recorded"),
                tuple(told.get("members", ())),
                tuple(told.get("distances", ())),
            )
        if not {"float64/losses", "float32/losses"} & arrays.keys():
            raise ValueError(
                f"{path} is no reference: expected float64/losses, float32/losses or "
                f"both in it, got {sorted(arrays)[:6]}"
            )
        environment = facts.get("environment", {})
        return cls(
            run("float64"), run("float32"), under("initial/"), floor, environment
        )


def _thinned(tensors: Mapping[str, Sample], most: int) -> dict[str, Sample]:
    return {name: sample.thinned(most) for name, sample in tensors.items()}


def _named_samples(reference: Reference) -> dict[str, Sample]:
    """All tensors under their keys in a file."""
    found = {f"initial/{name}": sample for name, sample in reference.initial.items()}
    for dtype in ("float64", "float32"):
        run: Recording | None = getattr(reference, dtype)
        tensors = run.tensors if run else {}
        found |= {f"{dtype}/tensor/{name}": sample for name, sample in tensors.items()}
    return found


def _arrays(reference: Reference) -> dict[str, Any]:
    found: dict[str, Any] = {
        key: sample.entries.reshape(sample.shape)
        if sample.entries.size == sample.size
        else sample.entries
        for key, sample in _named_samples(reference).items()
    }
    for dtype in ("float64", "float32"):
        if run := getattr(reference, dtype):
            found[f"{dtype}/losses"] = run.losses
    if floor := reference.floor:
        found["floor/losses"] = floor.losses
        found |= {
            f"floor/tensor/{name}": value for name, value in floor.tensors.items()
        }
    return found


def _facts(reference: Reference) -> dict[str, Any]:
    floor = reference.floor
    return {
        "environment": dict(reference.environment),
        "floor": floor
        and {
            "source": floor.source,
            "members": list(floor.members),
            "distances": list(floor.distances),
        },
        "samples": {
            key: {
                "shape": list(sample.shape),
                "largest": sample.largest,
                "digest": sample.digest,
            }
            for key, sample in _named_samples(reference).items()
            if sample.entries.size < sample.size
        },
    }


def _sample(array: Any, known: Mapping[str, Any] | None) -> Sample:
    """A tensor from a file: whole, unless the file says what it is a part of."""
    if known is None:
        return Sample.of(array)
    return Sample(array, tuple(known["shape"]), known["largest"], known["digest"])
