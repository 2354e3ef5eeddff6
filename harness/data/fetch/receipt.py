"""The note in a data set's folder of where its files came from."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from dataclasses import asdict

from harness.data.fetch.download import Origin
from harness.data.fetch.errand import Errand
from harness.files import parsed_json, write_text

RECEIPT = "harness_receipt.json"


def write_receipt(errand: Errand, origins: Sequence[Origin], split_digest: str | None) -> None:
    """Leave a note of where things came from; what an earlier call brought stays in it."""
    path = errand.folder / RECEIPT
    new = {origin.file for origin in origins}
    try:
        kept = [file for file in parsed_json(path.read_text(encoding="utf-8"))["files"] if file["file"] not in new]
    except (OSError, ValueError, KeyError, TypeError):
        kept = []
    content = {
        "dataset": errand.row.name,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "files": [*kept, *map(asdict, origins)],
        "split_digest": split_digest,
    }
    write_text(path, json.dumps(content, indent=2) + "\n")
