"""Cells, records and entries made up by hand, with accuracies that are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from harness.matrix.cell import Cell, Shots
from harness.matrix.identity import cell_id
from harness.matrix.protocol import PROTOCOLS
from harness.report.numbers.entry import Entry, Gap
from harness.store.record import ClassCount, Provenance, RunRecord

MakeCell = Callable[..., Cell]
MakeEntry = Callable[..., Entry]


def a_cell(method: str, shots: Shots = 0, seed: int | None = None, **axes: Any) -> Cell:
    """A resolved cell with the defaults that a matrix fills in."""
    flat: dict[str, Any] = {"dataset": "digits", "backbone": "RN50:openai", "method": method}
    flat |= {"shots": shots, "seed": seed}
    overrides = axes.pop("recipe", {})
    if method == "zero_shot":
        flat["template"] = "a photo of a {}."
    if method in ("linear_probe", "coop"):
        flat |= {"protocol": "coop", "views": "live" if method == "coop" else 0}
    if method == "coop":
        flat |= {"context": "unified", "n_ctx": 16, "class_token_position": "end"}
    flat |= axes
    if flat.get("protocol"):
        recipe = PROTOCOLS[flat["protocol"]].recipe(method, flat["dataset"], shots)
        flat["recipe"] = {**recipe, **overrides}
    return Cell.from_dict(flat)


def a_record(cell: Cell, n_correct: int, n_test: int = 1000, fewer_shots: Sequence[str] = ()) -> RunRecord:
    """A done record with a single class."""
    provenance = Provenance(
        harness_version="0", git_commit=None, git_dirty=None, packages={}, python="3",
        platform="/secret/host", device="cpu", precision="fp32", weights_digest="0", split_digest="0",
        subset_digest=None, images_digest=None, seeds={},
    )  # fmt: skip
    return RunRecord(
        cell_id=cell_id(cell),
        cell=cell.to_dict(),
        status="done",
        n_correct=n_correct,
        n_test=n_test,
        per_class=(ClassCount(name="one", n_test=n_test, n_correct=n_correct, n_predicted=n_correct),),
        fewer_shots=tuple(fewer_shots),
        timings={"fit": 12345.678},
        provenance=provenance,
        created_at="2031-01-02T03:04:05Z",
    )


def an_entry(
    method: str,
    per_mille: int | None,
    shots: Shots = 0,
    seed: int | None = None,
    gap: Gap = "missing",
    fewer_shots: Sequence[str] = (),
    n_test: int = 1000,
    **axes: Any,
) -> Entry:
    """An entry with ``per_mille`` right answers of (by default) a thousand test images; ``None`` makes a gap."""
    cell = a_cell(method, shots, seed, **axes)
    if per_mille is None:
        return Entry(cell, None, gap)
    return Entry(cell, a_record(cell, per_mille, n_test, fewer_shots))


@pytest.fixture
def make_cell() -> MakeCell:
    """From method, shots, seed and axes to a cell."""
    return a_cell


@pytest.fixture
def make_entry() -> MakeEntry:
    """From method, right answers of a thousand, shots, seed and axes to an entry."""
    return an_entry


@pytest.fixture
def small_matrix() -> list[Entry]:
    """One data set: zero-shot 630, probe, CoOp unified and class-specific; shots 1 and 16, seeds 1 to 3."""
    entries = [an_entry("zero_shot", 630)]
    right = {
        ("linear_probe", None): {1: (500, 510, 520), 16: (800, 810, 820)},
        ("coop", "unified"): {1: (640, 650, 660), 16: (870, 880, 890)},
        ("coop", "class_specific"): {1: (600, 610, 620), 16: (871, 880, 889)},
    }
    for (method, context), by_shots in right.items():
        axes = {"context": context} if context else {}
        for shots, counts in by_shots.items():
            entries += [an_entry(method, count, shots, seed, **axes) for seed, count in enumerate(counts, 1)]
    return entries
