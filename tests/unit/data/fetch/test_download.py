"""One file brought to the disk."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from harness.data.fetch import download as download_module
from harness.data.fetch.download import Origin, download
from harness.data.fetch.sources import Drive, Hub, RemoteFile, Web
from harness.errors import DataError

CONTENT = bytes(range(256)) * 8192  # 2 MiB
CHUNK = 512 * 1024  # what gdown writes at once; the part of a piece that came before a break is lost
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PAGE = b"<!DOCTYPE html><html><body>Too many users</body></html>"


def fetched(url: str, target: Path, **published: Any) -> Origin:
    """A download of ``a.zip`` without a word."""
    return download(RemoteFile("a.zip", (), **published), Web(url), target, lambda *_: None)


def parts(target: Path) -> list[int]:
    """The sizes of what interrupted downloads left."""
    return [path.stat().st_size for path in target.parent.glob("*.part")]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Where the file goes."""
    return tmp_path / "new" / "a.zip"


def test_file_comes_with_its_origin(server: Any, target: Path) -> None:
    """The bytes are those of the server, and the origin says what they are."""
    url = server.put("/a.zip", CONTENT)
    assert fetched(url, target) == Origin("a.zip", url, None, len(CONTENT), SHA256)
    assert (target.read_bytes(), parts(target)) == (CONTENT, [])


def test_progress_ends_at_the_size(server: Any, target: Path) -> None:
    """Name, bytes so far and bytes in all are told."""
    steps: list[tuple[str, int, int | None]] = []
    download(RemoteFile("a.zip"), Web(server.put("/a.zip", CONTENT)), target, lambda *step: steps.append(step))
    assert steps[-1] == ("a.zip", len(CONTENT), len(CONTENT))


def test_slow_server_is_waited_for(server: Any, target: Path) -> None:
    """Pauses between pieces do no harm."""
    fetched(server.put("/a.zip", CONTENT[:5000], pause_s=0.01), target)
    assert target.read_bytes() == CONTENT[:5000]


@pytest.mark.parametrize("published", [{"sha256": SHA256}, {"md5": hashlib.md5(CONTENT).hexdigest()}])
def test_right_file_is_not_asked_for_again(server: Any, target: Path, published: dict[str, str]) -> None:
    """A file with its digest is kept, also when the server is gone."""
    url = server.put("/a.zip", CONTENT)
    first = fetched(url, target, **published)
    server.asked.clear()
    assert (fetched(url, target, **published), server.asked) == (first, [])


def test_other_file_is_replaced(server: Any, target: Path) -> None:
    """A file of another digest in the target's place is no reason to stop."""
    target.parent.mkdir()
    target.write_bytes(b"old")
    fetched(server.put("/a.zip", CONTENT), target, sha256=SHA256)
    assert target.read_bytes() == CONTENT


def test_broken_transfer_goes_on_within_a_call(server: Any, target: Path) -> None:
    """A server that breaks off every half a MiB gives the file out all the same."""
    fetched(server.put("/a.zip", CONTENT, at_most=CHUNK + 1000), target, sha256=SHA256)
    assert [given for given in server.ranges("/a.zip") if given] == [f"bytes={n * CHUNK}-" for n in (1, 2, 3)]


