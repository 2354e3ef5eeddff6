"""Records on disk."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import NotWrittenError, RecordError
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.store.record import RunRecord
from harness.store.records import (
    newest_names,
    not_written,
    quarantine,
    read_records,
    record_path,
    require_writable,
    write_record,
)
from harness.store.survey import survey_records

MakeCell = Callable[..., Cell]
MakeRecord = Callable[..., RunRecord]
PutRecord = Callable[[str, Any], Path]


@pytest.fixture
def record(make_cell: MakeCell, make_record: MakeRecord) -> RunRecord:
    """A done record."""
    return make_record(make_cell())


@pytest.mark.parametrize("status", ["done", "failed"])
def test_record_reads_back(tmp_path: Path, make_cell: MakeCell, make_record: MakeRecord, status: str) -> None:
    """A record that was written is read as it was."""
    record = make_record(make_cell(), status=status)
    write_record(tmp_path, record)
    assert read_records(tmp_path).records == {record.cell_id: record}


def test_context_and_words_stand_beside_the_record(tmp_path: Path, record: RunRecord) -> None:
    """A record's companions have its name, and are not taken for records."""
    write_record(tmp_path, record, context=b"tensors", words="[]")
    names = sorted(path.name for path in (tmp_path / "records").iterdir())
    assert names == [f"{record.cell_id}{end}" for end in (".json", ".safetensors", ".words.json")]
    scan = read_records(tmp_path)
    assert (list(scan.records), scan.broken) == ([record.cell_id], {})


def test_named_records_are_read_alone(tmp_path: Path, make_cell: MakeCell, make_record: MakeRecord) -> None:
    """Only the asked-for records are read; one that is not there adds nothing."""
    for seed in (1, 2):
        write_record(tmp_path, make_record(make_cell(seed=seed)))
    asked = [cell_id(make_cell(seed=seed)) for seed in (2, 3)]
    scan = read_records(tmp_path, asked)
    assert (list(scan.records), scan.other_schemas, scan.broken) == ([asked[0]], {}, {})


def test_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    """No results are no error."""
    scan = read_records(tmp_path / "none")
    assert (scan.records, scan.other_schemas, scan.broken) == ({}, {}, {})


def test_unfinished_files_are_skipped(tmp_path: Path, record: RunRecord) -> None:
    """What another process is writing now is not looked at."""
    write_record(tmp_path, record)
    (tmp_path / "records" / ".x.json.abc.part").write_text("{")
    (tmp_path / "records" / ".x.json").write_text("{")
    assert read_records(tmp_path).broken == {}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is not a whole record: Expecting value: line 1 column 1 (char 0)"),
        ('{"schema_version": 1, "cell', "is not a whole record: Unterminated string"),
        (b"\x00\xff\xfe\x80", "cannot be read: 'utf-8' codec can't decode byte 0xff"),
        ("[]", "is not a whole record: list indices must be integers"),
        ("3", "is not a whole record: 'int' object is not subscriptable"),
        ("{}", "is not a whole record: 'schema_version'"),
        ('{"schema_version": 1}', "is not a record: cell_id: Field required"),
        ("[" * 200_000, "is not a whole record: "),
    ],
)
def test_junk_is_broken(tmp_path: Path, put_record: PutRecord, content: str | bytes, reason: str) -> None:
    """A file that is no whole record is listed with the reason and nothing is raised."""
    path = put_record("abc", content)
    scan = read_records(tmp_path)
    assert list(scan.broken) == [path]
    assert scan.broken[path].startswith(reason)
    assert (scan.records, scan.other_schemas) == ({}, {})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"n_correct": 4}, "is not a record: Value error, per_class does not add up to n_correct and n_test"),
        ({"surplus": 1}, "is not a record: surplus: Extra inputs are not permitted"),
        ({"n_test": "many"}, "is not a record: n_test: Input should be a valid integer"),
        ({"cell": {}}, "is not a record: Value error, a cell names its dataset, backbone, method"),
        (
            {"cell": {"dataset": "x", "backbone": "y", "method": "z", "recipe": [1]}},
            "is not a record: Value error, a cell's values are words, finite numbers or null",
        ),
        ({"cell": 3}, "is not a record: cell: Input should be a valid dictionary"),
    ],
)
def test_record_of_another_form_is_broken(
    tmp_path: Path, put_record: PutRecord, record: RunRecord, changes: dict[str, Any], reason: str
) -> None:
    """A record that contradicts itself, or has other keys or types, is listed with the reason."""
    path = put_record(record.cell_id, record.model_dump(mode="json") | changes)
    scan = read_records(tmp_path)
    assert (list(scan.broken), scan.records) == ([path], {})
    assert scan.broken[path].startswith(reason)


