# SPDX-License-Identifier: Apache-2.0
"""load_state_dict on models of Flax: names, layouts by hand, rules, faults."""

import flax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen, nnx

from flaxnn import nn
from flaxnn.random import Generator


def numbered(*shape):
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def layer(tensors, model, **options):
    """What Flax's layer holds after loading, by the names of its parameters."""
    loaded = nn.load_state_dict(model, tensors, **options)
    for name, array in nn.to_state_dict(loaded, **options).items():
        np.testing.assert_array_equal(array, tensors[name])
    return {
        path[0]: np.asarray(variable.get_value())
        for path, variable in nnx.to_flat_state(nnx.state(loaded))
    }


RNGS = nnx.Rngs(0)


def test_a_linear_kernel_is_pytorchs_weight_transposed():
    tensors = {"weight": numbered(2, 3), "bias": numbered(2)}
    found = layer(tensors, nnx.Linear(3, 2, rngs=RNGS))
    np.testing.assert_array_equal(found["kernel"], [[0, 3], [1, 4], [2, 5]])
    np.testing.assert_array_equal(found["bias"], [0, 1])


def test_a_square_linear_kernel_is_transposed_too():
    model = nnx.Linear(2, 2, use_bias=False, rngs=RNGS)
    found = layer({"weight": numbered(2, 2)}, model)
    np.testing.assert_array_equal(found["kernel"], [[0, 2], [1, 3]])


def test_a_convolutions_kernel_is_hwio():
    tensors = {"weight": numbered(4, 3, 2, 5)}
    model = nnx.Conv(6, 4, (2, 5), feature_group_count=2, use_bias=False, rngs=RNGS)
    kernel = layer(tensors, model)["kernel"]
    assert kernel.shape == (2, 5, 3, 4)
    for out, into, row, column in np.ndindex(4, 3, 2, 5):
        assert (
            kernel[row, column, into, out] == tensors["weight"][out, into, row, column]
        )


@pytest.mark.parametrize("transpose_kernel", [False, True], ids=["plain", "transposed"])
def test_a_transposed_convolutions_kernel_is_turned_unless_flax_turns_it(
    transpose_kernel,
):
    weight = numbered(3, 4, 2)
    model = nnx.ConvTranspose(
        *(3, 4, (2,)), use_bias=False, transpose_kernel=transpose_kernel, rngs=RNGS
    )
    kernel = layer({"weight": weight}, model)["kernel"]
    for into, out, place in np.ndindex(3, 4, 2):
        ours = (
            kernel[place, out, into]
            if transpose_kernel
            else kernel[1 - place, into, out]
        )
        assert ours == weight[into, out, place]


def test_a_dense_layer_after_a_flattened_image():
    weight = numbered(5, 2 * 3 * 4)
    model = nnx.Linear(24, 5, use_bias=False, rngs=RNGS)
    kernel = layer({"weight": weight}, model, flatten={"": (2, 3, 4)})["kernel"]
    for channel, row, column in np.ndindex(2, 3, 4):
        np.testing.assert_array_equal(
            kernel[(row * 4 + column) * 2 + channel],
            weight[:, (channel * 3 + row) * 4 + column],
        )


def test_a_batch_norm_and_the_count_that_flax_has_not():
    tensors = {
        "weight": numbered(3),
        "bias": numbered(3) + 10,
        "running_mean": numbered(3) + 20,
        "running_var": numbered(3) + 30,
    }
    found = layer(tensors, nnx.BatchNorm(3, rngs=RNGS))
    assert {name: array[0] for name, array in found.items()} == {
        "scale": 0,
        "bias": 10,
        "mean": 20,
        "var": 30,
    }
    nn.load_state_dict(
        nnx.BatchNorm(3, rngs=RNGS), {**tensors, "num_batches_tracked": np.array(4)}
    )


