"""Show that a port of a training run is right.

`certify` proves a port in float64 and measures it in float32 beside PyTorch's own
noise. JAX is imported at the first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flaxnn import _lazy

if TYPE_CHECKING:
    from flaxnn.parity._certificate import Certificate as Certificate
    from flaxnn.parity._certificate import Losses as Losses
    from flaxnn.parity._certificate_page import certificates_page as certificates_page
    from flaxnn.parity._certify import certify as certify
    from flaxnn.parity._checks import Check as Check
    from flaxnn.parity._noise import NoiseFloor as NoiseFloor
    from flaxnn.parity._recording import Recording as Recording
    from flaxnn.parity._recording import Sample as Sample
    from flaxnn.parity._reference import Reference as Reference
    from flaxnn.parity._variant import Variant as Variant

__all__ = [
    "Certificate",
    "Check",
    "Losses",
    "NoiseFloor",
    "Recording",
    "Reference",
    "Sample",
    "Variant",
    "certificates_page",
    "certify",
]

__getattr__, __dir__ = _lazy.attach(
    __name__,
    subpackages=(),
    names={
        "Certificate": "flaxnn.parity._certificate",
        "Check": "flaxnn.parity._checks",
        "Losses": "flaxnn.parity._certificate",
        "NoiseFloor": "flaxnn.parity._noise",
        "Recording": "flaxnn.parity._recording",
        "Reference": "flaxnn.parity._reference",
        "Sample": "flaxnn.parity._recording",
        "Variant": "flaxnn.parity._variant",
        "certificates_page": "flaxnn.parity._certificate_page",
        "certify": "flaxnn.parity._certify",
    },
)
