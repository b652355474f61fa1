# SPDX-License-Identifier: Apache-2.0
"""The initialisers of torch.nn.init."""

from __future__ import annotations

import math

from tests.contract.initializer import BadInitializer, InitCase, Initializer

NN_INIT = "torch.nn.init"
INF, NAN = math.inf, math.nan
MATRIX = (5, 7)


def anywhere(*cases: InitCase) -> tuple[InitCase, ...]:
    """The cases, and shapes for what takes any.

    Below 16 normal numbers are drawn in pairs, from 16 on in blocks; sizes are on both
    sides, multiples of 16 and not.
    """
    shapes = ((), (1,), (7,), (15,), (16,), (17,), (0, 3), (4, 3, 2, 1), (33, 5))
    return (*(InitCase(f"{shape}", shape) for shape in shapes), *cases)


def weights(*cases: InitCase) -> tuple[InitCase, ...]:
    """The cases, and shapes for what has fans: linear, and convolutions."""
    shapes = ((1, 1), (3, 5), (4, 4), (17, 3), (4, 3, 3), (4, 2, 3, 3), (2, 3, 1, 2, 2))
    return (*(InitCase(f"{shape}", shape) for shape in shapes), *cases)


def kaiming() -> tuple[InitCase, ...]:
    """What both of Kaiming's are tried with."""
    shape = (4, 2, 3, 3)
    return weights(
        InitCase("default", MATRIX, (math.sqrt(5),)),
        InitCase("fan_out", shape, (0, "fan_out", "relu")),
        InitCase("upper-case", MATRIX, (), {"mode": "FAN_OUT"}),
        InitCase("slope", shape, (0.2,), {"nonlinearity": "leaky_relu"}),
        *(
            InitCase(name, MATRIX, (), {"nonlinearity": name})
            for name in ("linear", "conv_transpose2d", "sigmoid", "tanh", "selu")
        ),
        InitCase("unused-slope", MATRIX, ("unused",), {"nonlinearity": "relu"}),
        InitCase("no-elements", (3, 0)),
        InitCase("no-elements-vector", (0,)),
    )


def xavier() -> tuple[InitCase, ...]:
    """What both of Xavier's are tried with."""
    return weights(
        InitCase("gain", MATRIX, (5.0 / 3,)),
        InitCase("gain-by-name", (4, 2, 3, 3), (), {"gain": math.sqrt(2.0)}),
        InitCase("no-gain", MATRIX, (0.0,)),
        InitCase("no-outputs", (0, 3)),
    )


def filled() -> tuple[InitCase, ...]:
    """The shapes of what draws nothing."""
    return tuple(InitCase(f"{s}", s) for s in ((), (1,), (7,), (0, 3), (2, 3, 1)))


def diracs() -> tuple[InitCase, ...]:
    """Kernels of one to three dimensions, odd and even, with and without groups."""
    shapes = ((2, 3, 3), (3, 2, 4), (2, 2, 3, 5), (3, 1, 2, 1), (2, 2, 1, 2, 3))
    return (
        *(InitCase(f"{shape}", shape) for shape in shapes),
        InitCase("groups", (6, 2, 3), (3,)),
        InitCase("few-inputs", (6, 1, 3, 3), (), {"groups": 2}),
        InitCase("depthwise", (4, 1, 3, 3), (4,)),
        InitCase("negative-groups", (4, 2, 3), (-2,)),
        InitCase("no-outputs", (0, 2, 3)),
    )