class Net(nnx.Module):
    def __init__(self, rngs):
        self.layers = nnx.List([nnx.Linear(2, 2, rngs=rngs) for _ in range(11)])
        self.table = nnx.Dict(words=nnx.Embed(3, 2, rngs=rngs))
        self.head = nnx.Sequential(nnx.relu, nnx.Linear(2, 1, rngs=rngs))
        self.drop = nnx.Dropout(0.5, rngs=rngs)
        self.ours = nn.BatchNorm1d(2)
        self.scale = nnx.Param(jnp.ones(2))
        self.tied = self.head.layers[1]


NAMES = {
    *(f"layers.{i}.{name}" for i in range(11) for name in ("weight", "bias")),
    *("table.words.weight", "head.1.weight", "head.1.bias", "scale"),
    *("tied.weight", "tied.bias", "ours.weight", "ours.bias"),
    *("ours.running_mean", "ours.running_var", "ours.num_batches_tracked"),
}


def test_the_names_of_lists_dictionaries_sequentials_and_ties():
    model = Net(nnx.Rngs(0))
    tensors = nn.to_state_dict(model)
    assert {*tensors} == NAMES
    for name, array in tensors.items():
        tensors[name] = array + (1 if array.dtype.kind == "i" else 0.5)
    loaded = nn.load_state_dict(model, tensors)
    assert loaded.tied is loaded.head.layers[1]
    for name, array in nn.to_state_dict(loaded).items():
        np.testing.assert_array_equal(array, tensors[name])
    assert jax.tree.structure(nnx.split(loaded)[1]) == jax.tree.structure(
        nnx.split(model)[1]
    )
    assert {*nn.to_state_dict(model)} == {*tensors}


def test_a_model_that_holds_itself():
    model = nnx.Linear(3, 2, use_bias=False, rngs=nnx.Rngs(0))
    model.owner = nnx.Dict(layer=model)
    loaded = nn.load_state_dict(model, {"weight": numbered(2, 3)})
    np.testing.assert_array_equal(loaded.kernel.get_value(), numbered(2, 3).T)
    assert loaded.owner.layer is loaded


def test_a_model_of_shapes_only():
    model = nnx.eval_shape(lambda: nnx.Linear(3, 2, rngs=nnx.Rngs(0)))
    loaded = nn.load_state_dict(model, {"weight": numbered(2, 3), "bias": numbered(2)})
    np.testing.assert_array_equal(loaded(jnp.ones((1, 3))), [[3, 13]])


def test_faults_name_flaxs_path_and_pytorchs():
    class Small(nnx.Module):
        def __init__(self, rngs):
            self.a = nnx.Linear(3, 2, rngs=rngs)
            self.conv = nnx.Conv(2, 4, (3, 3), use_bias=False, rngs=rngs)
            self.norm = nnx.LayerNorm(3, use_bias=False, rngs=rngs)

    tensors = {
        "a.wieght": numbered(2, 3),
        "a.bias": np.arange(2),
        "conv.weight": numbered(3, 3, 2, 4),
        "final": numbered(3),
    }
    with pytest.raises(RuntimeError) as caught:
        nn.load_state_dict(
            Small(nnx.Rngs(0)),
            tensors,
            names={"b": "c"},
            flatten={"norm": (1, 1, 3)},
            rules=[nn.Rule("kernel", "weight", "linear", module="nowhere")],
        )
    *mistakes, missing, unexpected, near, alike, kind, size = str(caught.value).split(
        "\n\t"
    )[1:]
    assert [line.split(",")[0] for line in mistakes] == [
        'names has "b"',
        'flatten has "norm"',
        "Rule(leaf='kernel'",
    ]
    assert missing == (
        'Missing key(s) in state_dict: "a.weight" (in Flax a.kernel), "norm.weight" '
        "(in Flax norm.scale)."
    )
    assert unexpected == 'Unexpected key(s) in state_dict: "a.wieght", "final".'
    assert near == "did you mean 'a.weight' (in Flax a.kernel) for 'a.wieght'?"
    assert alike == "did you mean 'norm.weight' (in Flax norm.scale) for 'final'?"
    assert kind.startswith("dtype mismatch for a.bias: copying a param of dtype int64")
    assert size == (
        "size mismatch for conv.weight (in Flax conv.kernel): copying a param with "
        "shape (3, 3, 2, 4) from checkpoint, the shape in current model is "
        "(4, 2, 3, 3) (Flax's (3, 3, 2, 4) in layout conv); as layout same it would "
        "fit."
    )


