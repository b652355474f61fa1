# SPDX-License-Identifier: Apache-2.0
"""The page: well-formed, self-contained, escaped, the same bytes, readable colours."""

import io
import re
from html.parser import HTMLParser
from importlib import resources

import numpy as np
import pytest

from flaxnn.report import Cell, Page
from flaxnn.report._axis import Axis
from flaxnn.report._panel import envelope

# Elements that have no end tag.
VOID = {"meta", "link", "img"}


class Outline(HTMLParser):
    """The elements of a page, which must be closed in the order they were opened."""

    def __init__(self, html):
        super().__init__()
        self.open, self.elements, self.texts = [], [], []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "script"} & set(self.open):
            self.texts.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def whole_page(hostile="<script>&\"'"):
    page = Page(f"A {hostile}", f"under {hostile}", {f"k {hostile}": f"v {hostile}"})
    page.verdict(False, f"no {hostile}", {f"n {hostile}": f"1 {hostile}"})
    page.section(f"One {hostile}", note=f"note {hostile}", status="failed")
    page.text(f"text {hostile}")
    page.code(f"code {hostile}")
    page.table(
        ["name", f"c {hostile}"],
        [[f"cell {hostile}", 2.5], [Cell(f"bar {hostile}", 1.0, bar=(0, 0.5)), None]],
        caption=f"caption {hostile}",
        folded=f"folded {hostile}",
    )
    page.section("Two")
    page.subsection(f"sub {hostile}")
    page.curves(
        [0.9, 0.5, 0.3],
        [0.9, 0.5, 0.3],
        floor=1e-7,
        names=(f"a {hostile}", f"b {hostile}"),
        title=f"title {hostile}",
    )
    page.picture(png(), description=f"seen {hostile}", caption=f"above {hostile}")
    page.section("Three")
    return page


def png():
    width = height = (200).to_bytes(4, "big")
    return b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + width + height


def test_it_is_closed_properly_and_escapes_every_text():
    html = whole_page().html()
    outline = Outline(html)
    assert len(outline.all("script")) == 1
    assert {"lang": "en"} in outline.all("html")
    shown = "".join(outline.texts)
    for said in ("A", "under", "k", "v", "no", "n", "1", "One", "note", "text", "code"):
        assert f"{said} <script>&\"'" in shown
    for said in ("cell", "c", "bar", "caption", "folded", "sub", "a", "b", "above"):
        assert f"{said} <script>&\"'" in shown
    assert [image["alt"] for image in outline.all("img")] == ["seen <script>&\"'"]


def test_it_asks_no_server_for_anything():
    html = whole_page("").html()
    assert "http" not in html.replace("http-equiv", "")
    assert "default-src 'none'" in html
    assert "@import" not in html
    for attribute in re.findall(r'(?:src|href)="([^"]*)"', html):
        assert attribute.startswith(("data:", "#"))
    assert set(re.findall(r"url\((.)", html)) == set()


def test_headings_ids_and_names_are_in_order():
    outline = Outline(whole_page().html())
    levels = [int(tag[1]) for tag, _ in outline.elements if re.fullmatch("h[1-6]", tag)]
    assert levels == [1, 2, 2, 3, 2]
    ids = [a["id"] for _, a in outline.elements if a.get("id")]
    assert len(ids) == len(set(ids))
    for _, attributes in outline.elements:
        for name in (attributes.get("aria-labelledby") or "").split():
            assert name in ids
    assert all(
        a.get("role") == "img" or a.get("aria-hidden") for a in outline.all("svg")
    )
    assert {tag for tag, _ in outline.elements} >= {"header", "main", "nav"}
    assert [a["href"] for a in outline.all("a")] == ["#s1", "#s2", "#s3"]


def test_equal_content_gives_equal_bytes(tmp_path):
    for name in ("one.html", "two.html"):
        whole_page().write(tmp_path / name)
    one, two = ((tmp_path / name).read_bytes() for name in ("one.html", "two.html"))
    assert one == two
    assert b"\r" not in one


