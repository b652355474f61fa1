# SPDX-License-Identifier: Apache-2.0
"""Show that a port of a training run is right, and find where it is not.

`recorder.py` records a PyTorch run, `record` one of ours; `diverge` finds the first
step, phase and layer at which a port leaves a trace, `compare` where two traces part.
`certify` proves a port in float64 and measures it in float32 beside PyTorch's own
noise. JAX is imported at the first use, and the recorder never: it is copied to where
PyTorch is.
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
    from flaxnn.parity._compare import compare as compare
    from flaxnn.parity._diverge import diverge as diverge
    from flaxnn.parity._example_path import example_path as example_path
    from flaxnn.parity._finding import Cause as Cause
    from flaxnn.parity._finding import Divergence as Divergence
    from flaxnn.parity._finding import Finding as Finding
    from flaxnn.parity._noise import NoiseFloor as NoiseFloor
    from flaxnn.parity._record import record as record
    from flaxnn.parity._recorder_path import recorder_path as recorder_path
    from flaxnn.parity._recording import Recording as Recording
    from flaxnn.parity._recording import Sample as Sample
    from flaxnn.parity._reference import Reference as Reference
    from flaxnn.parity._trace import Trace as Trace
    from flaxnn.parity._trace_lines import TraceError as TraceError
    from flaxnn.parity._trace_step import Call as Call
    from flaxnn.parity._trace_step import State as State
    from flaxnn.parity._trace_step import Step as Step
    from flaxnn.parity._variant import Variant as Variant
    from flaxnn.parity._writing import TraceWriter as TraceWriter
    from flaxnn.parity._writing import checksum as checksum

__all__ = [
    "Call",
    "Cause",
    "Certificate",
    "Check",
    "Divergence",
    "Finding",
    "Losses",
    "NoiseFloor",
    "Recording",
    "Reference",
    "Sample",
    "State",
    "Step",
    "Trace",
    "TraceError",
    "TraceWriter",
    "Variant",
    "certificates_page",
    "certify",
    "checksum",
    "compare",
    "diverge",
    "example_path",
    "record",
    "recorder_path",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = _lazy.attach(
        __name__,
        subpackages=(),
        names={
            "Call": "flaxnn.parity._trace_step",
            "Cause": "flaxnn.parity._finding",
            "Certificate": "flaxnn.parity._certificate",
            "Check": "flaxnn.parity._checks",
            "Divergence": "flaxnn.parity._finding",
            "Finding": "flaxnn.parity._finding",
            "Losses": "flaxnn.parity._certificate",
            "NoiseFloor": "flaxnn.parity._noise",
            "Recording": "flaxnn.parity._recording",
            "Reference": "flaxnn.parity._reference",
            "Sample": "flaxnn.parity._recording",
            "State": "flaxnn.parity._trace_step",
            "Step": "flaxnn.parity._trace_step",
            "Trace": "flaxnn.parity._trace",
            "TraceError": "flaxnn.parity._trace_lines",
            "TraceWriter": "flaxnn.parity._writing",
            "Variant": "flaxnn.parity._variant",
            "certificates_page": "flaxnn.parity._certificate_page",
            "certify": "flaxnn.parity._certify",
            "checksum": "flaxnn.parity._writing",
            "compare": "flaxnn.parity._compare",
            "diverge": "flaxnn.parity._diverge",
            "example_path": "flaxnn.parity._example_path",
            "record": "flaxnn.parity._record",
            "recorder_path": "flaxnn.parity._recorder_path",
        },
    )
