"""What a worker does when the disk is full or memory runs out, and how it shares cells with others."""

from __future__ import annotations

import errno
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from harness.engine import sgd
from harness.features import cache, extract
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.matrix.protocol import COOP
from harness.plan.attempt import read_attempt
from harness.plan.job import (
    BROKE,
    DONE,
    EVENTS_FILE,
    JOB_FILE,
    NOT_WRITTEN,
    OUT_OF_MEMORY,
    Job,
    flat_cells,
    write_job,
)
from harness.store import records as store
from harness.store.claims import Claimant
from harness.store.record import RunRecord
from harness.store.records import read_records
from harness.worker import keep, telling
from harness.worker import run as work
from harness.worker.__main__ import main

ZERO_SHOT = Cell(dataset="digits", backbone="tiny", method="zero_shot", template="a photo of the digit {}.")
OTHER = replace(ZERO_SHOT, template="{}")


def _coop(**axes: Any) -> Cell:
    flat = {
        "dataset": "digits", "backbone": "tiny", "method": "coop", "protocol": "coop", "shots": 1, "seed": 1,
        "recipe": {**COOP.recipe("coop", "digits", 1), "epochs": 2}, "views": 0, "context": "unified", "n_ctx": 4,
        "class_token_position": "end",
    }  # fmt: skip
    return Cell.from_dict(flat | axes)


@pytest.fixture(autouse=True)
def _shared_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """One cache for all tests of this file: none is about what is in it."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path_factory.getbasetemp() / "cache-of-faults"))


def _do(results: Path, *cells: Cell, status: int = DONE, wait: bool = False, **again: str) -> Path:
    """Run a job in this process, which ends with a status; its folder."""
    flat = flat_cells(cells)
    job = Job(kind="run", matrix="m", cells=flat, results=results, data=None, device="cpu", again=again)
    folder = write_job(job, 1)
    assert main([str(folder / JOB_FILE), *(["--wait"] if wait else [])]) == status
    attempt = read_attempt(folder)
    assert attempt is not None
    assert attempt.status == status
    assert list((results / "claims" / "cells").iterdir()) == []
    return folder


def _events(folder: Path, kind: str) -> list[dict[str, Any]]:
    events = [json.loads(line) for line in (folder / EVENTS_FILE).read_text().splitlines()]
    return [event for event in events if event["event"] == kind]


def _records(results: Path) -> dict[str, RunRecord]:
    scan = read_records(results)
    assert not scan.broken
    return scan.records


def _refuse(number: int) -> Callable[..., None]:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, "it is full")

    return refuse


@pytest.mark.parametrize(("writer", "number"), [("write_text", errno.ENOSPC), ("write_bytes", errno.EROFS)])
def test_a_record_that_cannot_be_written_ends_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], writer: str, number: int
) -> None:
    """One line, no record by halves, no failed one either; the next job does it."""
    with monkeypatch.context() as patch:
        patch.setattr(store, writer, _refuse(number))
        _do(tmp_path, ZERO_SHOT, OTHER, status=NOT_WRITTEN)
    assert capsys.readouterr().err == (
        f"{tmp_path / 'records'}: nothing can be written here any more: it is full. "
        "Mend that, and the next run goes on from here.\n"
    )
    assert _records(tmp_path) == {}
    _do(tmp_path, ZERO_SHOT, OTHER)
    assert len(_records(tmp_path)) == 2


def test_a_full_disk_at_the_claim_ends_the_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is computed that could not be kept."""
    _do(tmp_path, OTHER)
    monkeypatch.setattr(Claimant, "claim", _refuse(errno.ENOSPC))
    monkeypatch.setattr(work, "load_clip", lambda *_: pytest.fail("a backbone was loaded"))
    _do(tmp_path, ZERO_SHOT, status=NOT_WRITTEN)


def test_a_full_cache_costs_time_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That features are not kept is said, and the cell is done."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "write_bytes", _refuse(errno.ENOSPC))
    folder = _do(tmp_path, ZERO_SHOT)
    assert _records(tmp_path)[cell_id(ZERO_SHOT)].status == "done"
    assert "features are not kept" in _events(folder, "say")[0]["text"]


