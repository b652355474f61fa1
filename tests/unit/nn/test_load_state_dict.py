# SPDX-License-Identifier: Apache-2.0
"""load_state_dict on flaxnn's modules: dtypes, names, prefixes, what it says."""

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from flaxnn import nn
from flaxnn.random import Generator


def linear():
    return nn.Linear(3, 2, rngs=Generator(0))


WEIGHT = np.arange(6, dtype=np.float32).reshape(2, 3)
TENSORS = {"weight": WEIGHT, "bias": np.array([7.0, 8.0], np.float32)}


def faults(model, tensors, **options):
    with pytest.raises(RuntimeError) as caught:
        nn.load_state_dict(model, tensors, **options)
    heading, *lines = str(caught.value).split("\n\t")
    assert heading == f"Error(s) in loading state_dict for {type(model).__name__}:"
    return lines


def prefixed(prefix, tensors=TENSORS):
    return {prefix + name: value for name, value in tensors.items()}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64", "float8_e4m3fn"])
def test_floating_tensors_take_the_models_dtype(dtype):
    tensors = {name: value.astype(jnp.dtype(dtype)) for name, value in TENSORS.items()}
    state = nn.load_state_dict(linear(), tensors).state_dict()
    for name, value in TENSORS.items():
        assert state[name].dtype == np.float32
        np.testing.assert_array_equal(state[name], value)


@pytest.mark.parametrize("dtype", ["complex64", "int64", "uint8", "bool"])
def test_another_kind_of_tensor_is_refused_for_a_floating_parameter(dtype):
    bad = {**TENSORS, "weight": WEIGHT.astype(dtype)}
    for strict in (True, False):
        (line,) = faults(linear(), bad, strict=strict)
        assert line == (
            f"dtype mismatch for weight: copying a param of dtype {dtype} from "
            "checkpoint, the dtype in current model is float32; convert it first to "
            "one that is floating-point."
        )


@pytest.mark.parametrize("dtype", ["float32", "complex64", "bool"])
def test_another_kind_of_tensor_is_refused_for_a_count(dtype):
    model = nn.BatchNorm1d(2)
    tensors = {name: np.asarray(a) for name, a in model.state_dict().items()}
    tensors["num_batches_tracked"] = np.array(5, np.int64)
    loaded = nn.load_state_dict(model, tensors).state_dict()["num_batches_tracked"]
    assert (int(loaded), loaded.dtype) == (5, np.int32)
    tensors["num_batches_tracked"] = np.array(5, dtype)
    (line,) = faults(model, tensors)
    assert line.startswith("dtype mismatch for num_batches_tracked")
    assert line.endswith("one that is integer.")


def test_every_kind_of_fault_is_in_one_error():
    model = nn.Sequential(linear(), nn.BatchNorm1d(2))
    state = {name: np.asarray(array) for name, array in model.state_dict().items()}
    state["0.weigth"] = state.pop("0.weight")
    state["0.bias"] = np.zeros(3, np.float32)
    state["1.running_mean"] = np.zeros(2, np.complex64)
    state["1.weight"] = None
    state["optimizer"] = {"lr": 0.1}
    assert faults(model, state) == [
        'Missing key(s) in state_dict: "0.weight".',
        'Unexpected key(s) in state_dict: "0.weigth", "optimizer".',
        "did you mean '0.weight' for '0.weigth'?",
        "'optimizer' is a dictionary itself; is it the one to load?",
        (
            "size mismatch for 0.bias: copying a param with shape (3,) from "
            "checkpoint, the shape in current model is (2,)."
        ),
        (
            'While copying the parameter named "1.weight", expected an array or a '
            "tensor but received NoneType."
        ),
        (
            "dtype mismatch for 1.running_mean: copying a param of dtype complex64 "
            "from checkpoint, the dtype in current model is float32; convert it first "
            "to one that is floating-point."
        ),
    ]


@pytest.mark.parametrize(
    "prefix",
    [
        "module.",
        "_orig_mod.",
        "model.",
        "module._orig_mod.",
        "_orig_mod.module.",
        "model._orig_mod.module.",
    ],
)
def test_a_wrappers_prefix_is_left_off_and_said(prefix):
    with pytest.warns(nn.PrefixWarning) as caught:
        loaded = nn.load_state_dict(linear(), prefixed(prefix))
    (warning,) = caught
    assert f"begin with {prefix!r} (" in str(warning.message)
    assert warning.filename == __file__
    for name, value in TENSORS.items():
        np.testing.assert_array_equal(loaded.state_dict()[name], value)


