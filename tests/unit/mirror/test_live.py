"""The mirror process and whoever feeds it, with TensorBoard as the tracker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.matrix.cell import Cell
from harness.matrix.tracking import Tracking
from harness.mirror import process
from harness.mirror.open import open_mirror
from harness.mirror.process import LiveMirror, MirrorProcess, NoMirror
from harness.mirror.request import Event, MirrorRequest
from harness.store.record import RunRecord
from harness.store.records import write_record

TENSORBOARD = Tracking(tracker="tensorboard")
SOON_S = 20.0  # far more than it takes, far less than for good


@pytest.fixture
def records(tmp_path: Path, make_cell: Callable[..., Cell], make_record: Callable[..., RunRecord]) -> list[str]:
    """The ids of three cells whose records lie in ``tmp_path``."""
    found = [make_record(make_cell(seed=seed)) for seed in (1, 2, 3)]
    for record in found:
        write_record(tmp_path, record)
    return [record.cell_id for record in found]


def _request(tmp_path: Path, **fields: object) -> MirrorRequest:
    return MirrorRequest.model_validate({"matrix": "m", "results": tmp_path, "tracking": TENSORBOARD} | fields)


def _shown(tmp_path: Path) -> set[str]:
    return {folder.name.rpartition("-")[2] for folder in (tmp_path / "m" / "tensorboard").glob("*")}


def test_cells_are_shown_as_they_end(records: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cell that was handed over is there when the mirror is closed, and nothing had to be said.

    Files of the user's that are named as what the mirror imports change nothing.
    """
    (tmp_path / "mine").mkdir()
    for name in ("random", "tensorboard"):
        (tmp_path / "mine" / f"{name}.py").write_text(f"raise SystemExit('this is no {name}')")
    monkeypatch.chdir(tmp_path / "mine")
    mirror = open_mirror(TENSORBOARD, tmp_path, "m", pytest.fail)
    for identifier in records:
        mirror.show(identifier)
    mirror.close()
    mirror.close()
    assert _shown(tmp_path) == set(records)


def test_without_tracking_no_process_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``none`` is a mirror that does nothing at all."""
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a process was started"))
    mirror = open_mirror(Tracking(), tmp_path, "m", pytest.fail)
    assert isinstance(mirror, NoMirror)
    mirror.show("0" * 20)
    mirror.close()


def test_with_tracking_no_process_is_started_before_the_first_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job whose cells never end costs nothing."""
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a process was started"))
    open_mirror(TENSORBOARD, tmp_path, "m", pytest.fail).close()


def test_a_process_that_is_killed_is_said_once(records: list[str], tmp_path: Path) -> None:
    """The cells go on; one line says that tracking stopped and what mends it."""
    said: list[str] = []
    mirror = LiveMirror(_request(tmp_path), said.append)
    mirror.show(records[0])
    assert mirror._process is not None
    os.killpg(mirror._process._process.pid, signal.SIGKILL)
    mirror._process._process.wait()
    for _ in range(3):
        mirror.show(records[1])
    mirror.close()
    assert len(said) == 1
    assert said[0].startswith("tracking stops: BrokenPipeError")
    assert said[0].endswith("`harness sync` sends what is missing, the records are complete")


def test_a_process_that_cannot_be_started_is_said_once(
    records: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No process, no tracking, and no failure."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no more processes")

    monkeypatch.setattr(process, "MirrorProcess", refuse)
    said: list[str] = []
    mirror = LiveMirror(_request(tmp_path), said.append)
    mirror.show(records[0])
    mirror.show(records[1])
    mirror.close()
    assert [text.partition(";")[0] for text in said] == ["tracking stops: OSError: no more processes"]


def test_what_is_not_shown_in_time_is_counted(records: list[str], tmp_path: Path) -> None:
    """Closing waits for a while only, and then says how many cells were left."""
    said: list[str] = []
    mirror = LiveMirror(_request(tmp_path), said.append, last_s=0.0)
    mirror.show(records[0])
    mirror.close()
    assert said == [
        "tracking stops: 1 of 1 cells were not sent when the job ended; "
        "`harness sync` sends what is missing, the records are complete"
    ]


