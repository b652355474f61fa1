# SPDX-License-Identifier: Apache-2.0
"""Scripts and notebooks are what their texts say, and notebooks run on this Python."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
# Each of these is about a document.
DOCUMENTS = (
    "activations_and_errors",
    "batched_softmax",
    "logistic_regression",
    "neural_network",
    "output_layer",
)
LICENCE = "# SPDX-License-Identifier: Apache-2.0"
NAMES = sorted(path.stem for path in (EXAMPLES / "source").glob("*.md"))
TRANSLATIONS = sorted(
    f"ko/{path.stem}" for path in (EXAMPLES / "source/ko").glob("*.md")
)


def _code(notebook) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def _text(build: ModuleType, name: str):
    return build.Text(build.SOURCE, name)


def test_each_document_has_a_text_in_both_languages() -> None:
    assert set(DOCUMENTS) <= set(NAMES)
    assert [f"ko/{name}" for name in DOCUMENTS] == TRANSLATIONS


def test_scripts_and_notebooks_are_up_to_date(
    build: ModuleType, examples: Path
) -> None:
    assert build.stale(build.texts(), examples) == []


def test_what_is_out_of_date_is_found(build: ModuleType, tmp_path: Path) -> None:
    build.write(build.texts(), tmp_path)
    assert build.stale(build.texts(), tmp_path) == []

    (tmp_path / "batched_softmax.ipynb").unlink()
    (tmp_path / "foreign.py").touch()
    script = tmp_path / "output_layer.py"
    script.write_text(script.read_text("utf-8") + "# changed\n", "utf-8")
    foreign, *rest = build.stale(build.texts(), tmp_path)
    assert foreign == "foreign.py: no text makes it"
    assert [fault.split("\n")[0] for fault in rest] == [
        "batched_softmax.ipynb: not as its text makes it; run build.py",
        "output_layer.py: not as its text makes it; run build.py",
    ]
    assert "-# changed" in rest[1]


def _shared(build: ModuleType, file: str) -> str:
    source = (build.SOURCE / file).read_text("utf-8")
    return source.removeprefix(f"{LICENCE}\n").rstrip()


@pytest.mark.parametrize("name", NAMES)
def test_every_notebook_starts_with_the_first_cell(
    build: ModuleType, name: str
) -> None:
    first, *_ = _code(build.notebook(_text(build, name)))
    assert first == _shared(build, "first_cell.py")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_s_notebook_goes_on_with_the_checks(
    build: ModuleType, name: str
) -> None:
    _, second, *_ = _code(build.notebook(_text(build, name)))
    assert second == _shared(build, "check_cell.py")


@pytest.mark.parametrize("name", [*NAMES, *TRANSLATIONS])
def test_a_notebook_has_no_outputs(
    build: ModuleType, examples: Path, name: str
) -> None:
    notebook = build.nbformat.read(examples / f"{name}.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert cells
    assert [cell for cell in cells if cell.outputs or cell.execution_count] == []
    assert notebook.metadata.kernelspec.name == "python3"


@pytest.mark.parametrize("name", NAMES)
def test_script_and_notebook_have_the_same_cells(
    build: ModuleType, examples: Path, name: str
) -> None:
    notebook = build.nbformat.read(examples / f"{name}.ipynb", as_version=4)
    script = sys.modules["jupytext"].read(examples / f"{name}.py", fmt="py:percent")
    # The script opens with a note on where it comes from, which reads as a cell.
    note = f"{LICENCE}\n# Made by source/build.py from source/{name}.md"
    assert script.cells[0].source.startswith(note)
    assert [(cell.cell_type, cell.source) for cell in script.cells[1:]] == [
        (cell.cell_type, cell.source) for cell in notebook.cells
    ]


@pytest.mark.parametrize("name", NAMES)
def test_prose_is_in_cells_of_its_own(build: ModuleType, name: str) -> None:
    """A notebook in another language then has the same code."""
    notebook = build.notebook(_text(build, name))
    assert notebook.cells[0].cell_type == "markdown"
    comments = [
        line.strip()
        for source in _code(notebook)[2:]
        for line in source.splitlines()
        if line.strip().startswith("#")
    ]
    assert comments == []


def test_every_notebook_is_executed_its_translation_last(build: ModuleType) -> None:
    groups = sys.modules["_execution"].groups(build.texts())
    names = [[text.name for text in group] for group in groups]
    translated = [[name, f"ko/{name}"] for name in DOCUMENTS]
    english = [[name] for name in NAMES if name not in DOCUMENTS]
    assert names == sorted(translated + english)


# Jupyter's own libraries deprecate parts of each other.
@pytest.mark.filterwarnings("default")
def test_a_notebook_runs_on_this_python(build: ModuleType, tmp_path: Path) -> None:
    pytest.importorskip("nbclient", reason="nbclient is not installed")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    errors = pytest.importorskip("nbclient.exceptions", reason="no nbclient")
    execution = sys.modules["_execution"]
    text = build.Text(tmp_path, "small")
    text.path.write_text(
        "# Small\n\n"
        "```python\nimport sys\n\nprint(sys.executable)\n```\n\n"
        "```python\nfrom flaxnn import report\n\n"
        "report.plot_losses([1.0, 0.5], [1.0, 0.5])\n```\n\n"
        "```python\nraise RuntimeError('on purpose')\n```\n",
        "utf-8",
    )
    out = tmp_path / "out"
    with pytest.raises(errors.CellExecutionError, match="on purpose"):
        execution.execute(text, out)
    executed = build.nbformat.read(out / "small.ipynb", as_version=4)
    printed, shown, _ = (cell for cell in executed.cells if cell.cell_type == "code")
    assert printed.outputs[0].text == f"{sys.executable}\n"
    assert "image/png" in shown.outputs[0].data
    (picture,) = execution.pictures(executed)
    assert picture.startswith(b"\x89PNG")
