"""One file brought to the disk: resumed where it was left, and never taken without its size and digest.

The bytes are moved by gdown, which resumes plain addresses and Google Drive alike, and never splices what does not
fit. huggingface_hub says where a file of the hub lies and what its digest is; its own ``hf_hub_download`` begins
anew after every interruption, which is no way to get 39 GB.
"""

from __future__ import annotations

import glob
import hashlib
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import harness
from harness.data.fetch.sources import Drive, Hub, Place, RemoteFile
from harness.errors import DataError, Fault, first_line
from harness.files import digest_file

if TYPE_CHECKING:
    import requests

Progress = Callable[[str, int, int | None], None]
"""Called with what is at work, bytes done, and bytes in all where that is known."""

RETRIES = 5  # of a transfer that breaks off; each goes on where the last one ended
_TIMEOUT_S = 60.0  # without a byte
_USER_AGENT = f"coop-harness/{harness.__version__}"
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a file or folder came from, and what it is; a linked folder has neither name nor size nor digest."""

    file: str
    address: str
    revision: str | None = None
    n_bytes: int | None = None
    sha256: str | None = None


def download(file: RemoteFile, place: Place, target: Path, progress: Progress) -> Origin:
    """Where the file at ``target`` came from, once it is whole and has its digest.

    A file that is there and right is kept. What came before an interruption lies beside ``target`` and ends in
    ``.part``; the next call goes on from there, or begins anew where the server cannot.

    Raises:
        DataError: the place does not answer, answers with a web page, or gives a file of another size or digest; a
            wrong file is removed, so that the next call begins anew. Or the disk has no room.
    """
    address, revision, file = _looked_up(file, place)
    if target.is_file():
        try:
            return _origin(target, file, address, revision)
        except DataError:
            target.unlink()
    target.parent.mkdir(parents=True, exist_ok=True)
    _bring(file, place, address, target, progress)
    try:
        return _origin(target, file, address, revision)
    except DataError:
        target.unlink()
        raise


def _looked_up(file: RemoteFile, place: Place) -> tuple[str, str | None, RemoteFile]:
    """Address, revision, and the file with what the hub knows of it."""
    if not isinstance(place, Hub):
        return str(place), None, file
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError

    # Read here since huggingface_hub reads it at import only.
    endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/") or None
    address = hf_hub_url(
        place.repository, place.file, repo_type=place.kind, revision=place.revision, endpoint=endpoint
    )
    # OSError, and the root of the errors of whichever HTTP library this version of huggingface_hub is made with.
    failures = tuple(kind for kind in HfHubHTTPError.__mro__[:-3] if issubclass(kind, Exception))
    try:
        found = get_hf_file_metadata(address)
    except failures as error:
        response = getattr(error, "response", None)
        code = getattr(response, "status_code", None)
        what = f"answers {code}." if code else f"cannot be reached: {first_line(error)}."
        raise DataError(Fault(address, what)) from None
    if file.sha256 is None and found.etag is not None and _SHA256.fullmatch(found.etag):
        file = replace(file, n_bytes=found.size, sha256=found.etag)
    return address, found.commit_hash, file


def _bring(file: RemoteFile, place: Place, address: str, target: Path, progress: Progress) -> None:
    """Leave a file at ``target``; of which size and digest is not looked at.

    Raises:
        DataError: it cannot be had, or the disk has no room for it.
    """
    import gdown
    import requests
    from gdown.exceptions import DownloadError, FileURLRetrievalError

    before = 0
    try:
        if isinstance(place, Drive):
            # Without a net, gdown would try for half a minute.
            requests.head("https://drive.google.com", timeout=_TIMEOUT_S)
        else:
            _begin(address, file, target)
        part = _part(target)
        before = part.stat().st_size if part else 0
        gdown.download(
            url=None if isinstance(place, Drive) else address,
            id=place.id if isinstance(place, Drive) else None,
            output=str(target),
            quiet=True,
            use_cookies=False,
            resume=True,
            # Google Drive answers browsers only.
            user_agent=None if isinstance(place, Drive) else _USER_AGENT,
            progress=lambda done, total: progress(file.name, done, total or file.n_bytes),
            timeout=_TIMEOUT_S,
            retries=RETRIES,
        )
    except requests.RequestException as error:
        raise DataError(Fault(address, _why(error))) from None
    except FileURLRetrievalError:
        what = "Google Drive does not give the file out; often it does so again after a day."
        raise DataError(Fault(address, what)) from None
    except DownloadError as error:
        cause = error.__cause__
        left = _part(target)
        kept = left.stat().st_size if left else 0
        if left and (kept == 0 or (kept == before and cause is None)):
            # Not a byte came, and not for want of a connection: what is here does not fit what is there.
            left.unlink()
            kept = 0
        what = _why(cause) if isinstance(cause, requests.RequestException) else f"{first_line(error)}."
        mend = f"{kept:,} bytes are kept; the next try goes on from there." if kept else ""
        raise DataError(Fault(address, what, mend)) from None


def _part(target: Path) -> Path | None:
    """What an earlier download left, by gdown's way of calling it."""
    found = sorted(target.parent.glob(f"{glob.escape(target.name)}????????.part"))
    # Two can only be left by two processes at once; the longest is the one to go on with, and gdown wants one.
    found.sort(key=lambda path: path.stat().st_size)
    for path in found[:-1]:
        path.unlink()
    return found[-1] if found else None