INITIALIZERS = (
    Initializer(
        "uniform",
        f"{NN_INIT}.uniform_",
        anywhere(
            InitCase("symmetric", MATRIX, (-0.25, 0.25)),
            InitCase("asymmetric", MATRIX, (-0.3, 1.6)),
            InitCase("by-name", MATRIX, (), {"b": 3.0, "a": 1.0}),
            InitCase("point", MATRIX, (2.0, 2.0)),
        ),
        differences="Complex dtypes are refused.",
    ),
    Initializer(
        "normal",
        f"{NN_INIT}.normal_",
        anywhere(
            InitCase("std", MATRIX, (0.0, 0.02)),
            InitCase("mean", (3, 5), (0.3, 1.7)),
            InitCase("mean-block", MATRIX, (), {"std": 1.7, "mean": 0.3}),
            InitCase("point", MATRIX, (2.0, 0.0)),
        ),
        differences="Complex dtypes are refused.",
    ),
    Initializer(
        "trunc_normal",
        f"{NN_INIT}.trunc_normal_",
        anywhere(
            InitCase("narrow", MATRIX, (), {"std": 0.02}),
            InitCase("cut", MATRIX, (0.0, 0.02, -0.02, 0.04)),
            InitCase("half", MATRIX, (0.0, 1.0, 0.0, INF)),
            InitCase("tail", MATRIX, (0.0, 1.0, 2.0, 3.0)),
            InitCase("far-tail", (3, 5), (0.3, 1.7, -12.0, -9.0)),
            InitCase("far-mean", (3, 5), (5.0,)),
            InitCase("middle", MATRIX, (0.1, 0.9), {"a": 0.0, "b": 0.3}),
            InitCase("point", MATRIX, (0.0, 1.0, 1.0, 1.0)),
            InitCase("negative-std", MATRIX, (0.0, -1.0)),
            InitCase("nan-mean", MATRIX, (NAN,)),
            InitCase("empty-tail", (0, 3), (9.0,)),
        ),
        differences=(
            "Generators of PyTorch older than 2.12 are refused. A number in a tail "
            "hangs on an ulp of a float32 logarithm with a probability below 1e-9."
        ),
    ),
    Initializer(
        "constant",
        f"{NN_INIT}.constant_",
        (
            InitCase("third", (3,), (1 / 3,)),
            InitCase("by-name", (2, 3), (), {"val": -2}),
            InitCase("infinite", (2,), (-INF,)),
            InitCase("nan", (2,), (NAN,)),
            InitCase("bool", (), (True,)),
            InitCase("empty", (0, 3), (1.0,)),
        ),
    ),
    Initializer("ones", f"{NN_INIT}.ones_", filled()),
    Initializer("zeros", f"{NN_INIT}.zeros_", filled()),
    Initializer(
        "eye",
        f"{NN_INIT}.eye_",
        tuple(InitCase(f"{s}", s) for s in ((1, 1), (3, 3), (2, 5), (5, 2), (0, 4))),
    ),
    Initializer("dirac", f"{NN_INIT}.dirac_", diracs()),
    Initializer("xavier_uniform", f"{NN_INIT}.xavier_uniform_", xavier()),
    Initializer("xavier_normal", f"{NN_INIT}.xavier_normal_", xavier()),
    Initializer("kaiming_uniform", f"{NN_INIT}.kaiming_uniform_", kaiming()),
    Initializer("kaiming_normal", f"{NN_INIT}.kaiming_normal_", kaiming()),
    Initializer(
        "orthogonal",
        f"{NN_INIT}.orthogonal_",
        weights(
            InitCase("gain", MATRIX, (5.0 / 3,)),
            InitCase("tall", (40, 8)),
            InitCase("negative-gain", (3, 2, 2), (), {"gain": -0.5}),
            InitCase("empty", (0, 3)),
        ),
        dtypes=("float32", "float64"),
        # PyTorch's own factor is in float32: 3.9e-7 from ours was measured.
        atol=1e-6,
        differences=(
            "QR factors: computed in float64 and rounded. PyTorch's float32 ones are "
            "up to 4e-7 off for rectangular weights, 5e-6 for square ones."
        ),
    ),
    Initializer(
        "sparse",
        f"{NN_INIT}.sparse_",
        (
            InitCase("tenth", (33, 5), (0.1,)),
            InitCase("half", MATRIX, (0.5, 1.0)),
            InitCase("by-name", (3, 4), (), {"std": 0.3, "sparsity": 0.4}),
            InitCase("dense", MATRIX, (0,)),
            InitCase("all", MATRIX, (1.0,)),
            InitCase("more-than-all", MATRIX, (1.5,)),
            InitCase("negative", MATRIX, (-0.3,)),
            InitCase("single", (1, 1), (0.5,)),
            InitCase("no-rows", (0, 3), (0.5,)),
            InitCase("no-columns", (3, 0), (0.5,)),
        ),
        differences="No generator of its own: rows and numbers come from one stream.",
    ),
)


def not_implemented(name: str, kernel: str, *args: float) -> BadInitializer:
    """Returns a call for an integer dtype, which PyTorch's kernel does not know."""
    words = f"\"{kernel}\" not implemented for 'Long'"
    return BadInitializer(name, (2, 3), args, NotImplementedError, words, dtype="int64")


FANS = "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions"
KAIMING = ("kaiming_uniform", "kaiming_normal")
XAVIER = ("xavier_uniform", "xavier_normal")
RANGE = "uniform_ expects to return a [from, to) range, but found from="
STD = "normal expects std >= 0.0, but found std "
LIMIT = "uniform_ expects to-from <= std::numeric_limits<{}>::max(), but found to="
OVERFLOW = "value cannot be converted to type "

