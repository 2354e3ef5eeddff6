"""Cells to workers until all have their record: again when a worker dies, later when somebody else holds them."""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.dispatch.ended import Ended, last_line, spelled
from harness.dispatch.launcher import CANCELLED, PREEMPTED, Launcher
from harness.dispatch.logs import last_log
from harness.dispatch.orders import Orders
from harness.dispatch.piece import Piece, n_disjoint, smaller_pieces
from harness.dispatch.watch import Event, Watch
from harness.errors import Fault
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.plan.attempt import read_attempt
from harness.plan.job import DONE, NOT_BEGUN, NOT_WRITTEN, OUT_OF_MEMORY, STOPPED
from harness.store.owner import Owner

_ALIKE = 3  # jobs that end alike before any cell is done: all would
_START = "start"
_HELD_S = 2.0  # between two looks at cells that others hold
_PLACES_S = 20.0  # between two lines that say how many jobs wait
_TAIL_LINES = 15


@dataclass(frozen=True, slots=True)
class Ground:
    """What a dispatch stands on: jobs, records and claims of one matrix.

    Attributes:
        write: writes a job of cells; its folder.
        unfinished: those of some cells that have no record that counts.
        holder: who holds a cell; ``None`` when nobody does.
        fail: writes the failed record of a cell: why, and the last lines of its worker.
    """

    write: Callable[[Sequence[Cell]], Path]
    unfinished: Callable[[Sequence[Cell]], list[Cell]]
    holder: Callable[[Cell], Owner | None]
    fail: Callable[[Cell, str, list[str]], None]


@dataclass(slots=True)
class Outcome:
    """How a dispatch went; how its cells stand, only the records say.

    Attributes:
        broken: the jobs whose worker broke down, each with what became of it.
        failing: the other jobs in which a cell failed.
        fault: what made further jobs useless; ``None`` mostly.
    """

    broken: list[Ended] = field(default_factory=list)
    failing: list[Ended] = field(default_factory=list)
    fault: Fault | None = None


def dispatch(
    pieces: Iterable[Piece],
    ground: Ground,
    launcher: Launcher,
    on_event: Callable[[Event], None],
    orders: Orders,
) -> Outcome:
    """Run all pieces, the first ones first, as the launcher has room.

    When a worker breaks down its unfinished cells go to the end of the queue in smaller pieces, at most three
    times, and then get a failed record. Cells that other workers hold are waited for.

    When anything is raised all jobs are ended first.

    Raises:
        RunError: the launcher's engine refuses jobs.
        NotWrittenError: a job, or a failed record, cannot be written.
        OSError: the like, where a log is opened or a cell is claimed.
    """
    return _Dispatch(ground, launcher, on_event, orders).run(pieces)


