"""The run of a whole matrix while its cells are trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli.jobs import live_matrix
from harness.cli.jobs.live_matrix import LiveMatrix
from harness.cli.state.snapshot import Tracked
from harness.matrix.cell import Cell
from harness.matrix.tracking import Tracking
from harness.plan.pending import Standing
from harness.store.manifest import Manifest
from harness.store.record import RunRecord
from harness.store.records import write_record

DONE = {"event": "done", "cell": "0"}


@pytest.fixture
def look(tmp_path: Path, cells: tuple[Cell, ...], make_record: Callable[..., RunRecord]) -> Callable[[], Tracked]:
    """A look at a matrix of three cells that are all done."""
    records = [make_record(cell) for cell in cells]
    for record in records:
        write_record(tmp_path, record)
    standings = tuple(
        Standing(cell, record.cell_id, "done", "", record) for cell, record in zip(cells, records, strict=True)
    )
    return lambda: Tracked(Manifest("mine", cells), Tracking(tracker="tensorboard"), standings)


def test_the_matrix_is_shown_now_and_then_and_at_the_end(look: Callable[[], Tracked], tmp_path: Path) -> None:
    """The first cell that ends shows it, those soon after do not, and the end does; events go on to the bar."""
    looks: list[Tracked] = []

    def counted() -> Tracked:
        looks.append(look())
        return looks[-1]

    live = LiveMatrix(counted, tmp_path)
    seen: list[dict[str, Any]] = []
    take = live.follow(seen.append)
    for event in ({"event": "epoch", "cell": "0"}, DONE, DONE, DONE):
        take(event)
    assert (len(looks), len(seen)) == (1, 4)
    live.close()
    assert len(looks) == 2
    (folder,) = (tmp_path / "mine" / "tensorboard").glob("matrix-mine-*")
    assert list(folder.glob("events.out.tfevents.*"))


def test_what_goes_wrong_is_said_once_and_holds_nothing_up(
    look: Callable[[], Tracked],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A table that cannot be made is no reason to end a training, nor to try again."""
    monkeypatch.setattr(live_matrix, "write_snapshot", lambda *_: 1 / 0)
    live = LiveMatrix(look, tmp_path)
    seen: list[dict[str, Any]] = []
    take = live.follow(seen.append)
    take(DONE)
    live._due = 0.0
    take(DONE)
    live.close()
    assert len(seen) == 2
    assert capsys.readouterr().err == (
        "the matrix's run is not up to date: ZeroDivisionError: division by zero; `harness sync` mends it\n"
    )


def test_a_matrix_that_is_not_tracked_is_not_looked_at(tmp_path: Path) -> None:
    """Without tracking the events go straight to the bar."""

    def look() -> Tracked:
        raise AssertionError("looked")

    def on_event(_: dict[str, Any]) -> None:
        """Nothing."""

    live = LiveMatrix(look, tmp_path, is_tracked=False)
    assert live.follow(on_event) is on_event
    live.close()