BAD_INITIALIZERS = (
    BadInitializer("uniform", (2,), (2.0, 1.0), RuntimeError, f"{RANGE}2"),
    BadInitializer("uniform", (2,), (0.0, INF), RuntimeError, "to is out of bounds"),
    BadInitializer("uniform", (2,), (NAN, 1.0), RuntimeError, "from is out of bounds"),
    BadInitializer("uniform", (2,), (-3e38, 3e38), RuntimeError, LIMIT.format("Float")),
    BadInitializer(
        "uniform",
        (2,),
        (0, 1e5),
        RuntimeError,
        "to is out of bounds for c10::Half",
        dtype="float16",
    ),
    BadInitializer(
        "uniform",
        (2,),
        (-6e4, 6e4),
        RuntimeError,
        LIMIT.format("Half"),
        dtype="float16",
    ),
    BadInitializer("uniform", (2,), ("0",), TypeError, "must be float, not str"),
    not_implemented("uniform", "check_uniform_bounds"),
    BadInitializer("normal", (2,), (0.0, -1.0), RuntimeError, f"{STD}-1"),
    BadInitializer("normal", (2,), (0.0, NAN), RuntimeError, f"{STD}nan"),
    BadInitializer("normal", (2,), ("0",), TypeError, "must be float, not str"),
    not_implemented("normal", "normal_kernel_cpu"),
    BadInitializer("trunc_normal", (2,), (0, 1, 2, -2), RuntimeError, f"{RANGE}2"),
    BadInitializer("trunc_normal", (2,), (0, 0), ZeroDivisionError, "division by zero"),
    BadInitializer(
        "trunc_normal", (2,), (0, 1, 2, INF), RuntimeError, "to is out of bounds"
    ),
    BadInitializer(
        "trunc_normal", (2,), ("0",), TypeError, "'<' not supported between"
    ),
    not_implemented("trunc_normal", "normal_kernel_cpu"),
    not_implemented("trunc_normal", "check_uniform_bounds", 0.0, 1.0, 1.5, 2.0),
    BadInitializer("constant", (2,), (1e300,), RuntimeError, OVERFLOW),
    BadInitializer("constant", (2,), (1e5,), RuntimeError, OVERFLOW, dtype="float16"),
    BadInitializer("constant", (2,), ("0",), TypeError, "fill_() received an invalid"),
    BadInitializer("constant", (2,), (None,), TypeError, "fill_() received an invalid"),
    BadInitializer("eye", (3,), (), ValueError, "Only tensors with 2 dimensions are"),
    BadInitializer("eye", (3, 3, 3), (), ValueError, "Only tensors with 2 dimensions"),
    BadInitializer("dirac", (4, 2), (), ValueError, "with 3, 4, or 5 dimensions are"),
    BadInitializer("dirac", (1,) * 6, (), ValueError, "with 3, 4, or 5 dimensions are"),
    BadInitializer("dirac", (4, 2, 3), (3,), ValueError, "dim 0 must be divisible by"),
    BadInitializer("dirac", (4, 2, 3), (0,), ZeroDivisionError, "modulo by zero"),
    BadInitializer("dirac", (4, 2, 0), (), IndexError, "index 0 is out of bounds for"),
    *(BadInitializer(name, (4,), (), ValueError, FANS) for name in XAVIER + KAIMING),
    *(BadInitializer(name, (), (), ValueError, FANS) for name in XAVIER + KAIMING),
    *(
        BadInitializer(name, (0, 0), (), ZeroDivisionError, "division by zero")
        for name in XAVIER
    ),
    BadInitializer("xavier_uniform", (2, 3), (-1.0,), RuntimeError, f"{RANGE}1.0954"),
    BadInitializer("xavier_normal", (2, 3), (-1.0,), RuntimeError, f"{STD}-0.6324"),
    *(
        bad
        for name in KAIMING
        for bad in (
            BadInitializer(
                name,
                (4,),
                (0, "fan"),
                ValueError,
                "Mode fan not supported, please use one of ['fan_in', 'fan_out']",
            ),
            BadInitializer(
                name,
                (2, 3),
                (0, "fan_in", "gelu"),
                ValueError,
                "Unsupported nonlinearity gelu",
            ),
            BadInitializer(
                name,
                (2, 3),
                (True,),
                ValueError,
                "negative_slope True not a valid number",
            ),
        )
    ),
    not_implemented("xavier_uniform", "check_uniform_bounds"),
    not_implemented("xavier_normal", "normal_kernel_cpu"),
    not_implemented("kaiming_uniform", "check_uniform_bounds"),
    not_implemented("kaiming_normal", "normal_kernel_cpu"),
    BadInitializer("orthogonal", (4,), (), ValueError, "Only tensors with 2 or more"),
    BadInitializer(
        "orthogonal",
        (2, 3),
        (),
        NotImplementedError,
        "\"geqrf_cpu\" not implemented for 'BFloat16'",
        dtype="bfloat16",
    ),
    not_implemented("orthogonal", "normal_kernel_cpu"),
    BadInitializer(
        "sparse", (4,), (0.1,), ValueError, "Only tensors with 2 dimensions"
    ),
    BadInitializer("sparse", (4, 2), (), TypeError, "'sparsity'"),
    BadInitializer("sparse", (4, 2), (NAN,), ValueError, "cannot convert float NaN to"),
    BadInitializer("sparse", (4, 2), (0.1, -1.0), RuntimeError, f"{STD}-1"),
    not_implemented("sparse", "normal_kernel_cpu", 0.1),
)
