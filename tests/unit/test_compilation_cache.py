# SPDX-License-Identifier: Apache-2.0
"""Compiled programs kept on disk: found again, and no run broken by the disk."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flaxnn import compilation_cache

ROOT = Path(__file__).parents[2]

RUN = """
import json, os, resource, sys, time, warnings
import jax, jax.monitoring
import numpy as np
import flaxnn
from flaxnn import data, models, nn, optim
from flaxnn.random import Generator

events = []
jax.monitoring.register_event_listener(lambda name, **_: events.append(name))
limit = os.environ.get("LIMIT")
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
argument = os.environ.get("ARGUMENT")
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    if argument is not None:
        flaxnn.compilation_cache(argument or None)
    x, y = np.eye(8, dtype=np.float32), np.arange(8) % 3
    g = Generator(0)
    run = flaxnn.fit(
        models.SoftmaxRegression(8, 3, rngs=g),
        data.DataLoader((x, y), 3, shuffle=True, rngs=g),
        loss=nn.CrossEntropyLoss(), optimizer=optim.adam(), epochs=2,
    )
    score = flaxnn.evaluate(run.model, (x, y), metrics=[flaxnn.metrics.accuracy])
count = lambda kind: events.count(f"/jax/compilation_cache/cache_{kind}")
print(json.dumps({
    "hits": count("hits"),
    "misses": count("misses"),
    "losses": run.history["loss"].tobytes().hex(),
    "score": score,
    "warnings": sorted({str(w.message)[:200] for w in said}),
    "directory": jax.config.jax_compilation_cache_dir,
}))
"""


def fresh(**variables):
    """The report of a new process that runs `fit` and `evaluate`."""
    clean = {k: v for k, v in os.environ.items() if "CACHE" not in k}
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=clean | {"JAX_PLATFORMS": "cpu"} | variables,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def plain():
    return fresh()


def test_nothing_is_kept_unless_asked_for(plain):
    assert plain["directory"] is None
    assert plain["hits"] == plain["misses"] == 0


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A directory with the programs of the run, and the first process's report."""
    folder = tmp_path_factory.mktemp("cache") / "new" / "programs"
    return folder, fresh(FLAXNN_COMPILATION_CACHE=str(folder))


def test_a_second_process_compiles_nothing(plain, filled):
    folder, first = filled
    kept = sorted(path.name for path in folder.iterdir())
    assert first["hits"] == 0
    assert len(kept) == first["misses"] > 5
    assert any(name.startswith("jit_run_chunk") for name in kept)
    second = fresh(FLAXNN_COMPILATION_CACHE=str(folder))
    assert second["misses"] == 0
    assert second["hits"] == first["misses"]
    assert kept == sorted(path.name for path in folder.iterdir())
    for report in (first, second):
        assert report["warnings"] == plain["warnings"] == []
        # The same programs, so the same bits.
        assert report["losses"] == plain["losses"]
        assert report["score"] == plain["score"]


@pytest.fixture
def chunk(filled):
    """One of the entries; it is put back afterwards."""
    path = next(filled[0].glob("jit_run_chunk*"))
    content = path.read_bytes()
    yield path
    path.write_bytes(content)


def test_an_entry_that_was_cut_short_is_compiled_again(plain, filled, chunk):
    folder, _ = filled
    chunk.write_bytes(chunk.read_bytes()[:100])
    again = fresh(ARGUMENT=str(folder))
    assert again["losses"] == plain["losses"]
    assert again["hits"] > 5
    assert any("jit_run_chunk" in text for text in again["warnings"])


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of a file's size")
def test_a_disk_without_room_breaks_no_run(plain, filled, chunk):
    """What is there is used, what is not is compiled, and nothing is left half."""
    folder, _ = filled
    chunk.unlink()
    kept = sorted(folder.iterdir())
    full = fresh(ARGUMENT=str(folder), LIMIT="100")
    (said,) = full["warnings"]
    assert f"the compilation cache {folder} cannot be written" in said
    assert "File too large" in said
    assert full["losses"] == plain["losses"]
    assert full["hits"] > 5
    assert sorted(folder.iterdir()) == kept


def test_a_directory_that_cannot_be_made_is_a_warning(tmp_path):
    import jax

    file = tmp_path / "file"
    file.touch()
    before = dict(jax.config.values)
    with pytest.warns(RuntimeWarning, match=r"cannot keep compiled programs in .*file"):
        assert compilation_cache(file / "inside") is None
    assert jax.config.values == before


OPTIONS = (
    "jax_compilation_cache_dir",
    "jax_persistent_cache_min_compile_time_secs",
    "jax_persistent_cache_min_entry_size_bytes",
)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"FLAXNN_COMPILATION_CACHE": "1"}, "home/flaxnn/xla"),
        ({"FLAXNN_COMPILATION_CACHE": "0"}, None),
        ({"FLAXNN_COMPILATION_CACHE": "here", "ARGUMENT": "there"}, "there"),
        ({"FLAXNN_COMPILATION_CACHE": "here", "ARGUMENT": ""}, "here"),
        ({"JAX_COMPILATION_CACHE_DIR": "here", "ARGUMENT": ""}, "here"),
        ({"ARGUMENT": ""}, "home/flaxnn/xla"),
    ],
)
def test_where_programs_are_kept_says_the_nearest_wish(
    monkeypatch, tmp_path, variables, expected
):
    import jax
    from jax.experimental.compilation_cache import compilation_cache as jax_cache

    from flaxnn import _compilation_cache

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", "home")
    monkeypatch.delenv("FLAXNN_COMPILATION_CACHE", raising=False)
    monkeypatch.setattr(_compilation_cache, "_followed", None)
    before = {name: jax.config.values[name] for name in OPTIONS}
    jax.config.update(OPTIONS[0], variables.pop("JAX_COMPILATION_CACHE_DIR", None))
    argument = variables.pop("ARGUMENT", None)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    try:
        if argument is not None:
            _compilation_cache.compilation_cache(argument or None)
        _compilation_cache.follow_environment()
        assert jax.config.values[OPTIONS[0]] == expected
    finally:
        jax_cache.reset_cache()
        for name, value in before.items():
            jax.config.update(name, value)
