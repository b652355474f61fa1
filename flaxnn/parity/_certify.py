# SPDX-License-Identifier: Apache-2.0
"""Proves a port of a training run in float64, and measures it in float32."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import optax
from flax import nnx

from flaxnn._environment import environment
from flaxnn.nn import Rule
from flaxnn.parity import _checks
from flaxnn.parity._certificate import Certificate, Losses
from flaxnn.parity._ensemble import Names, Naming, Port
from flaxnn.parity._noise import NoiseFloor
from flaxnn.parity._recording import Recording
from flaxnn.parity._reference import Reference
from flaxnn.parity._variant import Variant

# What of `flaxnn.fit` changes no dtype and does not begin in the middle.
_OPTIONS = {
    "accumulate",
    "chunk",
    "freeze",
    "remat",
    "rngs",
    "schedule",
    "schedule_every",
    "stream",
}


def certify(
    model: nnx.Module,
    data: Any,
    *,
    loss: Callable[..., Any],
    optimizer: optax.GradientTransformation,
    reference: Reference | str | Path | Callable[[Variant], Any],
    epochs: int | None = None,
    steps: int | None = None,
    name: str = "port",
    perturbations: int = 8,
    names: Names = (),
    rules: Sequence[Rule] = (),
    flatten: Mapping[str, Sequence[int]] = MappingProxyType({}),
    **options: Any,
) -> Certificate:
    """Returns whether a training run computes what PyTorch's does, with the figures.

    The run is made in float64 and held to PyTorch's to 1e-12 (T1), which shows that
    both compute the same formulas; then in float32, where its distance to PyTorch is
    held to four times the noise floor (T2): PyTorch's own variants of the run where
    the reference has them, else ``perturbations`` runs of ours from weights moved by
    one ulp. Initial weights must be equal bit for bit (T0). Model, data, optimiser and
    the states of all Generators are as before when it returns.

    Args:
        model: The float32 model before its first step: a `flaxnn.nn.Module` or another
            Flax NNX module, which then has PyTorch's weights from
            `flaxnn.nn.load_state_dict`.
        data: As for `flaxnn.fit`; floats in float32, so that both dtypes start from
            the same numbers.
        loss: As for `flaxnn.fit`.
        optimizer: As for `flaxnn.fit`.
        reference: What PyTorch did: a `Reference`, a file of one, or a function that
            trains in PyTorch, for `Reference.record` to call.
        epochs: Passes over the data.
        steps: Updates. With neither, as many as the reference has.
        name: What the certificate calls it.
        perturbations: How many runs give the noise floor where the reference has none.
        names: What the model's tensors are called in PyTorch, and the next two
            arguments too, as for `flaxnn.nn.load_state_dict`.
        rules: As there.
        flatten: As there.
        **options: Of `flaxnn.fit`: ``accumulate``, ``chunk``, ``freeze``, ``remat``,
            ``rngs``, ``schedule``, ``schedule_every``, ``stream``.

    Returns:
        A `Certificate`, ``PASS`` only if every check was made and passed. Without a
        float64 run in the reference nothing is proven.

    Raises:
        TypeError: An argument is of the wrong kind, or one of `flaxnn.fit` that a
            certificate has no use for.
        ValueError: The model is not float32, or its tensors are not those of the
            reference.
        MissingPackageError: ``reference`` is a function and PyTorch is not installed.

    Torch:
        No counterpart. The limits are those of the grades T0, T1 and T2, against
        PyTorch 2.13.0 on a CPU.

    Example:
        A step of SGD that can be followed by hand stands for PyTorch's.

        >>> import numpy as np
        >>> from flaxnn import nn, optim, parity
        >>> from flaxnn.random import Generator
        >>> x, y = np.array([[0.0], [1.0]], np.float32), np.ones((2, 1), np.float32)
        >>> start = {"weight": np.array([[1.0]]), "bias": np.array([0.0])}
        >>> end = {"weight": np.array([[1.0]]), "bias": np.array([0.5])}
        >>> certificate = certify(
        ...     nn.load_state_dict(nn.Linear(1, 1, rngs=Generator(0)), start),
        ...     (x, y),
        ...     loss=nn.MSELoss(),
        ...     optimizer=optim.sgd(lr=0.5),
        ...     reference=parity.Reference(
        ...         float64=parity.Recording.of(np.array([0.5]), end),
        ...         float32=parity.Recording.of(np.array([0.5], np.float32), end),
        ...     ),
        ... )
        >>> certificate.verdict
        'PASS'
    """
    if unknown := sorted(set(options) - _OPTIONS):
        raise TypeError(
            f"certify takes {sorted(_OPTIONS)} of flaxnn.fit's further arguments, "
            f"got {unknown}"
        )
    if perturbations < 0:
        raise ValueError(f"perturbations must be at least 0, got {perturbations}")
    recorded = _reference(reference)
    naming = Naming(names, rules, flatten)
    start = naming.tensors(model)
    _check_tensors(recorded, start)
    port = Port(
        model, data, loss, optimizer, _length(recorded, epochs, steps), naming, options
    )
    checks = [*_checks.same_start(recorded.initial, start)]
    losses: dict[str, Losses] = {}
    if recorded.float64 is None:
        why = "the reference has no float64 run"
        checks.append(_checks.not_proven("T1", why))
    else:
        proof = port.run("float64", steps=_proof_steps(recorded))
        checks += _same_length("float64", recorded.float64, proof)
        checks += _checks.proofs(recorded.float64, proof)
        losses["float64"] = _both(recorded.float64, proof, None)
    floor = None
    if recorded.float32 is None:
        why = "the reference has no float32 run"
        checks.append(_checks.not_proven("T2", why))
    else:
        run = port.run("float32")
        floor = recorded.floor or port.floor(run, perturbations)
        checks += _same_length("float32", recorded.float32, run)
        checks += _checks.within_floor(recorded.float32, run, floor)
        losses["float32"] = _both(recorded.float32, run, floor)
    facts = environment() | {"recording": dict(recorded.environment)}
    return Certificate(name, tuple(checks), facts, losses, floor)


def _reference(given: Any) -> Reference:
    if isinstance(given, Reference):
        return given
    if isinstance(given, str | Path):
        return Reference.load(given)
    if callable(given):
        return Reference.record(given)
    raise TypeError(
        "reference must be a flaxnn.parity.Reference, a file of one, or a function "
        f"that trains in PyTorch, got {type(given).__name__}"
    )


def _length(
    recorded: Reference, epochs: int | None, steps: int | None
) -> dict[str, int]:
    """How long our run is, in the words of `flaxnn.fit`."""
    if epochs is not None and steps is not None:
        raise TypeError(
            "certify needs epochs (passes over the data), steps (updates) or neither, "
            f"got epochs={epochs}, steps={steps}"
        )
    if epochs is not None:
        return {"epochs": epochs}
    run = recorded.float32 or recorded.float64
    return {"steps": len(run.losses) if steps is None and run else steps or 0}


def _proof_steps(recorded: Reference) -> int | None:
    """The length of a float64 run that is shorter than the float32 one."""
    proof, run = recorded.float64, recorded.float32
    if proof is None or (run and len(run.losses) == len(proof.losses)):
        return None
    return len(proof.losses)


def _same_length(dtype: str, theirs: Recording, ours: Recording) -> Any:
    return _checks.same_length(dtype, len(theirs.losses), len(ours.losses))


def _check_tensors(recorded: Reference, start: Mapping[str, np.ndarray]) -> None:
    """Refuses a model whose tensors are not those of the reference."""
    floating = {k: a for k, a in start.items() if a.dtype.kind not in "iub"}
    wrong = {
        name: a.dtype.name for name, a in floating.items() if a.dtype != np.float32
    }
    if wrong:
        raise ValueError(
            f"certify takes a float32 model, which it runs in float64 too, got {wrong}"
        )
    theirs = dict(recorded.initial)
    for run in (recorded.float64, recorded.float32):
        theirs |= run.tensors if run else {}
    faults = [f"the model has no {name!r}" for name in theirs if name not in floating]
    faults += [
        f"{name!r} has shape {start[name].shape}, PyTorch's {sample.shape}"
        for name, sample in theirs.items()
        if name in floating and start[name].shape != sample.shape
    ]
    if theirs:
        faults += [
            f"the reference has no {name!r}" for name in floating if name not in theirs
        ]
    if faults:
        raise ValueError(
            "the model's tensors are not those of the reference: "
            + "; ".join(faults)
            + ". names, rules and flatten say what they are called in PyTorch and how "
            "they lie there, as for flaxnn.nn.load_state_dict"
        )


def _both(theirs: Recording, ours: Recording, floor: NoiseFloor | None) -> Losses:
    count = min(len(theirs.losses), len(ours.losses))
    a, b = ours.losses[:count], theirs.losses[:count]
    return Losses(a, b, None if floor is None else floor.for_losses(b))
