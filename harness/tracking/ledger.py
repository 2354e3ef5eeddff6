"""What was mirrored where, remembered below the results folder; losing it costs only sending again."""

from __future__ import annotations

import json
import uuid
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from harness.files import parsed_json, write_text

_FOLDER, _SENT, _IDENTITY, _LOCKS, _LOG = "tracking", "sent.jsonl", "identity", "locks", "log.txt"
_N_LOCKS = 64  # runs share them, so that there are few files


def tracking_folder(results: Path) -> Path:
    """The folder of what is remembered of tracking, shared by all matrices of a results folder."""
    return results / _FOLDER


def tracking_log(results: Path) -> Path:
    """What trackers printed while whole matrices were shown."""
    return tracking_folder(results) / _LOG


def results_identity(results: Path) -> str:
    """Twelve digits that tell this results folder from others, also when it is moved; drawn at the first call."""
    path = tracking_folder(results) / _IDENTITY
    try:
        known = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        known = ""
    if not known:
        known = uuid.uuid4().hex[:12]
        write_text(path, known + "\n")
    return known


class Ledger:
    """From run id to the digest of what was last shown at one destination.

    One line a run is appended, so that several processes write side by side; a line that is torn is one run
    that is shown again.
    """

    def __init__(self, results: Path, destination: str) -> None:
        """What is known of ``destination``."""
        self._path = tracking_folder(results) / _SENT
        self._destination = destination
        self._digests: dict[str, str] = {}
        self._n_read_bytes = 0

    def has(self, identifier: str, digest: str) -> bool:
        """Whether just this content was shown, by this process or another."""
        self._read_on()
        return self._digests.get(identifier) == digest

    def add(self, identifier: str, digest: str) -> None:
        """Remember that it was shown."""
        line = json.dumps({"to": self._destination, "run": identifier, "digest": digest}) + "\n"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            file.write(line.encode())

    @contextmanager
    def turn(self, identifier: str) -> Iterator[None]:
        """Keep other processes from showing the same run meanwhile, which would log its points twice."""
        folder = self._path.parent / _LOCKS
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{zlib.crc32(identifier.encode()) % _N_LOCKS}.lock"):
            yield

    def _read_on(self) -> None:
        """Take in the whole lines that were added since the last reading."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._n_read_bytes)
                content = file.read()
        except OSError:
            return
        whole = content[: content.rfind(b"\n") + 1]
        self._n_read_bytes += len(whole)
        for line in whole.splitlines():
            try:
                entry = parsed_json(line)
                if entry["to"] == self._destination:
                    self._digests[str(entry["run"])] = str(entry["digest"])
            except (ValueError, KeyError, TypeError):
                continue
