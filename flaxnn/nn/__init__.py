"""PyTorch's modules as Flax NNX modules: its names, shapes, draws and printing."""

from flaxnn.nn._container import Sequential
from flaxnn.nn._exponential_units import CELU, ELU, SELU
from flaxnn.nn._gated import GELU, GLU, Mish, SiLU
from flaxnn.nn._hard import Hardsigmoid, Hardswish
from flaxnn.nn._host_draws import HostDraw, host_draw, providing, recording
from flaxnn.nn._leaky import LeakyReLU, PReLU, RReLU
from flaxnn.nn._linear import Flatten, Linear
from flaxnn.nn._loss import (
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    L1Loss,
    MSELoss,
    NLLLoss,
)
from flaxnn.nn._module import Module
from flaxnn.nn._parameter import Buffer, Parameter
from flaxnn.nn._rectifiers import Hardtanh, ReLU, ReLU6, Threshold
from flaxnn.nn._shrinkage import Hardshrink, Softshrink, Tanhshrink
from flaxnn.nn._sigmoids import LogSigmoid, Sigmoid, Softplus, Softsign, Tanh
from flaxnn.nn._softmax import LogSoftmax, Softmax, Softmax2d, Softmin
from flaxnn.nn._state_dict import astype, functional_call, load_state_dict

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "SELU",
    "BCELoss",
    "BCEWithLogitsLoss",
    "Buffer",
    "CrossEntropyLoss",
    "Flatten",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "HostDraw",
    "L1Loss",
    "LeakyReLU",
    "Linear",
    "LogSigmoid",
    "LogSoftmax",
    "MSELoss",
    "Mish",
    "Module",
    "NLLLoss",
    "PReLU",
    "Parameter",
    "RReLU",
    "ReLU",
    "ReLU6",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softmax2d",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
    "astype",
    "functional_call",
    "host_draw",
    "load_state_dict",
    "providing",
    "recording",
]