def test_broken_transfer_goes_on_in_the_next_call(
    server: Any, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came is kept beside the target, said, and not asked for a second time."""
    monkeypatch.setattr(download_module, "RETRIES", 0)
    url = server.put("/a.zip", CONTENT, at_most=CHUNK + 1000)
    with pytest.raises(DataError, match="524,288 bytes are kept; the next try goes on from there"):
        fetched(url, target, sha256=SHA256)
    assert (target.exists(), parts(target)) == (False, [CHUNK])
    server.files["/a.zip"].at_most = None
    server.asked.clear()
    fetched(url, target, sha256=SHA256)
    assert (target.read_bytes(), parts(target)) == (CONTENT, [])
    assert set(server.ranges("/a.zip")) <= {f"bytes={CHUNK}-", None}


def half(server: Any, target: Path, monkeypatch: pytest.MonkeyPatch, **how: Any) -> str:
    """The address of a file of which a quarter is here; ``how`` the rest is given out."""
    monkeypatch.setattr(download_module, "RETRIES", 0)
    url = server.put("/a.zip", CONTENT, at_most=CHUNK + 1000)
    with pytest.raises(DataError):
        fetched(url, target)
    monkeypatch.undo()
    server.put("/a.zip", CONTENT, **how)
    return str(url)


@pytest.mark.parametrize("how", [{"ranges": False}, {"unsatisfiable": True}], ids=["200", "416"])
def test_server_without_ranges_gives_all_again(
    server: Any, target: Path, monkeypatch: pytest.MonkeyPatch, how: dict[str, bool]
) -> None:
    """Where the rest cannot be had the download begins anew, and nothing is appended to what was there."""
    fetched(half(server, target, monkeypatch, **how), target)
    assert (target.read_bytes(), parts(target)) == (CONTENT, [])


def test_interrupted_download_is_kept_when_the_server_fails(
    server: Any, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither an error nor a web page costs the bytes that are here."""
    url = half(server, target, monkeypatch, status=503)
    with pytest.raises(DataError, match="answers 503"):
        fetched(url, target)
    server.put("/a.zip", PAGE, kind="text/html")
    with pytest.raises(DataError, match="web page"):
        fetched(url, target)
    assert parts(target) == [CHUNK]


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_failing_server_is_quoted(server: Any, target: Path, status: int) -> None:
    """The answer is said, and nothing is left."""
    url = server.put("/a.zip", b"", status=status)
    with pytest.raises(DataError, match=f"answers {status}") as caught:
        fetched(url, target)
    assert caught.value.faults[0].where == url
    assert list(target.parent.iterdir()) == []


def test_absent_server_is_said(server: Any, target: Path) -> None:
    """A refused connection is one short line."""
    server.close()
    with pytest.raises(DataError, match=r"cannot be reached: .*refused") as caught:
        fetched(server.url("/a.zip"), target)
    assert "Pool" not in str(caught.value)


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/zip"])
def test_web_page_is_refused(server: Any, target: Path, kind: str) -> None:
    """A page is no archive, whatever the server calls it, and does not stay."""
    with pytest.raises(DataError, match="web page"):
        fetched(server.put("/a.zip", PAGE, kind=kind), target)
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("published", "message"),
    [
        ({"sha256": "0" * 64}, f"SHA-256 {'0' * 64} was expected, {SHA256} was found"),
        ({"md5": "0" * 32}, f"MD5 {'0' * 32} was expected"),
        ({"n_bytes": 7}, "gave 2,097,152 bytes as a.zip; 7 were expected"),
    ],
)
def test_wrong_file_is_refused_and_removed(
    server: Any, target: Path, published: dict[str, Any], message: str
) -> None:
    """Expected and found are said, and the next call begins anew."""
    with pytest.raises(DataError, match=message):
        fetched(server.put("/a.zip", CONTENT), target, **published)
    assert list(target.parent.iterdir()) == []


