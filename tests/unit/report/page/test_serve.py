"""The page over HTTP: what is answered, to whom, and how fresh it is."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from harness.errors import Fault, HarnessError, RecordError
from harness.report.numbers.entry import Entry
from harness.report.page import serve
from harness.report.page.document import Content
from harness.report.page.serve import PageServer, Source

MakeContent = Callable[..., Content]


class Changing:
    """A source whose content can be changed, and that counts how often it was made."""

    def __init__(self, content: Content) -> None:
        self.content, self.mark, self.n_made = content, 0, 0
        self.fault: HarnessError | None = None

    def source(self) -> Source:
        """It as a server wants it."""
        return Source(lambda: self.mark, self.make)

    def make(self) -> Content:
        """The content, or what is wrong with it."""
        self.n_made += 1
        if self.fault is not None:
            raise self.fault
        return self.content


@contextmanager
def served(sources: dict[str, Source], said: list[str] | None = None) -> Iterator[PageServer]:
    """A server that answers until the block ends."""
    with PageServer(sources, 0, [].append if said is None else said.append) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def ask(server: PageServer, path: str, method: str = "GET", **headers: str) -> Any:
    """The response of a request, read whole; its ``content`` is what was in it."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    try:
        connection.request(
            method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )
        response: Any = connection.getresponse()
        response.content = response.read()
    finally:
        connection.close()
    return response


@pytest.fixture
def changing(small_matrix: list[Entry], content_of: MakeContent, monkeypatch: pytest.MonkeyPatch) -> Changing:
    """A source that may be made anew at every request."""
    monkeypatch.setattr(serve, "_LEAST_S", 0.0)
    monkeypatch.setattr(serve, "_SHARE", 0.0)
    return Changing(content_of(small_matrix))


def test_page_and_its_news(changing: Changing) -> None:
    """The root is the page, its news are JSON, and known news are not sent again."""
    with served({"mine": changing.source()}) as server:
        page = ask(server, "/")
        assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert b"<h1>mine</h1>" in page.content
        news = ask(server, "/news.json?now")
        assert news.status == 200
        assert b'"overview"' in news.content
        again = ask(server, "/news.json", If_None_Match=news.headers["ETag"])
        assert (again.status, again.content) == (304, b"")


def test_news_come_when_something_changed(
    changing: Changing, small_matrix: list[Entry], content_of: MakeContent
) -> None:
    """Nothing is made anew while the mark stays; a new mark brings the new content under a new tag."""
    with served({"mine": changing.source()}) as server:
        tag = ask(server, "/news.json").headers["ETag"]
        changing.content = content_of(small_matrix[:-1])
        assert ask(server, "/news.json", If_None_Match=tag).status == 304
        assert changing.n_made == 1
        changing.mark += 1
        fresh = ask(server, "/news.json", If_None_Match=tag)
        assert (fresh.status, fresh.headers["ETag"] == tag, changing.n_made) == (200, False, 2)


def test_a_fault_leaves_the_last_page(changing: Changing) -> None:
    """What cannot be made is said once, and the page stays as it was."""
    said: list[str] = []
    with served({"mine": changing.source()}, said) as server:
        tag = ask(server, "/news.json").headers["ETag"]
        changing.mark, changing.fault = 1, RecordError(Fault("x", "is being written."))
        assert [ask(server, "/news.json").headers["ETag"] for _ in range(2)] == [tag, tag]
        assert said == ["the page stays as it was: x: is being written."]


