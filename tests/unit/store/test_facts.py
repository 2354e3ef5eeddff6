"""The facts of a record, and the stamp by which its file is known again."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.matrix.cell import Cell
from harness.store.facts import Facts, MadeFrom, facts_of, packed, unpacked
from harness.store.reading import Stamp, read_facts, sealed, settled, stamp_of
from harness.store.record import RunRecord, Spent
from harness.store.records import record_text

MakeCell = Callable[..., Cell]
MakeRecord = Callable[..., RunRecord]

SPENT = Spent(job="a", processor="p", threads=2, elapsed_s=1.0, start_s=3.0, image_bytes=5, peak_host_bytes=7)
DIGESTS = {f"{name}_digest": name for name in ("weights", "split", "list", "target", "prompt")}
OLD = Stamp(1, 2, 3, 4)


@pytest.fixture
def record(make_cell: MakeCell, make_record: MakeRecord) -> RunRecord:
    """A done record with everything that facts are made of."""
    return make_record(make_cell(), provenance=DIGESTS, spent=SPENT)


def test_facts_are_those_of_the_record(record: RunRecord, make_cell: MakeCell) -> None:
    """Digests, device, sizes, times and what was spent; neither rows nor anything else."""
    assert facts_of(record) == Facts(
        cell_id=record.cell_id,
        cell=make_cell(),
        status="done",
        reason=None,
        made_from=MadeFrom(**DIGESTS, device="cpu"),
        n_test=4,
        n_classes=2,
        trained=True,
        timings={"fit": 1.5},
        spent=SPENT,
        created_at="2031-01-02T03:04:05Z",
    )


def test_facts_of_a_cell_that_failed_at_once(make_cell: MakeCell, make_record: MakeRecord) -> None:
    """It was made from nothing and tested on nothing, and says why."""
    failed = make_record(make_cell(), status="failed").model_copy(update={"provenance": None})
    facts = facts_of(failed)
    assert (facts.made_from, facts.n_test, facts.n_classes, facts.reason) == (None, 0, 0, "out of memory")


def test_training_with_a_break_is_told(make_cell: MakeCell, make_record: MakeRecord) -> None:
    """Its seconds are not those of a whole one."""
    assert not facts_of(make_record(make_cell(), details={"went_on_after_epoch": 3})).trained


def test_facts_cross_json(record: RunRecord, make_cell: MakeCell, make_record: MakeRecord) -> None:
    """What the index keeps of them is all of them."""
    for each in (record, make_record(make_cell(), status="failed").model_copy(update={"provenance": None})):
        facts = facts_of(each)
        assert unpacked(json.loads(json.dumps(packed(facts)))) == facts


@pytest.mark.parametrize(("version", "is_read"), [(1, True), (2, False)])
def test_sealed_file_of_another_version_is_not_read_in_part(
    tmp_path: Path, record: RunRecord, version: int, is_read: bool
) -> None:
    """Its seal is right, and what stands in it may mean something else."""
    _, _, behind = record_text(record).partition('",\n')
    text = ("{\n" + behind.removesuffix("\n")).replace('"schema_version": 1', f'"schema_version": {version}')
    (tmp_path / f"{record.cell_id}.json").write_text(sealed(text))
    read = read_facts(str(tmp_path / f"{record.cell_id}.json"))
    assert (None if read is None else read.facts) == (facts_of(record) if is_read else None)


def test_stamp_is_size_times_and_inode(tmp_path: Path) -> None:
    """A change of any of them is another file."""
    (tmp_path / "a").write_bytes(b"abc")
    status = (tmp_path / "a").stat()
    assert stamp_of(status) == Stamp(3, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


@pytest.mark.parametrize(
    ("before", "after", "stamp"),
    [(OLD, OLD, OLD), (OLD, OLD._replace(size=2), None), (OLD._replace(inode=5), OLD, None),
     (None, OLD, None), (OLD, None, None), (None, None, None)],
)  # fmt: skip
def test_file_that_changed_while_it_was_read_has_no_stamp(
    before: Stamp | None, after: Stamp | None, stamp: Stamp | None
) -> None:
    """Two looks at it have to see the same."""
    assert settled(before, after) == stamp


@pytest.mark.parametrize("changed", ["mtime_ns", "ctime_ns"])
def test_young_file_has_no_stamp(changed: str) -> None:
    """Another change within the clock's tick would not be seen."""
    young = OLD._replace(**{changed: time.time_ns()})
    assert settled(young, young) is None
