# SPDX-License-Identifier: Apache-2.0
"""PyTorch's modules as Flax NNX modules: its names, shapes, draws and printing."""

from flaxnn.nn._adaptive_pool import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveAvgPool3d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AdaptiveMaxPool3d,
)
from flaxnn.nn._attention import MultiheadAttention
from flaxnn.nn._avg_pool import (
    AvgPool1d,
    AvgPool2d,
    AvgPool3d,
    LPPool1d,
    LPPool2d,
    LPPool3d,
)
from flaxnn.nn._batch_norm import BatchNorm1d, BatchNorm2d, BatchNorm3d
from flaxnn.nn._bilinear import Bilinear
from flaxnn.nn._container import ModuleList, Sequential
from flaxnn.nn._convolution import Conv1d, Conv2d, Conv3d
from flaxnn.nn._convolution_transposed import (
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from flaxnn.nn._distance import (
    CosineEmbeddingLoss,
    CosineSimilarity,
    PairwiseDistance,
    TripletMarginLoss,
    TripletMarginWithDistanceLoss,
)
from flaxnn.nn._dropout import (
    AlphaDropout,
    Dropout,
    Dropout1d,
    Dropout2d,
    Dropout3d,
    FeatureAlphaDropout,
)
from flaxnn.nn._embedding import Embedding
from flaxnn.nn._exponential_units import CELU, ELU, SELU
from flaxnn.nn._gated import GELU, GLU, Mish, SiLU
from flaxnn.nn._hard import Hardsigmoid, Hardswish
from flaxnn.nn._host_draws import HostDraw, drawing, host_draw, providing, recording
from flaxnn.nn._identity import Identity
from flaxnn.nn._instance_norm import InstanceNorm1d, InstanceNorm2d, InstanceNorm3d
from flaxnn.nn._layer_norm import GroupNorm, LayerNorm, LocalResponseNorm, RMSNorm
from flaxnn.nn._layouts import Layout
from flaxnn.nn._leaky import LeakyReLU, PReLU, RReLU
from flaxnn.nn._linear import Flatten, Linear
from flaxnn.nn._loading import PrefixWarning
from flaxnn.nn._loss import (
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    L1Loss,
    MSELoss,
    NLLLoss,
)
from flaxnn.nn._margin_loss import (
    HingeEmbeddingLoss,
    MarginRankingLoss,
    MultiLabelMarginLoss,
    MultiLabelSoftMarginLoss,
    MultiMarginLoss,
    SoftMarginLoss,
)
from flaxnn.nn._max_pool import (
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
    MaxUnpool1d,
    MaxUnpool2d,
    MaxUnpool3d,
)
from flaxnn.nn._module import Module
from flaxnn.nn._module_dict import ModuleDict
from flaxnn.nn._padding import (
    CircularPad1d,
    CircularPad2d,
    CircularPad3d,
    ConstantPad1d,
    ConstantPad2d,
    ConstantPad3d,
    ReflectionPad1d,
    ReflectionPad2d,
    ReflectionPad3d,
    ReplicationPad1d,
    ReplicationPad2d,
    ReplicationPad3d,
    ZeroPad1d,
    ZeroPad2d,
    ZeroPad3d,
)
from flaxnn.nn._parameter import Buffer, Parameter
from flaxnn.nn._rectifiers import Hardtanh, ReLU, ReLU6, Threshold
from flaxnn.nn._recurrent import GRU, LSTM, RNN
from flaxnn.nn._recurrent_cell import GRUCell, LSTMCell, RNNCell
from flaxnn.nn._regression_loss import (
    GaussianNLLLoss,
    HuberLoss,
    KLDivLoss,
    PoissonNLLLoss,
    SmoothL1Loss,
)
from flaxnn.nn._reshaping import Fold, PixelShuffle, PixelUnshuffle, Unflatten, Unfold
from flaxnn.nn._rules import Rule
from flaxnn.nn._shrinkage import Hardshrink, Softshrink, Tanhshrink
from flaxnn.nn._sigmoids import LogSigmoid, Sigmoid, Softplus, Softsign, Tanh
from flaxnn.nn._softmax import LogSoftmax, Softmax, Softmax2d, Softmin
from flaxnn.nn._state_dict import (
    astype,
    functional_call,
    load_state_dict,
    to_state_dict,
)

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "GRU",
    "LSTM",
    "RNN",
    "SELU",
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AlphaDropout",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "Bilinear",
    "Buffer",
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "CosineEmbeddingLoss",
    "CosineSimilarity",
    "CrossEntropyLoss",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Dropout3d",
    "Embedding",
    "FeatureAlphaDropout",
    "Flatten",
    "Fold",
    "GRUCell",
    "GaussianNLLLoss",
    "GroupNorm",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "HingeEmbeddingLoss",
    "HostDraw",
    "HuberLoss",
    "Identity",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "KLDivLoss",
    "L1Loss",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "LSTMCell",
    "LayerNorm",
    "Layout",
    "LeakyReLU",
    "Linear",
    "LocalResponseNorm",
    "LogSigmoid",
    "LogSoftmax",
    "MSELoss",
    "MarginRankingLoss",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
    "Mish",
    "Module",
    "ModuleDict",
    "ModuleList",
    "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "MultiheadAttention",
    "NLLLoss",
    "PReLU",
    "PairwiseDistance",
    "Parameter",
    "PixelShuffle",
    "PixelUnshuffle",
    "PoissonNLLLoss",
    "PrefixWarning",
    "RMSNorm",
    "RNNCell",
    "RReLU",
    "ReLU",
    "ReLU6",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "Rule",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SmoothL1Loss",
    "SoftMarginLoss",
    "Softmax",
    "Softmax2d",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
    "TripletMarginLoss",
    "TripletMarginWithDistanceLoss",
    "Unflatten",
    "Unfold",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
    "astype",
    "drawing",
    "functional_call",
    "host_draw",
    "load_state_dict",
    "providing",
    "recording",
    "to_state_dict",
]
