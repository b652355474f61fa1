"""PyTorch's files and safetensors, in and out, without PyTorch."""

from flaxnn.interop._errors import FileFormatError
from flaxnn.interop._load import load

__all__ = [
    "FileFormatError",
    "load",
]