def test_numbers_are_written_and_sorted_by_value():
    page = Page("t")
    page.section("s")
    rows = [["a", 0.00123456, True], ["b", np.inf, False], ["c", np.nan, True]]
    rows += [["d", 12345, False], ["e", None, True], ["f", 0, True]]
    page.table(["name", "number", "passed"], rows, caption="c", formats={"number": ""})
    html = page.html()
    assert '<th scope="col" class="n">number</th>' in html
    assert '<td class="n" data-v="0.00123456">0.001235</td>' in html
    assert '<td class="n" data-v="Infinity">inf</td>' in html
    assert '<td class="n">nan</td>' in html
    assert '<td class="n" data-v="12345">12,345</td>' in html
    assert '<td class="n" data-v="0">0</td>' in html
    assert '<td class="n"></td>' in html
    assert '<td class="good">✓ passed</td>' in html
    assert '<td class="bad">✗ failed</td>' in html


def test_a_format_holds_for_its_column():
    page = Page("t")
    page.section("s")
    page.table(["e"], [[1.234e-7], [0.0]], caption="c", formats={"e": ".1e"})
    assert ">1.2e-07<" in page.html()
    assert ">0<" in page.html()


@pytest.mark.parametrize(
    ("add", "message"),
    [
        (lambda page: page.table(["a"], [[1, 2]], caption="c"), "expected 1 cells"),
        (
            lambda page: page.table(["a"], [], caption="c", formats={"b": ""}),
            "expected names among",
        ),
        (
            lambda page: page.picture(b"GIF89a", description="d"),
            "expected the bytes of a PNG",
        ),
        (lambda page: page.curves([], [], title="t"), "at least one step"),
        (lambda page: page.curves([1.0], [1.0, 2.0], title="t"), "as many losses"),
        (lambda page: page.curves([1.0], {1: 1.0}, title="t"), "out of range"),
        (lambda page: page.curves([1.0], [np.nan], title="t"), "finite"),
    ],
)
def test_bad_content_is_refused(add, message):
    page = Page("t")
    page.section("s")
    with pytest.raises(ValueError, match=message):
        add(page)


def test_content_needs_a_section():
    with pytest.raises(ValueError, match="call section"):
        Page("t").text("lost")


def curves_of(ours, theirs, **options):
    page = Page("t")
    page.section("s")
    page.curves(ours, theirs, title="Run", **options)
    html = page.html()
    return html[html.index("<figure>") : html.index("</figure>")]


def test_curves_say_what_they_show():
    theirs = np.linspace(1, 0.5, 50)
    ours = theirs.copy()
    ours[20] += 1e-3
    html = curves_of(ours, theirs)
    assert "50 losses, at most 0.001 apart, at step 20." in html
    assert "equal (49 of 50)" in html
    assert "All 50 losses are equal." in curves_of(theirs, theirs)


def test_curves_of_a_broken_run_have_gaps_and_say_so():
    ours = np.array([1.0, 0.9, np.nan, 0.7, np.inf])
    html = curves_of(ours, np.linspace(1, 0.6, 5))
    assert "2 of the 5 losses of flaxnn are not finite, the first at step 2." in html
    assert len(re.findall(r'<path class="ours" d="M[^"]', html)) == 2 + 1  # and its key
    everywhere = curves_of(np.full(3, np.nan), np.ones(3))
    assert "3 of the 3 losses" in everywhere
    assert "nan" not in re.sub(r"<desc.*?</desc>", "", everywhere)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_short_runs_are_drawn(count):
    losses = np.linspace(1, 2, count)
    html = curves_of(losses, losses + 1e-6, floor=1e-7)
    numbers = re.findall(r"-?\d+(?:\.\d+)?(?=[ ,hv\"Z])", " ".join(paths(html)))
    assert numbers
    assert all(-60 <= float(number) <= 2060 for number in numbers)


def paths(html):
    return re.findall(r' d="([^"]*")', html)


def test_five_epochs_take_less_than_100_kilobytes():
    rng = np.random.default_rng(0)
    losses = np.exp(-np.arange(4690) / 2000) + 0.05 * rng.random(4690)
    apart = 1e-6 * rng.standard_normal(4690)
    html = curves_of(losses + apart, losses, floor=np.linspace(1e-7, 1e-6, 4690))
    assert len(html) < 100_000
    assert "mean of 93 steps" in html