def test_full_disk_is_said_before_the_download(server: Any, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Free and needed bytes are compared before the first one comes."""

    class Usage:
        free = 1000

    monkeypatch.setattr(download_module.shutil, "disk_usage", lambda _: Usage)
    with pytest.raises(DataError, match=r"has 1,000 bytes free, and 2,097,152 are needed for a\.zip"):
        fetched(server.put("/a.zip", CONTENT), target)


def hub_headers(content: bytes, **more: str) -> dict[str, str]:
    """What the hub says of a large file."""
    sha256 = hashlib.sha256(content).hexdigest()
    return {"X-Repo-Commit": "c" * 40, "ETag": f'"{sha256}"', **more}


def test_hub_file_has_revision_and_digest(server: Any, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``HF_ENDPOINT`` is asked for the pinned revision, and its digest is the one to match."""
    monkeypatch.setenv("HF_ENDPOINT", server.url() + "/")
    path = "/datasets/me/pictures/resolve/abc/a.zip"
    server.put(path, CONTENT, headers=hub_headers(CONTENT))
    place = Hub("me/pictures", "a.zip", "abc", kind="dataset")
    origin = download(RemoteFile("a.zip"), place, target, lambda *_: None)
    assert origin == Origin("a.zip", server.url(path), "c" * 40, len(CONTENT), SHA256)
    server.put(path, CONTENT[::-1], headers=hub_headers(CONTENT))
    target.unlink()
    with pytest.raises(DataError, match="of another digest"):
        download(RemoteFile("a.zip"), place, target, lambda *_: None)


def test_published_digest_goes_before_the_hubs(server: Any, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that was replaced on the hub is not taken for the published one."""
    monkeypatch.setenv("HF_ENDPOINT", server.url())
    server.put("/me/pictures/resolve/main/a.zip", CONTENT, headers=hub_headers(CONTENT))
    place = Hub("me/pictures", "a.zip", "main", kind="model")
    with pytest.raises(DataError, match=f"SHA-256 {'1' * 64} was expected"):
        download(RemoteFile("a.zip", sha256="1" * 64), place, target, lambda *_: None)


@pytest.mark.parametrize("status", [404, 500])
def test_failing_hub_is_quoted(server: Any, target: Path, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    """The hub's answer is a fault like any other."""
    monkeypatch.setenv("HF_ENDPOINT", server.url())
    server.put("/me/pictures/resolve/main/a.zip", b"", status=status)
    with pytest.raises(DataError, match=f"answers {status}"):
        download(RemoteFile("a.zip"), Hub("me/pictures", "a.zip", "main", "model"), target, lambda *_: None)


def test_absent_hub_is_said(server: Any, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The errors of the hub's HTTP library are faults, too."""
    monkeypatch.setenv("HF_ENDPOINT", server.url())
    server.close()
    with pytest.raises(DataError, match="cannot be reached"):
        download(RemoteFile("a.zip"), Hub("me/pictures", "a.zip", "main", "model"), target, lambda *_: None)


def test_google_drive_is_not_waited_for_without_a_net(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a net is told at once."""
    import requests

    def absent(*_: Any, **__: Any) -> None:
        raise requests.ConnectionError("Pool(('x': [Errno -2] Name or service not known\"))")

    monkeypatch.setattr(requests, "head", absent)
    with pytest.raises(DataError, match=r"cannot be reached: Name or service not known\.$"):
        download(RemoteFile("a.zip"), Drive("abc"), target, lambda *_: None)


def test_google_drive_goes_by_its_id(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What gdown is given is the id; its refusal is one sentence."""
    import gdown
    import requests
    from gdown.exceptions import FileURLRetrievalError

    monkeypatch.setattr(requests, "head", lambda *_, **__: None)

    def bring(**given: Any) -> None:
        assert (given["id"], given["url"], given["output"]) == ("abc", None, str(target))
        target.write_bytes(CONTENT)

    monkeypatch.setattr(gdown, "download", bring)
    origin = download(RemoteFile("a.zip", sha256=SHA256), Drive("abc"), target, lambda *_: None)
    assert origin.address == "https://drive.google.com/uc?id=abc"

    def refuse(**_: Any) -> None:
        raise FileURLRetrievalError("many lines\nof advice")

    monkeypatch.setattr(gdown, "download", refuse)
    with pytest.raises(DataError, match="Google Drive does not give the file out") as caught:
        download(RemoteFile("b.zip"), Drive("abc"), target.with_name("b.zip"), lambda *_: None)
    assert "many lines" not in str(caught.value)
