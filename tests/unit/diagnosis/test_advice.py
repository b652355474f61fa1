# SPDX-License-Identifier: Apache-2.0
"""What is said of machines that are not here."""

import pytest

from flaxnn._diagnosis import advice

FINE = {
    "variables": {},
    "jaxlib": "0.10.2",
    "plugins": {},
    "accelerators": {},
    "gpus": [],
    "cores": {"machine": 8, "allowed": 8},
    "available_memory": 16 << 30,
    "goldens": "AVX512",
    "cache": {"entries": 3, "bytes": 9, "damaged": 0, "problem": None},
    "jax": {
        "environment": {
            "platform": "cpu",
            "devices": 1,
            "x64": False,
            "cpu_flavour": "x86_64 AVX512",
        },
        "precision": {"default": "float32", "flaxnn": "float32"},
        "threads": 8,
        "jit_disabled": False,
        "debug_nans": False,
        "cache": {
            "directory": "/cache",
            "enabled": True,
            "min_seconds": 0.0,
            "works": True,
        },
    },
}
H100 = {"name": "H100", "memory": 80 << 30, "free": 79 << 30, "driver": "570.1"}
CUDA = {"jax-cuda13-plugin": "0.10.2", "jax-cuda13-pjrt": "0.10.2"}
ON_GPU = {"jax.environment.platform": "gpu", "gpus": [H100], "plugins": CUDA}
XLA = "variables.XLA_FLAGS"


def changed(**paths):
    """The facts of a machine where all is well, but for what lies at some paths."""

    def rebuilt(value, prefix):
        if not isinstance(value, dict):
            return value
        inside = {
            name: rebuilt(part, f"{prefix}{name}.") for name, part in value.items()
        }
        for path, new in paths.items():
            head, _, name = path.rpartition(".")
            if head == prefix.removesuffix("."):
                inside[name] = new
        return inside

    return rebuilt(FINE, "")


def test_nothing_is_said_where_all_is_well():
    assert advice(FINE) == []


@pytest.mark.parametrize(
    ("facts", "level", "what", "do"),
    [
        # Accelerators that are there and not used.
        ({"accelerators": {"NVIDIA": 1}}, "slow", "not installed", "jax[cuda13]"),
        ({"gpus": [H100]}, "slow", "there is an NVIDIA GPU", "jax[cuda13]"),
        ({"accelerators": {"TPU": 4}}, "slow", "there is a TPU", "jax[tpu]"),
        ({"accelerators": {"AMD": 1}}, "slow", "there is an AMD GPU", "ROCm"),
        (
            {"gpus": [H100], "plugins": CUDA},
            "slow",
            "though there is an NVIDIA GPU and jax-cuda13",
            "JAX_PLATFORMS=cuda",
        ),
        (
            {"gpus": [H100], "plugins": CUDA, "variables.JAX_PLATFORMS": "cpu"},
            "slow",
            "JAX_PLATFORMS=cpu keeps JAX on the CPU",
            "unset JAX_PLATFORMS",
        ),
        (
            {"gpus": [H100], "plugins": CUDA, "variables.CUDA_VISIBLE_DEVICES": ""},
            "slow",
            "CUDA_VISIBLE_DEVICES hides an NVIDIA GPU",
            "unset CUDA_VISIBLE_DEVICES",
        ),
        ({"plugins": CUDA}, "slow", "finds no device but the CPU", "--gpus all"),
        (
            {"plugins": {"libtpu": "0.0.42"}},
            "slow",
            "libtpu is installed",
            "CPU is meant",
        ),
        (
            ON_GPU | {"jaxlib": "0.10.3", "plugins": {"jax-cuda13-plugin": "0.10.2"}},
            "slow",
            "jax-cuda13-plugin is 0.10.2 and jaxlib 0.10.3",
            "jax-cuda13-plugin==0.10.3",
        ),
        # Numbers.
        ({"jax.precision.flaxnn": "TF32"}, "error", "come out in TF32", "NVIDIA_TF32"),
        ({"jax.precision.default": "bfloat16"}, "note", "in bfloat16", '"highest"'),
        ({"jax.environment.x64": True}, "slow", "float64 is on", "JAX_ENABLE_X64"),
        ({XLA: "--xla_cpu_enable_fast_math"}, "error", "fast math", "enable_fast_math"),
        ({XLA: "--xla_cpu_enable_fast_math=true"}, "error", "fast math", "XLA_FLAGS"),
        (
            {"jax.environment.cpu_flavour": "x86_64 AVX2"},
            "note",
            "recorded on an AVX512 processor, this one is x86_64 AVX2",
            "nothing",
        ),
        # Speed.
        (
            {XLA: "--xla_backend_optimization_level=0"},
            "slow",
            "optimisation",
            "XLA_FLAGS",
        ),
        ({"jax.jit_disabled": True}, "slow", "compiles nothing", "JAX_DISABLE_JIT"),
        ({"jax.debug_nans": True}, "slow", "looks for nan", "JAX_DEBUG_NANS"),
        ({"jax.threads": 2}, "slow", "2 of 8 processors", "NPROC"),
        (
            {XLA: "--xla_cpu_multi_thread_eigen=false"},
            "slow",
            "one thread",
            "multi_thread_eigen",
        ),
        (
            {"cores": {"machine": 64, "allowed": 8, "quota": 2.0}},
            "slow",
            "may use 2 processors, and XLA has 8 threads",
            "NPROC=2",
        ),
        ({"jax.environment.devices": 8}, "note", "8 devices", "device_count"),
        ({"available_memory": 100 << 20}, "slow", "only 100 MiB", "end other programs"),
        # GPUs.
        (ON_GPU, "note", "takes 75% of a GPU's memory", "MEM_FRACTION"),
        (ON_GPU, "note", "may differ in their last bits", "deterministic_ops=true"),
        (
            ON_GPU | {"gpus": [H100 | {"free": 8 << 30}]},
            "slow",
            "H100: 10% of its memory is free, and JAX takes 75%",
            "XLA_PYTHON_CLIENT_PREALLOCATE=false",
        ),
        (
            ON_GPU | {"variables.XLA_PYTHON_CLIENT_PREALLOCATE": "false"},
            "note",
            "fragment",
            "unset XLA_PYTHON_CLIENT_PREALLOCATE",
        ),
        (
            ON_GPU | {"variables.XLA_PYTHON_CLIENT_ALLOCATOR": "platform"},
            "slow",
            "array by array",
            "unset XLA_PYTHON_CLIENT_ALLOCATOR",
        ),
        # The compilation cache.
        (
            {"jax.cache.directory": None},
            "note",
            "compiled anew",
            "FLAXNN_COMPILATION_CACHE=1",
        ),
        (
            {"jax.cache.enabled": False},
            "note",
            "turns the cache off",
            "unset JAX_ENABLE_COMPILATION_CACHE",
        ),
        (
            {"cache.problem": "No space left on device"},
            "slow",
            "/cache cannot be used: No space left",
            "FLAXNN_COMPILATION_CACHE",
        ),
        ({"cache.damaged": 2}, "slow", "2 entries", "delete /cache"),
        ({"jax.cache.works": False}, "slow", "not take back", "update JAX"),
        (
            {"jax.cache.min_seconds": 1.0},
            "slow",
            "only that took 1 s to compile",
            "FLAXNN_COMPILATION_CACHE=/cache",
        ),
    ],
)
def test_what_is_said(facts, level, what, do):
    findings = advice(changed(**facts))
    found = [finding for finding in findings if what in finding.what]
    assert len(found) == 1, findings
    assert found[0].level == level
    assert do in found[0].do


