# SPDX-License-Identifier: Apache-2.0
"""`explain`: whom each draw was for, and who shifts what between two runs."""

import json

import numpy as np
import pytest

from flaxnn.data import DataLoader, RandomSampler, random_split
from flaxnn.random import Generator, explain


def loop(generator, epochs=2, evaluate=True, rows=60, named=True):
    """A training loop that evaluates after each epoch."""
    train = DataLoader(np.zeros(rows), 30, shuffle=True, rngs=generator)
    test = DataLoader(np.zeros(10), 10, rngs=generator)
    for _ in range(epochs):
        list(train)
        if evaluate and named:
            with generator.consumer("evaluation"):
                list(test)
        elif evaluate:
            list(test)
    return generator


def ledgered():
    return Generator(0, ledger=True)


def whats(generator):
    return [row["what"] for row in explain(generator).rows]


def test_the_issue_s_own_sentence():
    said = explain(loop(ledgered(), evaluate=False), loop(ledgered())).sentences
    assert said[0] == (
        "Your evaluation loader shifts the shuffle of epoch 2 by two words: at word 4 "
        "the second run draws the base seed of pass 1 of the evaluation loader, and "
        "the first run does not."
    )
    assert said[1].endswith("both draw nothing after it.")
    assert len(said) == 2


def test_the_other_way_round_it_is_shifted_to_the_front():
    explained = explain(
        loop(ledgered()), loop(ledgered(), evaluate=False), names=("ours", "theirs")
    )
    assert explained.sentences[0] == (
        "Your evaluation loader shifts the shuffle of epoch 2 by two words to the "
        "front: at word 4 ours draws the base seed of pass 1 of the evaluation loader, "
        "and theirs does not."
    )
    first, second = explained.shifts
    assert (first["offset"], first["words"]) == (4, -2)
    assert first["shifted"]["what"].startswith("the shuffle of epoch 2")
    assert (second["words"], second["shifted"]) == (-2, None)


def test_the_shift_is_that_of_the_numbers():
    """What is said is what happens: the later shuffle is another, two words on."""
    with_, without = loop(ledgered()), loop(ledgered(), evaluate=False)
    (shift, _) = explain(without, with_).shifts
    after = shift["shifted"]["offset"] + shift["words"]
    assert with_.ledger is not None
    (found,) = (d for d in with_.ledger if d.offset == after)
    assert (found.consumer or "").endswith("RandomSampler")


def test_one_run_alone_says_what_is_shifted():
    said = explain(loop(ledgered())).sentences
    assert said[0] == "Six draws took 12 words."
    assert said[1] == "DataLoader(60 rows, shuffle=True): four draws, eight words."
    assert said[3] == (
        "Your evaluation loader shifts the shuffle of epoch 2 by two words: it begins "
        "at word 8, and would at 6 without that loader."
    )
    assert len(said) == 4
    assert len(explain(loop(ledgered(), evaluate=False)).sentences) == 2


def test_a_loader_without_a_name_is_called_by_its_rows():
    said = explain(loop(ledgered(), named=False)).sentences
    assert said[-1].startswith(
        "DataLoader(10 rows, shuffle=False) shifts the shuffle of epoch 2 of "
        "DataLoader(60 rows, shuffle=True) by two words"
    )


def test_a_loader_with_a_generator_of_its_own_shifts_nothing():
    run = ledgered()
    own = DataLoader(np.zeros(10), 10, rngs=run, generator=Generator(1))
    train = DataLoader(np.zeros(60), 30, shuffle=True, rngs=run)
    list(train)
    list(own)
    list(train)
    same = explain(run, loop(ledgered(), evaluate=False))
    assert same.sentences == (
        "Both make the same four draws of eight words in the same order.",
    )
    assert same.shifts == []


