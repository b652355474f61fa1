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
from flaxnn.nn._batch_norm import BatchNorm1d, BatchNorm2d, BatchNorm3d
from flaxnn.nn._bilinear import Bilinear
from flaxnn.nn._container import ModuleList, Sequential
from flaxnn.nn._dropout import (
    AlphaDropout,
    Dropout,
    Dropout1d,
    Dropout2d,
    Dropout3d,
    FeatureAlphaDropout,
)
from flaxnn.nn._embedding import Embedding
from flaxnn.nn._host_draws import HostDraw, drawing, host_draw, providing, recording
from flaxnn.nn._identity import Identity
from flaxnn.nn._instance_norm import InstanceNorm1d, InstanceNorm2d, InstanceNorm3d
from flaxnn.nn._layer_norm import GroupNorm, LayerNorm, LocalResponseNorm, RMSNorm
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
from flaxnn.nn._module_dict import ModuleDict
from flaxnn.nn._parameter import Buffer, Parameter
from flaxnn.nn._state_dict import astype, functional_call, load_state_dict

__all__ = [
    "ELU",
    "AlphaDropout",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "Bilinear",
    "Buffer",
    "CrossEntropyLoss",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Dropout3d",
    "Embedding",
    "FeatureAlphaDropout",
    "Flatten",
    "GroupNorm",
    "HostDraw",
    "Identity",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "L1Loss",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LocalResponseNorm",
    "LogSigmoid",
    "LogSoftmax",
    "MSELoss",
    "Module",
    "ModuleDict",
    "ModuleList",
    "NLLLoss",
    "Parameter",
    "RMSNorm",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "astype",
    "drawing",
    "functional_call",
    "host_draw",
    "load_state_dict",
    "providing",
    "recording",
]
