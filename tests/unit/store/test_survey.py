"""Many records read for their facts: the same verdicts as reading them whole, in less time."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.files import cache_folder
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.store import reading, survey
from harness.store.facts import facts_of
from harness.store.reading import is_sealed, read_facts
from harness.store.record import RunRecord, Spent
from harness.store.records import read_records, record_path, record_text, write_record
from harness.store.scan_index import clear_index
from harness.store.survey import survey_records

MakeCell = Callable[..., Cell]
MakeRecord = Callable[..., RunRecord]

SPENT = Spent(job="a", processor="p", threads=2, elapsed_s=1.0, start_s=3.0, image_bytes=5, peak_host_bytes=7)


@pytest.fixture
def many(
    tmp_path: Path, make_cell: MakeCell, make_record: MakeRecord, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """Six records in ``tmp_path``, an hour old, which are enough for an index; their ids."""
    monkeypatch.setattr(survey, "_INDEXED", 3)
    monkeypatch.setattr(reading, "_SETTLED_NS", -(10**12))  # so that they need not be waited for
    made = [make_record(make_cell(seed=seed), spent=SPENT) for seed in range(6)]
    for record in made:
        write_record(tmp_path, record)
    return [record.cell_id for record in made]


@pytest.fixture
def read_files(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the record files that are read from here on."""
    names: list[str] = []

    def read(path: str) -> Any:
        names.append(Path(path).stem)
        return read_facts(path)

    monkeypatch.setattr(survey, "read_facts", read)
    return names


def _index() -> list[Path]:
    return sorted((cache_folder() / "records").rglob("*.json"))


@pytest.mark.parametrize("status", ["done", "failed"])
@pytest.mark.parametrize("spent", [None, SPENT])
def test_survey_finds_the_facts_of_what_was_written(
    tmp_path: Path, make_cell: MakeCell, make_record: MakeRecord, status: str, spent: Spent | None
) -> None:
    """The quick reading gives the facts that the whole record has."""
    record = make_record(make_cell(), status=status, spent=spent)
    write_record(tmp_path, record)
    scan = survey_records(tmp_path)
    assert (scan.facts, scan.records, scan.broken) == ({record.cell_id: facts_of(record)}, {}, {})
    assert read_facts(str(record_path(tmp_path, record.cell_id))) is not None
    assert read_records(tmp_path).facts == scan.facts


def test_names_of_classes_do_not_lead_the_count_of_classes_astray(
    tmp_path: Path, make_cell: MakeCell, make_record: MakeRecord
) -> None:
    """Quotes, line ends and keys inside of names are names."""
    names = ['"n_predicted": ', '\n "history": ', '\n "per_class": ', "\\", "{"]
    rows = [{"name": name, "n_test": 2, "n_correct": 1, "n_predicted": 2} for name in names]
    record = make_record(make_cell(), per_class=rows, n_test=10, n_correct=5)
    write_record(tmp_path, record)
    found = read_facts(str(record_path(tmp_path, record.cell_id)))
    assert found is not None
    assert (found.facts, found.facts.n_classes) == (facts_of(record), 5)


