# SPDX-License-Identifier: Apache-2.0
"""PyTorch's parameter initialisers, as functions from a shape to an array.

Every initialiser of ``torch.nn.init`` fills a tensor in place; here it returns a
new array and takes the shape first. With a `flaxnn.random.Generator` the numbers
are PyTorch's (T0); with `flax.nnx.Rngs` they follow the same distribution, drawn
from JAX keys.
"""

from flaxnn.init._constant import constant, ones, zeros
from flaxnn.init._fans import calculate_gain, fan_in_and_fan_out
from flaxnn.init._identity import dirac, eye
from flaxnn.init._kaiming import kaiming_normal, kaiming_uniform
from flaxnn.init._normal import normal
from flaxnn.init._orthogonal import orthogonal
from flaxnn.init._source import Source
from flaxnn.init._sparse import sparse
from flaxnn.init._trunc_normal import trunc_normal
from flaxnn.init._uniform import uniform
from flaxnn.init._xavier import xavier_normal, xavier_uniform

__all__ = [
    "Source",
    "calculate_gain",
    "constant",
    "dirac",
    "eye",
    "fan_in_and_fan_out",
    "kaiming_normal",
    "kaiming_uniform",
    "normal",
    "ones",
    "orthogonal",
    "sparse",
    "trunc_normal",
    "uniform",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]
