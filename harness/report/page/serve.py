"""Pages over HTTP to this machine's own browser, made anew when what they show has changed."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, unquote, urlsplit

from harness.errors import Fault, HarnessError
from harness.files import canonical_json
from harness.report.page.document import Content, page_html
from harness.report.tables.html import escape_html

LOOPBACK = "127.0.0.1"
NEWS = "news.json"
_LEAST_S = 1.0  # between two looks at the disk
_SHARE = 5.0  # a page that takes a second to make is made every five seconds at most: the machine is training
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, slots=True)
class Source:
    """Where a page comes from.

    Attributes:
        mark: something that is another one whenever the content may be.
        make: the content as it is now.
    """

    mark: Callable[[], Hashable]
    make: Callable[[], Content]


@dataclass(frozen=True, slots=True)
class _Made:
    mark: Hashable
    content: Content
    tag: str


class _Fresh:
    """The content of one source, as fresh as it is cheap to have."""

    def __init__(self, source: Source, say: Callable[[str], None]) -> None:
        """Make the content once, so that what is wrong from the start is raised here."""
        self._source = source
        self._say = say
        self._lock = threading.Lock()
        self._complaint = ""
        start = time.monotonic()
        self._made = self._make(source.mark())
        self._next_s = start + _LEAST_S

    def get(self) -> _Made:
        """The content, made anew if its mark has changed; the last one while it cannot be made."""
        with self._lock:
            start = time.monotonic()
            if start < self._next_s:
                return self._made
            try:
                mark = self._source.mark()
                if mark != self._made.mark:
                    self._made = self._make(mark)
                self._complaint = ""
            except (HarnessError, OSError) as error:  # a matrix that is being edited, a folder that is away
                self._complain(str(error))
            self._next_s = time.monotonic() + max(_LEAST_S, _SHARE * (time.monotonic() - start))
            return self._made

    def _make(self, mark: Hashable) -> _Made:
        content = self._source.make()
        return _Made(mark, content, f'"{content.tag}"')

    def _complain(self, text: str) -> None:
        if text != self._complaint:
            self._say(f"the page stays as it was: {text}")
        self._complaint = text


class PageServer(ThreadingHTTPServer):
    """Serves a page for each source, to browsers of this machine only, and no file of the disk."""

    daemon_threads = True
    allow_reuse_address = os.name != "nt"  # there it would let two programs have the port

    def __init__(self, sources: Mapping[str, Source], port: int, say: Callable[[str], None]) -> None:
        """Make every page once and listen.

        Args:
            sources: by the name of the matrix; a single one is served at the root.
            port: of the loopback address; 0 takes a free one.
            say: is told what goes wrong later.

        Raises:
            HarnessError: the port cannot be had.
        """
        self._fresh = {name: _Fresh(source, say) for name, source in sources.items()}
        try:
            super().__init__((LOOPBACK, port), _Handler)
        except (OSError, OverflowError) as error:
            raise HarnessError(_port_fault(port, error)) from None
        own = self.server_address[1]
        self.hosts = frozenset(f"{name}:{own}" for name in (LOOPBACK, "localhost"))

    @property
    def address(self) -> str:
        """What to open in a browser."""
        return f"http://{LOOPBACK}:{self.server_address[1]}/"

    def answer(self, path: str, known_tag: str | None) -> tuple[HTTPStatus, str, bytes, str | None]:
        """Status, kind of content, content and its tag of a path; nothing but the routes of the pages is known."""
        found = self._route(path)
        if found is None:
            if path == "/" and len(self._fresh) > 1:
                return HTTPStatus.OK, "text/html", self._list().encode(), None
            return HTTPStatus.NOT_FOUND, "text/plain", b"There is nothing here.\n", None
        fresh, is_news = found
        made = fresh.get()
        if not is_news:
            return HTTPStatus.OK, "text/html", page_html(made.content, live=True).encode(), made.tag
        if known_tag == made.tag:
            return HTTPStatus.NOT_MODIFIED, "application/json", b"", made.tag
        content = made.content
        news = {
            "lead": content.lead, "overview": content.overview, "tables": content.tables, "data": content.data,
        }  # fmt: skip
        return HTTPStatus.OK, "application/json", canonical_json(news).encode(), made.tag

    def _route(self, path: str) -> tuple[_Fresh, bool] | None:
        """The page of a path, and whether its news are meant."""
        if len(self._fresh) == 1:
            (only,) = self._fresh.values()
            return {"/": (only, False), f"/{NEWS}": (only, True)}.get(path)
        for name, fresh in self._fresh.items():
            if path == f"/{name}/":
                return fresh, False
            if path == f"/{name}/{NEWS}":
                return fresh, True
        return None

    def _list(self) -> str:
        links = "".join(
            f'<li><a href="/{quote(name, safe="")}/">{escape_html(name)}</a></li>' for name in self._fresh
        )
        return (
            '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
            '<meta name="viewport" content="width=device-width"><title>Matrices</title>'
            f'<body style="font:1rem/1.6 system-ui;margin:2rem"><h1>Matrices</h1><ul>{links}</ul></body></html>'
        )


class _Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: PageServer
    server_version = "harness"
    sys_version = ""
    timeout = 30  # a connection on which nothing is asked

    def do_GET(self) -> None:
        """Answer with content."""
        self._respond()

    def do_HEAD(self) -> None:
        """Answer without content."""
        self._respond()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Print nothing: a page asks for news every few seconds."""

    def _respond(self) -> None:
        if not self._is_own():
            self._send(HTTPStatus.FORBIDDEN, "text/plain", b"Only this machine's own browser is answered.\n", None)
            return
        path = unquote(urlsplit(self.path).path, errors="replace")
        self._send(*self.server.answer(path, self.headers.get("If-None-Match")))

    def _is_own(self) -> bool:
        """Whether the request comes from here, was meant for here, and was not made by a page of elsewhere.

        A name of elsewhere that was made to lead to this machine (DNS rebinding) stands in the header Host.
        """
        origin = self.headers.get("Origin")
        return (
            self.client_address[0] == LOOPBACK
            and self.headers.get("Host", "") in self.server.hosts
            and (origin is None or origin in {f"http://{host}" for host in self.server.hosts})
        )

    def _send(self, status: HTTPStatus, kind: str, content: bytes, tag: str | None) -> None:
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        if tag is not None:
            self.send_header("ETag", tag)
        if status != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def handle(self) -> None:
        """Answer, and let a browser go that has closed its side."""
        try:
            super().handle()
        except (ConnectionError, TimeoutError):
            self.close_connection = True


def _port_fault(port: int, error: OSError | OverflowError) -> Fault:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        what = "is in use by another program."
    else:
        what = f"cannot be had: {getattr(error, 'strerror', None) or error}."
    return Fault(f"port {port}", what, "Name another one with --port, or 0 for any that is free.")