class Encoder(linen.Module):
    @linen.compact
    def __call__(self, x):
        x = linen.Conv(4, (2,))(x)
        x = linen.ConvTranspose(4, (2,), name="up")(x)
        x = linen.BatchNorm(use_running_average=True)(x)
        return linen.MultiHeadAttention(2)(x)


class Whole(linen.Module):
    def setup(self):
        self.layers = [linen.Dense(3), linen.Dense(3)]
        self.head = linen.Sequential([linen.Dense(2), linen.relu, linen.Dense(1)])
        self.encoder = Encoder()

    def __call__(self, x):
        for one in self.layers:
            x = one(x)
        return self.head(self.encoder(x))


def test_the_variables_of_linen():
    shapes = jax.eval_shape(Whole().init, jax.random.key(0), jnp.ones((1, 5, 2)))
    shapes["cache"] = {"kept": 1}
    tensors = {
        "layers.0.weight": numbered(3, 2),
        "layers.0.bias": numbered(3),
        "layers.1.weight": numbered(3, 3),
        "layers.1.bias": numbered(3),
        "encoder.conv.weight": numbered(4, 3, 2),
        "encoder.conv.bias": numbered(4),
        "encoder.up.weight": numbered(4, 4, 2),
        "encoder.up.bias": numbered(4),
        "encoder.norm.weight": numbered(4),
        "encoder.norm.bias": numbered(4),
        "encoder.norm.running_mean": numbered(4) + 1,
        "encoder.norm.running_var": numbered(4) + 2,
        "encoder.norm.num_batches_tracked": np.array(3),
        **{f"encoder.att.{n}.weight": numbered(4, 4) for n in "qkvo"},
        **{f"encoder.att.{n}.bias": numbered(4) for n in "qkvo"},
        "head.0.weight": numbered(2, 4),
        "head.0.bias": numbered(2),
        "head.2.weight": numbered(1, 2),
        "head.2.bias": numbered(1),
    }
    attention = "encoder.MultiHeadAttention_0"
    loaded = nn.load_state_dict(
        shapes,
        tensors,
        names={
            "encoder.Conv_0": "encoder.conv",
            "encoder.BatchNorm_0": "encoder.norm",
            f"{attention}.query": "encoder.att.q",
            f"{attention}.key": "encoder.att.k",
            f"{attention}.value": "encoder.att.v",
            f"{attention}.out": "encoder.att.o",
        },
        rules=[nn.Rule("kernel", "weight", "conv_transpose", module="encoder.up")],
    )
    assert loaded["cache"] == {"kept": 1}
    assert jax.tree.map(np.shape, loaded) == jax.tree.map(np.shape, shapes)
    encoder = loaded["params"]["encoder"]
    np.testing.assert_array_equal(
        encoder["up"]["kernel"][0, 1], tensors["encoder.up.weight"][1, :, 1]
    )
    np.testing.assert_array_equal(
        encoder["Conv_0"]["kernel"][1, 2], tensors["encoder.conv.weight"][:, 2, 1]
    )
    stats = loaded["batch_stats"]["encoder"]["BatchNorm_0"]
    np.testing.assert_array_equal(stats["mean"], [1, 2, 3, 4])
    np.testing.assert_array_equal(stats["var"], [2, 3, 4, 5])
    attended = encoder["MultiHeadAttention_0"]
    # One head is two features: the second of the first is row 1 of PyTorch's weight.
    np.testing.assert_array_equal(attended["query"]["kernel"][:, 0, 1], [4, 5, 6, 7])
    np.testing.assert_array_equal(attended["out"]["kernel"][1, 0], [2, 6, 10, 14])
    np.testing.assert_array_equal(
        loaded["params"]["head"]["layers_2"]["kernel"], [[0], [1]]
    )


