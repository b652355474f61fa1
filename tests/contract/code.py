# SPDX-License-Identifier: Apache-2.0
"""How well XLA is to translate a program of the tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax
import pytest
from jax._src import compiler

# Five times quicker to compile, and the numbers are those of the same operations, only
# slower to come by.
QUICK: dict[str, bool | int | float | str] = {
    "xla_cpu_use_fusion_emitters": False,
    "xla_backend_optimization_level": 0,
    "xla_cpu_parallel_codegen_split_count": 1,
}


def compiler_options(dtype: Any) -> dict[str, bool | int | float | str] | None:
    """Returns XLA's defaults for what people run, and `QUICK` for float64.

    In float32 the program itself is under test, as XLA optimises it. In float64 it is
    the formula: nothing but a wrong one is as far off as the last digits reach.
    """
    return QUICK or None if str(dtype) == "float64" else None


def as_people_compile() -> None:
    """Has float64 compiled by XLA's defaults, too, for pages with measured errors."""
    QUICK.clear()


@contextmanager
def quickly() -> Iterator[None]:
    """Has every program compiled by `QUICK` that is compiled meanwhile.

    For tests of what happens rather than of its last digits, on programs that are not
    theirs to compile: JAX has no public option for these. Other tests get none of the
    programs.
    """
    default = compiler.get_compile_options

    def quick(*args: Any, **kwargs: Any) -> Any:
        options = default(*args, **kwargs)
        options.env_option_overrides = [
            *options.env_option_overrides,
            *QUICK.items(),
        ]
        return options

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiler, "get_compile_options", quick)
        yield
    jax.clear_caches()
