# SPDX-License-Identifier: Apache-2.0
"""The pages that compare PyTorch with flaxnn say what the tables say."""

import re
from collections import defaultdict

from tests.contract import optim_page
from tests.contract.page import PAGE, counterparts, page

MEASURED = re.compile(r"\| (T[01]|exact|\d+e[-+]\d+) (?=\|)")


def unmeasured(text):
    """Errors differ from machine to machine; everything else has to agree."""
    return MEASURED.sub("| measured ", text)


def test_the_page_is_that_of_the_tables():
    expected = page(defaultdict(lambda: (0.0, 0.0)))
    assert unmeasured(PAGE.read_text(encoding="utf-8")) == unmeasured(expected), (
        "run python -m tests.contract.page"
    )


def test_what_is_missing_is_named_and_what_is_there_is_not():
    missing = PAGE.read_text(encoding="utf-8").partition("## Missing")[2]
    names = set(re.findall(r"`(\w+)`", missing))
    assert {"ctc_loss", "Transformer"} <= names
    here = {name.rpartition(".")[2] for name in counterparts()}
    assert not names & here


def test_the_optimizers_are_those_of_the_table():
    text = optim_page.PAGE.read_text(encoding="utf-8").partition(optim_page.MARK)[2]
    expected = optim_page.table(defaultdict(lambda: (0.0, 0.0)))
    assert unmeasured(text.strip()) == unmeasured(expected.strip()), (
        "run python -m tests.contract.optim_page"
    )