class _Dispatch:
    """The state of one dispatch."""

    def __init__(
        self, ground: Ground, launcher: Launcher, on_event: Callable[[Event], None], orders: Orders
    ) -> None:
        self._ground = ground
        self._launcher = launcher
        self._on_event = on_event
        self._orders = orders
        self._watch = Watch(launcher, self._hear)
        self._waiting: deque[Piece] = deque()
        self._sent: dict[Path, Piece] = {}
        self._held: list[Piece] = []
        self._ended_cells: dict[Path, set[str]] = {}
        self._failing: set[Path] = set()
        self._look_at_held_s = 0.0
        self._said: set[str] = set()
        self._places = ""
        self._say_places_s = 0.0
        self._is_fruitful = False
        self._alike: list[Piece] = []
        self._ending: tuple[object, ...] = ()
        self._outcome = Outcome()

    def run(self, pieces: Iterable[Piece]) -> Outcome:
        self._waiting.extend(pieces)
        try:
            while not self._orders.stop:
                if self._goes_on:
                    self._submit()
                    self._look_at_held()
                else:
                    self._watch.recall()
                for ended in self._watch.look():
                    self._take_back(ended)
                if not self._watch.n_running and not (self._goes_on and (self._waiting or self._held)):
                    break
                self._say_places()
                self._watch.pause()
        finally:
            self._watch.stop()
        return self._outcome

    @property
    def _goes_on(self) -> bool:
        """Whether further jobs are begun."""
        return not self._orders.finish and self._outcome.fault is None

    def _submit(self) -> None:
        folders = []
        for _ in range(min(self._launcher.room, len(self._waiting))):
            piece = self._waiting.popleft()
            folder = self._ground.write(piece.cells)
            self._sent[folder] = piece
            folders.append(folder)
        self._watch.submit(folders)

    def _hear(self, folder: Path, event: Event) -> None:
        """Take note of an event, and pass it on."""
        kind = event["event"]
        if kind == "held":
            self._say_held(str(event["by"]))
            return
        if kind in ("done", "failed", "recorded"):
            self._ended_cells.setdefault(folder, set()).add(str(event["cell"]))
            self._is_fruitful = True
        if kind == "failed":
            self._failing.add(folder)
        self._on_event(event)

    def _take_back(self, ended: Ended) -> None:
        """Decide what is done after a job."""
        piece = self._sent.pop(ended.folder)
        told = self._ended_cells.pop(ended.folder, set())
        if ended.status != DONE:
            self._outcome.broken.append(ended)
        elif ended.folder in self._failing:
            self._outcome.failing.append(ended)
        if ended.status == NOT_WRITTEN:
            self._give_up(_full(ended))
        elif ended.status == DONE:
            # Held by others; or what was told of them is not to be seen yet on a file system that takes its time.
            untold = [cell for cell in piece.cells if cell_id(cell) not in told]
            self._hold(Piece(tuple(self._ground.unfinished(untold)) if untold else (), piece.tries))
        elif ended.why == CANCELLED:
            return  # somebody does not want it
        elif ended.why == PREEMPTED:
            self._waiting.append(piece)
        elif read_attempt(ended.folder) is None:
            self._again_as_it_is(piece, ended)
        elif ended.status == NOT_BEGUN:
            self._look_for_likes(piece, ended, "begin")
        elif not self._orders.stop:
            self._again_in_pieces(piece, ended)

    def _again_as_it_is(self, piece: Piece, ended: Ended) -> None:
        """A worker that died before it looked at its job says nothing about the job, unless others do start."""
        if self._is_fruitful:
            self._again_in_pieces(piece, ended)
        elif not self._look_for_likes(piece, ended, _START):
            self._say(f"a worker did not start ({spelled(ended)}); its {_cells(len(piece.cells))} go to another")
            self._waiting.append(piece)

    def _again_in_pieces(self, piece: Piece, ended: Ended) -> None:
        unfinished = self._ground.unfinished(piece.cells)
        if not unfinished:
            return
        # Memory that runs out, or a killer's signal, may well not do so for a smaller piece.
        is_telling = ended.status not in (OUT_OF_MEMORY, STOPPED, -signal.SIGKILL, None)
        if is_telling and self._look_for_likes(piece, ended, "break"):
            return
        smaller = smaller_pieces(piece, unfinished)
        what = f"a worker {spelled(ended)}"
        if smaller:
            self._say(f"{what}; {_cells(len(unfinished))} are tried again in {len(smaller)} smaller jobs")
            self._waiting.extend(smaller)
            return
        reason = f"the worker {spelled(ended)}, {piece.tries + 1} tries"
        for cell in unfinished:
            self._ground.fail(cell, reason, ended.log_tail(_TAIL_LINES).splitlines())
            self._on_event({"event": "failed", "cell": cell_id(cell), "reason": reason})

    def _look_for_likes(self, piece: Piece, ended: Ended, kind: str) -> bool:
        """Give up when, before any cell was done, jobs of different cells ended in the same way in a row.

        A job that no worker began tells as much as one of other cells.
        """
        if self._is_fruitful:
            return False
        ending = (kind, ended.status, last_line(ended))
        if ending != self._ending:
            self._alike, self._ending = [], ending
        self._alike.append(piece)
        number = len(self._alike) if kind == _START else n_disjoint(self._alike)
        if number < _ALIKE:
            return False
        tail = ended.log_tail(_TAIL_LINES)
        what = f"{_ALIKE} jobs ended alike before any cell was done: the worker {spelled(ended)}"
        self._give_up(Fault("", f"{what}; the end of {last_log(ended.folder)}:\n{tail}".rstrip()))
        return True

    def _give_up(self, fault: Fault) -> None:
        self._outcome.fault = self._outcome.fault or fault

    def _hold(self, piece: Piece) -> None:
        if piece.cells:
            self._held.append(piece)

    def _look_at_held(self) -> None:
        """Send cells whose holder has let go of them without a record; pass by those that have one now."""
        start = time.monotonic()
        if not self._held or start < self._look_at_held_s:
            return
        held, self._held = self._held, []
        for piece in held:
            unfinished = self._ground.unfinished(piece.cells)
            for cell in set(piece.cells).difference(unfinished):
                self._on_event({"event": "recorded", "cell": cell_id(cell)})
            holders = {cell: self._holder(cell) for cell in unfinished}
            for owner in filter(None, holders.values()):
                self._say_held(str(owner))
            free = tuple(cell for cell in unfinished if holders[cell] is None)
            if free:
                self._waiting.append(Piece(free, piece.tries))
            self._hold(Piece(tuple(cell for cell in unfinished if holders[cell]), piece.tries))
        took_s = time.monotonic() - start
        self._look_at_held_s = start + max(_HELD_S, 20 * took_s)

    def _holder(self, cell: Cell) -> Owner | None:
        """Who holds a cell, or the training that it waits for."""
        return self._ground.holder(cell) or self._ground.holder(cell.trained())

    def _say_held(self, owner: str) -> None:
        if owner not in self._said:
            self._said.add(owner)
            self._say(f"some cells are held by {owner}; they are waited for")

    def _say_places(self) -> None:
        """Say how many jobs wait and run, where an engine has some wait, when that has changed."""
        now = time.monotonic()
        told = self._watch.told
        if told != self._places and now >= self._say_places_s:
            self._places, self._say_places_s = told, now + _PLACES_S
            self._say(told)

    def _say(self, text: str) -> None:
        self._on_event({"event": "say", "text": text})


def _full(ended: Ended) -> Fault:
    """The fault of a worker that could write nothing more; its log may not hold that, for the same reason."""
    said = last_line(ended)
    if "can be written" in said:
        return Fault("", said)
    what = "nothing can be written here any more: the disk is full, or read-only."
    return Fault(str(ended.folder), what, "Mend that, and the next run goes on from here.")


def _cells(number: int) -> str:
    return "1 cell" if number == 1 else f"{number} cells"
