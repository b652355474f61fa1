"""PyTorch's modules as Flax NNX modules: its names, shapes, draws and printing."""

from flaxnn.nn._activation import (
    ELU,
    LeakyReLU,
    LogSigmoid,
    LogSoftmax,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)
from flaxnn.nn._container import Sequential
from flaxnn.nn._host_draws import HostDraw, host_draw, providing, recording
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
from flaxnn.nn._state_dict import astype, functional_call, load_state_dict

__all__ = [
    "ELU",
    "BCELoss",
    "BCEWithLogitsLoss",
    "Buffer",
    "CrossEntropyLoss",
    "Flatten",
    "HostDraw",
    "L1Loss",
    "LeakyReLU",
    "Linear",
    "LogSigmoid",
    "LogSoftmax",
    "MSELoss",
    "Module",
    "NLLLoss",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "astype",
    "functional_call",
    "host_draw",
    "load_state_dict",
    "providing",
    "recording",
]
