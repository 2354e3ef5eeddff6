"""What changed between two results folders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import pytest

from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.report.changes import Changes, changes, noticeable
from harness.report.numbers.entry import Entry
from harness.store.record import RunRecord

Make = Callable[..., Entry]
Records = dict[str, RunRecord]


@pytest.fixture
def cells(make_entry: Make) -> list[Cell]:
    """The probe and CoOp on four data sets, three seeds each."""
    return [
        make_entry(method, None, 4, seed, dataset=f"d{place}").cell
        for method in ("linear_probe", "coop")
        for place in range(4)
        for seed in (1, 2, 3)
    ]


@pytest.fixture
def folder(make_entry: Make, cells: Sequence[Cell]) -> Callable[..., Records]:
    """The records of all cells, 600 of 1,000 right or as said by method."""

    def make(right: Mapping[str, Sequence[int]] | None = None, **provenance: Any) -> Records:
        found = {}
        for place, cell in enumerate(cells):
            count = (right or {}).get(cell.method, [600])
            entry = make_entry(cell.method, count[place % len(count)], 4, cell.seed, dataset=cell.dataset)
            assert entry.record is not None
            made_from = entry.record.provenance.model_copy(update=provenance)
            found[cell_id(cell)] = entry.record.model_copy(update={"provenance": made_from})
        return found

    return make


def kinds(found: Changes) -> dict[str, int]:
    """How many cells there are of each kind."""
    all_kinds = [each.kind for each in found.cells]
    return {kind: all_kinds.count(kind) for kind in all_kinds}


def test_equal_folders_are_the_same(cells: list[Cell], folder: Callable[..., Records]) -> None:
    """Nothing changed, no method moved, and everything was made from the same."""
    found = changes(cells, folder(), folder())
    assert found.same
    assert kinds(found) == {"same": 24}
    assert not found.origins
    assert {(shift.n, shift.n_changed, shift.mean) for shift in found.shifts} == {(12, 0, 0), (24, 0, 0)}


def test_numbers_that_moved(cells: list[Cell], folder: Callable[..., Records]) -> None:
    """A method that gained everywhere has a difference, an interval, and a p that holds after correction."""
    found = changes(cells, folder(), folder({"coop": [610, 612, 614, 611]}))
    probe, coop, everything = found.shifts
    assert not found.same
    assert (coop.label, coop.n, coop.n_changed) == ("CoOp (unified)", 12, 12)
    assert coop.mean == Fraction(1175, 100_000)
    assert coop.interval is not None
    assert coop.interval.low < 0.01175 < coop.interval.high
    assert coop.p == pytest.approx(2 * 2 / 2**12)
    assert (probe.p, everything.label, everything.n_changed) == (1.0, "all", 12)


def test_few_cells_have_no_p(cells: list[Cell], folder: Callable[..., Records]) -> None:
    """Three cells of one method could not be significant, whatever happened to them."""
    few = cells[-3:]
    (shift,) = changes(few, folder(), folder({"coop": [700]})).shifts
    assert (shift.n, shift.p) == (3, None)


def test_cells_that_came_and_went(cells: list[Cell], folder: Callable[..., Records]) -> None:
    """Cells of one folder only, failures, and other test images are told apart; what neither has is left out."""
    was, now = folder(), folder()
    ids = [cell_id(cell) for cell in cells]
    del was[ids[0]], now[ids[1]], was[ids[2]], now[ids[2]]
    failed = {"status": "failed", "n_correct": None, "n_test": None, "per_class": (), "reason": "out of memory"}
    was[ids[3]] = was[ids[3]].model_copy(update=failed)
    now[ids[4]] = now[ids[4]].model_copy(update=failed)
    for part in (was, now):
        part[ids[5]] = part[ids[5]].model_copy(update=failed)
    now[ids[6]] = now[ids[6]].model_copy(update={"n_test": 2000})
    found = changes(cells, was, now)
    assert kinds(found) == {
        "only in B": 1, "only in A": 1, "failed in A": 1, "failed in B": 1, "failed": 1, "other test images": 1,
        "same": 17,
    }  # fmt: skip
    assert [each.difference for each in found.of_kind("other test images", "failed in A")] == [None, None]
    assert sum(shift.n for shift in found.shifts[:-1]) == 17


def test_cells_that_failed_alike_are_no_change(cells: list[Cell], folder: Callable[..., Records]) -> None:
    """A cell that has no number in either folder is no difference."""
    failed = {"status": "failed", "n_correct": None, "n_test": None, "per_class": (), "reason": "out of memory"}
    records = {key: record.model_copy(update=failed) for key, record in folder().items()}
    assert changes(cells, records, records).same


def test_classes_that_moved_are_a_change(cells: list[Cell], folder: Callable[..., Records]) -> None:
    """As many right answers in other classes are another result."""
    was, now = folder(), folder()
    first = cell_id(cells[0])
    other = now[first].per_class[0].model_copy(update={"n_predicted": 700})
    now[first] = now[first].model_copy(update={"per_class": (other,)})
    found = changes(cells, was, now)
    assert [(each.kind, each.difference) for each in found.of_kind("changed")] == [("changed", 0)]


def test_what_numbers_were_made_from(cells: list[Cell], folder: Callable[..., Records]) -> None:
    """Versions, devices and digests that differ are named with the number of cells; hosts and dates are not."""
    was = folder(packages={"torch": "2.4", "numpy": "2.0"}, device="cpu", platform="one")
    now = folder(packages={"torch": "2.5", "numpy": "2.0"}, device="cuda", platform="other", git_commit="c")
    found = [(each.field, each.was, each.now, each.n_cells) for each in changes(cells, was, now).origins]
    assert found == [
        ("device", "cpu", "cuda", 24),
        ("git_commit", "none", "c", 24),
        ("package torch", "2.4", "2.5", 24),
    ]


def test_small_movements_are_told_from_large_ones(cells: list[Cell], folder: Callable[..., Records]) -> None:
    """Six of a thousand images may tip by chance, seven may not, if one in a hundred may at all."""
    found = changes(cells, folder(), folder({"coop": [606, 607]})).of_kind("changed")
    assert {(float(each.difference or 0), noticeable(each, 0.01)) for each in found} == {
        (0.006, False),
        (0.007, True),
    }
