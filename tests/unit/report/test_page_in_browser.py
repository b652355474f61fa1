# SPDX-License-Identifier: Apache-2.0
"""The page in a browser: it fits, sorts, has two faces, prints, asks for nothing."""

import re

import numpy as np
import pytest

from flaxnn.report import Cell, Page
from tests.unit.report import browser

pytestmark = pytest.mark.skipif(
    browser.PATH is None, reason=f"none of {', '.join(browser.NAMES)} is installed"
)

FRAMES = {
    f"{face}-{width}": (width, face)
    for width in (390, 1280)
    for face in ("light", "dark")
}
# Sorts by clicks, and says what the page looks like before and after.
SCRIPT = """
  const table = document.querySelector("table");
  const order = () =>
    Array.from(table.tBodies[0].rows, (row) => row.cells[0].textContent).join("");
  const heads = Array.from(table.tHead.rows[0].cells);
  const buttons = heads.map((head) => head.querySelector("button"));
  const orders = [order()];
  for (const column of [1, 1, 0, 0, 2]) {
    buttons[column].click();
    orders.push(order() + " " + heads.map((h) => h.getAttribute("aria-sort")));
  }
  const root = document.documentElement;
  const face = () => getComputedStyle(document.body).backgroundColor;
  const before = face();
  const width = root.scrollWidth;
  document.getElementById("theme").click();
  const letters = Math.min(...Array.from(document.querySelectorAll("main *"))
    .filter((e) => e.childNodes.length && e.textContent.trim())
    .map((e) => parseFloat(getComputedStyle(e).fontSize)));
  return {
    orders, before, after: face(), width, letters,
    room: window.innerWidth,
    focusable: buttons.every((button) => button.tabIndex === 0),
    names: buttons.map((button) => button.textContent),
    toggle: document.getElementById("theme").hidden,
  };
"""


def page():
    one = Page(
        "A report with a long name that does not fit into one line of a phone",
        "and a line under it",
        {"a-version-that-is-a-very-long-word-without-any-space": "x" * 60},
    )
    one.verdict(False, "3 of 4 agree", {"numbers": "12,345", "entries": "3 of 4"})
    one.section("First", status="failed")
    one.table(
        ["name", "number", "ratio", *(f"a wide column {k}" for k in range(8))],
        [
            ["b", 2e-7, Cell("slower", 0.5, bar=(0.5, 0.2), mark=0.5), *range(8)],
            ["a", 1e3, Cell("faster", 3.0, bar=(0.5, 0.9), mark=0.5), *range(8)],
            ["d", None, Cell("equal", 1.0, bar=(0.5, 0.5), mark=0.5), *range(8)],
            ["c", 30, Cell("none"), *range(8)],
        ],
        caption="Numbers and ratios, under a caption longer than a phone is wide",
    )
    one.code("a line that does not wrap " * 20)
    one.text("y" * 300)
    losses = np.exp(-np.linspace(0, 3, 500))
    one.curves(losses, losses + 1e-7, floor=1e-7, title="Losses " + "z" * 100)
    one.section("Second")
    one.section("Third")
    return one


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    return browser.probe(folder, page().html(), FRAMES, SCRIPT)


@pytest.mark.parametrize("frame", FRAMES)
def test_it_fits_without_an_error_or_a_request(found, frame):
    assert found[frame]["wrong"] == []
    said = found[frame]["said"]
    assert said["room"] == FRAMES[frame][0]
    assert said["width"] == said["room"]
    # Pixels: letters that can be read.
    assert said["letters"] >= 12


@pytest.mark.parametrize("frame", FRAMES)
def test_tables_are_sorted_by_what_is_pressed(found, frame):
    said = found[frame]["said"]
    assert said["orders"] == [
        "badc",
        "acbd ,descending,,,,,,,,,",
        "bcad ,ascending,,,,,,,,,",
        "abcd ascending,,,,,,,,,,",
        "dcba descending,,,,,,,,,,",
        "adbc ,,descending,,,,,,,,",
    ]
    # A button is pressed by Enter and Space without a line of ours.
    assert said["focusable"]
    assert said["names"][:2] == ["name", "number"]


@pytest.mark.parametrize("frame", FRAMES)
def test_the_faces_change_places(found, frame):
    said = found[frame]["said"]
    faces = {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 26)"}
    mine = FRAMES[frame][1]
    assert said["before"] == faces[mine]
    assert {said["before"], said["after"]} == set(faces.values())
    assert not said["toggle"]


def test_it_is_shown_as_the_reader_prefers_and_printed_on_white(tmp_path):
    file = tmp_path / "page.html"
    page().write(file)
    shots = {
        face: browser.screenshot(tmp_path, file, 1280, face)
        for face in ("light", "dark")
    }
    assert shots["light"] != shots["dark"]
    assert all(
        shot.startswith(b"\x89PNG") and len(shot) > 20_000 for shot in shots.values()
    )
    pdf = browser.printed(tmp_path, file)
    assert pdf.startswith(b"%PDF")
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 4
