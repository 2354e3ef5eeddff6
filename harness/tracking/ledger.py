"""What was mirrored where, remembered below the results folder; losing it costs only sending again."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

from harness.files import write_text

_FOLDER, _SENT, _IDENTITY = "tracking", "sent.jsonl", "identity"


def tracking_folder(results: Path) -> Path:
    """The folder of what is remembered of tracking, shared by all matrices of a results folder."""
    return results / _FOLDER


def results_identity(results: Path) -> str:
    """Twelve digits that tell this results folder from others, also when it is moved; drawn at the first call."""
    path = tracking_folder(results) / _IDENTITY
    try:
        known = path.read_text(encoding="utf-8").strip()
    except OSError:
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
        """Read what is known of ``destination``."""
        self._path = tracking_folder(results) / _SENT
        self._destination = destination
        self._digests: dict[str, str] = {}
        try:
            lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return
        for line in lines:
            try:
                entry = json.loads(line)
                if entry["to"] == destination:
                    self._digests[str(entry["run"])] = str(entry["digest"])
            except (ValueError, KeyError, TypeError):
                continue

    def has(self, identifier: str, digest: str) -> bool:
        """Whether just this content was shown."""
        return self._digests.get(identifier) == digest

    def add(self, identifier: str, digest: str) -> None:
        """Remember that it was shown."""
        self._digests[identifier] = digest
        line = json.dumps({"to": self._destination, "run": identifier, "digest": digest}) + "\n"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            file.write(line.encode())
