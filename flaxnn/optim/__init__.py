"""PyTorch's optimisers as optax gradient transformations.

Each has PyTorch's formula, defaults and argument checks, and works in any optax
chain and on any pytree of floating-point arrays.
"""

from flaxnn.optim._adam import AdamState, adam, adamw
from flaxnn.optim._adamax import AdamaxState, adamax
from flaxnn.optim._nadam import NAdamState, nadam
from flaxnn.optim._radam import RAdamState, radam
from flaxnn.optim._sgd import SGDState, sgd

__all__ = [
    "AdamState",
    "AdamaxState",
    "NAdamState",
    "RAdamState",
    "SGDState",
    "adam",
    "adamax",
    "adamw",
    "nadam",
    "radam",
    "sgd",
]