def test_names_by_pattern_and_boxed_parameters():
    class Two(linen.Module):
        @linen.compact
        def __call__(self, x):
            boxed = linen.with_partitioning(linen.initializers.zeros, ("x", "y"))
            x = linen.Dense(2)(x)
            return linen.Dense(3, kernel_init=boxed)(x)

    variables = Two().init(jax.random.key(0), jnp.ones((1, 2)))
    tensors = {
        "net.fc0.weight": numbered(2, 2),
        "net.fc0.bias": numbered(2),
        "net.fc1.weight": numbered(3, 2),
        "net.fc1.bias": numbered(3),
    }
    names = [(r"^Dense_(\d)", r"fc\1"), ("^", "net.")]
    loaded = nn.load_state_dict(variables, tensors, names=names)
    boxed = loaded["params"]["Dense_1"]["kernel"]
    assert isinstance(boxed, linen.Partitioned)
    assert boxed.names == ("x", "y")
    np.testing.assert_array_equal(boxed.value, tensors["net.fc1.weight"].T)
    back = nn.to_state_dict(loaded, names=names)
    assert {*back} == {*tensors}
    frozen = nn.load_state_dict(flax.core.freeze(variables), tensors, names=names)
    assert type(frozen).__name__ == "FrozenDict"


def test_rules_come_before_the_table_and_may_bring_a_layout():
    halves = nn.Layout(
        "halves",
        to_torch=lambda array: np.concatenate([array, array], axis=0).T,
        to_flax=lambda array, shape: array.T[: shape[0]],
    )
    rule = nn.Rule("kernel", "w", halves, module=nnx.Linear, ranks=(2,))
    model = nnx.Linear(1, 3, use_bias=False, rngs=nnx.Rngs(0))
    loaded = nn.load_state_dict(model, {"w": numbered(3, 2)}, rules=[rule])
    np.testing.assert_array_equal(loaded.kernel.get_value(), [[0, 2, 4]])
    with pytest.raises(ValueError, match=r"layout must be one of \['conv'"):
        nn.Rule("kernel", "weight", "convolution")


def test_a_flatten_of_wrong_sizes_is_a_fault():
    model = nnx.Linear(24, 5, use_bias=False, rngs=nnx.Rngs(0))
    for call in (nn.to_state_dict, lambda m, **o: nn.load_state_dict(m, {}, **o)):
        with pytest.raises(RuntimeError, match=r"flatten \(2, 3, 5\) does not fit ke"):
            call(model, flatten={"": (2, 3, 5)})


def test_two_arrays_with_one_name_are_a_fault_on_the_way_out():
    class Two(nnx.Module):
        def __init__(self, rngs):
            self.a = nnx.Linear(1, 1, use_bias=False, rngs=rngs)
            self.b = nnx.Linear(1, 1, use_bias=False, rngs=rngs)

    names = {"a": "c", "b": "c"}
    with pytest.raises(RuntimeError, match=r"a\.kernel and b\.kernel are both called"):
        nn.to_state_dict(Two(nnx.Rngs(0)), names=names)
    both = nn.load_state_dict(
        Two(nnx.Rngs(0)), {"c.weight": numbered(1, 1)}, names=names
    )
    np.testing.assert_array_equal(both.a.kernel.get_value(), both.b.kernel.get_value())


def test_a_prefix_in_front_of_a_foreign_model():
    tensors = {"model.weight": numbered(2, 3), "model.bias": numbered(2)}
    with pytest.warns(nn.PrefixWarning, match="Lightning"):
        loaded = nn.load_state_dict(nnx.Linear(3, 2, rngs=nnx.Rngs(0)), tensors)
    np.testing.assert_array_equal(loaded.kernel.get_value(), numbered(2, 3).T)


def test_flaxnns_own_layer_in_a_foreign_model_keeps_pytorchs_layout():
    class Mixed(nnx.Module):
        def __init__(self):
            self.fc = nn.Linear(2, 2, rngs=Generator(0))

    tensors = {"fc.weight": numbered(2, 2), "fc.bias": numbered(2)}
    loaded = nn.load_state_dict(Mixed(), tensors)
    np.testing.assert_array_equal(loaded.fc.weight.get_value(), numbered(2, 2))
