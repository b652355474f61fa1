"""What a person reads: arrays as PyTorch prints them, and tables of figures."""

from flaxnn.report._figures import failures, figures_table, print_json
from flaxnn.report._tensor_text import tensor_text

__all__ = ["failures", "figures_table", "print_json", "tensor_text"]
