"""PyTorch's parameter initialisers, as functions from a shape to an array.

Every initialiser of ``torch.nn.init`` fills a tensor in place; here it returns a
new array and takes the shape first. With a `flaxnn.random.Generator` the numbers
are PyTorch's (T0); with `flax.nnx.Rngs` they follow the same distribution, drawn
from JAX keys.
"""

from flaxnn.init._constant import constant, ones, zeros
from flaxnn.init._kaiming import calculate_gain, fan_in_and_fan_out, kaiming_uniform
from flaxnn.init._normal import normal
from flaxnn.init._source import Source
from flaxnn.init._uniform import uniform

__all__ = [
    "Source",
    "calculate_gain",
    "constant",
    "fan_in_and_fan_out",
    "kaiming_uniform",
    "normal",
    "ones",
    "uniform",
    "zeros",
]
