# SPDX-License-Identifier: Apache-2.0
"""A translation has the code of its original, and cannot fall behind unnoticed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ORIGINAL = """\
# Softmax

It sums to 1 for all 10 of `scores`.

```python
scores = [1.0, 2.0]
```

PyTorch has $e^{z}$ too:

```py
torch.exp(scores)
```

```python
print(scores)
```
"""
TRANSLATION = """\
<!-- en new -->
# 소프트맥스

`scores` 10개의 합은 모두 1입니다.

<!-- en new -->
PyTorch에도 $e^{z}$가 있습니다.

```py
```
"""


class Workshop:
    """A folder with one text and its translation, and what they make."""

    def __init__(self, build: ModuleType, folder: Path) -> None:
        self.build = build
        self.folder = folder
        self.made = folder / "made"
        self.original = folder / "small.md"
        self.translation = folder / "ko" / "small.md"
        self.translation.parent.mkdir()
        self.original.write_text(ORIGINAL, "utf-8")
        self.translation.write_text(TRANSLATION, "utf-8")
        build.see(self.texts())
        build.write(self.texts(), self.made)

    def texts(self) -> list[Any]:
        return self.build.texts(self.folder)

    def change(self, file: Path, old: str, new: str) -> None:
        contents = file.read_text("utf-8")
        assert old in contents
        file.write_text(contents.replace(old, new), "utf-8")

    def faults(self) -> list[str]:
        self.build.write(self.texts(), self.made)
        return self.build.stale(self.texts(), self.made)

    def cells(self, name: str) -> list[tuple[str, str]]:
        notebook = self.build.nbformat.read(self.made / f"{name}.ipynb", as_version=4)
        return [(cell.cell_type, cell.source) for cell in notebook.cells]


@pytest.fixture
def workshop(build: ModuleType, tmp_path: Path) -> Workshop:
    return Workshop(build, tmp_path)


def test_the_code_is_the_same_in_both_languages(
    build: ModuleType, examples: Path
) -> None:
    translated = sorted(examples.glob("ko/*.ipynb"))
    assert translated
    for path in translated:
        english, korean = (
            build.nbformat.read(file, as_version=4).cells
            for file in (examples / path.name, path)
        )
        assert [cell.cell_type for cell in english] == [c.cell_type for c in korean]
        for ours, theirs in zip(korean, english, strict=True):
            same = ours == theirs
            assert same == (ours.cell_type == "code"), ours.source


def test_a_translation_is_its_prose_and_the_code_of_the_original(
    workshop: Workshop,
) -> None:
    assert workshop.faults() == []
    assert workshop.cells("ko/small") == [
        ("markdown", "# 소프트맥스\n\n`scores` 10개의 합은 모두 1입니다."),
        ("code", "scores = [1.0, 2.0]"),
        (
            "markdown",
            "PyTorch에도 $e^{z}$가 있습니다.\n\n```py\ntorch.exp(scores)\n```",
        ),
        ("code", "print(scores)"),
    ]
    assert not (workshop.made / "ko" / "small.py").exists()


def test_changed_code_reaches_the_translation(workshop: Workshop) -> None:
    workshop.change(workshop.original, "print(scores)", "print(sum(scores))")
    assert workshop.faults() == []
    assert workshop.cells("ko/small")[-1] == ("code", "print(sum(scores))")


def test_changed_prose_has_to_be_looked_at(workshop: Workshop) -> None:
    workshop.change(workshop.original, "has $e^{z}$ too", "calls $e^{z}$ exp")
    (fault,) = workshop.faults()
    assert fault.startswith("ko/small, cell 2 (“PyTorch calls $e^{z}$ exp: ```py torch")
    assert fault.endswith("run build.py --seen ko/small")
    workshop.build.see(workshop.texts())
    assert workshop.faults() == []


def test_a_changed_line_break_is_no_change(workshop: Workshop) -> None:
    workshop.change(workshop.original, "for all 10", "for\nall 10")
    assert workshop.faults() == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "<!-- en new -->\n# 소프트맥스",
            "```python\nscores = [3.0]\n```\n\n<!-- en new -->\n# 소프트맥스",
            "ko/small: starts with “```python scores = [3.0] ```”",
        ),
        (
            "합은 모두 1입니다.\n",
            "합은 모두 1입니다.\n\n```python\nscores = [3.0]\n```\n",
            "expected the fences [], got ['python']",
        ),
        ("```py\n```\n", "", "expected the fences ['py'], got []"),
        ("```py\n", "```py\ntorch.exp(z)\n", "a fence is not empty"),
        ("10개", "열 개", "the original has 10, and the translation does not"),
        ("`scores` ", "", "the original has `scores`, and the translation does not"),
        ("$e^{z}$", "$e^{x}$", "the translation has $e^{x}$, and the original does"),
        ("모두", "`sum`", "the translation has `sum`, and the original does not"),
        ("PyTorch에도 $e^{z}$가 있습니다.\n\n```py\n```\n", "", "the block is empty"),
    ],
)
def test_a_block_that_does_not_fit_its_cell_is_named(
    workshop: Workshop, old: str, new: str, fault: str
) -> None:
    workshop.translation.write_text(TRANSLATION, "utf-8")
    workshop.change(workshop.translation, old, new)
    with pytest.raises(ValueError, match="ko/small") as raised:
        workshop.build.see(workshop.texts())
    assert fault in str(raised.value)
    assert any(fault in found for found in workshop.faults())


def _without_the_first_block(workshop: Workshop) -> None:
    translation = workshop.translation.read_text("utf-8")
    _, mark, second = translation.rpartition("<!-- en ")
    workshop.translation.write_text(mark + second, "utf-8")


def _with_a_block_too_many(workshop: Workshop) -> None:
    with workshop.translation.open("a", encoding="utf-8") as file:
        file.write("<!-- en new -->\n끝입니다.\n")


COUNTS = (
    "{} blocks for 2 cells of prose. From the start, {} fit; then the original has "
)


@pytest.mark.parametrize(
    ("spoil", "counts", "there", "here"),
    [
        (_without_the_first_block, (1, 0), "cell 0 (“# Softmax It", "“PyTorch에도"),
        (_with_a_block_too_many, (3, 2), "no further prose", "“끝입니다.”"),
    ],
)
def test_as_many_blocks_as_cells_of_prose(
    workshop: Workshop,
    spoil: Callable[[Workshop], None],
    counts: tuple[int, int],
    there: str,
    here: str,
) -> None:
    spoil(workshop)
    (fault,) = workshop.faults()
    assert fault.startswith("ko/small: " + COUNTS.format(*counts) + there)
    assert f" and the translation {here}" in fault


def test_prose_put_between_cells_of_code_needs_a_block(workshop: Workshop) -> None:
    code = "```python\nscores = [1.0, 2.0]\n```\n"
    more = f"{code}\nOne more.\n\n```python\nscores += [3.0]\n```\n"
    workshop.change(workshop.original, code, more)
    (fault,) = workshop.faults()
    assert "From the start, 1 fit; then the original has cell 2 (“One more.”)" in fault


def test_a_translation_needs_an_original(workshop: Workshop) -> None:
    workshop.original.unlink()
    faults = workshop.faults()
    assert "ko/small: there is no small.md to translate" in faults


def test_a_name_is_a_text_in_every_language_or_in_one(workshop: Workshop) -> None:
    named, every = workshop.build.named, workshop.texts()
    assert [text.name for text in named(["small"], every)] == ["small", "ko/small"]
    assert [text.name for text in named(["ko/small"], every)] == ["ko/small"]
    assert named([], every) == []
    with pytest.raises(ValueError, match="no text is called 'smal'; there is small"):
        named(["smal"], every)
