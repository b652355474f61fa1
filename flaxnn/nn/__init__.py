"""PyTorch's modules as Flax NNX modules: its names, shapes, draws and printing."""

from flaxnn.nn._attention import MultiheadAttention
from flaxnn.nn._container import Sequential
from flaxnn.nn._distance import (
    CosineEmbeddingLoss,
    CosineSimilarity,
    PairwiseDistance,
    TripletMarginLoss,
    TripletMarginWithDistanceLoss,
)
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
from flaxnn.nn._margin_loss import (
    HingeEmbeddingLoss,
    MarginRankingLoss,
    MultiLabelMarginLoss,
    MultiLabelSoftMarginLoss,
    MultiMarginLoss,
    SoftMarginLoss,
)
from flaxnn.nn._module import Module
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
from flaxnn.nn._shrinkage import Hardshrink, Softshrink, Tanhshrink
from flaxnn.nn._sigmoids import LogSigmoid, Sigmoid, Softplus, Softsign, Tanh
from flaxnn.nn._softmax import LogSoftmax, Softmax, Softmax2d, Softmin
from flaxnn.nn._state_dict import astype, functional_call, load_state_dict

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "GRU",
    "LSTM",
    "RNN",
    "SELU",
    "BCELoss",
    "BCEWithLogitsLoss",
    "Buffer",
    "CosineEmbeddingLoss",
    "CosineSimilarity",
    "CrossEntropyLoss",
    "Flatten",
    "GRUCell",
    "GaussianNLLLoss",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "HingeEmbeddingLoss",
    "HostDraw",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "LSTMCell",
    "LeakyReLU",
    "Linear",
    "LogSigmoid",
    "LogSoftmax",
    "MSELoss",
    "MarginRankingLoss",
    "Mish",
    "Module",
    "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "MultiheadAttention",
    "NLLLoss",
    "PReLU",
    "PairwiseDistance",
    "Parameter",
    "PoissonNLLLoss",
    "RNNCell",
    "RReLU",
    "ReLU",
    "ReLU6",
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
    "astype",
    "functional_call",
    "host_draw",
    "load_state_dict",
    "providing",
    "recording",
]