def test_every_change_of_a_byte_is_seen(tmp_path: Path, make_cell: MakeCell, make_record: MakeRecord) -> None:
    """A file in which one byte is another is never taken for sealed, and a changed number makes it damaged."""
    record = make_record(make_cell())
    content = record_text(record).encode()
    assert is_sealed(content)
    for place in range(0, len(content), 7):
        assert not is_sealed(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    path = record_path(tmp_path, record.cell_id)
    path.parent.mkdir()
    path.write_bytes(content.replace(b'"loss": 2.25', b'"loss": 2.26'))
    for scan in (read_records(tmp_path), survey_records(tmp_path)):
        assert (scan.broken, scan.facts, scan.records) == (
            {path: "is damaged: its digest is not that of its content"}, {}, {},
        )  # fmt: skip


@pytest.mark.parametrize(
    "spell", [lambda text: text.replace("\n", "\r\n"), lambda text: json.dumps(json.loads(text))]
)
def test_other_spaces_are_no_damage(
    tmp_path: Path, make_cell: MakeCell, make_record: MakeRecord, spell: Callable[[str], str]
) -> None:
    """Ends of lines and indentation may be changed by what copies or formats files."""
    record = make_record(make_cell())
    path = record_path(tmp_path, record.cell_id)
    path.parent.mkdir()
    path.write_bytes(spell(record_text(record)).encode())
    assert survey_records(tmp_path).facts == {record.cell_id: facts_of(record)}
    assert read_records(tmp_path).records == {record.cell_id: record}


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "3", "{}", '{"schema_version": 1}', '{"schema_version": 9}', b"\xff\x80", "[" * 200_000],
)
def test_survey_judges_junk_as_the_whole_reading_does(
    tmp_path: Path, put_record: Callable[..., Path], content: str | bytes
) -> None:
    """What is broken, of another schema, or of another cell is so either way, in the same words."""
    put_record("abc", content)
    quick, whole = survey_records(tmp_path), read_records(tmp_path)
    assert (quick.facts, quick.broken, quick.other_schemas) == ({}, whole.broken, whole.other_schemas)
    assert whole.broken or whole.other_schemas


def test_file_that_cannot_even_be_looked_at_is_broken(tmp_path: Path) -> None:
    """A name that no file system takes is told as by the whole reading, and one that is not there is nothing."""
    (tmp_path / "records").mkdir()
    names = ["a" * 300, "none"]
    assert survey_records(tmp_path, names).broken == read_records(tmp_path, names).broken
    assert list(survey_records(tmp_path, names).broken) == [record_path(tmp_path, "a" * 300)]


def test_sealed_record_under_another_name_is_broken(
    tmp_path: Path, make_cell: MakeCell, make_record: MakeRecord
) -> None:
    """A copy under another cell's name does not become that cell's result."""
    record = make_record(make_cell())
    path = record_path(tmp_path, "0" * 20)
    path.parent.mkdir()
    path.write_text(record_text(record))
    scan = survey_records(tmp_path)
    assert (scan.facts, scan.broken) == ({}, {path: f"holds the record of another cell, {record.cell_id}"})


def test_what_did_not_change_is_not_read_again(tmp_path: Path, many: list[str], read_files: list[str]) -> None:
    """The second survey reads nothing and finds the same."""
    first = survey_records(tmp_path)
    assert sorted(read_files) == sorted(many)
    read_files.clear()
    assert (survey_records(tmp_path), read_files) == (first, [])


def test_what_changed_is_read_again(
    tmp_path: Path, many: list[str], read_files: list[str], make_cell: MakeCell, make_record: MakeRecord
) -> None:
    """A record that was written anew counts as it is now, a removed one is gone, and a new one is found."""
    survey_records(tmp_path)
    read_files.clear()
    write_record(tmp_path, make_record(make_cell(seed=1), status="failed"))
    record_path(tmp_path, many[2]).unlink()
    write_record(tmp_path, make_record(make_cell(seed=9)))
    scan = survey_records(tmp_path)
    assert sorted(read_files) == sorted([many[1], cell_id(make_cell(seed=9))])
    assert scan.facts[many[1]].status == "failed"
    assert sorted(scan.facts) == sorted({*many, cell_id(make_cell(seed=9))} - {many[2]})


def test_damage_in_place_is_found_though_size_and_time_of_change_are_the_same(
    tmp_path: Path, many: list[str]
) -> None:
    """A file whose bytes were changed and whose time was set back has another time of its inode."""
    survey_records(tmp_path)
    path = record_path(tmp_path, many[0])
    status = path.stat()
    time.sleep(0.02)
    with path.open("r+b") as file:
        file.seek(-30, os.SEEK_END)
        file.write(b"#")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    assert list(survey_records(tmp_path).broken) == [path]


