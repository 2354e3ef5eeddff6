"""A split made up by hand, archives of any shape, and a web server on this machine that answers badly."""

from __future__ import annotations

import io
import random
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import pytest

from harness.data.split import Item, Split


@pytest.fixture
def split() -> Split:
    """Two classes; ``small`` has two training images, ``large`` six, and both have five to validate."""
    classes = (("large", 6), ("small", 2))

    def items(part: str, counts: tuple[int, int]) -> tuple[Item, ...]:
        return tuple(
            Item(f"{part}/{name}_{number}", label, name)
            for label, ((name, _), count) in enumerate(zip(classes, counts, strict=True))
            for number in range(count)
        )

    return Split(train=items("train", (6, 2)), val=items("val", (5, 5)), test=items("test", (1, 1)))


@dataclass
class Served:
    """One file, and how it is given out.

    Attributes:
        content: the file.
        status: what is answered instead of it.
        kind: its Content-Type.
        ranges: whether a Range is honoured; 200 with everything otherwise.
        unsatisfiable: whether every Range is answered 416.
        at_most: bytes after which an answer breaks off.
        pause_s: seconds between a thousand bytes and the next.
        headers: more of them.
    """

    content: bytes
    status: int = 200
    kind: str = "application/octet-stream"
    ranges: bool = True
    unsatisfiable: bool = False
    at_most: int | None = None
    pause_s: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)


class Loopback:
    """The server; ``files`` can be changed while it runs, ``asked`` tells what was asked for."""

    def __init__(self) -> None:
        """Listen on a free port."""
        self.files: dict[str, Served] = {}
        self.asked: list[tuple[str, str, str | None]] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                owner._answer(self)

            def do_HEAD(self) -> None:
                owner._answer(self)

            def log_message(self, *_: object) -> None:
                """Nothing on stderr."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def put(self, path: str, content: bytes, **how: Any) -> str:
        """Serve a file, in the way that ``Served`` lists; its address."""
        self.files[path] = Served(content, **how)
        return self.url(path)

    def url(self, path: str = "") -> str:
        """The address of a file."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{path}"

    def ranges(self, path: str) -> list[str | None]:
        """The Range of every GET for a file."""
        return [given for method, asked, given in self.asked if (method, asked) == ("GET", path)]

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        path, wanted = unquote(request.path.partition("?")[0]), request.headers.get("Range")
        self.asked.append((request.command, path, wanted))
        served = self.files.get(path, Served(b"no such file", status=404))
        status, content, headers = served.status, served.content, dict(served.headers)
        if wanted and status == 200 and served.unsatisfiable:
            status, content = 416, b""
        elif wanted and status == 200 and served.ranges:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            status, content = 206, content[start:]
        request.send_response(status)
        headers = {"Content-Type": served.kind, "Content-Length": str(len(content)), **headers}
        for name, value in headers.items():
            request.send_header(name, value)
        request.close_connection = True
        request.send_header("Connection", "close")
        request.end_headers()
        if request.command == "HEAD":
            return
        try:
            body = content[: served.at_most]
            for start in range(0, len(body), 1000 if served.pause_s else len(body) or 1):
                request.wfile.write(body[start : start + 1000] if served.pause_s else body)
                threading.Event().wait(served.pause_s)
        except OSError:
            return  # whoever asked went away


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """A web server; no proxy stands before it, and repeated tries follow each other at once."""
    try:
        from huggingface_hub import close_session
    except ImportError:  # before 1.0
        from huggingface_hub.utils import reset_sessions as close_session

    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    monkeypatch.setattr(random, "uniform", lambda low, high: 0.0)  # gdown's pause before it tries again
    close_session()
    found = Loopback()
    yield found
    close_session()
    found.close()


@pytest.fixture
def make_zip() -> Callable[[Mapping[str, bytes]], bytes]:
    """A maker of zip archives from names to contents."""

    def make(files: Mapping[str, bytes]) -> bytes:
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w") as archive:
            for name, content in files.items():
                archive.writestr(zipfile.ZipInfo(name), content)
        return written.getvalue()

    return make


@pytest.fixture
def make_tar() -> Callable[..., bytes]:
    """A maker of tar archives from names to contents; ``mode`` as ``tarfile`` has it."""

    def make(files: Mapping[str, bytes], mode: str = "w:gz") -> bytes:
        written = io.BytesIO()
        with tarfile.open(fileobj=written, mode=mode) as archive:  # type: ignore[call-overload]
            for name, content in files.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        return written.getvalue()

    return make