@pytest.mark.parametrize(
    "changes",
    [
        {"history": [{"epoch": 1, "lr": float("nan"), "loss": 1, "train_accuracy": 1}]},
        {"details": json.loads('{"a":' * 400 + "1" + "}" * 400)},
    ],
    ids=["NaN", "deep"],
)
def test_sealed_record_that_cannot_have_been_written_is_broken(
    tmp_path: Path, put_record: PutRecord, record: RunRecord, changes: dict[str, Any]
) -> None:
    """Numbers that are none, and nesting that no writer has, are listed and not raised."""
    path = put_record(record.cell_id, {"sha256": "0" * 64} | record.model_dump(mode="json") | changes)
    scan = read_records(tmp_path)
    assert list(scan.broken) == list(survey_records(tmp_path).broken) == [path]
    assert scan.broken[path].startswith("is not a whole record: ")


def test_every_truncation_of_a_record_is_broken(tmp_path: Path, put_record: PutRecord, record: RunRecord) -> None:
    """A record that is cut anywhere is never taken for a whole one."""
    text = json.dumps(record.model_dump(mode="json"))
    for length in range(0, len(text), 97):
        path = put_record(record.cell_id, text[:length])
        scan = read_records(tmp_path)
        assert (list(scan.broken), scan.records) == ([path], {}), length


def test_record_under_another_name_is_broken(tmp_path: Path, put_record: PutRecord, record: RunRecord) -> None:
    """A file that was copied to another cell's name does not become its result."""
    path = put_record("0" * 20, record.model_dump(mode="json"))
    scan = read_records(tmp_path)
    assert scan.records == {}
    assert scan.broken == {path: f"holds the record of another cell, {record.cell_id}"}


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_other_schema_is_told_apart_from_junk(
    tmp_path: Path, put_record: PutRecord, record: RunRecord, version: object
) -> None:
    """A record of another version is stale, not broken, even if its keys are others."""
    put_record(record.cell_id, {"schema_version": version, "unknown": True})
    scan = read_records(tmp_path)
    assert (scan.other_schemas, scan.broken, scan.records) == ({record.cell_id: version}, {}, {})


def test_folder_in_place_of_a_record_is_broken(tmp_path: Path, record: RunRecord) -> None:
    """A folder with a record's name is listed and set aside like any junk."""
    path = record_path(tmp_path, record.cell_id)
    path.mkdir(parents=True)
    scan = read_records(tmp_path)
    assert list(scan.broken) == [path]
    assert quarantine(tmp_path, scan) == [tmp_path / "records" / "quarantine" / path.name]


def test_quarantine_moves_broken_files(tmp_path: Path, put_record: PutRecord, record: RunRecord) -> None:
    """Broken files go aside with their content, whole records stay."""
    write_record(tmp_path, record)
    path = put_record("abc", "junk")
    moved = quarantine(tmp_path, read_records(tmp_path))
    assert [(each.relative_to(tmp_path).as_posix(), each.read_text()) for each in moved] == [
        ("records/quarantine/abc.json", "junk")
    ]
    scan = read_records(tmp_path)
    assert (path.exists(), scan.broken, list(scan.records)) == (False, {}, [record.cell_id])


def test_quarantine_numbers_repeats(tmp_path: Path, put_record: PutRecord) -> None:
    """What was set aside before is never overwritten."""
    for content in ("one", "two", "three"):
        put_record("abc", content)
        quarantine(tmp_path, read_records(tmp_path))
    folder = tmp_path / "records" / "quarantine"
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "abc.json": "one",
        "abc.2.json": "two",
        "abc.3.json": "three",
    }


