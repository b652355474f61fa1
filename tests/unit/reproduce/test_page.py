# SPDX-License-Identifier: Apache-2.0
"""The page of a run says what the run found."""

import dataclasses
import re
from html import unescape

import numpy as np
import pytest

from flaxnn import reproduce
from flaxnn.reproduce import Entry, Losses, Plot, Settings, exact, report_page, within


def results_of(*entries):
    return list(reproduce.run(entries, Settings(progress=False)))


@pytest.fixture(scope="module")
def results():
    return results_of(*reproduce.find(["neuron", "output-layer-2", "univariate"]))


@pytest.fixture(scope="module")
def html(results):
    return report_page(results).html()


def test_the_verdict_and_its_numbers_come_first(html, results):
    numbers = sum(figure.count for result in results for figure in result.figures)
    top = html[html.index("<main>") : html.index("<section")]
    assert "✓ PASS" in top
    assert f"{numbers:,} of {numbers:,} figures agree." in top
    assert "<dd>3 of 3</dd>" in top
    assert re.search(r"<dt>of a tolerance taken, at most</dt><dd>\d+%</dd>", top)
    for name in ("flaxnn", "jax", "device", "matmul precision", "reference"):
        assert f"<dt>{name}</dt>" in top


def test_every_entry_has_its_figures_and_its_losses(html, results):
    for result in results:
        heading = f">{result.entry.name} <span"
        assert html.count(heading) == 1
    figures = sum(len(result.figures) for result in results)
    assert html.count(">printed<") + html.count(">T2<") >= figures
    assert "Document 002: binary regression" not in html
    for said in (
        "Document 001: ten steps of Adam, and one against its own outputs. 11 losses",
        "Document 002: binary logistic regression, 1,001 steps of SGD. 11 losses",
    ):
        assert said in html
    assert html.count("noise floor</span>") == 1
    assert f"All {len(results[2].figures)} figures" in html


def test_the_largest_distances_come_first(html):
    folded = html[html.index("<details>") : html.index("</details>")]
    rows = re.findall(r"<tr>(<td.*?)</tr>", folded)
    errors, tolerances = (
        [float(found) for row in rows for found in re.findall(pattern, row)]
        for pattern in (
            r'<td class="n" data-v="([^"]*)">[^<]*</td><td class="n"',
            r'<td class="n" data-v="([^"]*)">[^<]*</td><td>printed',
        )
    )
    parts = np.divide(errors, tolerances)
    assert len(parts) == len(rows) > 12
    assert (np.diff(parts) <= 1e-6).all()


def test_pictures_are_in_the_page(html):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    assert 'alt="Document 002: the fitted sigmoid"' in html
    assert html.count("<img") == 1


def test_what_is_off_is_said_in_full(results):
    long = "a text of\ntwo lines <b>"
    entry = Entry("broken", "009", "a run that is off", lambda settings: [])
    figures = (
        exact("texts", "one", long, "another"),
        within("numbers", "two", [1.0], [2.0], tolerance=0.5, grade="T2"),
        exact("texts", "three", "same", "same"),
    )
    broken = dataclasses.replace(
        results[0], entry=entry, status="failed", figures=figures
    )
    html = report_page([broken]).html()
    assert "✗ FAIL" in html
    assert "1 of 3 figures agree." in html
    assert "<dd>0 of 1</dd>" in html
    off = unescape(html[html.index("What is off") :])
    assert "broken: texts, one" in off
    assert f"expected {long}\ngot      another" in off
    assert "broken: numbers, two" in off
    assert "broken: texts, three" not in off


def test_losses_that_are_not_finite_do_not_stop_the_page():
    def figures(settings):
        yield within("g", "n", [1.0], [np.nan], tolerance=1.0, grade="T2")
        losses = Losses(np.array([1.0, np.nan]), np.array([1.0, 0.5]), "Broken")
        yield Plot.of_losses("broken-losses", losses)

    html = report_page(results_of(Entry("broken", "009", "nan", figures))).html()
    assert "✗ FAIL" in html
    assert "1 of the 2 losses of flaxnn are not finite, the first at step 1." in html


def test_a_skipped_entry_says_why(tmp_path):
    settings = Settings(tmp_path, progress=False)
    skipped = list(reproduce.run(reproduce.find(["fashion-mnist"]), settings))
    html = report_page(skipped).html()
    assert "Nothing was compared; skipped for want of data: fashion-mnist." in html
    assert "PASS" not in html
    assert skipped[0].reason.splitlines()[0] in unescape(html)


def test_equal_results_give_equal_pages(results, html):
    assert report_page(results).html() == html