def test_young_files_are_not_remembered(
    tmp_path: Path, many: list[str], read_files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that might change again within a tick of the clock is read every time."""
    monkeypatch.setattr(reading, "_SETTLED_NS", 10**12)
    for _ in range(2):
        read_files.clear()
        assert len(survey_records(tmp_path).facts) == 6
        assert sorted(read_files) == sorted(many)


@pytest.mark.parametrize("damage", [b"", b"{", b"0 0\n[]", b"\xff"])
def test_a_damaged_index_changes_nothing(
    tmp_path: Path, many: list[str], read_files: list[str], damage: bytes
) -> None:
    """An index that is not what was written is made again."""
    first = survey_records(tmp_path)
    for file in _index():
        file.write_bytes(damage)
    read_files.clear()
    assert survey_records(tmp_path) == first
    assert sorted(read_files) == sorted(many)
    read_files.clear()
    assert (survey_records(tmp_path), read_files) == (first, [])


def test_an_index_whose_content_was_changed_does_not_count(tmp_path: Path, many: list[str]) -> None:
    """Nobody is told a status that no record holds."""
    survey_records(tmp_path)
    for file in _index():
        file.write_bytes(file.read_bytes().replace(b'"done"', b'"fail"'))
    assert {facts.status for facts in survey_records(tmp_path).facts.values()} == {"done"}


def test_an_index_of_other_code_does_not_count(
    tmp_path: Path, many: list[str], read_files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another version may judge records otherwise."""
    survey_records(tmp_path)
    read_files.clear()
    monkeypatch.setattr("harness.store.scan_index._code_digest", lambda: "another")
    survey_records(tmp_path)
    assert sorted(read_files) == sorted(many)


def test_without_a_cache_folder_everything_is_read(
    tmp_path: Path, many: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index that cannot be written costs time and nothing else."""
    (tmp_path / "taken").write_text("")
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "taken"))
    assert sorted(survey_records(tmp_path).facts) == sorted(many)
    assert sorted(survey_records(tmp_path).facts) == sorted(many)


def test_the_index_can_be_cleared(tmp_path: Path, many: list[str], read_files: list[str]) -> None:
    """After ``harness cache clear`` everything is read again."""
    first = survey_records(tmp_path)
    assert main(["cache", "clear"]) == 0
    assert _index() == []
    read_files.clear()
    assert (survey_records(tmp_path), len(read_files)) == (first, 6)


def test_clearing_an_index_that_is_not_there_is_no_error() -> None:
    """``harness cache clear`` is said twice now and then."""
    clear_index()
    assert not (cache_folder() / "records").exists()


def test_few_records_make_no_index(tmp_path: Path, make_cell: MakeCell, make_record: MakeRecord) -> None:
    """Where reading takes no time nothing is written."""
    write_record(tmp_path, make_record(make_cell()))
    survey_records(tmp_path)
    assert _index() == []


def test_the_index_lies_outside_of_the_results(tmp_path: Path, many: list[str]) -> None:
    """A survey writes nothing into the results folder, which may be another's and read-only."""
    before = sorted(tmp_path.rglob("*"))
    survey_records(tmp_path)
    assert sorted(tmp_path.rglob("*")) == before
    assert _index()


def test_two_folders_have_an_index_each(
    tmp_path: Path, many: list[str], make_cell: MakeCell, make_record: MakeRecord
) -> None:
    """The same cells in another results folder may stand otherwise."""
    survey_records(tmp_path)
    for seed in range(6):
        write_record(tmp_path / "other", make_record(make_cell(seed=seed), status="failed"))
    assert {facts.status for facts in survey_records(tmp_path / "other").facts.values()} == {"failed"}
    assert {facts.status for facts in survey_records(tmp_path).facts.values()} == {"done"}


def test_records_of_before_seals_are_read_whole_once(tmp_path: Path, many: list[str]) -> None:
    """A file without a digest is checked whole, and then remembered like the others."""
    for name in many:
        content = json.loads(record_path(tmp_path, name).read_text())
        del content["sha256"]
        record_path(tmp_path, name).write_text(json.dumps(content))
    assert read_facts(str(record_path(tmp_path, many[0]))) is None
    first = survey_records(tmp_path)
    assert sorted(first.facts) == sorted(many)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(survey, "read_records", lambda results, names: pytest.fail("read again"))
        assert survey_records(tmp_path) == first
