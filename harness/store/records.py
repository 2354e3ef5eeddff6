"""Records on disk: one file a cell, written whole, read with suspicion."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from harness.errors import Fault, NotWrittenError, RecordError
from harness.files import digest_bytes, parsed_json, write_bytes, write_text
from harness.store.facts import Facts, facts_of
from harness.store.reading import is_sealed, sealed
from harness.store.record import SCHEMA_VERSION, RunRecord

QUARANTINE = "quarantine"
WORDS_SUFFIX = ".words.json"


@dataclass(frozen=True, slots=True)
class Scan:
    """What a results folder holds.

    Attributes:
        records: from cell id to its record; empty after a survey.
        facts: from cell id to the facts of its record.
        other_schemas: from cell id to the schema version of a record that this version cannot read.
        broken: files that are not whole records, with the reason.
    """

    records: dict[str, RunRecord] = field(default_factory=dict)
    facts: dict[str, Facts] = field(default_factory=dict)
    other_schemas: dict[str, object] = field(default_factory=dict)
    broken: dict[Path, str] = field(default_factory=dict)


def records_folder(results: Path) -> Path:
    """The folder that all matrices of one results folder share."""
    return results / "records"


def record_path(results: Path, identifier: str) -> Path:
    """Where the record of a cell stands."""
    return records_folder(results) / f"{identifier}.json"


def write_record(
    results: Path,
    record: RunRecord,
    context: bytes | None = None,
    words: str | None = None,
    logits: bytes | None = None,
) -> None:
    """Write a record; its context, nearest words and logits go first, so that it vouches for all of its files.

    Logits of an earlier run that the record no longer speaks of are removed behind it, since they are large.

    Raises:
        NotWrittenError: the disk is full, or the folder read-only; the record is the old one, or none.
    """
    path = record_path(results, record.cell_id)
    try:
        if context is not None:
            write_bytes(path.with_suffix(".safetensors"), context)
        if words is not None:
            write_text(path.with_suffix(WORDS_SUFFIX), words)
        if logits is not None:
            write_bytes(path.with_suffix(".logits.npz"), logits)
        write_text(path, record_text(record))
        if logits is None:
            path.with_suffix(".logits.npz").unlink(missing_ok=True)
    except OSError as error:
        raise not_written(error, records_folder(results)) from None


def not_written(error: OSError, where: Path | None = None) -> NotWrittenError:
    """The fault of a results folder that takes nothing more."""
    what = f"nothing can be written here any more: {error.strerror or error}."
    mend = "Mend that, and the next run goes on from here."
    return NotWrittenError(Fault(str(where or error.filename or ""), what, mend))


def record_text(record: RunRecord) -> str:
    """What the file of a record holds."""
    return sealed(json.dumps(record.model_dump(mode="json"), indent=1, allow_nan=False))


def read_context(results: Path, record: RunRecord) -> bytes | None:
    """The safetensors file of a record's context; ``None`` where it has none, or not the one it vouches for."""
    if record.context is None:
        return None
    try:
        content = (records_folder(results) / record.context.file).read_bytes()
    except OSError:
        return None
    return content if digest_bytes(content) == record.context.sha256 else None


def read_records(results: Path, identifiers: Iterable[str] | None = None) -> Scan:
    """The records of the named cells, or of all cells; a file that is not a whole record is listed as broken."""
    scan = Scan()
    for identifier in record_names(results) if identifiers is None else identifiers:
        _read_into(scan, record_path(results, identifier))
    return scan


def record_names(results: Path) -> list[str]:
    """The cell ids that files are named after, sorted."""
    folder = records_folder(results)
    names = [entry.name for entry in os.scandir(folder)] if folder.is_dir() else []
    names = [name for name in names if name.endswith(".json") and not name.startswith(".")]
    return sorted(name.removesuffix(".json") for name in names if not name.endswith(WORDS_SUFFIX))


def newest_names(results: Path, most: int) -> list[str]:
    """The cell ids of the records that were written last, the newest first."""
    folder = records_folder(results)
    times: dict[str, int] = {}
    for name in record_names(results):
        with contextlib.suppress(OSError):
            times[name] = os.stat(f"{folder}/{name}.json").st_mtime_ns  # noqa: PTH116 - as above
    return sorted(times, key=lambda name: (-times[name], name))[:most]


def quarantine(results: Path, scan: Scan) -> list[Path]:
    """Move the broken files out of the way, into ``records/quarantine``; where they stand now.

    Each is looked at once more: another run may have moved it, or have put a whole record in its place.
    """
    moved = []
    for path in scan.broken:
        again = Scan()
        _read_into(again, path)
        if path not in again.broken:
            continue
        target = records_folder(results) / QUARANTINE / path.name
        target.parent.mkdir(exist_ok=True)
        number = 1
        while target.exists():
            number += 1
            target = target.with_name(f"{path.stem}.{number}{path.suffix}")
        with contextlib.suppress(FileNotFoundError):
            path.replace(target)
            moved.append(target)
    return moved


def require_writable(results: Path) -> None:
    """Make the results folder and write a file into it, some bytes of which reach the disk.

    Raises:
        RecordError: that cannot be done, since the folder is read-only or the disk is full; says why.
    """
    folder = records_folder(results)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(4096))
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        what = f"records cannot be written here: {error.strerror}."
        raise RecordError(Fault(str(results), what, "Name another folder with --results DIR.")) from None


def _read_into(scan: Scan, path: Path) -> None:
    """Add one file to ``scan``; a file that is not there adds nothing."""
    try:
        content = path.read_bytes()
        text = content.decode("utf-8")
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        scan.broken[path] = f"cannot be read: {error}"
        return
    try:
        flat = parsed_json(text)
        version = flat["schema_version"]
        if version != SCHEMA_VERSION:
            scan.other_schemas[path.stem] = version
            return
        seal = flat.pop("sha256", None)
        record = RunRecord.model_validate(flat)
        facts = facts_of(record)
        # Other spaces or ends of lines are no damage, so the record as it would be written has a say, too.
        is_whole = seal is None or is_sealed(content) or seal == json.loads(record_text(record))["sha256"]
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        scan.broken[path] = f"is not a record: {place + ': ' if place else ''}{first['msg']}"
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        scan.broken[path] = f"is not a whole record: {error}"
    else:
        if record.cell_id != path.stem:
            scan.broken[path] = f"holds the record of another cell, {record.cell_id}"
        elif not is_whole:
            scan.broken[path] = "is damaged: its digest is not that of its content"
        else:
            scan.records[record.cell_id] = record
            scan.facts[record.cell_id] = facts
