# SPDX-License-Identifier: Apache-2.0
"""How well XLA is to translate the programs of the tests.

In float32 the program itself is under test, as XLA optimises it, and bit for bit so
where a test says that two runs are equal. Other tests ask what happens, and in float64
whether the formula is right: nothing but a wrong one is as far off as the last digits
reach. There it is the compiling that takes the time, not the computing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
from jax._src import compiler

# Five times quicker to compile, and the numbers are those of the same operations, only
# slower to come by.
QUICK: dict[str, bool | int | float | str] = {
    "xla_cpu_use_fusion_emitters": False,
    "xla_backend_optimization_level": 0,
    "xla_cpu_parallel_codegen_split_count": 1,
}
# Of the tests that ask what happens, those with many programs: files and folders.
QUICK_TESTS = (
    "contract/test_layers_transforms.py",
    "contract/test_metrics.py",
    "contract/test_ops_transforms.py",
    "contract/test_optimizers_transforms.py",
    "contract/test_schedulers_transforms.py",
    "contract/test_sklearn.py",
    "unit/bench",
    "unit/cli",
    "unit/data",
    "unit/estimators",
    "unit/examples",
    "unit/functional",
    "unit/init",
    "unit/interop",
    "unit/metrics",
    "unit/nn",
    "unit/optim",
    "unit/parity",
    "unit/report",
    "unit/runs",
)
_TESTS = Path(__file__).parent
_default_options = compiler.get_compile_options


def compiler_options(dtype: Any) -> dict[str, bool | int | float | str] | None:
    """Returns XLA's defaults for what people run, and `QUICK` for float64."""
    return QUICK or None if str(dtype) == "float64" else None


def as_people_compile() -> None:
    """Has float64 compiled by XLA's defaults, too, for pages with measured errors."""
    QUICK.clear()


def is_quick(test: Path) -> bool:
    """Whether the programs of a test's file are compiled by `QUICK`."""
    return any(test.is_relative_to(_TESTS / place) for place in QUICK_TESTS)


def compile_for(test: Path) -> None:
    """Has what is compiled from now on compiled as the tests of a file need it.

    JAX has no public option for programs that are not the caller's own. None of those
    that were compiled quickly is left for a test that needs XLA's defaults.
    """
    was_quick = compiler.get_compile_options is _quick_options
    if is_quick(test) == was_quick:
        return
    if was_quick:
        jax.clear_caches()
    compiler.get_compile_options = _default_options if was_quick else _quick_options


def _quick_options(*args: Any, **kwargs: Any) -> Any:
    options = _default_options(*args, **kwargs)
    options.env_option_overrides = [*options.env_option_overrides, *QUICK.items()]
    return options
