# SPDX-License-Identifier: Apache-2.0
"""The list of planted mistakes fits the code."""

from pathlib import Path

import pytest

from tests.mutations import Mutation, listed

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("mutation", listed(), ids=lambda mutation: mutation.name)
def test_the_text_to_replace_stands_once(mutation: Mutation):
    text = (ROOT / mutation.file).read_text(encoding="utf-8")
    assert text.count(mutation.old) == 1
    assert mutation.old != mutation.new


def test_names_are_unique():
    names = [mutation.name for mutation in listed()]
    assert len(set(names)) == len(names)
