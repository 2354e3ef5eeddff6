"""The run of a whole matrix while its cells are trained: shown anew now and then, and once at the end."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.cli.output import console
from harness.cli.state.situation import Situation, look_at_cells
from harness.cli.state.snapshot import Tracked, write_snapshot
from harness.mirror.process import MirrorProcess
from harness.mirror.request import Event, MirrorRequest
from harness.plugins.tables import sources_of
from harness.tracking.ledger import tracking_log

_EVERY_S = 60.0
_SHARE = 20  # making a snapshot takes at most one part in so many of the time


@contextmanager
def live_matrix(situation: Situation, results: Path) -> Iterator[LiveMatrix]:
    """The matrix of a situation, shown while the block runs and as it stands at the end of it."""
    matrix = situation.matrix
    plugins = sources_of(matrix.plugins, {"TRACKERS": (matrix.tracking.tracker,)})

    def look() -> Tracked:
        cells = look_at_cells(matrix.cells, matrix, results, situation.data)[2]
        return Tracked(matrix, matrix.tracking, cells, plugins)

    live = LiveMatrix(look, results, is_tracked=matrix.tracking.tracker != "none")
    try:
        yield live
    except BaseException:
        live.stop()
        raise
    live.close()


class LiveMatrix:
    """Follows the events of workers; a tracker that fails is said once and not tried again, and nothing waits."""

    def __init__(self, look: Callable[[], Tracked], results: Path, *, is_tracked: bool = True) -> None:
        """``look`` says where the cells of the matrix stand now."""
        self._look = look
        self._results = results
        self._process: MirrorProcess | None = None
        self._scratch = tempfile.TemporaryDirectory(prefix="harness-live-")
        self._due = time.monotonic()
        self._is_over = not is_tracked

    def follow(self, on_event: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
        """``on_event``, and now and then a look at the whole matrix."""

        def take(event: dict[str, Any]) -> None:
            on_event(event)
            self._take(event)

        return on_event if self._is_over else take

    def close(self) -> None:
        """Show the matrix as it is now, and wait until that is done or given up."""
        if not self._is_over:
            self._end_process()
        if not self._is_over:
            self._start()
            if self._process is not None:
                self._listen(self._process.rest())
        self.stop()

    def stop(self) -> None:
        """End what is being shown."""
        self._end_process()
        self._scratch.cleanup()

    def _take(self, event: Mapping[str, Any]) -> None:
        if self._is_over or event["event"] not in ("done", "failed") or time.monotonic() < self._due:
            return
        self._end_process()
        if not self._is_over:
            self._start()

    def _start(self) -> None:
        """Begin to show the matrix as it is now."""
        begun = time.monotonic()
        try:
            self._process = self._begun()
        except Exception as error:  # cells are being trained: what goes wrong here is said, and no more
            self._give_up(f"{type(error).__name__}: {error}")
        self._due = begun + max(_EVERY_S, _SHARE * (time.monotonic() - begun))

    def _begun(self) -> MirrorProcess:
        """A process that shows the matrix as it is now.

        Raises:
            Exception: a record, a table or the process is not as it should be.
        """
        tracked = self._look()
        request = MirrorRequest(
            matrix=tracked.name,
            results=self._results.resolve(),
            tracking=tracked.tracking,
            plugins=tracked.plugins,
            snapshot=write_snapshot(tracked, self._results, Path(self._scratch.name)),
        )
        with tracking_log(self._results).open("ab") as log:
            process = MirrorProcess(request, log)
        process.ask_no_more()
        return process

    def _end_process(self) -> None:
        """Take in what the last showing told, and end it if it is still at it."""
        if self._process is not None:
            self._listen(self._process.events())
            self._process.stop()
            self._process = None

    def _listen(self, events: Iterator[Event]) -> None:
        for event in events:
            if event.told == "given_up":
                self._give_up(event.text)

    def _give_up(self, why: str) -> None:
        if not self._is_over:
            console.note(f"the matrix's run is not up to date: {why}; `harness sync` mends it", style="yellow")
        self._is_over = True
