# SPDX-License-Identifier: Apache-2.0
"""What the facts mean for a run, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator

from flaxnn._compilation_cache import VARIABLE
from flaxnn._diagnosis._accelerators import Facts, fallback, gpu_memory, plugin_versions
from flaxnn._diagnosis._finding import Finding

_LITTLE_MEMORY = 1 << 30
_ORDER = ("error", "slow", "note")


def advice(facts: Facts) -> list[Finding]:
    """Returns what is worth knowing of `facts`, what matters most first."""
    rules = [backend, fallback, plugin_versions, memory]
    if "error" not in facts["jax"]:
        rules += [numbers, flags, determinism, gpu_memory, processors, cache, goldens]
    findings = [finding for rule in rules for finding in rule(facts)]
    return sorted(findings, key=lambda finding: _ORDER.index(finding.level))


def backend(facts: Facts) -> Iterator[Finding]:
    """A JAX that does not start."""
    error = facts["jax"].get("error")
    if error is None:
        return
    platforms = facts["variables"].get("JAX_PLATFORMS")
    if platforms:
        do = f"unset JAX_PLATFORMS, which is {platforms}, or install what it names"
    elif re.search(r"in use|busy", error):
        do = "end the program that uses it"
    elif facts["jax"].get("hung"):
        do = (
            "JAX_PLATFORMS=cpu leaves accelerators out; on a TPU end other programs "
            "that hold it"
        )
    else:
        do = "pip install -U jax jaxlib, with the same version of its plugins"
    yield Finding("error", f"JAX does not start: {error}", do)


def memory(facts: Facts) -> Iterator[Finding]:
    """Hardly any memory left."""
    left = facts["available_memory"]
    if left is not None and left < _LITTLE_MEMORY:
        what = f"only {left / 2**20:.0f} MiB of memory are left on the host"
        yield Finding("slow", what, "end other programs, or give the container more")


def numbers(facts: Facts) -> Iterator[Finding]:
    """Precision of products, and float64."""
    precision = facts["jax"]["precision"]
    if precision["flaxnn"] != "float32":
        what = (
            f"products of float32 arrays come out in {precision['flaxnn']}, though "
            "flaxnn's layers ask for float32: no grade better than T3 holds"
        )
        yield Finding("error", what, "unset NVIDIA_TF32_OVERRIDE and XLA_FLAGS")
    elif precision["default"] != "float32":
        what = (
            f"JAX computes products of float32 arrays in {precision['default']} where "
            "nothing else is asked for; flaxnn's layers ask for float32"
        )
        do = (
            "for your own products and other libraries' layers: "
            'jax.config.update("jax_default_matmul_precision", "highest")'
        )
        yield Finding("note", what, do)
    if facts["jax"]["environment"]["x64"]:
        what = "float64 is on for the whole program: Python's numbers become float64"
        do = (
            "unset JAX_ENABLE_X64; flaxnn computes in float64 by itself where a "
            "model's parameters are"
        )
        yield Finding("slow", what, do)


def flags(facts: Facts) -> Iterator[Finding]:
    """Options that make a program wrong or slow."""
    options = facts["variables"].get("XLA_FLAGS", "")
    if re.search(r"enable_fast_math(=true|=1|\s|$)", options):
        what = "XLA_FLAGS turn on fast math: nan and infinity go unseen, sums differ"
        yield Finding("error", what, "take enable_fast_math out of XLA_FLAGS")
    if re.search(r"xla_backend_optimization_level=[01]\b", options):
        what = "XLA_FLAGS turn off optimisation"
        do = "take xla_backend_optimization_level out of XLA_FLAGS"
        yield Finding("slow", what, do)
    if facts["jax"]["jit_disabled"]:
        what = "JAX compiles nothing: every operation runs by itself"
        yield Finding("slow", what, "unset JAX_DISABLE_JIT")
    if facts["jax"]["debug_nans"]:
        what = "JAX looks for nan after every program"
        yield Finding("slow", what, "unset JAX_DEBUG_NANS; fit finds them by itself")


def determinism(facts: Facts) -> Iterator[Finding]:
    """Runs on a GPU that need not repeat themselves."""
    if facts["jax"]["environment"]["platform"] not in ("gpu", "cuda", "rocm"):
        return
    options = facts["variables"].get("XLA_FLAGS", "")
    names = r"xla_gpu_(deterministic_ops|exclude_nondeterministic_ops)(=true|=1|\s|$)"
    if not re.search(names, options):
        what = "two runs on this GPU may differ in their last bits"
        do = "XLA_FLAGS=--xla_gpu_deterministic_ops=true makes them equal, and slower"
        yield Finding("note", what, do)


def processors(facts: Facts) -> Iterator[Finding]:
    """Processors that XLA does not use, or that it has not got."""
    jax = facts["jax"]
    if jax["environment"]["platform"] != "cpu":
        return
    allowed, threads = facts["cores"]["allowed"], jax["threads"]
    quota = facts["cores"].get("quota")
    if re.search(
        r"xla_cpu_multi_thread_eigen=(false|0)", facts["variables"].get("XLA_FLAGS", "")
    ):
        what = "XLA_FLAGS keep products to one thread"
        yield Finding("slow", what, "take xla_cpu_multi_thread_eigen out of XLA_FLAGS")
    elif threads is not None and threads < min(allowed, quota or allowed):
        what = f"XLA uses {threads} of {allowed} processors"
        yield Finding("slow", what, "unset NPROC and PJRT_NPROC")
    elif quota is not None and (threads or allowed) >= quota + 1:
        what = (
            f"the container may use {quota:g} processors, and XLA has "
            f"{threads or allowed} threads: they wait for each other"
        )
        yield Finding("slow", what, f"NPROC={max(1, round(quota))}")
    if jax["environment"]["devices"] > 1:
        what = f"the CPU is divided into {jax['environment']['devices']} devices"
        do = "for one take xla_force_host_platform_device_count out of XLA_FLAGS"
        yield Finding("note", what, do)


def cache(facts: Facts) -> Iterator[Finding]:
    """The persistent compilation cache."""
    found, state = facts["jax"]["cache"], facts.get("cache")
    directory = found["directory"]
    if directory is None or not found["enabled"]:
        what = "programs are compiled anew in every process"
        do = f"{VARIABLE}=1 keeps them on disk"
        if directory is not None:
            what += ": JAX_ENABLE_COMPILATION_CACHE turns the cache off"
            do = "unset JAX_ENABLE_COMPILATION_CACHE"
        yield Finding("note", what, do)
        return
    if state is not None and state["problem"]:
        what = f"the compilation cache {directory} cannot be used: {state['problem']}"
        yield Finding(
            "slow", what, f"set {VARIABLE} to a directory that can be written"
        )
    if state is not None and state["damaged"]:
        what = f"{state['damaged']} entries of the compilation cache are cut short"
        do = f"delete {directory}: JAX does not write over them"
        yield Finding("slow", what, do)
    if not found["works"]:
        what = "JAX does not take back the programs that it keeps on disk"
        do = f"update JAX, or unset {VARIABLE}: here it only costs time"
        yield Finding("slow", what, do)
    own = VARIABLE not in facts["variables"]
    platform = facts["jax"]["environment"]["platform"]
    if own and platform == "cpu" and found["min_seconds"] > 0:
        what = (
            f"JAX keeps programs only that took {found['min_seconds']:g} s to compile: "
            "on a CPU hardly any"
        )
        yield Finding("slow", what, f"{VARIABLE}={directory}")


def goldens(facts: Facts) -> Iterator[Finding]:
    """Another kind of processor than PyTorch's runs were recorded on."""
    environment = facts["jax"]["environment"]
    recorded, here = facts["goldens"], environment["cpu_flavour"]
    if environment["platform"] == "cpu" and recorded not in here.split():
        what = (
            f"PyTorch's runs were recorded on an {recorded} processor, this one is "
            f"{here}: float32 runs differ from them within the noise floor (T2)"
        )
        yield Finding(
            "note", what, "nothing; draws and batches are the same bit for bit"
        )
