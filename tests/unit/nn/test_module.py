# SPDX-License-Identifier: Apache-2.0
"""Modules: registration, names, printing, copies and the bridge to Linen."""

import copy
import pickle

import flax.linen
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import flaxnn
from flaxnn import models, nn
from flaxnn.random import Generator


class Nested(nn.Module):
    """Registers names whose alphabetical order is another one."""

    def __init__(self, *, rngs):
        self.zeta = nn.Linear(2, 2, rngs=rngs)
        self.running = nn.Buffer(jnp.zeros(2))
        self.scale = nn.Parameter(jnp.ones(2))
        self.alpha = nn.Sequential(
            *[nn.Linear(2, 2, bias=i % 2 == 0, rngs=rngs) for i in range(11)]
        )

    def forward(self, x):
        return self.alpha(self.zeta(x)) * self.scale


NAMES = [
    "scale",
    "running",
    "zeta.weight",
    "zeta.bias",
    *(
        f"alpha.{i}.{name}"
        for i in range(11)
        for name in ("weight", "bias")[: 2 - i % 2]
    ),
]


def through_jit(module):
    graphdef, state = nnx.split(module)
    return nnx.merge(graphdef, jax.jit(lambda s: s)(state))


def same(module):
    return module


def pickled(module):
    return pickle.loads(pickle.dumps(module))


@pytest.mark.parametrize(
    "copied", [same, nnx.clone, copy.copy, copy.deepcopy, pickled, through_jit]
)
def test_names_keep_the_order_of_registration(copied):
    module = copied(Nested(rngs=Generator(0)))
    assert list(module.state_dict()) == NAMES
    assert [n for n, _ in module.named_parameters()] == [
        n for n in NAMES if n != "running"
    ]
    assert [n for n, _ in module.named_children()] == ["zeta", "alpha"]
    assert [n for n, _ in module.named_buffers()] == ["running"]


def test_the_printed_tree_of_document_004():
    assert repr(models.NeuralNetwork(rngs=Generator(0))) == "\n".join(
        [
            "NeuralNetwork(",
            "  (flatten): Flatten(start_dim=1, end_dim=-1)",
            "  (linear_relu_stack): Sequential(",
            "    (0): Linear(in_features=784, out_features=512, bias=True)",
            "    (1): ReLU()",
            "    (2): Linear(in_features=512, out_features=512, bias=True)",
            "    (3): ReLU()",
            "    (4): Linear(in_features=512, out_features=10, bias=True)",
            "    (5): ReLU()",
            "  )",
            ")",
        ]
    )


def test_the_parameters_of_document_002_print_as_there():
    model = models.LogisticRegression(rngs=Generator(2025))
    assert str(model).startswith("Sequential(\n  (0): Linear(in_features=1,")
    assert repr(list(model.parameters())) == (
        "[Parameter containing:\ntensor([[0.3699]], requires_grad=True), "
        "Parameter containing:\ntensor([0.8711], requires_grad=True)]"
    )


def test_the_final_relu_is_optional():
    model = models.NeuralNetwork(final_relu=False, rngs=Generator(0))
    assert len(model.linear_relu_stack) == 5
    logits = model(np.random.default_rng(0).random((20, 28, 28), np.float32))
    assert (np.asarray(logits) < 0).any()


def test_tied_parameters_are_listed_once_and_saved_under_each_name():
    class Tied(nn.Module):
        def __init__(self):
            self.a = nn.Linear(2, 2, rngs=Generator(0))
            self.b = nn.Linear(2, 2, rngs=Generator(1))
            self.b.weight = self.a.weight

    names = [n for n, _ in Tied().named_parameters()]
    assert names == ["a.weight", "a.bias", "b.bias"]
    assert list(Tied().state_dict()) == ["a.weight", "a.bias", "b.weight", "b.bias"]
    loaded = nn.load_state_dict(Tied(), Tied().state_dict())
    assert loaded.a.weight is loaded.b.weight
    assert nn.astype(Tied(), "bfloat16").state_dict()["b.weight"].dtype == jnp.bfloat16