def test_a_thinned_line_keeps_its_extremes():
    values = np.random.default_rng(1).standard_normal(10_000)
    values[[1234, 8765]] = 9, -9
    x, y = envelope(np.arange(10_000), values)
    assert len(x) <= 802
    assert {0, 1234, 8765, 9999} <= set(x.tolist())
    assert (np.diff(x) > 0).all()
    np.testing.assert_array_equal(values[x], y)
    assert len(envelope(np.arange(700), values[:700])[0]) == 700


@pytest.mark.parametrize(
    ("low", "high", "log", "labels"),
    [
        (0.0, 1.0, False, ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        (-0.9, 45.9, False, ["0", "10", "20", "30", "40"]),
        (0.93, 0.97, False, ["0.93", "0.94", "0.95", "0.96", "0.97"]),
        (9e-9, 2e-6, True, ["10⁻⁸", "10⁻⁷", "10⁻⁶"]),
        (1e-16, 1.0, True, ["10⁻¹⁶", "10⁻¹³", "10⁻¹⁰", "10⁻⁷", "10⁻⁴", "10⁻¹"]),
        (1e-7, 5e-7, True, ["10⁻⁷", "2·10⁻⁷", "5·10⁻⁷"]),
        (0.0, 2e7, False, ["0", "5·10⁶", "10⁷", "1.5·10⁷", "2·10⁷"]),
    ],
)
def test_ticks_are_round_numbers(low, high, log, labels):
    ticks = Axis(low, high, log).ticks(5 if low < 0 or high > 2 else 6)
    assert [text for _, text in ticks] == labels
    assert all(-1e-9 <= at <= 1 + 1e-9 for at, _ in ticks)


@pytest.mark.parametrize("number", [0.0, 1.0, -3.5, 1e-300, 1e300])
def test_an_axis_has_room_around_a_single_number(number):
    axis = Axis.around(np.array([number]))
    assert axis.low < number < axis.high
    assert axis.ticks()


def luminance(colour):
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [
        p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts
    ]
    return np.dot(linear, [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("face", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["ink", "muted", "accent", "good", "bad"])
def test_texts_have_a_contrast_of_4_5(name, face):
    css = resources.files("flaxnn.report").joinpath("page.css").read_text()
    found = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", css)
    colours = {key: pair[face] for key, *pair in found}
    for paper in ("paper", "raised"):
        light, dark = sorted(
            (luminance(colours[key]) for key in (name, paper)), reverse=True
        )
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_a_bad_path_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match=r"ends with \.html"):
        Page.prepare(tmp_path / "page.pdf")
    with pytest.raises(NotADirectoryError, match="there is no folder"):
        Page.prepare(tmp_path / "no" / "page.html")
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(IsADirectoryError, match="is a folder"):
        Page.prepare(tmp_path / "folder.html")
    kept = tmp_path / "kept.html"
    kept.write_text("before")
    Page.prepare(kept)
    assert kept.read_text() == "before"
    Page.prepare(tmp_path / "new.html")
    assert not (tmp_path / "new.html").exists()


def test_a_picture_is_held_in_the_page():
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    del matplotlib
    from flaxnn.report import plot_losses

    file = io.BytesIO()
    plot_losses([0.9, 0.5], [0.9, 0.5]).savefig(file, dpi=200)
    page = Page("t")
    page.section("s")
    page.picture(file.getvalue(), description="losses")
    (image,) = Outline(page.html()).all("img")
    assert (image["width"], image["height"]) == ("720", "490")


def test_an_svg_is_a_picture_that_can_run_nothing():
    page = Page("t")
    page.section("s")
    svg = b'<svg xmlns="s" viewBox="0 0 760 420.4"><script>1</script></svg>'
    page.picture(svg, description="growth")
    outline = Outline(page.html())
    (image,) = outline.all("img")
    assert (image["width"], image["height"]) == ("760", "420")
    assert image["src"].startswith("data:image/svg+xml;base64,")
    assert len(outline.all("script")) == 1