def _begin(url: str, file: RemoteFile, target: Path) -> None:
    """Remove what an earlier download left, unless the server gives the rest.

    Raises:
        DataError: the server gives a web page, or the disk has no room for the file.
    """
    import requests

    part = _part(target)
    offset = part.stat().st_size if part else 0
    headers = {"User-Agent": _USER_AGENT, "Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_S) as answer:
        nothing_more = offset > 0 and answer.status_code == 416
        if not nothing_more:
            answer.raise_for_status()
            if answer.headers.get("Content-Type", "").lower().startswith("text/html"):
                # A login, a quota or an error that calls itself a success.
                raise DataError(Fault(url, "answers with a web page instead of the file."))
        goes_on = answer.status_code == 206
        announced = 0 if nothing_more else int(answer.headers.get("Content-Length") or 0)
    if part is not None and not goes_on:
        part.unlink()
    needed = max(announced, (file.n_bytes or 0) - (offset if goes_on else 0))
    free = shutil.disk_usage(target.parent).free
    if needed > free:
        what = f"has {free:,} bytes free, and {needed:,} are needed for {file.name}."
        raise DataError(Fault(str(target.parent), what))


def _origin(path: Path, file: RemoteFile, address: str, revision: str | None) -> Origin:
    """What came from ``address``.

    Raises:
        DataError: it is a web page, or not of its published size and digest.
    """
    with path.open("rb") as opened:
        head = opened.read(1024).lstrip().lower()
    if head.startswith((b"<!doctype html", b"<html")):
        raise DataError(Fault(address, f"gave a web page instead of {file.name}."))
    n_bytes = path.stat().st_size
    if file.n_bytes not in (None, n_bytes):
        raise DataError(Fault(address, f"gave {n_bytes:,} bytes as {file.name}; {file.n_bytes:,} were expected."))
    sha256 = digest_file(path)
    kind, expected, found = "SHA-256", file.sha256, sha256
    if expected is None and file.md5 is not None:
        kind, expected, found = "MD5", file.md5, _md5(path)
    if expected not in (None, found):
        what = f"gave a {file.name} of another digest: {kind} {expected} was expected, {found} was found."
        raise DataError(Fault(address, what))
    return Origin(file.name, address, revision, n_bytes, sha256)


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _why(error: requests.RequestException) -> str:
    """What a failed request comes down to, without the library's inner names."""
    import requests

    if error.response is not None:
        return f"answers {error.response.status_code} {error.response.reason}.".replace(" .", ".")
    if isinstance(error, requests.Timeout):
        return f"did not send anything for {_TIMEOUT_S:.0f} s."
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "broke off again and again."
    # The last words of what urllib3 wraps several times.
    known = re.search(r"\[Errno -?\d+\] ([^'\")]+)", str(error))
    return f"cannot be reached: {known[1].rstrip('.')}." if known else f"cannot be reached: {first_line(error)}."