@pytest.mark.parametrize(
    "facts",
    [
        # A program is compiled ahead of time for devices that are elsewhere.
        {"plugins": CUDA, "variables.JAX_PLATFORMS": "cpu"},
        {XLA: "--xla_cpu_enable_fast_math=false"},
        {"cores": {"machine": 8, "allowed": 8, "quota": 7.5}},
        {"cores": {"machine": 8, "allowed": 8, "quota": 8.0}},
        {"jax.threads": None},
        # flaxnn sets JAX's options itself, once it is asked for the cache.
        {"jax.cache.min_seconds": 1.0, "variables.FLAXNN_COMPILATION_CACHE": "1"},
        {"available_memory": None},
    ],
)
def test_nothing_is_said_of_what_is_meant(facts):
    assert advice(changed(**facts)) == []


def test_a_gpu_that_is_used_is_no_fallback():
    quiet = {
        XLA: "--xla_gpu_deterministic_ops=true",
        "variables.XLA_PYTHON_CLIENT_MEM_FRACTION": ".9",
    }
    (finding,) = advice(changed(**ON_GPU, **quiet))
    assert finding.level == "note"
    assert "takes 90%" in finding.what


@pytest.mark.parametrize(
    ("error", "variables", "do"),
    [
        ({"error": "no answer", "hung": True}, {}, "JAX_PLATFORMS=cpu leaves"),
        (
            {"error": "no cuda"},
            {"JAX_PLATFORMS": "cuda"},
            "unset JAX_PLATFORMS, which is",
        ),
        ({"error": "The TPU is already in use by process 7"}, {}, "end the program"),
        ({"error": "ImportError: jaxlib"}, {}, "pip install -U jax jaxlib"),
    ],
)
def test_a_jax_that_does_not_start_is_an_error_with_the_rest(error, variables, do):
    facts = FINE | {"jax": error, "variables": variables, "gpus": [H100]}
    first, second = advice(facts)
    assert first.level == "error"
    assert error["error"] in first.what
    assert do in first.do
    assert "NVIDIA GPU" in second.what
