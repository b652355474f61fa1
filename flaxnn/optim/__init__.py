"""PyTorch's optimisers as optax gradient transformations.

Each has PyTorch's formula, defaults and argument checks, and works in any optax
chain and on any pytree of floating-point arrays.
"""

from flaxnn.optim import lr_scheduler
from flaxnn.optim._adam import AdamState, adam
from flaxnn.optim._scheduled import ScheduledState, scheduled
from flaxnn.optim._sgd import SGDState, sgd

__all__ = [
    "AdamState",
    "SGDState",
    "ScheduledState",
    "adam",
    "lr_scheduler",
    "scheduled",
    "sgd",
]
