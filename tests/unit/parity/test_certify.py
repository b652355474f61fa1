# SPDX-License-Identifier: Apache-2.0
"""Certificates from recorded references, without PyTorch."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flaxnn import nn, optim, parity
from flaxnn.data import DataLoader
from flaxnn.random import Generator

FILE = Path(__file__).parent / "files" / "momentum.safetensors"


def arrays():
    rng = np.random.default_rng(1)
    return rng.normal(size=(10, 5)).astype(np.float32), rng.integers(0, 3, 10)


def port(**changes):
    """The arguments of a right port of make_reference.py, with changes."""
    return {
        "model": nn.Sequential(nn.Linear(5, 3, rngs=Generator(3))),
        "data": arrays(),
        "loss": nn.CrossEntropyLoss(),
        "optimizer": optim.sgd(lr=0.1, momentum=0.9),
        **changes,
    }


@pytest.fixture(scope="module")
def reference():
    return parity.Reference.load(FILE)


@pytest.fixture(scope="module")
def right(reference):
    return parity.certify(**port(), reference=reference, name="momentum")


def grades(certificate, passed):
    return {check.grade for check in certificate.checks if check.passed is passed}


def test_a_right_port_passes_with_the_reference_alone(right):
    assert right.passed
    assert right.verdict == "PASS"
    assert [(check.grade, check.what) for check in right.checks] == [
        ("T0", "2 initial tensors"),
        ("T1", "losses"),
        ("T1", "0.weight"),
        ("T1", "0.bias"),
        ("T2", "losses"),
        ("T2", "0.weight"),
        ("T2", "0.bias"),
    ]
    assert right.worst("T1").measured < 1e-14
    assert right.floor.source == "PyTorch 2.13.0+cpu"
    # The runs are as long as the reference's where nothing else is said.
    assert len(right.losses["float32"].ours) == 12


def test_the_limits_are_those_of_the_grades(right):
    assert {check.limit for check in right.checks if check.grade == "T1"} == {1e-12}
    (losses,) = [c for c in right.checks if (c.grade, c.what) == ("T2", "losses")]
    both = right.losses["float32"]
    apart = np.maximum.accumulate(np.abs(both.ours.astype(float) - both.theirs))
    assert losses.measured in apart
    assert losses.limit in 4 * both.floor.astype(float)
    # No float32 loss is nearer than its last digit without being equal.
    assert (both.floor >= np.spacing(both.theirs)).all()


@pytest.mark.parametrize(
    ("optimizer", "failing"),
    [
        (optim.sgd(lr=0.1, momentum=0.8), {"T1", "T2"}),
        (optim.sgd(lr=0.1 * (1 + 1e-9), momentum=0.9), {"T1"}),
    ],
    ids=["momentum", "a billionth"],
)
def test_wrong_optimisers_fail(reference, optimizer, failing):
    certificate = parity.certify(**port(optimizer=optimizer), reference=reference)
    assert certificate.verdict == "FAIL"
    assert not certificate.passed
    assert grades(certificate, False) == failing


def test_without_a_floor_our_own_perturbed_runs_give_one(reference):
    bare = replace(reference, floor=None)
    certificate = parity.certify(**port(), reference=bare, perturbations=3)
    assert certificate.passed, str(certificate)
    floor = certificate.floor
    assert floor.source == "flaxnn"
    assert floor.members == ("as it is", *(f"one ulp, seed {k}" for k in range(3)))
    assert floor.distances[0] == 0
    assert 0 < floor.losses[-1] < 1e-6
    assert set(floor.tensors) == {"0.weight", "0.bias"}
    wrong = port(optimizer=optim.sgd(lr=0.1, momentum=0.8999))
    certificate = parity.certify(**wrong, reference=bare, perturbations=3)
    assert grades(certificate, False) == {"T1", "T2"}


def test_nothing_is_proven_without_float64(reference):
    certificate = parity.certify(**port(), reference=replace(reference, float64=None))
    assert certificate.verdict == "NOT PROVEN"
    assert not certificate.passed
    assert certificate.reason == "T1: the reference has no float64 run"
    assert grades(certificate, None) == {"T1"}
    only_proof = parity.Reference(float64=reference.float64)
    certificate = parity.certify(**port(), reference=only_proof)
    assert certificate.verdict == "NOT PROVEN"
    assert grades(certificate, None) == {"T2"}
    # What fails is not made open by what is missing.
    wrong = port(optimizer=optim.sgd(lr=0.2))
    certificate = parity.certify(**wrong, reference=only_proof)
    assert certificate.verdict == "FAIL"


def test_a_loss_that_is_not_finite_fails(reference):
    wrong = port(optimizer=optim.sgd(lr=1e38))
    certificate = parity.certify(**wrong, reference=reference)
    assert certificate.verdict == "FAIL"
    text = json.dumps(certificate.to_json(), allow_nan=False)
    assert json.loads(text)["verdict"] == "FAIL"


def test_a_model_of_other_tensors_is_refused_before_any_run(reference):
    wider = nn.Sequential(nn.Linear(5, 4, rngs=Generator(3)))
    with pytest.raises(ValueError, match=r"'0\.weight' has shape \(4, 5\), PyTorch's"):
        parity.certify(**port(model=wider), reference=reference)
    other = nn.Linear(5, 3, rngs=Generator(3))
    with pytest.raises(ValueError, match=r"has no '0\.weight'.*reference has no 'bia"):
        parity.certify(**port(model=other), reference=reference)
    from flaxnn import astype

    with pytest.raises(ValueError, match="takes a float32 model"):
        parity.certify(**port(model=astype(wider, "float64")), reference=reference)


def test_arguments_that_a_certificate_has_no_use_for(reference):
    with pytest.raises(TypeError, match=r"got \['compute_dtype'\]"):
        parity.certify(**port(), reference=reference, compute_dtype="bfloat16")
    with pytest.raises(TypeError, match="needs epochs"):
        parity.certify(**port(), reference=reference, epochs=1, steps=2)
    with pytest.raises(TypeError, match=r"must be a flaxnn\.parity\.Reference"):
        parity.certify(**port(), reference=3)
    with pytest.raises(ValueError, match="perturbations must be at least 0"):
        parity.certify(**port(), reference=reference, perturbations=-1)


def test_the_text_says_verdict_figures_and_machine(right):
    lines = str(right).splitlines()
    assert lines[0] == "PASS  momentum: all 7 checks pass"
    assert lines[1].split() == ["measured", "limit"]
    assert lines[3].split()[:3] == ["✓", "T1", "losses"]
    assert lines[3].endswith("1.0e-12  12 steps")
    assert lines[-3].startswith("reference: PyTorch 2.13.0+cpu, AVX512, 1 thread")
    assert lines[-2].startswith("port: flaxnn ")
    assert lines[-1].startswith("noise floor: 11 runs of PyTorch 2.13.0+cpu, ")


def test_many_tensors_are_told_by_the_worst(right):
    passing = parity.Check("T1", "0.weight", 1e-15, 1e-12, True)
    many = [replace(passing, what=f"{k}.weight") for k in range(50)]
    worst = replace(passing, what="last", measured=9e-13)
    failing = replace(passing, what="broken", measured=1e-3, passed=False)
    certificate = replace(right, checks=(*many, worst, failing))
    text = str(certificate)
    assert "last" in text
    assert "broken" in text
    assert "and 50 more, none of them worse" in text
    assert "7.weight" not in text


def test_files_by_their_suffix(right, tmp_path):
    right.write(tmp_path / "certificate.json")
    found = json.loads((tmp_path / "certificate.json").read_text())
    assert found == right.to_json()
    assert found["verdict"] == "PASS"
    assert len(found["checks"]) == 7
    assert len(found["noise floor"]["distances"]) == 11
    assert found["environment"]["recording"]["torch"] == "2.13.0+cpu"
    assert {"jax", "platform", "matmul_precision"} <= found["environment"].keys()
    right.write(tmp_path / "certificate.html")
    page = (tmp_path / "certificate.html").read_text()
    assert "PASS" in page
    assert "momentum, float64: losses of flaxnn and PyTorch" in page
    assert "4 × noise floor, the limit of T2" in page
    with pytest.raises(ValueError, match=r"written as \.json or \.html"):
        right.write(tmp_path / "certificate.pdf")


def test_one_page_for_many_certificates(right):
    wrong = replace(right.checks[1], passed=False)
    failed = replace(right, name="another", checks=(wrong,))
    html = parity.certificates_page([right, failed], "Two runs").html()
    assert "1 of 2 certificates pass" in html
    assert "✗ FAIL" in html
    missing = replace(right.checks[1], measured=None, limit=None, passed=None)
    unproven = replace(right, checks=(missing,))
    html = parity.certificates_page([right, unproven], "Two runs").html()
    assert "Not proven: 1 of 2" in html
    assert "FAIL" not in html


def test_a_loader_runs_anew_in_each_dtype():
    """Every run sees the same batches: ours against ours, from one Generator."""
    from flaxnn.parity._ensemble import Port

    generator = Generator(5)
    made = Port(
        nn.Sequential(nn.Linear(5, 3, rngs=generator), nn.Dropout(0.5)),
        DataLoader(arrays(), 5, shuffle=True, rngs=generator),
        nn.CrossEntropyLoss(),
        optim.sgd(lr=0.1),
        {"epochs": 2},
    )
    before = generator.get_state()
    first, wide = made.run("float32"), made.run("float64")
    np.testing.assert_array_equal(generator.get_state(), before)
    np.testing.assert_array_equal(first.losses, made.run("float32").losses)
    assert first.losses.dtype == np.float32
    assert wide.losses.dtype == np.float64
    np.testing.assert_allclose(first.losses, wide.losses, rtol=1e-5)
