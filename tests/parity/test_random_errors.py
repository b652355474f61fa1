# SPDX-License-Identifier: Apache-2.0
"""Bad input raises what PyTorch raises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from flaxnn.random import Generator

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

pytestmark = pytest.mark.torch

NAN, INF = float("nan"), float("inf")
# Of Any, for the arguments are of types that no annotation allows.
Draws = Callable[[Any], Any]


def _empty(n: int, kind: Any = None) -> Any:
    return torch.empty(n, dtype=kind or torch.float32)


def _weights(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def _cases() -> list[tuple[Draws, Draws]]:
    cases: list[tuple[Draws, Draws]] = [
        (lambda g: g.manual_seed(2**64), lambda g: g.manual_seed(2**64)),
        (lambda g: g.manual_seed(-(2**63) - 1), lambda g: g.manual_seed(-(2**63) - 1)),
        (lambda g: g.manual_seed(True), lambda g: g.manual_seed(True)),
        (lambda g: g.manual_seed("1"), lambda g: g.manual_seed("1")),
        (lambda g: g.manual_seed(None), lambda g: g.manual_seed(None)),
        (lambda g: g.manual_seed(NAN), lambda g: torch.manual_seed(NAN)),
        (lambda g: g.manual_seed(INF), lambda g: torch.manual_seed(INF)),
        (lambda g: g.rand(-1), lambda g: torch.rand(-1, generator=g)),
        (lambda g: g.rand(2.5), lambda g: torch.rand(2.5, generator=g)),
        (lambda g: g.rand(True), lambda g: torch.rand(True, generator=g)),
        (lambda g: g.rand("a"), lambda g: torch.rand("a", generator=g)),
        (
            lambda g: g.rand(2**62, 2**62),
            lambda g: torch.rand(2**62, 2**62, generator=g),
        ),
        (
            lambda g: g.rand(3, dtype=np.int64),
            lambda g: torch.rand(3, dtype=torch.int64, generator=g),
        ),
        (
            lambda g: g.randn(3, dtype=np.int64),
            lambda g: torch.randn(3, dtype=torch.int64, generator=g),
        ),
        (
            lambda g: g.exponential(3, dtype=np.int64),
            lambda g: _empty(3, torch.int64).exponential_(generator=g),
        ),
        (
            lambda g: g.random((3,), dtype=np.uint16),
            lambda g: _empty(3, torch.uint16).random_(generator=g),
        ),
        (lambda g: g.randperm(-1), lambda g: torch.randperm(-1, generator=g)),
        (lambda g: g.randperm(2.0), lambda g: torch.randperm(2.0, generator=g)),
        (lambda g: g.randperm(True), lambda g: torch.randperm(True, generator=g)),
        (lambda g: g.randperm(2**63), lambda g: torch.randperm(2**63, generator=g)),
        (lambda g: g.randperm(2**60), lambda g: torch.randperm(2**60, generator=g)),
        (
            lambda g: g.bernoulli(np.ones(3, np.int64)),
            lambda g: torch.bernoulli(torch.ones(3, dtype=torch.int64), generator=g),
        ),
        (
            lambda g: g.bernoulli(np.ones(3, np.float32), (3, 2)),
            lambda g: torch.empty(3, 2).bernoulli_(torch.ones(3), generator=g),
        ),
        (
            lambda g: g.multinomial([1.0, 2.0], 1),
            lambda g: torch.multinomial([1.0, 2.0], 1, generator=g),
        ),
        (
            lambda g: g.multinomial(np.ones(3, np.int64), 1),
            lambda g: torch.multinomial(torch.ones(3).long(), 1, generator=g),
        ),
        (
            lambda g: g.multinomial(np.ones((1, 2, 3)), 1),
            lambda g: torch.multinomial(torch.ones(1, 2, 3), 1, generator=g),
        ),
        (
            lambda g: g.set_state(g.get_state()[1:]),
            lambda g: g.set_state(g.get_state()[1:]),
        ),
        (
            lambda g: g.set_state(g.get_state().view(np.int8)),
            lambda g: g.set_state(g.get_state().view(torch.int8)),
        ),
        (
            lambda g: g.set_state(g.get_state().tolist()),
            lambda g: g.set_state(g.get_state().tolist()),
        ),
        (
            lambda g: g.set_state(np.zeros(5056, np.uint8)),
            lambda g: g.set_state(torch.zeros(5056, dtype=torch.uint8)),
        ),
    ]
    cases += [
        (
            lambda g, n=n, a=low, b=high: g.uniform(n, a, b),
            lambda g, n=n, a=low, b=high: _empty(n).uniform_(a, b, generator=g),
        )
        for low, high in (
            (1, 0), (0, INF), (NAN, 1), (-3e38, 3e38), ("a", 1), (0, None)
        )
        for n in (0, 3)
    ]  # fmt: skip
    cases += [
        (
            lambda g, n=n, s=std: g.normal(n, 0, s),
            lambda g, n=n, s=std: _empty(n).normal_(0, s, generator=g),
        )
        for std in (-1, NAN, "a")
        for n in (0, 3, 40)
    ]
    cases += [
        (
            lambda g, a=low, b=high, t=dtype: g.randint(a, b, (2,), dtype=t),
            lambda g, a=low, b=high, t=dtype: torch.randint(
                a, b, (2,), dtype=getattr(torch, t), generator=g
            ),
        )
        for low, high, dtype in (
            (3, 3, "int64"),
            (0, 2**63, "int64"),
            (0, 257, "uint8"),
            (-1, 3, "uint8"),
            (0, 3, "bool"),
            (0.5, 3, "int64"),
            (True, 3, "int64"),
            (0, 40000, "int16"),
        )
    ]
    cases += [
        (
            lambda g, p=p: g.bernoulli(p, 3),
            lambda g, p=p: _empty(3).bernoulli_(p, generator=g),
        )
        for p in (-0.1, 1.1, NAN, "a", None)
    ]
    cases += [
        (
            lambda g, p=p: g.bernoulli(_weights(0.5, p)),
            lambda g, p=p: torch.bernoulli(torch.tensor([0.5, p]), generator=g),
        )
        for p in (-0.1, 1.1, NAN)
    ]
    cases += [
        (
            lambda g, r=rate: g.exponential(3, r),
            lambda g, r=rate: _empty(3).exponential_(r, generator=g),
        )
        for rate in (0, -1, NAN, "a")
    ]
    cases += [
        (
            lambda g, w=values, k=samples, r=replacement: g.multinomial(
                _weights(*w), k, r
            ),
            lambda g, w=values, k=samples, r=replacement: torch.multinomial(
                torch.tensor(w, dtype=torch.float32), k, r, generator=g
            ),
        )
        for values, samples, replacement in (
            ((1, 2), 0, False),
            ((1, 2), 3, False),
            ((1, 2), 1.5, False),
            ((1, 2), True, False),
            ((1, -2), 1, False),
            ((1, -2), 2, True),
            ((1, NAN), 1, False),
            ((1, INF), 2, True),
            ((0, 0), 1, False),
            ((0, 0), 2, True),
            ((), 1, True),
        )
    ]
    return cases


@pytest.mark.parametrize(("ours", "theirs"), _cases())
def test_same_exception(ours: Draws, theirs: Draws) -> None:
    def raised(draw: Draws, generator: Any) -> type[Exception] | None:
        try:
            draw(generator)
        except Exception as error:
            return type(error)
        return None

    expected = raised(theirs, torch.Generator())
    got = raised(ours, Generator())
    assert expected is not None
    assert got is not None
    # NotImplementedError is a RuntimeError: a finer type is as good.
    assert issubclass(got, expected), (got, expected)
