# SPDX-License-Identifier: Apache-2.0
"""Certificates of small ports against a live PyTorch, right ones and wrong ones."""

import os
from dataclasses import replace

import numpy as np
import optax
import pytest
from flax import nnx

from flaxnn import nn, optim, parity
from flaxnn.data import DataLoader
from flaxnn.random import Generator

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
from tests.parity.adam_run import LR, SEED, arrays, torch_net, train  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def reference():
    capabilities = ["default"]
    return parity.Reference.record(train, capabilities=capabilities, perturbations=3)


def port(**changes):
    """The right port's arguments, with changes."""
    generator = Generator(SEED)
    model = nn.Sequential(
        nn.Linear(6, 8, rngs=generator), nn.ReLU(), nn.Linear(8, 3, rngs=generator)
    )
    return {
        "model": model,
        "data": DataLoader(arrays(), 4, shuffle=True, rngs=generator),
        "loss": nn.CrossEntropyLoss(),
        "optimizer": optim.adam(lr=LR),
        "epochs": 3,
        **changes,
    }


def test_a_right_port_passes(reference):
    certificate = parity.certify(**port(), reference=reference, name="small")
    assert certificate.passed, str(certificate)
    assert {check.grade for check in certificate.checks} == {"T0", "T1", "T2"}
    # Losses and four tensors in both dtypes, and the initial weights.
    assert len(certificate.checks) == 11
    assert certificate.worst("T1").measured < 1e-14
    assert str(certificate).startswith("PASS  small: all 11 checks pass\n")
    assert f"PyTorch {torch.__version__}" in str(certificate)


def test_epsilon_ten_times_too_large_fails(reference):
    wrong = port(optimizer=optim.adam(lr=LR, eps=1e-7))
    certificate = parity.certify(**wrong, reference=reference)
    assert certificate.verdict == "FAIL"
    assert not certificate.passed
    failed = {
        (check.grade, check.what) for check in certificate.checks if not check.passed
    }
    assert ("T1", "losses") in failed
    assert {what for grade, what in failed if grade == "T1"} >= {"0.weight", "2.bias"}
    proof = certificate.worst("T1")
    assert proof.measured > 1e3 * proof.limit
    # The first update already divides by another root.
    (losses,) = [c for c in certificate.checks if (c.grade, c.what) == ("T1", "losses")]
    assert "beyond the limit from step 1 " in losses.note
    assert "FAIL" in str(certificate).splitlines()[0]


def test_a_learning_rate_wrong_by_a_billionth_fails(reference):
    wrong = port(optimizer=optim.adam(lr=LR * (1 + 1e-9)))
    certificate = parity.certify(**wrong, reference=reference)
    assert {c.grade for c in certificate.checks if not c.passed} == {"T1"}


def test_other_initial_weights_fail_at_t0(reference):
    other = port()["model"]
    weights = {name: np.asarray(array) for name, array in other.state_dict().items()}
    weights["0.bias"] = np.nextafter(weights["0.bias"], np.float32(1))
    moved = nn.load_state_dict(other, weights)
    certificate = parity.certify(**port(model=moved), reference=reference)
    start = certificate.checks[0]
    assert (start.grade, start.passed, start.measured) == ("T0", False, 1.0)
    assert start.note == "different: 0.bias"


def test_another_number_of_steps_fails(reference):
    certificate = parity.certify(**port(epochs=2), reference=reference)
    steps = [check for check in certificate.checks if check.what == "number of steps"]
    assert [check.note for check in steps] == [
        "12 in float64 where PyTorch has 18",
        "12 in float32 where PyTorch has 18",
    ]
    assert certificate.verdict == "FAIL"
    # The steps that both have are compared all the same.
    losses = [check.passed for check in certificate.checks if check.what == "losses"]
    assert losses == [True, True]


