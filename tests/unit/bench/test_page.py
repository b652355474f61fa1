# SPDX-License-Identifier: Apache-2.0
"""The page of a measurement: what a peer wins is said first, nothing is left out."""

import copy
import json
import re
from html import unescape
from pathlib import Path

import pytest

from flaxnn import bench

RESULTS = Path(__file__).parents[3] / "benchmarks" / "results" / "speed.json"


@pytest.fixture(scope="module")
def result():
    return json.loads(RESULTS.read_text(encoding="utf-8"))


def lose(result, case, side, ratio):
    """The result, had a side taken another time in a case."""
    changed = copy.deepcopy(result)
    figures = changed["cases"][case]["ratios"][side]["run_s"]
    figures.update(median=ratio, min=ratio, max=ratio)
    return changed


def headings(html):
    return [
        unescape(re.sub("<.*?>", "", text)).strip()
        for text in re.findall("<h2.*?</h2>", html)
    ]


def test_a_case_that_is_lost_comes_first(result):
    title = result["cases"]["wine"]["title"]
    html = bench.report_page(lose(result, "wine", "torch", 0.25)).html()
    assert headings(html)[:2] == ["Comparisons", title]
    compared = len(result["cases"])
    said = unescape(html)
    assert f"A peer is faster in 1 of {compared} cases: {title}." in said
    assert "PyTorch eager is faster here: the steady run (0.25 × our time)." in said
    first = re.search("<tbody><tr>(.*?)</tr>", html)
    assert first is not None
    assert ">wine<" in first[1]
    assert ">0.25 ×<" in first[1]


def test_the_scan_is_a_limit_and_wins_nothing(result):
    changed = result
    for case in result["cases"]:
        changed = lose(changed, case, "scan", 0.1)
        changed = lose(changed, case, "torch", 2.0)
    html = bench.report_page(changed).html()
    assert "lax.scan by hand is faster here" not in html
    assert "A scan by hand is the limit" in html


def test_every_side_of_every_case_is_there(result):
    html = unescape(bench.report_page(result).html())
    for case in result["cases"].values():
        assert html.count(f">{case['title']}</h2>") == 1
        for side in case["sides"].values():
            assert f"<td>{side['title']}</td>" in html
    machine = result["machine"]
    for fact in (machine["processor"], machine["python"], result["date"][:10]):
        assert f"<dd>{fact}</dd>" in html


def test_a_bar_begins_at_one_and_goes_to_the_faster_side(result):
    html = bench.report_page(lose(result, "wine", "torch", 0.25)).html()
    table = html[html.index("<table") : html.index("</table>")]
    rows = re.findall(
        r'data-v="([^"]*)">[^<]*<svg.*?<rect x="(\d+)" width="(\d+)".*?x1="(\d+)"',
        table,
    )
    assert len(rows) > 5
    for ratio, start, width, even in rows:
        begins = int(start) if float(ratio) >= 1 else int(start) + int(width)
        assert abs(begins - int(even)) <= 2


def test_a_result_of_stand_ins_has_a_page(univariate, stand_in):
    sides = [stand_in("ours"), stand_in("torch"), stand_in("absent", "absent")]
    made = bench.measure([univariate], sides=sides, repeats=1, processes=1)
    html = bench.report_page(made).html()
    assert "absent did not run" in html
    alone = bench.measure([univariate], sides=sides[:1], repeats=1, processes=1)
    assert "Nothing was compared." in bench.report_page(alone).html()


def test_a_growth_has_a_picture_and_a_line_for_each_size(result):
    names = ["fashion-mnist-epoch-64", "fashion-mnist-epoch-512"]
    cases = {name: result["cases"][name] for name in names}
    sizes = dict(zip(names, (64, 512), strict=True))
    about = {"name": "batch", "title": "Batches", "axis": "rows", "sizes": sizes}
    html = bench.report_page({**result, "cases": cases, "growth": about}).html()
    assert headings(html)[:2] == ["Batches", "Comparisons"]
    assert 'src="data:image/svg+xml' in html
    for size in ("64", "512"):
        assert f'<td class="n" data-v="{size}">{size}</td>' in html
