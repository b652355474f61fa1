# SPDX-License-Identifier: Apache-2.0
"""Published files, fetched into TFDS' download cache under TFDS' names."""

from __future__ import annotations

import hashlib
import json
import threading
import time
import urllib.parse
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from flaxnn._errors import CorruptDataError
from flaxnn.data._image_sets import Download, ImageSet
from flaxnn.data._optional import require
from flaxnn.data._place import cache_name
from flaxnn.data._progress import progress

# Seconds. TFDS' own downloader would wait without end, or through 200 s of retries.
_PATIENCE = 4.0  # for a first answer, the look-up of the name included
_STALL = 30.0  # for the next bytes of a file
_MEMORY = 30.0  # for which a server that did not answer is not asked again
_BLOCK = 1 << 16
_GZIP_MAGIC = b"\x1f\x8b"

_unreachable: dict[str, tuple[float, str]] = {}


def download(
    name: str, image_set: ImageSet, files: Sequence[str], folder: Path
) -> None:
    """Fetches files that are not in the folder yet, and checks their SHA-256.

    A file appears in the folder under its name only when it is whole and right, so two
    processes may do this at once, and a killed one leaves nothing that is read. Beside
    it stands the `.INFO` file without which TFDS would fetch it again.

    Raises:
        OSError: The files cannot be fetched or stored; says why in one line.
        CorruptDataError: The server sent another file than the published one.
        MissingPackageError: The package `requests` is not installed.
    """
    urls = {
        folder / cache_name(image_set, file): f"{image_set.url}{file}.gz"
        for file in files
    }
    wanted = {path: url for path, url in urls.items() if not path.is_file()}
    if not wanted:
        return
    check_writable(folder)
    check_reachable(next(iter(wanted.values())))
    sizes = dict(zip(urls, (image_set.downloads[f] for f in files), strict=True))
    total = sum(sizes[path].size for path in wanted)
    with progress(f"Downloading {name}", total) as advance:
        for path, url in wanted.items():
            _fetch(name, url, path, sizes[path], advance)


def check_writable(folder: Path) -> None:
    """Raises OSError where files cannot be written in the folder, or below it."""
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    trial = place / f".flaxnn-{uuid.uuid4().hex}"
    try:
        trial.mkdir()
        trial.rmdir()
    except OSError as error:
        raise OSError(
            f"{folder} cannot be written ({error.strerror}): pass another data_dir= or "
            "set TFDS_DATA_DIR"
        ) from error


def check_reachable(url: str) -> None:
    """Raises OSError unless a server answers within four seconds.

    A server that did not answer is remembered for half a minute: whoever asks for data
    many times on a machine without a network waits once.
    """
    host = urllib.parse.urlsplit(url).netloc
    when, reason = _unreachable.get(host, (-_MEMORY, ""))
    if time.monotonic() - when < _MEMORY:
        raise OSError(reason)
    requests = _requests()
    answers: list[str | None] = []
    # The look-up of a host's name has no time limit of its own: a thread that is left
    # behind gives it one.

    def ask() -> None:
        try:
            requests.head(url, timeout=_PATIENCE, allow_redirects=True)
            answers.append(None)  # whatever it is: fetching the file says more
        except requests.RequestException as error:
            answers.append(_explain(error, host))

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(_PATIENCE)
    problem = answers[0] if answers else f"no answer from {host} in {_PATIENCE:g} s"
    if problem is not None:
        _unreachable[host] = (time.monotonic(), problem)
        raise OSError(problem)


def _fetch(
    name: str, url: str, path: Path, wanted: Download, advance: Callable[[int], None]
) -> None:
    """Fetches one file to a path."""
    host = urllib.parse.urlsplit(url).netloc
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.tmp.{uuid.uuid4().hex}")
    requests = _requests()
    try:
        timeouts = (_PATIENCE, _STALL)
        with requests.get(url, stream=True, timeout=timeouts) as answer:
            if answer.status_code != 200:
                status = answer.status_code
                raise OSError(f"{host} answered with HTTP status {status} for {url}")
            digest = _store(answer.iter_content(_BLOCK), part, url, advance)
        if digest != wanted.sha256:
            raise CorruptDataError(
                f"{url}: expected a file of SHA-256 {wanted.sha256}, got {digest} "
                f"({part.stat().st_size} bytes rather than {wanted.size}). Nothing was "
                "kept; the download was cut short, or the server has another file."
            )
        _write_info(name, url, path, wanted)
        part.replace(path)
    except requests.RequestException as error:
        raise OSError(_explain(error, host)) from error
    finally:
        part.unlink(missing_ok=True)


def _store(blocks: Any, part: Path, url: str, advance: Callable[[int], None]) -> str:
    """Writes blocks to a file; their SHA-256."""
    digest = hashlib.sha256()
    with part.open("wb") as file:
        for block in blocks:
            if not file.tell() and not block.startswith(_GZIP_MAGIC):
                raise OSError(
                    f"what came for {url} is no gzip file: a proxy or a log-in page "
                    "stands before the server"
                )
            digest.update(block)
            file.write(block)
            advance(len(block))
    return digest.hexdigest()


def _write_info(name: str, url: str, path: Path, wanted: Download) -> None:
    """Tells TFDS what a file in its cache is."""
    file = urllib.parse.urlsplit(url).path.rpartition("/")[2]
    info = {
        "dataset_names": [name],
        "original_fname": file,
        "url_info": {"checksum": wanted.sha256, "filename": file, "size": wanted.size},
        "urls": [url],
    }
    part = path.with_name(f"{path.name}.INFO.tmp.{uuid.uuid4().hex}")
    try:
        part.write_text(json.dumps(info, sort_keys=True), encoding="utf-8")
        part.replace(path.with_name(f"{path.name}.INFO"))
    finally:
        part.unlink(missing_ok=True)


def _explain(error: Exception, host: str) -> str:
    """An exception of requests in one line."""
    kinds = _requests().exceptions
    if isinstance(error, kinds.ProxyError):
        return f"no connection to {host}: the proxy that is set does not let it through"
    if isinstance(error, kinds.SSLError):
        return f"no connection to {host}: its certificate was not accepted"
    if isinstance(error, kinds.Timeout):
        return f"no answer from {host} in {_PATIENCE:g} s"
    if isinstance(error, kinds.ChunkedEncodingError):
        return f"{host} broke the download off"
    # Reading on after a silence fails with the same exception as connecting.
    if "timed out" in str(error):
        return f"{host} sent nothing more for {_STALL:g} s"
    return f"no connection to {host}"


def _requests() -> Any:
    return require("requests", "requests, which comes with tensorflow-datasets,")