def test_events_that_find_no_room_are_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is not worth a cell."""

    class Full:
        def write(self, _: bytes) -> None:
            raise OSError(errno.ENOSPC, "it is full")

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(telling.Path, "open", lambda *_, **__: Full())
    with telling.telling(tmp_path) as tell:
        tell(event="say", text="x")


def test_a_training_goes_on_in_smaller_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Host memory that runs out in a step halves what is computed at a time; the batch stays, and that is said."""
    plain, calls = sgd.cross_entropy, []
    _do(tmp_path / "plain", _coop())

    def fail_once(*arguments: Any, **options: Any) -> torch.Tensor:
        calls.append(1)
        if len(calls) == 1:
            raise MemoryError
        return plain(*arguments, **options)

    monkeypatch.setattr(sgd, "cross_entropy", fail_once)
    _do(tmp_path / "little", _coop())
    expected, found = (_records(tmp_path / where)[cell_id(_coop())] for where in ("plain", "little"))
    assert found.details["notes"] == ["out of memory: half as many classes at a time from here"]
    assert [row.loss for row in found.history] == pytest.approx([row.loss for row in expected.history], rel=1e-4)


def test_images_are_encoded_in_halves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches that the device does not hold are divided until it does."""
    plain, sizes = extract.to_pixels, []

    def small_only(squares: list[Any], *options: Any) -> torch.Tensor:
        if len(squares) > 100:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        sizes.append(len(squares))
        return plain(squares, *options)

    _do(tmp_path / "plain", ZERO_SHOT)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(extract, "to_pixels", small_only)
    _do(tmp_path / "little", ZERO_SHOT)
    assert sum(sizes) == 540
    expected, found = (_records(tmp_path / where)[cell_id(ZERO_SHOT)] for where in ("plain", "little"))
    assert found.per_class == expected.per_class


def _fail_at(monkeypatch: pytest.MonkeyPatch, cell: Cell, error: Exception) -> None:
    """Have the evaluation of a cell raise an error."""
    plain = keep.evaluated

    def evaluated(desk: Any, source: Any, target: Any, now: Cell, *rest: Any) -> Any:
        if now == cell:
            raise error
        return plain(desk, source, target, now, *rest)

    monkeypatch.setattr(keep, "evaluated", evaluated)


@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory.")])
def test_a_cell_that_memory_does_not_hold_is_left_to_a_smaller_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """The others are done, and alone it fails with the reason."""
    _fail_at(monkeypatch, ZERO_SHOT, error)
    folder = _do(tmp_path, ZERO_SHOT, OTHER, status=OUT_OF_MEMORY)
    assert [record.status for record in _records(tmp_path).values()] == ["done"]
    assert [event["cell"] for event in _events(folder, "left")] == [cell_id(ZERO_SHOT)]
    _do(tmp_path, ZERO_SHOT)
    assert type(error).__name__ in str(_records(tmp_path)[cell_id(ZERO_SHOT)].reason)


def test_a_fault_of_the_machine_fails_no_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """After an error of its device the worker can do nothing more; what it had not done is left as it was."""
    _fail_at(monkeypatch, OTHER, RuntimeError("CUDA error: unspecified launch failure"))
    _do(tmp_path, ZERO_SHOT, OTHER, status=BROKE)
    assert set(_records(tmp_path)) == {cell_id(ZERO_SHOT)}
    assert capsys.readouterr().err.endswith("RuntimeError: CUDA error: unspecified launch failure\n")


def test_a_backbone_that_memory_does_not_hold_is_no_failure_of_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another job may still have had the device."""

    def refuse(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(work, "load_clip", refuse)
    _do(tmp_path, ZERO_SHOT, status=OUT_OF_MEMORY)
    assert _records(tmp_path) == {}


def test_recorded_cells_are_not_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another run was faster: that is told, and the backbone is not even loaded."""
    _do(tmp_path, ZERO_SHOT)
    before = (tmp_path / "records" / f"{cell_id(ZERO_SHOT)}.json").read_bytes()
    monkeypatch.setattr(work, "load_clip", lambda *_: pytest.fail("a backbone was loaded"))
    folder = _do(tmp_path, ZERO_SHOT)
    assert [event["cell"] for event in _events(folder, "recorded")] == [cell_id(ZERO_SHOT)]
    assert (tmp_path / "records" / f"{cell_id(ZERO_SHOT)}.json").read_bytes() == before


def test_a_failure_is_tried_again_once_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The failure that is known is no record; a later one is."""
    with monkeypatch.context() as patch:
        _fail_at(patch, ZERO_SHOT, ValueError("no luck"))
        _do(tmp_path, ZERO_SHOT)
    failed = _records(tmp_path)[cell_id(ZERO_SHOT)]
    assert failed.reason == "ValueError: no luck"
    _do(tmp_path, ZERO_SHOT)
    _do(tmp_path, ZERO_SHOT, **{cell_id(ZERO_SHOT): "another time"})
    assert _records(tmp_path)[cell_id(ZERO_SHOT)] == failed
    _do(tmp_path, ZERO_SHOT, **{cell_id(ZERO_SHOT): failed.created_at})
    assert _records(tmp_path)[cell_id(ZERO_SHOT)].status == "done"


def test_cells_that_others_hold_are_left_to_them(tmp_path: Path) -> None:
    """Their evaluations elsewhere, too, since those wait for the same training."""
    other = Claimant(tmp_path)
    inverted = replace(_coop(), evaluate_on="digits_inverted")
    other.claim(cell_id(_coop()))
    job = Job(
        kind="run", matrix="m", cells=flat_cells([_coop(), inverted, ZERO_SHOT]), results=tmp_path, data=None,
        device="cpu",
    )  # fmt: skip
    folder = write_job(job, 1)
    assert main([str(folder / JOB_FILE)]) == DONE
    assert {event["cell"] for event in _events(folder, "held")} == {cell_id(_coop()), cell_id(inverted)}
    assert set(_records(tmp_path)) == {cell_id(ZERO_SHOT)}
    assert [path.name for path in (tmp_path / "claims" / "cells").iterdir()] == [cell_id(_coop())]
    other.close()


def test_a_worker_that_may_waits_for_held_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does them once they are let go of without a record."""
    other = Claimant(tmp_path)
    other.claim(cell_id(ZERO_SHOT))
    monkeypatch.setattr(
        work, "time", SimpleNamespace(sleep=lambda _: other.close(), perf_counter=time.perf_counter)
    )
    folder = _do(tmp_path, ZERO_SHOT, wait=True)
    assert len(_events(folder, "held")) == len(_events(folder, "done")) == 1


def test_a_training_that_others_hold_is_waited_for_in_peace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits for it is not tried again and again while it lasts."""
    other, looks = Claimant(tmp_path), []
    other.claim(cell_id(_coop()))
    inverted = replace(_coop(), evaluate_on="digits_inverted")

    def sleep(_: float) -> None:
        looks.append(1)
        if len(looks) == 5:
            other.close()

    monkeypatch.setattr(work, "time", SimpleNamespace(sleep=sleep, perf_counter=time.perf_counter))
    folder = _do(tmp_path, inverted, wait=True)
    assert len(looks) == 5
    assert len(_events(folder, "held")) == 1
    assert cell_id(inverted) in _records(tmp_path)


def test_the_cells_of_a_node_that_vanished_are_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its claims are waited for as long as its lease says, and then taken over."""
    monkeypatch.setenv("HARNESS_LEASE_S", "0.3")
    monkeypatch.setattr(work, "_LOOK_AGAIN_S", 0.05)
    with monkeypatch.context() as patch:
        patch.setattr("harness.store.claims.kernel_name", lambda: "another machine")
        patch.setattr("harness.store.claims._BEATS", 1e-9)
        node = Claimant(tmp_path)
        node.claim(cell_id(ZERO_SHOT))
    folder = _do(tmp_path, ZERO_SHOT, wait=True)
    assert len(_events(folder, "held")) == len(_events(folder, "done")) == 1
    assert not node.holds(cell_id(ZERO_SHOT))
    node.close()


def test_a_worker_that_lost_its_claim_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was silent too long, and another has the cell: one record, the other's, and no file of this one's."""
    taken: list[Claimant] = []
    kept = keep.evaluated

    def evaluated(*arguments: Any) -> Any:
        other = Claimant(tmp_path, clock=lambda: 0.0)
        other._is_gone = lambda name: True  # type: ignore[method-assign]
        assert other.claim(cell_id(ZERO_SHOT)) is None
        taken.append(other)
        return kept(*arguments)

    monkeypatch.setattr(keep, "evaluated", evaluated)
    job = Job(kind="run", matrix="m", cells=flat_cells([ZERO_SHOT]), results=tmp_path, data=None, device="cpu")
    folder = write_job(job, 1)
    assert main([str(folder / JOB_FILE)]) == DONE
    assert _records(tmp_path) == {}
    assert [event["cell"] for event in _events(folder, "held")] == [cell_id(ZERO_SHOT)]
    assert taken[0].holds(cell_id(ZERO_SHOT))
    taken[0].close()