def test_a_prefix_that_belongs_to_the_model_stays():
    class Wrapper(nn.Module):
        def __init__(self):
            self.model = linear()

    loaded = nn.load_state_dict(Wrapper(), prefixed("model.")).state_dict()
    np.testing.assert_array_equal(loaded["model.weight"], WEIGHT)
    with pytest.warns(nn.PrefixWarning, match=r"begin with 'model\.' "):
        twice = nn.load_state_dict(Wrapper(), prefixed("model.model."))
    np.testing.assert_array_equal(twice.state_dict()["model.weight"], WEIGHT)
    with pytest.warns(nn.PrefixWarning, match=r"begin with 'module\.' "):
        nn.load_state_dict(Wrapper(), prefixed("module.model."))


def test_other_prefixes_are_faults():
    lines = faults(linear(), prefixed("net."))
    assert lines[:2] == [
        'Missing key(s) in state_dict: "weight", "bias".',
        'Unexpected key(s) in state_dict: "net.weight", "net.bias".',
    ]


def test_what_does_not_have_the_prefix_is_still_unexpected():
    tensors = {**prefixed("model."), "criterion.weight": np.zeros(5, np.float32)}
    with pytest.warns(nn.PrefixWarning):
        lines = faults(linear(), tensors)
    assert lines == ['Unexpected key(s) in state_dict: "criterion.weight".']
    with pytest.warns(nn.PrefixWarning):
        loaded = nn.load_state_dict(linear(), tensors, strict=False)
    np.testing.assert_array_equal(loaded.state_dict()["weight"], WEIGHT)


def test_a_prefix_stays_where_two_names_would_become_one():
    lines = faults(linear(), {**prefixed("module."), "weight": WEIGHT})
    assert lines[0] == 'Missing key(s) in state_dict: "bias".'
    assert lines[1] == (
        'Unexpected key(s) in state_dict: "module.weight", "module.bias".'
    )


def test_names_rename_modules_and_parameters():
    model = nn.Sequential(linear(), nn.ReLU())
    tensors = {"fc.weight": WEIGHT, "shift": TENSORS["bias"]}
    options = {"names": {"0": "fc", "0.bias": "shift"}}
    loaded = nn.load_state_dict(model, tensors, **options)
    np.testing.assert_array_equal(loaded.state_dict()["0.bias"], TENSORS["bias"])
    back = nn.to_state_dict(loaded, **options)
    assert {*back} == {*tensors}
    np.testing.assert_array_equal(back["fc.weight"], WEIGHT)


def test_the_model_and_its_ties_are_kept():
    class Tied(nn.Module):
        def __init__(self):
            self.a = nn.Linear(2, 2, bias=False, rngs=Generator(0))
            self.b = nn.Linear(2, 2, bias=False, rngs=Generator(1))
            self.b.weight = self.a.weight

    model, eye = Tied(), np.eye(2, dtype=np.float32)
    before = np.asarray(model.a.weight.get_value())
    loaded = nn.load_state_dict(model, {"a.weight": eye, "b.weight": eye})
    assert loaded.a.weight is loaded.b.weight
    np.testing.assert_array_equal(loaded.a.weight.get_value(), eye)
    np.testing.assert_array_equal(model.a.weight.get_value(), before)


def test_what_is_no_state_dictionary_and_no_model():
    with pytest.raises(TypeError, match="Expected state_dict to be dict-like, got li"):
        nn.load_state_dict(linear(), [])
    with pytest.raises(TypeError, match=r"names of tensors are strings, got \[0\]"):
        nn.load_state_dict(linear(), {0: WEIGHT})
    with pytest.raises(TypeError, match="expected a flaxnn or flax"):
        nn.load_state_dict(nnx.relu, TENSORS)
    with pytest.raises(ValueError, match=r"\"params\": ….*got a mapping with \['fc'\]"):
        nn.load_state_dict({"fc": {"kernel": WEIGHT}}, TENSORS)
