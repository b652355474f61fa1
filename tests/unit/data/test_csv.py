# SPDX-License-Identifier: Apache-2.0
"""Tables of comma-separated values: what is read, and where what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flaxnn._errors import CorruptDataError
from flaxnn.data import from_csv

Write = Callable[..., Path]

PETS = "weight,legs,kind\n4.5,4,cat\n0.1,2,bird\n5e0,4,cat\n"
FEATURES = [[4.5, 4.0], [0.1, 2.0], [5.0, 4.0]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def make(text: str, encoding: str = "utf-8") -> Path:
        path = tmp_path / "pets.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return make


@pytest.mark.parametrize("target", ["kind", 2, -1, np.int64(2)])
def test_features_labels_and_names(write: Write, target: Any) -> None:
    path = write(PETS)
    pets = from_csv(path, target)
    x, y = pets.arrays
    assert (x.dtype, y.dtype) == (np.float64, np.int64)
    np.testing.assert_array_equal(x, FEATURES)
    np.testing.assert_array_equal(y, [1, 0, 1])
    assert pets.class_names == ("bird", "cat")
    assert (pets.name, pets.source) == ("pets", str(path))


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (PETS.replace("\n", "\r\n"), {}),
        ("\ufeff" + PETS, {}),
        (PETS.replace("\n", "\n\n"), {}),
        (PETS.rstrip("\n"), {}),
        (PETS.replace(",", " , "), {}),
        (PETS.replace("cat", '"cat"').replace("4.5", '"4.5"'), {}),
        (PETS.replace(",", ";"), {"delimiter": ";"}),
        (PETS.replace(",", "\t"), {"delimiter": "\t"}),
        (
            PETS.replace("kind", "Art,größe")
            .replace("cat", "cat,x")
            .replace("d\n", "d,\n"),
            {"target": "Art", "features": ["weight", 1]},
        ),
    ],
    ids=["crlf", "bom", "blanks", "no end", "spaces", "quotes", ";", "tab", "choice"],
)
def test_the_same_table_written_otherwise(
    write: Write, text: str, options: dict[str, Any]
) -> None:
    pets = from_csv(write(text), **{"target": "kind", **options})
    np.testing.assert_array_equal(pets.arrays[0], FEATURES)
    np.testing.assert_array_equal(pets.arrays[1], [1, 0, 1])
    assert pets.class_names == ("bird", "cat")


def test_without_a_header_or_a_target(write: Write) -> None:
    path = write("1,2,3\n4,5,6\n")
    (x,) = from_csv(path, None, header=False).arrays
    np.testing.assert_array_equal(x, [[1, 2, 3], [4, 5, 6]])
    x, y = from_csv(path, 0, features=[-1, 1], header=False).arrays
    np.testing.assert_array_equal(x, [[3, 2], [6, 5]])
    np.testing.assert_array_equal(y, [1, 4])


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("3", "0", "-1"), np.array([3, 0, -1])),
        (("3", "0.5", "1"), np.array([3.0, 0.5, 1.0])),
        (("1e3", "1", "2"), np.array([1000.0, 1.0, 2.0])),
        (("9007199254740993", "1", "2"), np.array([2**53 + 1, 1, 2])),
    ],
    ids=str,
)
def test_a_target_of_numbers(write: Write, cells: Any, expected: np.ndarray) -> None:
    data = from_csv(write("x,y\n" + "".join(f"1,{c}\n" for c in cells)), "y")
    assert data.arrays[1].dtype == expected.dtype
    np.testing.assert_array_equal(data.arrays[1], expected)
    assert data.class_names == ()


def test_given_class_names_number_the_labels(write: Write) -> None:
    pets = from_csv(write(PETS), "kind", class_names=["fish", "cat", "bird"])
    np.testing.assert_array_equal(pets.arrays[1], [1, 2, 1])
    assert pets.class_names == ("fish", "cat", "bird")
    legs = from_csv(write(PETS), "legs", features=["weight"], class_names=("2", "4"))
    np.testing.assert_array_equal(legs.arrays[1], [1, 0, 1])


def test_float64_exactly(write: Write) -> None:
    numbers = np.random.default_rng(0).standard_normal((50, 3)) * 1e-7
    text = "\n".join(",".join(map(repr, row)) for row in numbers.tolist())
    (x,) = from_csv(write(text), None, header=False).arrays
    np.testing.assert_array_equal(x, numbers)


def test_headers_of_numbers(write: Write) -> None:
    assert len(from_csv(write("0,1,2\n5,6,7\n"), "2")) == 1
    with pytest.raises(ValueError, match=r"only numbers \(5\.1, 3\.5, 1.*header=False"):
        from_csv(write("5.1,3.5,1\n4.9,3.0,0\n"), -1)


def _line(line: int, column: str, words: str) -> str:
    return rf"pets\.csv, line {line}, column {column}: {words}"


DAMAGED: list[tuple[str, str]] = [
    (PETS + "1,2\n", r"pets\.csv, line 5: expected 3 cells, got 2"),
    (PETS + "1,2,cat,4\n", r"line 5: expected 3 cells, got 4"),
    ("weight,legs,kind\n1,2\n", r"line 2: expected 3 cells, got 2"),
    (PETS + "\n\n1\n", r"line 7: expected 3 cells, got 1"),
    (PETS.replace("0.1", "O.1"), _line(3, r"0 \('weight'\)", "expected a number, got")),
    (PETS.replace("0.1", ""), _line(3, r"0 \('weight'\)", ".*got an empty cell")),
    (PETS.replace("0.1", "  "), _line(3, r"0 \('weight'\)", ".*got an empty cell")),
    (PETS.replace("2,bird", "nan,bird"), _line(3, r"1 \('legs'\)", ".*finite.*'nan'")),
    (PETS.replace("5e0", "1e999"), _line(4, r"0 \('weight'\)", ".*finite.*'1e999'")),
    (PETS.replace("5e0", "-Inf"), _line(4, r"0 \('weight'\)", ".*finite.*'-Inf'")),
    (PETS.replace("5e0", "1_000"), _line(4, r"0 \('weight'\)", ".*got '1_000'")),
    (PETS.replace("cat\n0", "\n0"), _line(2, r"2 \('kind'\)", ".*empty cell")),
    (PETS + "1,2,\n", _line(5, r"2 \('kind'\)", ".*empty cell")),
    (PETS + "1,2,nan\n", _line(5, r"2 \('kind'\)", "expected the name of a class")),
    (PETS + "1,2,7\n", _line(5, r"2 \('kind'\)", ".*give class_names=")),
    (PETS.replace("cat\n0", "7\n0"), _line(3, r"2 \('kind'\)", ".*'bird'.*first row")),
    (PETS.replace("cat\n0", "nan\n0"), _line(2, r"2 \('kind'\)", ".*finite.*'nan'")),
    (PETS + '1,2,"cat\n', r"line 5: .* cannot be parsed \(unexpected end of data\)"),
    (PETS + '1,2,"c"at\n', r"line 5: .* cannot be parsed"),
]


@pytest.mark.parametrize(("text", "words"), DAMAGED)
def test_what_is_wrong_and_where(write: Write, text: str, words: str) -> None:
    with pytest.raises(CorruptDataError, match=words):
        from_csv(write(text), "kind")


REFUSED: list[tuple[str, dict[str, Any], type[Exception], str]] = [
    ("", {}, ValueError, "got an empty file"),
    ("\n\n", {}, ValueError, "got an empty file"),
    ("weight,kind\n", {}, ValueError, "got a header only"),
    (PETS, {"target": "Kind"}, ValueError, "'Kind'. Did you mean 'kind'\\? There are"),
    (PETS, {"target": 3}, ValueError, "no column 3; expected a number from 0 to 2"),
    (PETS, {"target": -4}, ValueError, "no column -4"),
    (PETS, {"target": True}, ValueError, "no column True"),
    (PETS, {"target": 1.0}, TypeError, "the name or the number of a column, got 1.0"),
    (PETS, {"features": ["feet"]}, ValueError, "no column 'feet'"),
    (PETS, {"features": "legs"}, TypeError, "a sequence of columns, got 'legs'"),
    (PETS, {"features": []}, ValueError, "no column left for the features"),
    (PETS, {"features": ["legs", 2]}, ValueError, "is the target and among the feat"),
    ("kind\ncat\n", {}, ValueError, "no column left for the features"),
    ("a,a,kind\n1,2,x\n", {"features": ["a"]}, ValueError, "2 columns are called 'a'"),
    (",a,kind\n0,2,x\n", {}, ValueError, "column 0 has no name; it may be an index"),
    (PETS, {"header": False}, ValueError, "no header to find column 'kind' in"),
    (PETS, {"class_names": ["cat"]}, ValueError, "line 3, .*one of class_names \\(cat"),
    (PETS, {"class_names": ["cat", "birds"]}, ValueError, "Did you mean 'birds'"),
    (PETS, {"class_names": ["cat", "cat"]}, ValueError, "class_names that differ"),
]


@pytest.mark.parametrize(("text", "options", "error", "words"), REFUSED)
def test_refused(
    write: Write, text: str, options: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        from_csv(write(text), **{"target": "kind", **options})


def test_a_column_of_text_can_be_left_out(write: Write) -> None:
    path = write("name,weight,kind\nTom,4,cat\n")
    with pytest.raises(
        CorruptDataError, match=r"'Tom'; features= can leave the column"
    ):
        from_csv(path, "kind")
    assert from_csv(path, "kind", features=["weight"]).arrays[0].shape == (1, 1)


def test_files_that_cannot_be_read(write: Write, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.csv"):
        from_csv(tmp_path / "none.csv", "kind")
    path = write("größe,kind\n1,2\n", "latin-1")
    with pytest.raises(CorruptDataError, match=r"text in utf-8-sig.*encoding="):
        from_csv(path, "kind")
    assert len(from_csv(path, "kind", encoding="latin-1")) == 1


def test_numbers_whose_sum_overflows(write: Write) -> None:
    (x,) = from_csv(write("1e308,1e308\n"), None, header=False).arrays
    np.testing.assert_array_equal(x, [[1e308, 1e308]])