def test_every_consumer_has_a_name():
    run = ledgered()
    parts = random_split(np.arange(12), [8, 4], rngs=run)
    list(RandomSampler(parts[0], rngs=run))
    with run.consumer("encoder"):
        run.rand(2, 3)
    run.rand(4)
    assert whats(run) == [
        "random_split",
        "RandomSampler",
        "encoder",
        "your own rand of shape (4,)",
    ]
    assert "Your own draws: one draw, four words." in explain(run).sentences


def test_draws_that_change_places_are_said_to():
    one, other = ledgered(), ledgered()
    one.rand(3)
    one.randn(4)
    other.randn(4)
    other.rand(3)
    explained = explain(one, other)
    assert sum(shift["words"] for shift in explained.shifts) == 0
    assert "your own rand" in explained.sentences[0].lower()


def test_a_draw_of_another_size_is_named_with_both():
    one, other = ledgered(), ledgered()
    for run, width in ((one, 3), (other, 5)):
        with run.consumer("parameter 0.weight"):
            run.uniform((width, 2))
        with run.consumer("parameter 0.bias"):
            run.uniform((width,))
        run.random()
    (said,) = explain(one, other).sentences
    assert said == (
        "Parameter 0.weight takes other numbers at word 0: uniform of shape (3, 2), "
        "six words in the first run, uniform of shape (5, 2), 10 words in the second "
        "run, and so does what follows, parameter 0.bias; your own random begins six "
        "words later in the second run."
    )


def test_other_seeds_are_said_first():
    other = Generator(7, ledger=True)
    said = explain(loop(ledgered()), loop(other)).sentences
    assert said[0].startswith(
        "The seeds differ, 0 of the first run and 7 of the second"
    )
    assert said[1].startswith("Both make the same six draws")


def test_a_draw_of_no_words_shifts_nothing():
    one, other = ledgered(), ledgered()
    one.rand(2)
    one.rand(1)
    other.rand(2)
    other.rand(0)
    other.rand(1)
    assert explain(one, other).sentences[0].endswith("so nothing is shifted.")


def test_a_ledger_will_do_and_may_be_empty():
    run = loop(ledgered())
    assert run.ledger is not None
    assert explain(run.ledger).rows == explain(run).rows
    assert str(explain([])) == "No draws took no words."
    (shift,) = explain([], run).shifts
    assert (shift["offset"], shift["words"]) == (0, 12)


def test_it_is_printed_written_and_shown():
    explained = explain(loop(ledgered()))
    lines = str(explained).splitlines()
    assert len(lines) == len(explained.sentences) + 1 + 1 + len(explained.rows)
    assert lines[-1].split()[:4] == ["5", "10", "2", "random"]
    assert repr(explained) == str(explained)
    read = json.loads(explained.to_json())
    assert read["rows"] == explained.rows
    assert read["sentences"] == list(explained.sentences)
    run = ledgered()
    with run.consumer("<b>"):
        run.rand(2)
    shown = explain(run)._repr_html_()
    assert "&lt;b&gt;" in shown
    assert "<b>" not in shown


def test_a_long_table_shows_its_ends():
    run = ledgered()
    for _ in range(100):
        run.rand(1)
    text = str(explain(run))
    assert "60 more draws" in text
    assert len(text.splitlines()) == 2 + 1 + 1 + 41
    assert len(explain(run).rows) == 100


def test_a_long_run_is_compared_in_little_time():
    one, other = ledgered(), ledgered()
    for run, extra in ((one, False), (other, True)):
        for step in range(3000):
            if extra and step == 10:
                run.rand(3)
            with run.consumer("Dropout mask"):
                run.random()
    first = explain(one, other).shifts[0]
    assert (first["offset"], first["words"]) == (20, 3)


@pytest.mark.parametrize("wrong", [3, "ledger", [1, 2], np.zeros(3)])
def test_what_is_no_ledger_is_refused(wrong):
    with pytest.raises(TypeError, match="expected a Generator with a ledger"):
        explain(wrong)


def test_a_generator_without_a_ledger_says_how_to_keep_one():
    with pytest.raises(ValueError, match=r"Generator\(0, ledger=True\)"):
        explain(Generator(0))
