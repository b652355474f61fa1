"""Traces of runs: what PyTorch did, what JAX did, and where the two part.

`recorder.py` records the PyTorch side. It imports neither flaxnn nor JAX, and nothing
here imports it: `recorder_path` says where it is, to be copied beside the script.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flaxnn import _lazy

if TYPE_CHECKING:
    from flaxnn.parity._compare import compare as compare
    from flaxnn.parity._diverge import diverge as diverge
    from flaxnn.parity._finding import Cause as Cause
    from flaxnn.parity._finding import Divergence as Divergence
    from flaxnn.parity._finding import Finding as Finding
    from flaxnn.parity._record import record as record
    from flaxnn.parity._recorder_path import recorder_path as recorder_path
    from flaxnn.parity._trace import Trace as Trace
    from flaxnn.parity._trace_lines import TraceError as TraceError
    from flaxnn.parity._trace_step import Call as Call
    from flaxnn.parity._trace_step import State as State
    from flaxnn.parity._trace_step import Step as Step
    from flaxnn.parity._writing import TraceWriter as TraceWriter
    from flaxnn.parity._writing import checksum as checksum

__all__ = [
    "Call",
    "Cause",
    "Divergence",
    "Finding",
    "State",
    "Step",
    "Trace",
    "TraceError",
    "TraceWriter",
    "checksum",
    "compare",
    "diverge",
    "record",
    "recorder_path",
]

__getattr__, __dir__ = _lazy.attach(
    __name__,
    subpackages=(),
    names={
        "Cause": "flaxnn.parity._finding",
        "Divergence": "flaxnn.parity._finding",
        "Finding": "flaxnn.parity._finding",
        "compare": "flaxnn.parity._compare",
        "diverge": "flaxnn.parity._diverge",
        "Call": "flaxnn.parity._trace_step",
        "State": "flaxnn.parity._trace_step",
        "Step": "flaxnn.parity._trace_step",
        "Trace": "flaxnn.parity._trace",
        "TraceError": "flaxnn.parity._trace_lines",
        "TraceWriter": "flaxnn.parity._writing",
        "checksum": "flaxnn.parity._writing",
        "record": "flaxnn.parity._record",
        "recorder_path": "flaxnn.parity._recorder_path",
    },
)