def test_a_tracker_that_hangs_ends_its_process(tmp_path: Path) -> None:
    """A process in which nothing moves any more tells so and ends itself, whatever its libraries wait for."""
    code = (
        "import os, sys, time\n"
        "from harness.mirror.watch import Watch\n"
        "watch = Watch(0.3, lambda: (print('given up', flush=True)))\n"
        "with watch.over():\n"
        "    time.sleep(0.1)\n"
        "time.sleep(0.6)  # nothing is begun, so nothing is late\n"
        "print('begin', flush=True)\n"
        "with watch.over():\n"
        "    time.sleep(1000)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=SOON_S,
        start_new_session=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout.split("\n")) == (-signal.SIGKILL, ["begin", "given up", ""])


def test_a_process_whose_user_is_gone_ends_when_all_is_shown(records: list[str], tmp_path: Path) -> None:
    """A killed worker's cells are still shown, and nothing stays behind."""
    talk = MirrorProcess(_request(tmp_path, cells=records))
    child = talk._process
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.close()
    child.stdout.close()  # nobody reads what it tells, either
    assert child.wait(SOON_S) == 0
    assert _shown(tmp_path) == set(records)
    talk.stop()


def test_what_is_there_is_kept(records: list[str], tmp_path: Path) -> None:
    """A second request sends only what changed or was taken away; ``again`` sends all; a dry run sends nothing."""

    def ask(**fields: object) -> list[str]:
        talk = MirrorProcess(_request(tmp_path, cells=records, **fields))
        events = list(talk.rest(SOON_S))
        talk.stop()
        return sorted(event.told for event in events)

    assert ask(dry_run=True) == ["lacking"] * 3
    assert _shown(tmp_path) == set()
    assert ask() == ["shown"] * 3
    assert ask() == ["kept"] * 3
    assert ask(again=True) == ["shown"] * 3
    (gone, *_) = (tmp_path / "m" / "tensorboard").glob(f"*-{records[0]}")
    gone.rename(tmp_path / "elsewhere")
    assert ask(dry_run=True) == ["kept", "kept", "lacking"]
    assert ask() == ["kept", "kept", "shown"]


def test_one_cell_that_cannot_be_shown_is_passed_over(records: list[str], tmp_path: Path) -> None:
    """It is told with its reason; so many in a row are the end of trying."""
    folder = tmp_path / "m" / "tensorboard"
    folder.parent.mkdir()
    folder.write_text("a file where a folder should be")

    def ask(n_failures: int) -> list[Event]:
        with (tmp_path / "log").open("wb") as log:
            talk = MirrorProcess(_request(tmp_path, cells=records, n_failures=n_failures), log)
            events = list(talk.rest(SOON_S))
            talk.stop()
        return events

    assert [event.told for event in ask(2)] == ["failed", "failed", "given_up"]
    assert [event.told for event in ask(4)] == ["failed"] * 3
    assert ask(1)[0].text.startswith("NotADirectoryError")
    folder.unlink()
    assert [event.told for event in ask(1)] == ["shown"] * 3


def test_an_absent_record_is_passed_over(tmp_path: Path) -> None:
    """A cell whose record is not there, such as one that is being made anew, is no failure."""
    talk = MirrorProcess(_request(tmp_path, cells=["0" * 20]))
    assert [event.told for event in talk.rest(SOON_S)] == ["kept"]
    talk.stop()


def test_thousands_of_cells_in_one_request(tmp_path: Path) -> None:
    """A request larger than a pipe's buffer does not stop its sender."""
    begun = time.monotonic()
    talk = MirrorProcess(_request(tmp_path, cells=[f"{number:020x}" for number in range(6000)]))
    assert sum(event.told == "kept" for event in talk.rest(SOON_S)) == 6000
    talk.stop()
    assert time.monotonic() - begun < SOON_S
