# SPDX-License-Identifier: Apache-2.0
"""Each notebook asserts every figure that its document prints."""

from __future__ import annotations

import json
import runpy
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import jax
import pytest

from flaxnn import data, reproduce
from flaxnn._errors import DataNotFoundError

FIGURES = json.loads(
    resources.files("flaxnn.reproduce").joinpath("figures.json").read_text()
)
# What the documents print and no notebook can compute.
NOT_COMPUTED = {
    # Inputs of a layer, from a session of unknown seed; its outputs are computed.
    ("004", "relu", "before"),
    ("004", "softmax", "logits"),
    # From no seed; the notebook shows them, and says why.
    ("001", "simple_multiclass", "losses"),
}


class Checked:
    """The references that figures were held to, as they were compared."""

    def __init__(self) -> None:
        self.numbers: Counter[str] = Counter()
        self.texts: set[str] = set()


@pytest.fixture
def run(
    examples: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[[str], Checked]:
    """Runs an example without the images, and records what it compares."""
    checked = Checked()
    printed, exact, load = reproduce.printed, reproduce.exact, data.load

    def record_printed(*args: Any, **kwargs: Any) -> Iterator[reproduce.Figure]:
        for figure in printed(*args, **kwargs):
            assert figure.passed
            checked.numbers[figure.reference] += 1
            yield figure

    def record_exact(*args: Any) -> reproduce.Figure:
        figure = exact(*args)
        assert figure.passed
        checked.texts.add(figure.reference)
        return figure

    def load_tables(name: str, *args: Any) -> data.Dataset:
        if name == "fashion_mnist":
            raise DataNotFoundError("no images in this test")
        return load(name, *args)

    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reproduce, "printed", record_printed)
    monkeypatch.setattr(reproduce, "exact", record_exact)
    monkeypatch.setattr(data, "load", load_tables)

    def run_script(name: str) -> Checked:
        runpy.run_path(str(examples / f"{name}.py"), run_name="__main__")
        return checked

    return run_script


def _numbers(value: Any, path: tuple[str, ...]) -> Iterator[str]:
    """The numbers, as strings, that figures.json has below a path."""
    if path in NOT_COMPUTED:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _numbers(inner, (*path, key))
    elif isinstance(value, list):
        for inner in value:
            yield from _numbers(inner, path)
    elif isinstance(value, str):
        try:
            float(value)
        except ValueError:
            return
        yield value


def _texts(document: str) -> set[str]:
    """The texts of a document, as its notebook compares them."""
    figures = FIGURES[document]
    if document == "000":
        # Quoted within a sentence on when it is said.
        return {figures["warning"].split("'")[1]}
    if document == "001":
        assert figures["overflow"]["np.exp(1000)"].startswith("inf")
        return {*figures["errors"].values(), "np.float64(inf)"}
    if document == "002":
        return {str(figures["multinomial"]["predict"]["class"])}
    layers = (f"{name} {shape}" for name, shape in figures["named_parameters"])
    shapes = (str(shape) for shape in figures["shapes"].values())
    return {"\n".join(figures["structure_print"]), "\n".join(layers), *shapes}


@pytest.mark.parametrize(
    ("document", "name", "count"),
    [
        ("000", "output_layer", 19),
        ("001", "activations_and_errors", 15),
        ("002", "logistic_regression", 184),
        ("004", "neural_network", 638),
    ],
)
def test_every_figure_of_the_document_is_asserted(
    run: Callable[[str], Checked], document: str, name: str, count: int
) -> None:
    wanted = Counter(_numbers(FIGURES[document], (document,)))
    assert wanted.total() == count
    checked = run(name)
    assert wanted - checked.numbers == Counter()
    assert _texts(document) - checked.texts == set()


def test_the_document_without_figures_is_held_to_pytorch(
    run: Callable[[str], Checked],
) -> None:
    assert "003" not in FIGURES
    checked = run("batched_softmax")
    assert checked.numbers.total() == 10 + 1 + 28 + 4
    assert len(checked.texts) == 1


def test_without_images_the_training_is_skipped_and_says_so(
    run: Callable[[str], Checked], capsys: pytest.CaptureFixture[str]
) -> None:
    run("neural_network")
    assert "\nskipped: no images in this test\n" in capsys.readouterr().out


@pytest.fixture
def cell(examples: Path) -> dict[str, Any]:
    """The names that the notebooks' second cell defines."""
    return runpy.run_path(str(examples / "source" / "check_cell.py"))


def test_check_reads_a_print_out(
    cell: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    cell["check"](
        "row", "tensor([[ 0.25, -1.0e-03, nan, 2.]])", [0.25, -1e-3, float("nan"), 2]
    )
    assert capsys.readouterr().out.startswith("✓ row: 4 of 4 numbers as printed")


@pytest.mark.parametrize(
    ("printed", "ours", "tolerance"),
    [
        ("0.1235", 0.1234, None),
        ("0.1235", float("nan"), None),
        ("nan", 0.5, None),
        ("0.50", 0.52, 0.01),
    ],
)
def test_check_stops_at_a_wrong_digit(
    cell: dict[str, Any], printed: str, ours: float, tolerance: float | None
) -> None:
    with pytest.raises(AssertionError):
        cell["check"]("number", printed, ours, tolerance=tolerance)


def test_check_wants_as_many_numbers(cell: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"prints \(2,\), got \(1,\)"):
        cell["check"]("numbers", "0.5 0.6", [0.5])


def test_check_goes_on_where_digits_were_never_measured(
    cell: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(jax, "default_backend", lambda: "tpu")
    cell["check"]("number", "0.1235", 0.1234)
    assert capsys.readouterr().out.startswith("✗ number: 0 of 1 numbers as printed")


def test_check_text_stops_at_a_wrong_word(cell: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match="expected Linear\ngot Conv"):
        cell["check_text"]("layer", "Linear", "Conv")