def test_quarantine_of_nothing_makes_no_folder(tmp_path: Path) -> None:
    """Where nothing is broken nothing is made."""
    assert quarantine(tmp_path, read_records(tmp_path)) == []
    assert list(tmp_path.iterdir()) == []


def test_writable_folder_is_made_and_left_empty(tmp_path: Path) -> None:
    """The check makes the folder and leaves no file in it."""
    require_writable(tmp_path / "new" / "results")
    assert [path.relative_to(tmp_path).as_posix() for path in sorted(tmp_path.rglob("*"))] == [
        "new",
        "new/results",
        "new/results/records",
    ]


@pytest.mark.parametrize("place", ["taken", "taken/below", "."])
def test_results_that_cannot_be_written_are_an_error(tmp_path: Path, place: str) -> None:
    """A file in the folder's place, or in that of its records, is said with the way out."""
    (tmp_path / "taken").write_text("")
    (tmp_path / "records").write_text("")
    with pytest.raises(RecordError) as caught:
        require_writable(tmp_path / place)
    assert str(caught.value).startswith(f"{tmp_path / place}: records cannot be written here: ")
    assert str(caught.value).endswith(". Name another folder with --results DIR.")


def test_record_is_written_after_its_context(
    tmp_path: Path, record: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the record cannot be written there is none, so that it vouches for the files beside it."""
    monkeypatch.setattr("harness.store.records.json.dumps", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_record(tmp_path, record, context=b"tensors", words="[]")
    assert [path.suffix for path in sorted((tmp_path / "records").iterdir())] == [".safetensors", ".json"]
    assert not record_path(tmp_path, record.cell_id).exists()


def test_number_that_is_none_is_not_written(tmp_path: Path, make_cell: MakeCell, make_record: MakeRecord) -> None:
    """A loss that is not a number would make a file that JSON readers refuse, so nothing is written."""
    history = [{"epoch": 1, "lr": 0.1, "loss": float("nan"), "train_accuracy": 0.5}]
    record = make_record(make_cell(), history=history)
    with pytest.raises(ValueError, match="Out of range float values"):
        write_record(tmp_path, record)
    assert not record_path(tmp_path, record.cell_id).exists()


def test_a_record_that_was_made_whole_meanwhile_is_not_set_aside(tmp_path: Path, record: RunRecord) -> None:
    """Another run may have quarantined the broken one and written it anew since it was looked at."""
    write_record(tmp_path, record)
    path = record_path(tmp_path, record.cell_id)
    gone = path.with_name("gone.json")
    scan = read_records(tmp_path)
    scan.broken.update({path: "is not a whole record", gone: "is not a whole record"})
    assert quarantine(tmp_path, scan) == []
    assert path.exists()


def test_record_that_cannot_be_written_is_told(tmp_path: Path, record: RunRecord) -> None:
    """The folder and the reason, since the run that wrote it ends."""
    (tmp_path / "records").touch()
    with pytest.raises(NotWrittenError) as caught:
        write_record(tmp_path, record)
    (fault,) = caught.value.faults
    assert fault.where == f"{tmp_path}/records"
    assert fault.what.startswith("nothing can be written here any more: ")
    told = not_written(OSError("no reason"), None).faults[0]
    assert (told.where, told.what) == ("", "nothing can be written here any more: no reason.")


def test_newest_records_come_first(tmp_path: Path, put_record: PutRecord) -> None:
    """By the time of their last change, of equal times by name, and no more than are asked for."""
    for name, time_s in (("b", 5), ("a", 5), ("old", 1), ("new", 9)):
        os.utime(put_record(name, "{}"), (time_s, time_s))
    put_record("new.words", "{}")
    assert newest_names(tmp_path, 3) == ["new", "a", "b"]


def test_a_full_disk_is_found_before_anything_is_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file can be made on it, but not filled."""

    def refuse(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("harness.store.records.os.fsync", refuse)
    with pytest.raises(RecordError, match="records cannot be written here: No space left on device"):
        require_writable(tmp_path)
