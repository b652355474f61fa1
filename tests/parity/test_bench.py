# SPDX-License-Identifier: Apache-2.0
"""PyTorch's sides of the benchmark, run live."""

from __future__ import annotations

import dataclasses
import importlib.util
import shutil

import jax
import numpy as np
import pytest

from flaxnn import bench
from flaxnn.bench._flaxnn_side import fit
from flaxnn.bench._problem import prepare
from flaxnn.bench._process import Worker

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch


def images(rows):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (rows, 28, 28)).astype(np.uint8)
    return pixels, rng.integers(0, 10, rows)


def case_of(name):
    (case,) = bench.find([name])
    if case.group == "fashion-mnist-epoch":
        return dataclasses.replace(case, arrays=lambda generator, data: images(150))
    return case


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("output-layer", "eager"),
        ("univariate", "eager"),
        ("multinomial", "eager"),
        ("wine", "eager"),
        ("fashion-mnist-epoch-64", "eager"),
        ("fashion-mnist-epoch-64", "image_by_image"),
    ],
)
def test_pytorch_computes_what_fit_computes(name, function):
    from flaxnn.bench import _torch_side

    case = case_of(name)
    problem = prepare(case, None, quick=True)
    theirs = getattr(_torch_side, function)(problem)
    ours = fit(problem)
    steps = problem.recipe.steps
    np.testing.assert_allclose(ours(steps), theirs(steps), rtol=0, atol=case.tolerance)
    # From the start again, optimiser and order included.
    np.testing.assert_array_equal(theirs(steps), theirs(steps))
    assert len(theirs(1)) == 1


def test_epochs_and_many_runs_agree_too():
    from flaxnn.bench import _flax_side, _scan_side, _torch_side

    case = case_of("fashion-mnist-epoch-64")
    recipe = dataclasses.replace(case.recipe, epochs=2)
    problems = [
        prepare(dataclasses.replace(case, recipe=recipe), None, quick=True),
        prepare(many_runs(), None, quick=True),
    ]
    for problem, count in zip(problems, (6, 3 * 40), strict=True):
        steps = problem.recipe.steps
        theirs = _torch_side.eager(problem)(steps)
        assert theirs.shape == (count,)
        for side in (fit, _scan_side.scan, _flax_side.jit_steps):
            with jax.numpy_rank_promotion("allow"):
                ours = side(problem)(steps)
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)


def many_runs():
    recipe = bench.Recipe(
        (16, 32, 10), "cross_entropy", "sgd", 0.01, 0, steps=40, runs=3
    )
    (growth,) = (growth for growth in bench.GROWTHS if growth.name == "runs")
    return dataclasses.replace(growth.cases()[0], recipe=recipe)


@pytest.mark.parametrize("name", ["output-layer", "univariate", "wine"])
def test_flax_s_own_loop_computes_what_pytorch_computes(name):
    from flaxnn.bench import _flax_side, _torch_side

    case = case_of(name)
    case = dataclasses.replace(case, recipe=dataclasses.replace(case.recipe, steps=10))
    problem = prepare(case, None, quick=True)
    ours, theirs = _flax_side.jit_steps(problem), _torch_side.eager(problem)
    np.testing.assert_allclose(ours(10), theirs(10), rtol=0, atol=case.tolerance)
    np.testing.assert_array_equal(ours(10), ours(10))


@pytest.mark.parametrize(
    ("name", "package", "title"),
    [
        pytest.param("keras", "keras", "Keras", marks=pytest.mark.slow),
        ("sklearn", "sklearn", "scikit-learn"),
    ],
)
def test_averages_of_epochs_agree_with_pytorch_s(name, package, title, tmp_path):
    """In a worker: Keras takes its backend from the environment once."""
    from flaxnn.bench import _torch_side

    if not importlib.util.find_spec(package):
        pytest.skip(f"{title} is not installed")
    (side,) = (side for side in bench.SIDES if side.name == name)
    images = case_of("fashion-mnist-epoch-64")
    recipe = dataclasses.replace(images.recipe, epochs=2, last="")
    for case in (dataclasses.replace(images, recipe=recipe), many_runs()):
        problem = prepare(case, None, quick=True)
        torchs, steps = _torch_side.eager(problem), problem.recipe.steps
        problem.write(folder := tmp_path / case.name)
        with Worker(side, folder, 1) as worker:
            first, reply = worker.run(1).losses, worker.run(steps)
        np.testing.assert_allclose(first, torchs(1), rtol=0, atol=1e-5)
        losses, shares = torchs(steps), problem.shares()
        epochs = np.split(losses, np.cumsum([len(share) for share in shares])[:-1])
        averages = [a @ b for a, b in zip(epochs, shares, strict=True)]
        np.testing.assert_allclose(reply.losses, averages, rtol=0, atol=1e-5)
        assert not {"torch", "tensorflow"} & set(reply.modules)


def test_the_image_pipeline_gives_the_values_of_to_tensor():
    from flaxnn.bench._torch_side import _Images

    problem = prepare(case_of("fashion-mnist-epoch-64"), None, quick=True)
    expected = torch.from_numpy(problem.x[3]).float().div(255)
    for through_pil in (True, False):
        image, label = _Images(problem, through_pil=through_pil)[3]
        assert image.shape == (1, 28, 28)
        assert label == problem.y[3]
        np.testing.assert_array_equal(image[0].numpy(), expected.numpy())


@pytest.mark.slow
def test_a_live_run_is_side_by_side_and_can_be_recorded():
    (case,) = bench.find(["output-layer"])
    result = bench.measure([case], sides=["flaxnn", "torch"], repeats=2, processes=1)
    figures = result["cases"]["output-layer"]
    assert figures["ratios"]["torch"]["kind"] == "side by side"
    assert figures["agreement"]["against"] == "PyTorch eager"
    assert figures["agreement"]["largest_difference"]["torch"] == 0.0
    reference = bench.reference_of(result)
    assert reference["cases"]["output-layer"]["sides"].keys() == {"torch"}


@pytest.mark.parametrize(
    ("name", "libraries"),
    [("torch", ("torch",)), ("scan", ("jax",)), ("flaxnn", ("flax", "jax"))],
)
def test_a_worker_loads_its_own_libraries_only(name, libraries, tmp_path):
    problem = prepare(case_of("output-layer"), None, quick=True)
    problem.write(tmp_path)
    (side,) = [side for side in bench.SIDES if side.name == name]
    with Worker(side, tmp_path, 1) as worker:
        assert worker.run(1).modules == libraries


@pytest.mark.slow
@pytest.mark.parametrize(
    ("side", "name"),
    [
        ("torch-compile", "multinomial"),
        ("torch-images-workers", "fashion-mnist-epoch-64"),
    ],
)
def test_the_slow_sides_compute_the_same(side, name):
    if side == "torch-compile" and not shutil.which("g++"):
        pytest.skip("torch.compile needs a C++ compiler, and there is no g++")
    case = case_of(name)
    sides = ["flaxnn", "torch", side]
    result = bench.measure([case], sides=sides, repeats=1, processes=1, quick=True)
    assert result["cases"][name]["missing"] == {}
