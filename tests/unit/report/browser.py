# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium: what it shows of a page, prints of it and says about it."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATH = next(filter(None, map(shutil.which, NAMES)), None)

# Runs in the page before anything else: what goes wrong is told to the page around it.
_LISTENER = """<script>
const wrong = [];
addEventListener("error", (event) => wrong.push(`error: ${event.message}`));
addEventListener("securitypolicyviolation",
  (event) => wrong.push(`blocked: ${event.blockedURI}`));
addEventListener("load", () => {
  const said = (() => { PROBE })();
  parent.postMessage({ name: NAME, wrong, said }, "*");
});
</script>"""
_COLLECTOR = """<!doctype html><body><pre id="out"></pre><script>
const all = {};
addEventListener("message", ({ data }) => {
  all[data.name] = data;
  document.getElementById("out").textContent = JSON.stringify(all);
});
</script>FRAMES</body>"""


def run(folder: Path, page: Path, *options: str) -> str:
    """Opens a page; returns what the browser prints on standard output."""
    assert PATH is not None
    done = subprocess.run(
        [
            PATH,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--no-first-run",
            f"--user-data-dir={folder / 'profile'}",
            *options,
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout


def probe(
    folder: Path, page: str, frames: dict[str, tuple[int, str]], script: str
) -> dict[str, Any]:
    """Runs a script in a page, in frames of several widths and faces at once.

    Args:
        folder: A folder for files.
        page: The page's HTML.
        frames: A width in pixels, and ``"light"`` or ``"dark"``, by name.
        script: The body of a function, whose value is returned.

    Returns:
        By the names of the frames: ``said``, what the script returned, and ``wrong``,
        the errors and the requests that were blocked.
    """
    elements = []
    for name, (width, face) in frames.items():
        listener = _LISTENER.replace("PROBE", script).replace("NAME", json.dumps(name))
        framed = page.replace("<head>", f"<head>{listener}", 1)
        framed = framed.replace("<html ", f'<html data-theme="{face}" ', 1)
        (folder / f"{name}.html").write_text(framed, encoding="utf-8")
        style = f"width:{width}px;height:900px;border:0"
        elements.append(f'<iframe src="{name}.html" style="{style}"></iframe>')
    around = folder / "around.html"
    around.write_text(_COLLECTOR.replace("FRAMES", "".join(elements)), encoding="utf-8")
    dom = run(folder, around, "--virtual-time-budget=5000", "--dump-dom")
    found = re.search(r'<pre id="out">(.*?)</pre>', dom, re.DOTALL)
    assert found is not None, dom[:500]
    return json.loads(html.unescape(found[1]))


def screenshot(folder: Path, page: Path, width: int, face: str) -> bytes:
    """Returns a PNG of the top of a page, for a reader who prefers a face."""
    file = folder / "shot.png"
    # Chromium's windows are at least 500 pixels wide.
    scheme = {"dark": 0, "light": 1}[face]
    run(
        folder,
        page,
        f"--screenshot={file}",
        f"--window-size={width},900",
        f"--blink-settings=preferredColorScheme={scheme}",
    )
    return file.read_bytes()


def printed(folder: Path, page: Path) -> bytes:
    """Returns the PDF that printing a page gives."""
    file = folder / "page.pdf"
    run(folder, page, f"--print-to-pdf={file}", "--no-pdf-header-footer")
    return file.read_bytes()
