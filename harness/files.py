"""Files written whole or not at all, and digests of what they hold."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import tempfile
import time
from pathlib import Path
from typing import Any

import platformdirs

_UMASK = os.umask(0)  # reading the mask needs setting it; once, at import, before there are threads
os.umask(_UMASK)
_FILE_MODE = 0o666 & ~_UMASK
_PART = ".part"
_LEFT_S = 86_400.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def write_bytes(path: Path, content: bytes, durable: bool = True) -> None:
    """Write ``content`` so that ``path`` holds either the old file or the new one, also after a crash.

    A file that is not ``durable`` may be lost with the machine, but not with a process; it need not wait for the
    disk. The parent folder is made. The name of the temporary file starts with a dot and ends in ``.part``;
    readers of a folder skip those, and :func:`remove_leavings` removes those of writers that were killed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=_PART)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        # mkstemp makes files that only their owner reads; a results folder is shared with colleagues.
        Path(temporary).chmod(_FILE_MODE)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_text(path: Path, content: str, durable: bool = True) -> None:
    """Write UTF-8 text whole or not at all."""
    write_bytes(path, content.encode("utf-8"), durable)


def remove_leavings(folder: Path) -> int:
    """How many temporary files of killed writers were removed from a folder; it need not be there.

    They are known by their age of a day: a writer that lives has its own for moments, whatever machine it is on.
    """
    removed = 0
    try:
        found = [entry for entry in os.scandir(folder) if entry.name[0] == "." and entry.name.endswith(_PART)]
    except OSError:
        return 0
    for entry in found:
        with contextlib.suppress(OSError):  # it was somebody's who lives, or is somebody's whose files stay
            if time.time() - entry.stat(follow_symlinks=False).st_mtime > _LEFT_S:
                Path(entry).unlink()
                removed += 1
    return removed


def is_plain_name(value: object) -> bool:
    """Whether a name that a person gave can stand in the name of a file and in a label everywhere.

    It is made of letters, digits, ``.``, ``_`` and ``-`` and begins with a letter or a digit.
    """
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def canonical_json(value: Any) -> str:
    """The one spelling of ``value`` as JSON: sorted keys, no spaces, ASCII, no NaN or infinity."""
    return _CANONICAL.encode(value)


def parsed_json(text: str | bytes) -> Any:
    """The value that JSON spells.

    Raises:
        ValueError: it is not JSON in UTF-8, or its lists and mappings lie in each other deeper than can be read,
            or it spells half of a character, which can neither be printed nor written.
    """
    text = text if isinstance(text, str) else text.decode("utf-8")
    try:
        value = json.loads(text)
        if _SURROGATE.search(text):  # two of them are a whole character
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return value


def digest_text(text: str) -> str:
    """SHA-256 of the UTF-8 bytes, as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def digest_bytes(content: bytes) -> str:
    """SHA-256, as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def digest_file(path: Path) -> str:
    """SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cache_folder() -> Path:
    """Where everything lies that can be computed again: ``HARNESS_CACHE``, else the user's cache folder."""
    if named := os.environ.get("HARNESS_CACHE"):
        return Path(named).expanduser()
    return Path(platformdirs.user_cache_dir("coop-harness", appauthor=False))
