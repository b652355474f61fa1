# SPDX-License-Identifier: Apache-2.0
"""What a person reads: pictures, arrays as PyTorch prints them, tables, a page."""

from flaxnn.report._band_plot import plot_bands
from flaxnn.report._calibration_plot import plot_calibration
from flaxnn.report._decision_plot import plot_decision_boundary
from flaxnn.report._figures import failures, figures_table, print_json
from flaxnn.report._grades import grades_table, totals_table
from flaxnn.report._history_plot import plot_history
from flaxnn.report._image_plots import plot_predictions, plot_weight_images
from flaxnn.report._loss_plot import plot_losses
from flaxnn.report._matrix_plots import plot_confusion_matrix, plot_probabilities
from flaxnn.report._page import Page
from flaxnn.report._page_table import Cell, Value
from flaxnn.report._parameter_map import plot_parameter_map
from flaxnn.report._sigmoid_plot import plot_fitted_sigmoid
from flaxnn.report._softmax_plot import plot_softmax
from flaxnn.report._style import require_matplotlib
from flaxnn.report._tensor_text import tensor_text

__all__ = [
    "Cell",
    "Page",
    "Value",
    "failures",
    "figures_table",
    "grades_table",
    "plot_bands",
    "plot_calibration",
    "plot_confusion_matrix",
    "plot_decision_boundary",
    "plot_fitted_sigmoid",
    "plot_history",
    "plot_losses",
    "plot_parameter_map",
    "plot_predictions",
    "plot_probabilities",
    "plot_softmax",
    "plot_weight_images",
    "print_json",
    "require_matplotlib",
    "tensor_text",
    "totals_table",
]
