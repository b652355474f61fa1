"""PyTorch's files and safetensors, in and out, without PyTorch."""

from flaxnn.interop._errors import FileFormatError

__all__ = [
    "FileFormatError",
]
