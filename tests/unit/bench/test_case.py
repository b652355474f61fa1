# SPDX-License-Identifier: Apache-2.0
import dataclasses

import numpy as np
import pytest

from flaxnn import bench, models
from flaxnn.bench._problem import prepare, read
from flaxnn.random import Generator


def case_of(name):
    (case,) = bench.find([name])
    return case


def test_cases_are_found_by_name_and_by_group():
    assert [c.name for c in bench.find(["wine", "univariate"])] == [
        "univariate",
        "wine",
    ]
    sizes = [c.recipe.batch_size for c in bench.find(["fashion-mnist-epoch"])]
    assert sizes == [64, 512, 4096]
    assert bench.find() == bench.CASES


@pytest.mark.parametrize(
    ("name", "meant"),
    [("multinominal", "multinomial"), ("fashion_mnist_epoch", "fashion-mnist-epoch")],
)
def test_an_unknown_case_is_refused_with_the_nearest(name, meant):
    with pytest.raises(ValueError, match=f"no case '{name}'; did you mean '{meant}"):
        bench.find([name])


def test_an_unknown_side_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'torch-compile'"):
        bench.measure([], sides=["torch-compiled"])


def test_every_case_names_sides_that_there_are():
    known = [side.name for side in bench.SIDES]
    assert len(set(known)) == len(known)
    assert all(set(case.sides) <= set(known) for case in bench.CASES)
    assert all(case.sides[0] == known[0] == "flaxnn" for case in bench.CASES)


def test_multinomial_is_the_documents_run():
    generator = Generator(2025)
    models.LogisticRegression(rngs=generator)
    expected = models.SoftmaxRegression(4, 3, rngs=generator).state_dict()
    problem = prepare(case_of("multinomial"), None, quick=False)
    for ours, theirs in zip(problem.weights, expected.values(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert problem.recipe.steps == 10_001


def test_output_layer_draws_its_inputs_after_its_weights():
    generator = Generator(1043173585)
    models.SimpleMultiClassModel(rngs=generator)
    problem = prepare(case_of("output-layer"), None, quick=False)
    np.testing.assert_array_equal(problem.x, generator.randn(4, 5))


def test_the_fashion_mnist_model_is_the_documents():
    expected = models.NeuralNetwork(rngs=Generator(866285315)).state_dict()
    images = np.zeros((100, 28, 28), np.uint8)
    case = dataclasses.replace(
        case_of("fashion-mnist-epoch-64"),
        arrays=lambda generator, data: (images, np.zeros(100, np.int64)),
    )
    problem = prepare(case, None, quick=False)
    for ours, theirs in zip(problem.weights, expected.values(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert problem.recipe.steps == 2
    assert sorted(problem.rows[0]) == list(range(100))


def test_a_quick_problem_is_small_and_another_one():
    whole, quick = (
        prepare(case_of("univariate"), None, quick=quick) for quick in (False, True)
    )
    assert quick.recipe.steps == 200
    assert quick.description() != whole.description()


def test_a_problem_comes_back_from_its_files(tmp_path):
    problem = prepare(case_of("wine"), None, quick=False)
    problem.write(tmp_path)
    again = read(tmp_path)
    assert again.recipe == problem.recipe
    assert again.description() == problem.description()
    for ours, theirs in zip(
        (again.x, again.y, again.rows, *again.weights),
        (problem.x, problem.y, problem.rows, *problem.weights),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)
