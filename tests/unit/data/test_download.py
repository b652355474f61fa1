# SPDX-License-Identifier: Apache-2.0
"""Downloads from a server on this machine: whole, wrong, hanging, or not there."""

from __future__ import annotations

import http.server
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from flaxnn import data
from flaxnn._errors import CorruptDataError, DataNotFoundError
from flaxnn.data import _download, _image_sets
from tests.unit.data._small import (
    FILES,
    SPLITS,
    arrays,
    assert_loaded,
    make_small,
    output,
    published,
    put,
    put_cache,
)
from tests.unit.data._tfds_files import tfds

IMAGES = "/train-images-idx3-ubyte.gz"


@dataclass
class Server:
    """What a server has, how it misbehaves, and what it was asked for."""

    files: dict[str, bytes]
    url: str = ""
    status: int = 200
    hang: tuple[str, ...] = ()
    cut: int = 0
    asked: Counter[str] = field(default_factory=Counter)
    released: threading.Event = field(default_factory=threading.Event)


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self._answer(b"")

    def do_GET(self) -> None:
        server: Server = self.server.facts  # type: ignore[attr-defined]
        self._answer(server.files.get(self.path, b""))

    def _answer(self, body: bytes) -> None:
        server: Any = self.server.facts  # type: ignore[attr-defined]
        server.asked[self.command] += 1
        size = len(server.files.get(self.path, b""))
        if self.command in server.hang and self.command == "HEAD":
            server.released.wait(30)
            return
        self.send_response(server.status if self.path in server.files else 404)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        if self.command in server.hang:
            self.wfile.write(body[:100])
            self.wfile.flush()
            server.released.wait(30)
            return
        self.wfile.write(body[: size - server.cut])

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def server(machine, monkeypatch) -> Iterator[Server]:
    """A server with Fashion-MNIST's small files, in the place of the real one."""
    files = {
        f"/{FILES[split, kind]}.gz": published(array)
        for split in SPLITS
        for kind, array in zip(
            ("images", "labels"), arrays("fashion_mnist", split), strict=True
        )
    }
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as listening:
        facts = Server(files, f"http://127.0.0.1:{listening.server_address[1]}/")
        listening.facts = facts  # type: ignore[attr-defined]
        listening.daemon_threads = True
        make_small(monkeypatch, url=facts.url)
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        yield facts
        facts.released.set()
        listening.shutdown()
        thread.join()


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("given", [True, False])
def test_what_is_nowhere_is_downloaded_and_prepared(machine, server, given, split):
    root = machine / ("given" if given else "home/tensorflow_datasets")
    arguments = {"data_dir": root} if given else {}
    dataset = data.load("fashion_mnist", split, **arguments)
    assert_loaded(dataset, "fashion_mnist", split)
    assert dataset.source == str(root / "fashion_mnist/3.0.1")
    assert server.asked["GET"] == 4
    for other in SPLITS:
        again = data.load("fashion_mnist", other, **arguments)
        assert_loaded(again, "fashion_mnist", other)
    assert server.asked["GET"] == 4
    rows = tfds.data_source("fashion_mnist", data_dir=root, download=False)
    assert [len(rows[part]) for part in SPLITS] == [25, 7]
    left = [path.name for path in root.rglob("*") if ".tmp." in path.name]
    assert left == []


def test_tfds_takes_the_downloads_for_its_own(machine, server):
    """Its download manager finds them in its cache, and asks no server."""
    from tensorflow_datasets.core.download import checksums

    data.load("fashion_mnist", data_dir=machine / "data")
    small = _image_sets.IMAGE_SETS["fashion_mnist"]
    before = server.asked.copy()
    # TFDS gives the same names to what is below the real address; but what it learns
    # about that one here, it would remember for the rest of this process.
    real = "http://fashion-mnist.amazonaws.com"
    infos = {
        f"{real}/{file}.gz": checksums.UrlInfo(facts.size, facts.sha256, f"{file}.gz")
        for file, facts in small.downloads.items()
    }
    manager = tfds.download.DownloadManager(
        download_dir=machine / "data/downloads",
        url_infos=infos,
        dataset_name="fashion_mnist",
    )
    for url in infos:
        path = manager.download(url)
        assert path.read_bytes() == server.files["/" + url.rpartition("/")[2]]
    assert server.asked == before


def test_only_what_is_missing_is_downloaded(machine, server):
    cache = put_cache(machine / "data/downloads/fashion_mnist")
    (gone,) = cache.glob("*t10k-labels*")
    gone.unlink()
    dataset = data.load("fashion_mnist", "test", data_dir=machine / "data")
    assert_loaded(dataset, "fashion_mnist", "test")
    assert server.asked == {"HEAD": 1, "GET": 1}


def test_nothing_is_downloaded_unasked(machine, server):
    with pytest.raises(DataNotFoundError, match="Not downloaded: download=False"):
        data.load("fashion_mnist", download=False)
    with pytest.raises(DataNotFoundError, match="raw_dir= was given, which excludes"):
        data.load("fashion_mnist", raw_dir=machine / "raw")
    put(machine / "share/fashion-mnist")
    data.load("fashion_mnist")
    assert not server.asked


def _fails(kind, match, root):
    with pytest.raises(kind, match=match) as caught:
        data.load("fashion_mnist", data_dir=root)
    assert not [path for path in root.rglob("*") if path.is_file()]
    return str(caught.value)


