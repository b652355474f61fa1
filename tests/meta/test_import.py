# SPDX-License-Identifier: Apache-2.0
"""What an import loads and leaves alone, seen from a fresh interpreter."""

from __future__ import annotations

import json
import subprocess
import sys

OPTIONAL = {
    "grain",
    "matplotlib",
    "sklearn",
    "tensorflow",
    "tensorflow_datasets",
    "torch",
}
HEAVY = sorted(OPTIONAL | {"flax", "jax", "numpy", "optax", "rich", "typer"})

PUBLIC_ROOMS = "[getattr(flaxnn, name) for name in flaxnn.__all__]"


def _run(code: str) -> dict[str, object]:
    """Runs code that prints one JSON object."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _loaded_by(statement: str) -> set[str]:
    report = _run(
        f"{statement}\n"
        "import json, sys\n"
        f"print(json.dumps({{'loaded': [m for m in {HEAVY} if m in sys.modules]}}))"
    )
    return set(report["loaded"])  # pyright: ignore[reportArgumentType]


def test_the_package_loads_nothing_heavy() -> None:
    assert _loaded_by("import flaxnn; flaxnn.__version__; dir(flaxnn)") == set()


def test_the_generator_loads_numpy_only() -> None:
    assert _loaded_by("import flaxnn; flaxnn.random.Generator(0)") == {"numpy"}


def test_no_room_loads_what_is_optional() -> None:
    loaded = _loaded_by(f"import flaxnn; {PUBLIC_ROOMS}")
    assert {"jax", "flax", "optax"} <= loaded
    assert not loaded & OPTIONAL


def test_imports_leave_jax_and_the_environment_alone() -> None:
    report = _run(
        "import json, os\n"
        "import jax, flax, optax\n"
        "from jax._src import xla_bridge\n"
        "config, environment = dict(jax.config.values), dict(os.environ)\n"
        "import flaxnn\n"
        f"{PUBLIC_ROOMS}\n"
        "print(json.dumps({\n"
        "    'config': config == jax.config.values,\n"
        "    'environment': environment == dict(os.environ),\n"
        "    'no device asked for': not xla_bridge.backends_are_initialized(),\n"
        "}))"
    )
    assert [fact for fact, holds in report.items() if not holds] == []