def test_lists_of_modules_count_numerically():
    class Listed(nn.Module):
        def __init__(self):
            self.layers = nnx.List(
                [nn.Linear(1, 1, bias=False, rngs=Generator(0)) for _ in range(11)]
            )

    names = [n for n, _ in Listed().named_parameters()]
    assert names == [f"layers.{i}.weight" for i in range(11)]


def test_sequential_is_a_sequence():
    model = nn.Sequential(nn.ReLU(), nn.Sigmoid(), nn.Softmax(1))
    assert len(model) == 3
    assert [type(m).__name__ for m in model] == ["ReLU", "Sigmoid", "Softmax"]
    assert isinstance(model[-1], nn.Softmax)
    assert repr(model[:2]) == "Sequential(\n  (0): ReLU()\n  (1): Sigmoid()\n)"
    with pytest.raises(IndexError, match="out of range"):
        model[3]
    with pytest.raises(TypeError, match="Sequential takes modules"):
        nn.Sequential(jnp.tanh)


def test_training_mode_reaches_every_module():
    model = models.NeuralNetwork(rngs=Generator(0))
    assert all(m.training for m in model.modules())
    assert model.eval() is model
    assert not any(m.training for m in model.modules())
    assert all(m.training for m in model.train().modules())


def test_replacing_a_parameter_by_an_array_is_refused():
    layer = nn.Linear(2, 2, rngs=Generator(0))
    with pytest.raises(TypeError, match="cannot assign 'ndarray' as parameter"):
        layer.weight = np.zeros((2, 2))
    model = nn.Sequential(layer)
    with pytest.raises(TypeError, match="as child module '0'"):
        setattr(model, "0", 3)


def test_a_module_without_forward_says_so():
    with pytest.raises(NotImplementedError, match='missing the required "forward"'):
        nn.Module()(1)


@pytest.mark.parametrize("rngs", [None, 0, jax.random.key(0), np.random.default_rng(0)])
def test_layers_that_draw_refuse_other_sources(rngs):
    with pytest.raises(TypeError, match=r"Generator\(0\)"):
        nn.Linear(2, 2, rngs=rngs)


def test_jax_keys_draw_from_the_same_distribution():
    layer = nn.Linear(400, 100, rngs=nnx.Rngs(0))
    bound = 1 / np.sqrt(400)
    weight = np.asarray(layer.weight.get_value())
    assert np.abs(weight).max() <= bound
    assert weight.std() == pytest.approx(bound / np.sqrt(3), rel=0.02)
    other = nn.Linear(400, 100, rngs=nnx.Rngs(1))
    assert not np.array_equal(weight, other.weight.get_value())


def test_shapes_can_be_had_without_numbers():
    shapes = nnx.eval_shape(lambda: models.NeuralNetwork(rngs=Generator(0)))
    assert shapes.linear_relu_stack[0].weight.shape == (512, 784)


def test_a_float64_model_is_called_in_float64_or_not_at_all():
    model = flaxnn.astype(models.SoftmaxRegression(2, 2, rngs=Generator(0)), "float64")
    with pytest.raises(RuntimeError, match="enable_x64"):
        model(np.ones((1, 2)))
    with jax.enable_x64(True):
        assert model(np.ones((1, 2))).dtype == np.float64
    with pytest.raises(TypeError, match="floating-point"):
        flaxnn.astype(model, "int32")


def test_a_half_precision_model_computes_in_half_precision():
    model = flaxnn.astype(models.NeuralNetwork(rngs=Generator(0)), "bfloat16")
    assert model(jnp.ones((1, 28, 28), jnp.bfloat16)).dtype == jnp.bfloat16


def test_functional_call_is_pure_and_differentiable():
    model = models.SoftmaxRegression(2, 3, rngs=Generator(0))
    before = model.state_dict()
    doubled = {name: 2 * value for name, value in before.items()}
    x = np.ones((1, 2), np.float32)
    out = flaxnn.functional_call(model, doubled, x)
    np.testing.assert_allclose(out, 2 * model(x), rtol=1e-6)
    grads = jax.jit(jax.grad(lambda p: flaxnn.functional_call(model, p, x).sum()))(
        before
    )
    np.testing.assert_array_equal(grads["0.weight"], np.ones((3, 2)))
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    with pytest.raises(RuntimeError, match=r"did you mean '0\.weight'"):
        flaxnn.functional_call(model, {"0.weigth": before["0.weight"]}, x)