def test_no_such_file(machine, server):
    server.files.pop(IMAGES)
    message = _fails(DataNotFoundError, "answered with HTTP status 404", machine / "a")
    assert f"{server.url}{IMAGES[1:]}" in message
    assert "do one of these" in message


@pytest.mark.parametrize("status", [403, 500, 503, 511])
def test_other_answers(machine, server, status):
    server.status = status
    start = time.perf_counter()
    _fails(DataNotFoundError, f"answered with HTTP status {status}", machine / "a")
    assert time.perf_counter() - start < 5  # there are no retries


def test_another_file(machine, server):
    other = published(arrays("mnist", "train")[0])
    right = server.files[IMAGES]
    server.files[IMAGES] = other
    message = _fails(CorruptDataError, "expected a file of SHA-256", machine / "a")
    assert f"{len(other)} bytes rather than {len(right)}" in message
    assert server.url in message


def test_a_log_in_page(machine, server):
    server.files[IMAGES] = b"<html>Welcome to our hotel"
    _fails(DataNotFoundError, "no gzip file: a proxy or a log-in page", machine / "a")


def test_a_download_that_breaks_off(machine, server):
    server.cut = 1000
    message = _fails(DataNotFoundError, "Not downloaded: 127.0.0.1", machine / "a")
    assert "broke the download off" in message


def test_a_server_that_does_not_answer(machine, server, monkeypatch):
    monkeypatch.setattr(_download, "_PATIENCE", 0.5)
    server.hang = ("HEAD",)
    start = time.perf_counter()
    _fails(DataNotFoundError, r"no answer from 127\.0\.0\.1:\d+ in 0\.5 s", machine)
    assert time.perf_counter() - start < 2


def test_a_server_that_falls_silent(machine, server, monkeypatch):
    monkeypatch.setattr(_download, "_STALL", 0.5)
    server.hang = ("GET",)
    start = time.perf_counter()
    _fails(DataNotFoundError, "sent nothing more for 0.5 s", machine / "a")
    assert time.perf_counter() - start < 4


def test_a_name_whose_look_up_hangs(machine, monkeypatch):
    """It has no time limit of its own."""
    released = threading.Event()
    monkeypatch.setattr(_download, "_PATIENCE", 0.5)
    requests = _download._requests()
    monkeypatch.setattr(requests, "head", lambda *_, **__: released.wait(30))
    start = time.perf_counter()
    _fails(DataNotFoundError, "no answer from fashion-mnist", machine / "a")
    assert time.perf_counter() - start < 2
    released.set()


def test_a_proxy_that_is_not_there(machine):
    """As `no_network` sets it: so every test here would find out if it called out."""
    start = time.perf_counter()
    _fails(DataNotFoundError, "no connection to .*: the proxy that is set", machine)
    assert time.perf_counter() - start < 6


def test_no_connection(machine, monkeypatch):
    make_small(monkeypatch, url="http://127.0.0.1:9/")
    _fails(
        DataNotFoundError,
        r"Not downloaded: no connection to 127\.0\.0\.1:9\.\n",
        machine,
    )


def test_a_certificate_that_is_not_accepted(machine, monkeypatch):
    kinds = _download._requests().exceptions

    def refuse(*_, **__):
        raise kinds.SSLError("CERTIFICATE_VERIFY_FAILED")

    monkeypatch.setattr(_download._requests(), "head", refuse)
    _fails(DataNotFoundError, "its certificate was not accepted", machine / "a")


def test_a_server_that_did_not_answer_is_asked_once(machine, server, monkeypatch):
    monkeypatch.setattr(_download, "_PATIENCE", 0.5)
    server.hang = ("HEAD",)
    start = time.perf_counter()
    for _ in range(10):
        with pytest.raises(DataNotFoundError, match="no answer from"):
            data.load("fashion_mnist", data_dir=machine / "data")
    assert time.perf_counter() - start < 3
    assert server.asked["HEAD"] == 1
    server.hang = ()
    monkeypatch.setattr(_download, "_MEMORY", 0.0)
    data.load("fashion_mnist", data_dir=machine / "data")


def test_a_directory_that_cannot_be_written(machine, server):
    (machine / "file").touch()
    with pytest.raises(DataNotFoundError, match=r"below.* cannot be written"):
        data.load("fashion_mnist", data_dir=machine / "file/below")
    assert not server.asked
    put(machine / "share/fashion-mnist")
    assert_loaded(data.load("fashion_mnist"), "fashion_mnist", "train")


def test_without_tfds_nothing_is_downloaded(machine, server, monkeypatch):
    monkeypatch.setitem(sys.modules, "flaxnn.data._tfds_builders", None)
    with pytest.raises(DataNotFoundError, match=r'Not downloaded: .*pip install "fla'):
        data.load("fashion_mnist")
    assert not server.asked


def test_two_processes_download_at_once(machine, server, start):
    make = (
        "import dataclasses\n"
        "sets = _image_sets.IMAGE_SETS\n"
        "sets['fashion_mnist'] = dataclasses.replace(\n"
        f"    sets['fashion_mnist'], url={server.url!r})\n"
        "from flaxnn import data\n"
        f"rows = data.load('fashion_mnist', data_dir={str(machine / 'data')!r})\n"
        "print(rows.source, rows.arrays[0].sum(), rows.arrays[1].tolist())\n"
    )
    first, second = (output(process) for process in [start(make), start(make)])
    assert first == second
    assert_loaded(
        data.load("fashion_mnist", data_dir=machine / "data", download=False),
        "fashion_mnist",
        "train",
    )
