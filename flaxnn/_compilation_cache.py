# SPDX-License-Identifier: Apache-2.0
"""Compiled programs kept on disk, so that the next process need not compile them."""

from __future__ import annotations

import os
import tempfile
import warnings
from pathlib import Path

VARIABLE = "FLAXNN_COMPILATION_CACHE"

_ON = ("1", "on", "true")
_OFF = ("", "0", "off", "false")
# Enough to meet a disk that is full. An entry is 2 KiB to some MiB.
_PROBE_BYTES = 1 << 16
# What the variable said when it was last followed; a change of it is followed too.
_followed: str | None = None


def compilation_cache(directory: str | os.PathLike[str] | None = None) -> str | None:
    """Keeps compiled programs in a directory, for this process and later ones.

    A program is found again by what it computes, the versions of JAX and XLA, their
    flags, and the devices with their instruction sets; a directory may be shared by
    machines. Everything is kept, however small and fast to compile, which JAX does not
    do by itself: on a CPU its defaults keep nearly nothing. Whoever can write to the
    directory can run code in the processes that read it.

    `fit`, `fit_many`, `evaluate` and `predict` call this by themselves where the
    environment variable ``FLAXNN_COMPILATION_CACHE`` is set, to a directory or to
    ``1``.

    Args:
        directory: Where; it is made if it is not there. An address such as
            ``gs://bucket/folder`` is given to JAX as it is. When None, what the
            environment variable says, else the directory that JAX is set to, else
            ``flaxnn/xla`` in ``$XDG_CACHE_HOME`` or ``~/.cache``.

    Returns:
        The directory, or None where it cannot be used. A warning then says why, and
        everything is compiled as before. Where it can be read but not written, a
        warning says so and what is there is used.

    Example:
        >>> import jax, tempfile
        >>> before = dict(jax.config.values)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     compilation_cache(folder) == folder
        True
        >>> for name in [n for n in before if "cache" in n]:
        ...     jax.config.update(name, before[name])
    """
    global _followed

    import jax
    from jax.experimental.compilation_cache import compilation_cache as jax_cache

    # What is asked for here is not to be undone by the next call of `fit`.
    _followed = os.environ.get(VARIABLE, "")
    where = _given(directory) or chosen() or _default()
    shortest = 0.0
    if "://" not in where:
        try:
            _read(Path(where))
        except OSError as error:
            _warn(f"cannot keep compiled programs in {where}: {error}")
            return None
        try:
            write_something(Path(where))
        except OSError as error:
            _warn(
                f"the compilation cache {where} cannot be written ({error}): programs "
                "in it are used, others are compiled each time"
            )
            shortest = float("inf")
    if jax.config.values["jax_compilation_cache_dir"] != where:
        # JAX holds on to the directory that it has opened first.
        jax_cache.reset_cache()
    jax.config.update("jax_compilation_cache_dir", where)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", shortest)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    return where


def follow_environment() -> None:
    """Does what the environment variable asks for, once for each value it has."""
    wanted = os.environ.get(VARIABLE, "")
    if wanted != _followed and wanted.lower() not in _OFF:
        compilation_cache()


def chosen() -> str | None:
    """The directory that the environment or JAX's configuration names, if any."""
    import jax

    wanted = os.environ.get(VARIABLE, "")
    if wanted.lower() in _ON:
        return _default()
    if wanted.lower() not in _OFF:
        return _given(wanted)
    return jax.config.values["jax_compilation_cache_dir"] or None


def write_something(directory: Path) -> None:
    """Writes a file there and deletes it; raises OSError where that does not go."""
    with tempfile.TemporaryFile(dir=directory) as probe:
        probe.write(b"\0" * _PROBE_BYTES)
        probe.flush()


def _read(directory: Path) -> None:
    """Makes the directory, and sees that it can be listed."""
    directory.mkdir(parents=True, exist_ok=True)
    next(directory.iterdir(), None)


def _given(directory: str | os.PathLike[str] | None) -> str | None:
    if directory is None or "://" in str(directory):
        return None if directory is None else str(directory)
    return str(Path(directory).expanduser())


def _default() -> str:
    home = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return str(Path(home, "flaxnn", "xla"))


def _warn(message: str) -> None:
    warnings.warn(message, RuntimeWarning, stacklevel=3)