def test_generators_are_left_where_they_were(reference):
    arguments = port()
    before = arguments["data"].rngs.get_state()
    torch_before = torch.get_rng_state()
    parity.certify(**arguments, reference=reference)
    np.testing.assert_array_equal(arguments["data"].rngs.get_state(), before)
    assert torch.equal(torch.get_rng_state(), torch_before)


class FlaxNet(nnx.Module):
    """The same net by somebody who uses Flax's layers."""

    def __init__(self):
        rngs = nnx.Rngs(0)
        self.first = nnx.Linear(6, 8, rngs=rngs)
        self.second = nnx.Linear(8, 3, rngs=rngs)

    def __call__(self, x):
        return self.second(nnx.relu(self.first(x)))


def test_a_port_to_flax_is_certified_under_pytorchs_names(reference):
    names = {"first": "0", "second": "2"}
    initial = {
        name: sample.entries.reshape(sample.shape)
        for name, sample in reference.initial.items()
    }
    model = nn.load_state_dict(FlaxNet(), initial, names=names)

    def cross_entropy(output, target):
        return optax.softmax_cross_entropy_with_integer_labels(output, target).mean()

    flax_port = port(model=model, loss=cross_entropy)
    # In float64 alone: names and layouts are those of both, compilation takes time.
    proof = replace(reference, float32=None, floor=None)
    certificate = parity.certify(**flax_port, names=names, reference=proof)
    proven = [check.passed for check in certificate.checks if check.grade != "T2"]
    assert proven == [True] * 6, str(certificate)
    with pytest.raises(ValueError, match=r"the model has no '0\.weight'.*names, rules"):
        parity.certify(**flax_port, reference=reference)


def test_a_function_is_recorded_in_all_variants():
    seen = []

    def local(variant):
        seen.append((variant.precision, torch.get_num_threads(), variant.moves))
        return train(variant)

    told = []
    reference = parity.Reference.record(
        local,
        perturbations=2,
        capabilities=["default"],
        proof_steps=5,
        told=told.append,
    )
    assert seen == [
        ("float64", 1, None),
        ("float32", 1, None),
        ("float32", 2, None),
        ("float32", 1, 0),
        ("float32", 1, 1),
    ]
    assert torch.get_num_threads() == 1
    assert len(told) == 6
    assert len(reference.float64.losses) == 5
    assert len(reference.float32.losses) == 18
    # A function inside a function cannot be run in another process.
    (name,) = reference.environment["variants left out"]
    assert name == "1 thread, default"
    assert reference.floor.members == (
        "1 thread",
        "2 threads",
        "1 thread, one ulp, seed 0",
        "1 thread, one ulp, seed 1",
    )
    assert reference.floor.distances[0] == 0 < reference.floor.losses[-1]
    assert (np.diff(reference.floor.losses) >= 0).all()
    certificate = parity.certify(**port(), reference=reference)
    assert certificate.passed, str(certificate)
    assert len(certificate.losses["float64"].ours) == 5
    assert certificate.facts()["noise floor"].endswith("left out: 1 thread, default")


def test_another_process_computes_with_the_instruction_set(reference):
    assert "1 thread, default" in reference.floor.members
    assert "variants left out" not in reference.environment
    assert "ATEN_CPU_CAPABILITY" not in os.environ


def test_what_a_training_function_forgets():
    options = {"capabilities": [], "perturbations": 0}
    with pytest.raises(TypeError, match=r"must pass its model to variant\.start"):
        parity.Reference.record(lambda variant: [1.0], **options)
    with pytest.raises(TypeError, match=r"must return its losses.*None"):
        parity.Reference.record(lambda v: v.start(torch_net()) and None, **options)
    with pytest.raises(TypeError, match=r"takes the torch\.nn\.Module.*got list"):
        parity.Reference.record(lambda v: v.start([]), **options)
    with pytest.raises(ValueError, match="a model drawn in float32"):
        parity.Reference.record(lambda v: v.start(torch_net().double()), **options)
    with pytest.raises(RuntimeError, match="called twice"):
        parity.Reference.record(lambda v: v.start(v.start(torch_net())), **options)