def test_functional_call_takes_other_dtypes_as_they_are():
    model = models.SoftmaxRegression(2, 3, rngs=Generator(0))
    half = {
        name: value.astype("bfloat16") for name, value in model.state_dict().items()
    }
    x = jnp.ones((1, 2), jnp.bfloat16)
    eager = flaxnn.functional_call(model, half, x)
    jitted = jax.jit(lambda p: flaxnn.functional_call(model, p, x))(half)
    assert eager.dtype == jitted.dtype == jnp.bfloat16


def test_functional_call_refuses_two_values_for_tied_parameters():
    class Tied(nn.Module):
        def __init__(self):
            self.a = nn.Linear(2, 2, bias=False, rngs=Generator(0))
            self.b = nn.Linear(2, 2, bias=False, rngs=Generator(1))
            self.b.weight = self.a.weight

        def forward(self, x):
            return self.b(self.a(x))

    one, two = np.eye(2, dtype=np.float32), np.ones((2, 2), np.float32)
    x = np.array([[1.0, 2.0]], np.float32)
    model = Tied()
    np.testing.assert_array_equal(
        flaxnn.functional_call(model, {"a.weight": one}, x), x
    )
    with pytest.raises(ValueError, match=r"multiple values.*'a\.weight', 'b\.weight'"):
        flaxnn.functional_call(model, {"a.weight": one, "b.weight": two}, x)


def test_a_module_that_stands_twice_is_listed_once_and_applied_twice():
    layer = nn.Linear(2, 2, rngs=Generator(0))
    model = nn.Sequential(layer, nn.ReLU(), layer)
    assert [name for name, _ in model.named_children()] == ["0", "1"]
    assert len(model) == len(list(model)) == 3
    x = np.ones((1, 2), np.float32)
    np.testing.assert_array_equal(model(x), layer(nn.ReLU()(layer(x))))


def test_load_state_dict_names_every_fault_at_once():
    model = models.SoftmaxRegression(2, 3, rngs=Generator(0))
    with pytest.raises(RuntimeError) as caught:
        nn.load_state_dict(model, {"0.weight": np.zeros((2, 3)), "extra": np.zeros(1)})
    message = str(caught.value)
    assert 'Missing key(s) in state_dict: "0.bias"' in message
    assert 'Unexpected key(s) in state_dict: "extra"' in message
    assert "size mismatch for 0.weight" in message
    before = model.state_dict()
    loaded = nn.load_state_dict(model, {"0.bias": np.ones(3)}, strict=False)
    np.testing.assert_array_equal(model.state_dict()["0.bias"], before["0.bias"])
    np.testing.assert_array_equal(loaded.state_dict()["0.bias"], np.ones(3))
    assert loaded.state_dict()["0.bias"].dtype == np.float32


def test_a_model_works_in_linen_through_the_bridge():
    model = models.SimpleMultiClassModel(rngs=Generator(3))
    graphdef, state = nnx.split(model)
    pure = nnx.to_pure_dict(state)

    class Wrapper(flax.linen.Module):
        @flax.linen.compact
        def __call__(self, x):
            inner = nnx.bridge.to_linen(
                lambda: nnx.merge(graphdef, pure), skip_rng=True, name="inner"
            )
            return inner(x)

    x = np.ones((4, 5), np.float32)
    variables = Wrapper().init(jax.random.key(0), x)
    np.testing.assert_array_equal(Wrapper().apply(variables, x), model(x))
    inner = variables["params"]["inner"]["fc"]
    np.testing.assert_array_equal(
        jax.tree.leaves(inner["weight"])[0], model.state_dict()["fc.weight"]
    )


def test_linen_can_draw_the_model_from_jax_keys():
    module = nnx.bridge.to_linen(models.SimpleMultiClassModel)
    x = np.ones((4, 5), np.float32)
    variables = module.init(jax.random.key(0), x)
    assert module.apply(variables, x).shape == (4, 3)