def test_a_page_that_takes_long_is_made_seldom(changing: Changing, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two makings there is time for the training that the page is about."""
    monkeypatch.setattr(serve, "_LEAST_S", 60.0)
    with served({"mine": changing.source()}) as server:
        changing.mark += 1
        assert ask(server, "/news.json").status == 200
        assert changing.n_made == 1


@pytest.mark.parametrize(
    "path",
    ["/index.html", "/..%2f..%2fetc/passwd", "/../../etc/passwd", "//etc/passwd", "/mine/", "/records/", "/%00",
     "/news.json/", "/.", "/%ff", "http://elsewhere.example/news.json/x", "*", "/x" * 5000],
)  # fmt: skip
def test_only_the_routes_are_known(changing: Changing, path: str) -> None:
    """No path leads to a file, whatever it is spelled like."""
    with served({"mine": changing.source()}) as server:
        assert ask(server, path).status in (403, 404, 414)


@pytest.mark.parametrize(
    "headers",
    [{"Host": "elsewhere.example"}, {"Host": "elsewhere.example:{port}"}, {"Host": "127.0.0.1"}, {"Host": ""},
     {"Host": "127.0.0.1:1"}, {"Origin": "http://elsewhere.example"}, {"Origin": "null"},
     {"Origin": "http://127.0.0.1:1"}],
)  # fmt: skip
def test_others_are_refused(changing: Changing, headers: dict[str, str]) -> None:
    """A name that was made to lead here, and a page of elsewhere that asks, get nothing."""
    with served({"mine": changing.source()}) as server:
        port = str(server.server_address[1])
        filled = {name: value.replace("{port}", port) for name, value in headers.items()}
        answer = ask(server, "/news.json", **filled)
        assert answer.status == 403
        assert b"cells" not in answer.content


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_own_names_are_answered(changing: Changing, name: str) -> None:
    """Both names of this machine are its own."""
    with served({"mine": changing.source()}) as server:
        own = f"{name}:{server.server_address[1]}"
        assert ask(server, "/", Host=own, Origin=f"http://{own}").status == 200


def test_headers_let_nobody_else_in(changing: Changing) -> None:
    """No page of elsewhere may read, frame or embed an answer, and none is kept in a cache."""
    with served({"mine": changing.source()}) as server:
        headers = ask(server, "/").headers
        assert "Access-Control-Allow-Origin" not in headers
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_only_reading_is_possible(changing: Changing, method: str) -> None:
    """There is nothing to change, and no permission to ask for."""
    with served({"mine": changing.source()}) as server:
        assert ask(server, "/", method).status == 501


def test_head_has_no_content(changing: Changing) -> None:
    """HEAD tells the length and sends nothing."""
    with served({"mine": changing.source()}) as server:
        answer = ask(server, "/", "HEAD")
        assert (answer.status, answer.content) == (200, b"")
        assert int(answer.headers["Content-Length"]) > 1000


def test_listens_on_this_machine_only(changing: Changing) -> None:
    """The socket is bound to the loopback address."""
    with served({"mine": changing.source()}) as server:
        assert server.socket.getsockname()[0] == "127.0.0.1"


def test_several_matrices_have_a_list(changing: Changing, content_of: MakeContent) -> None:
    """Each matrix has a page under its own name, however it is spelled, and the root leads to them."""
    other = Changing(content_of([], name="<b> / ü"))
    with served({"mine": changing.source(), "<b> / ü": other.source()}) as server:
        front = ask(server, "/").content.decode()
        assert '<a href="/mine/">mine</a>' in front
        assert '<a href="/%3Cb%3E%20%2F%20%C3%BC/">&lt;b&gt; / ü</a>' in front
        assert b"<h1>mine</h1>" in ask(server, "/mine/").content
        assert b"&lt;b&gt; / \xc3\xbc" in ask(server, "/%3Cb%3E%20%2F%20%C3%BC/").content
        assert ask(server, "/mine/news.json").status == 200
        assert [ask(server, path).status for path in ("/mine", "/news.json", "/other/")] == [404, 404, 404]


def test_a_port_in_use_is_said(changing: Changing) -> None:
    """A port that another program has is a fault with a way out, not a traceback."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(HarnessError, match=f"port {port}: is in use by another program. Name another"):
            PageServer({"mine": changing.source()}, port, [].append)


def test_what_is_wrong_from_the_start_is_raised(changing: Changing) -> None:
    """A page that cannot be made at all is not served."""
    changing.fault = RecordError(Fault("x", "is broken."))
    with pytest.raises(RecordError, match="x: is broken"):
        PageServer({"mine": changing.source()}, 0, [].append)
