# SPDX-License-Identifier: Apache-2.0
"""PyTorch's state dictionaries in models of Flax: the same outputs, and back again."""

import contextlib

import flax.linen
import jax
import numpy as np
import pytest
from flax import nnx

from flaxnn import nn

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch

# Flax's layers multiply in whatever precision JAX has for the dtype.
TOLERANCE = {"float32": 1e-5, "float64": 1e-12}


@pytest.fixture(params=TOLERANCE)
def dtype(request):
    wide = request.param == "float64"
    with jax.enable_x64(True) if wide else contextlib.nullcontext():
        yield request.param


@pytest.fixture
def float64():
    with jax.enable_x64(True):
        yield


def moved(module, seed=0):
    """The PyTorch module in evaluation mode, with statistics that are not trivial."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for tensor in module.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(torch.rand(tensor.shape, generator=generator) - 0.3)
        for name, tensor in module.state_dict().items():
            if name.endswith("running_var"):
                tensor.abs_().add_(0.5)
            if "running" in name:  # which Flax keeps in float32 whatever else
                tensor.copy_(tensor.float())
    return module.eval()


def last(x):
    """PyTorch's N, C, … as Flax's N, …, C."""
    return np.moveaxis(x, 1, -1)


class TorchNet(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(2, 4, 3)
        self.norm = torch.nn.BatchNorm2d(4)
        self.up = torch.nn.ConvTranspose2d(4, 6, (3, 2), stride=2)
        self.fc1 = torch.nn.Linear(6 * 3 * 2, 5)
        self.ln = torch.nn.LayerNorm(5)
        self.table = torch.nn.Embedding(7, 5)
        self.head = torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Linear(5, 5))

    def forward(self, x, tokens):
        x = torch.relu(self.norm(self.conv(x)))
        x = torch.nn.functional.max_pool2d(self.up(x), 3)
        x = self.ln(self.fc1(torch.flatten(x, 1)))
        return self.head(x + self.table(tokens))


class NnxNet(nnx.Module):
    def __init__(self, rngs, dtype):
        options = {"param_dtype": dtype, "rngs": rngs}
        self.conv = nnx.Conv(2, 4, (3, 3), padding="VALID", **options)
        self.norm = nnx.BatchNorm(4, use_running_average=True, **options)
        self.up = nnx.ConvTranspose(
            4, 6, (3, 2), strides=(2, 2), padding="VALID", **options
        )
        self.fc1 = nnx.Linear(6 * 3 * 2, 5, **options)
        self.ln = nnx.LayerNorm(5, epsilon=1e-5, **options)
        self.table = nnx.Embed(7, 5, **options)
        self.head = nnx.Sequential(nnx.relu, nnx.Linear(5, 5, **options))

    def __call__(self, x, tokens):
        x = nnx.relu(self.norm(self.conv(x)))
        x = nnx.max_pool(self.up(x), (3, 3), strides=(3, 3))
        x = self.ln(self.fc1(x.reshape(x.shape[0], -1)))
        return self.head(x + self.table(tokens))


class LinenNet(flax.linen.Module):
    dtype: str

    @flax.linen.compact
    def __call__(self, x, tokens):
        linen, options = flax.linen, {"param_dtype": self.dtype}
        x = linen.Conv(4, (3, 3), padding="VALID", **options)(x)
        x = linen.BatchNorm(use_running_average=True, **options)(x)
        x = linen.ConvTranspose(6, (3, 2), (2, 2), "VALID", **options)(linen.relu(x))
        x = linen.max_pool(x, (3, 3), strides=(3, 3)).reshape(x.shape[0], -1)
        x = linen.LayerNorm(epsilon=1e-5, **options)(linen.Dense(5, **options)(x))
        x = linen.relu(x + linen.Embed(7, 5, **options)(tokens))
        return linen.Dense(5, **options)(x)


FLATTEN = (6, 3, 2)
LINEN_NAMES = {
    "Conv_0": "conv",
    "BatchNorm_0": "norm",
    "ConvTranspose_0": "up",
    "Dense_0": "fc1",
    "LayerNorm_0": "ln",
    "Embed_0": "table",
    "Dense_1": "head.1",
}
TOKENS = np.array([3, 6, 0])


def images(dtype):
    return np.random.default_rng(0).normal(size=(3, 2, 7, 6)).astype(dtype)


@pytest.fixture
def theirs(dtype):
    return moved(TorchNet().to(getattr(torch, dtype)))


def wanted(theirs, dtype):
    with torch.no_grad():
        out = theirs(torch.from_numpy(images(dtype)), torch.from_numpy(TOKENS))
    return out.numpy()


@nnx.jit
def outputs(model, *inputs):
    return model(*inputs)


def close(ours, theirs, dtype):
    assert np.asarray(ours).dtype == dtype
    np.testing.assert_allclose(
        ours, theirs, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype]
    )


def test_a_conv_net_of_nnx_computes_what_pytorchs_does(theirs, dtype):
    tensors, options = theirs.state_dict(), {"flatten": {"fc1": FLATTEN}}
    model = nn.load_state_dict(NnxNet(nnx.Rngs(0), dtype), tensors, **options)
    close(outputs(model, last(images(dtype)), TOKENS), wanted(theirs, dtype), dtype)
    # A forgotten flatten has the right shape, and is seen in the numbers only.
    wrong = nn.load_state_dict(NnxNet(nnx.Rngs(0), dtype), tensors)
    assert not np.allclose(
        outputs(wrong, last(images(dtype)), TOKENS), wanted(theirs, dtype), atol=1e-2
    )
    fresh = TorchNet().to(getattr(torch, dtype)).eval()
    back = nn.to_state_dict(model, **options)
    fresh.load_state_dict({name: torch.from_numpy(a) for name, a in back.items()})
    np.testing.assert_array_equal(wanted(fresh, dtype), wanted(theirs, dtype))


def test_a_conv_net_of_linen_computes_what_pytorchs_does(theirs, dtype):
    net, x = LinenNet(dtype), last(images(dtype))
    shapes = jax.eval_shape(net.init, jax.random.key(0), x, TOKENS)
    # Linen would take the root of float32 statistics in float32.
    shapes = jax.tree.map(lambda s: jax.ShapeDtypeStruct(s.shape, dtype), shapes)
    options = {"names": LINEN_NAMES, "flatten": {"Dense_0": FLATTEN}}
    variables = nn.load_state_dict(shapes, theirs.state_dict(), **options)
    assert jax.tree.structure(variables) == jax.tree.structure(shapes)
    close(jax.jit(net.apply)(variables, x, TOKENS), wanted(theirs, dtype), dtype)
    back = nn.to_state_dict(variables, **options)
    for name, tensor in theirs.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            np.testing.assert_array_equal(back[name], tensor.numpy())


CONVOLUTIONS = {
    "1d": ((5,), {}),
    "2d": ((3, 2), {}),
    "3d": ((2, 3, 2), {}),
    "groups": ((3, 2), {"groups": 2}),
    "depthwise": ((3, 2), {"groups": 4}),
}


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(("kernel", "options"), CONVOLUTIONS.values(), ids=CONVOLUTIONS)
def test_convolutions(kernel, options):
    ndim = len(kernel)
    build = getattr(torch.nn, f"Conv{ndim}d")
    theirs = moved(build(4, 8, kernel, **options, dtype=torch.float64))
    groups = options.get("groups", 1)
    ours = nnx.Conv(
        *(4, 8, kernel),
        padding="VALID",
        feature_group_count=groups,
        param_dtype="float64",
        rngs=nnx.Rngs(0),
    )
    check(ours, theirs, (2, 4, 7, 6, 5)[: 2 + ndim])


def check(ours, theirs, shape, convert=last):
    """The outputs of a layer and of its counterpart, and the tensors back again."""
    tensors = theirs.state_dict()
    ours = nn.load_state_dict(ours, tensors)
    x = np.random.default_rng(1).normal(size=shape)
    with torch.no_grad():
        out = theirs(torch.from_numpy(x)).numpy()
    close(outputs(ours, convert(x)), convert(out), "float64")
    back = nn.to_state_dict(ours)
    assert {*back} == {n for n in tensors if not n.endswith("num_batches_tracked")}
    for name, array in back.items():
        np.testing.assert_array_equal(array, tensors[name].numpy())


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(
    ("kernel", "stride"),
    [((4,), 1), ((3, 2), 2), ((2, 3, 2), 2)],
    ids=["1d", "2d", "3d"],
)
@pytest.mark.parametrize("transpose_kernel", [False, True], ids=["plain", "transposed"])
def test_transposed_convolutions(kernel, stride, transpose_kernel):
    ndim = len(kernel)
    build = getattr(torch.nn, f"ConvTranspose{ndim}d")
    # As many channels in as out: nothing but the numbers tells the layouts apart.
    theirs = moved(build(3, 3, kernel, stride, dtype=torch.float64))
    ours = nnx.ConvTranspose(
        *(3, 3, kernel, (stride,) * ndim),
        padding="VALID",
        transpose_kernel=transpose_kernel,
        param_dtype="float64",
        rngs=nnx.Rngs(0),
    )
    check(ours, theirs, (2, 3, 4, 5, 3)[: 2 + ndim])


NORMS = {
    "layer": (
        lambda **o: torch.nn.LayerNorm(6, **o),
        lambda **o: nnx.LayerNorm(6, epsilon=1e-5, **o),
    ),
    "group": (
        lambda **o: torch.nn.GroupNorm(2, 6, **o),
        lambda **o: nnx.GroupNorm(6, num_groups=2, epsilon=1e-5, **o),
    ),
    "rms": (
        lambda **o: torch.nn.RMSNorm(6, eps=1e-5, **o),
        lambda **o: nnx.RMSNorm(6, epsilon=1e-5, **o),
    ),
    "batch": (
        lambda **o: torch.nn.BatchNorm1d(6, **o),
        lambda **o: nnx.BatchNorm(6, use_running_average=True, **o),
    ),
    "prelu": (
        lambda **o: torch.nn.PReLU(**o),
        lambda rngs, **o: nnx.PReLU(**o),
    ),
}


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(("build", "build_ours"), NORMS.values(), ids=NORMS)
def test_layers_with_vectors(build, build_ours):
    theirs = moved(build(dtype=torch.float64))
    ours = build_ours(param_dtype="float64", rngs=nnx.Rngs(0))
    check(ours, theirs, (4, 6), convert=np.asarray)


GENERAL = {
    "to heads": (lambda **o: nnx.LinearGeneral(6, (3, 4), **o), (2, 6), (2, 3, 4)),
    "from heads": (
        lambda **o: nnx.LinearGeneral((2, 3), 12, axis=(-2, -1), **o),
        (2, 2, 3),
        (2, 12),
    ),
    "einsum": (
        lambda **o: nnx.Einsum("nd,hfd->nhf", (3, 4, 6), (3, 4), **o),
        (2, 6),
        (2, 3, 4),
    ),
    "einsum out of order": (
        lambda **o: nnx.Einsum("nba,cadb->ndc", (4, 3, 3, 2), (3, 4), **o),
        (2, 2, 3),
        (2, 3, 4),
    ),
    "einsum with an ellipsis": (
        lambda **o: nnx.Einsum("...d,dhf->...hf", (6, 3, 4), (3, 4), **o),
        (2, 6),
        (2, 3, 4),
    ),
}


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(("build", "shape", "out"), GENERAL.values(), ids=GENERAL)
def test_layers_that_are_one_linear_weight(build, shape, out):
    theirs = moved(torch.nn.Linear(6, 12, dtype=torch.float64))
    ours = build(param_dtype="float64", rngs=nnx.Rngs(0))
    ours = nn.load_state_dict(ours, theirs.state_dict())
    x = np.random.default_rng(1).normal(size=(2, 6))
    with torch.no_grad():
        wanted = theirs(torch.from_numpy(x)).numpy().reshape(out)
    close(outputs(ours, x.reshape(shape)), wanted, "float64")
    for name, array in nn.to_state_dict(ours).items():
        np.testing.assert_array_equal(array, theirs.state_dict()[name].numpy())


def test_prefixes_of_pytorchs_own_wrappers():
    layer = torch.nn.Linear(2, 3)
    wrapped = torch.nn.DataParallel(torch.compile(layer, backend="eager"))
    assert next(iter(wrapped.state_dict())) == "module._orig_mod.weight"
    with pytest.warns(nn.PrefixWarning, match=r"module\._orig_mod\."):
        ours = nn.load_state_dict(
            nnx.Linear(2, 3, rngs=nnx.Rngs(0)), wrapped.state_dict()
        )
    np.testing.assert_array_equal(
        ours.kernel.get_value(), layer.weight.detach().numpy().T
    )
    with pytest.raises(RuntimeError, match="Missing key"):
        layer.load_state_dict(wrapped.state_dict())


def test_pytorchs_bfloat16_tensors():
    layer = torch.nn.Linear(2, 3, dtype=torch.bfloat16)
    ours = nnx.Linear(2, 3, param_dtype="bfloat16", rngs=nnx.Rngs(0))
    ours = nn.load_state_dict(ours, layer.state_dict())
    np.testing.assert_array_equal(
        np.asarray(ours.kernel.get_value(), np.float32),
        layer.weight.detach().float().numpy().T,
    )


def test_pytorchs_wording():
    layer = torch.nn.Linear(2, 3)
    bad = {"weight": torch.zeros(2, 2), "extra": torch.zeros(1)}
    with pytest.raises(RuntimeError) as theirs:
        layer.load_state_dict(bad)
    with pytest.raises(RuntimeError) as ours:
        nn.load_state_dict(nnx.Linear(2, 3, rngs=nnx.Rngs(0)), bad)
    for line in str(theirs.value).split("\n\t")[:3]:
        assert line.strip().rstrip(" .") in str(ours.value)
    assert "size mismatch for weight" in str(theirs.value)
    assert "size mismatch for weight" in str(ours.value)
    with pytest.raises(TypeError, match="Expected state_dict to be dict-like"):
        layer.load_state_dict([])
    with pytest.raises(TypeError, match="Expected state_dict to be dict-like"):
        nn.load_state_dict(nnx.Linear(2, 3, rngs=nnx.Rngs(0)), [])
