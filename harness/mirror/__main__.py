"""``python -m harness.mirror``: shows the records it is asked for, and tells what came of each."""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import BinaryIO

from harness.errors import HarnessError
from harness.mirror.request import Event, MirrorRequest, Snapshot
from harness.mirror.runs import tracked_run
from harness.mirror.watch import Watch, end_group
from harness.plugins.reading import load_plugins
from harness.store.records import read_records
from harness.tracking.ledger import Ledger
from harness.tracking.table import open_tracker, trackers_with
from harness.tracking.tracker import Opening, Tracker


class Desk:
    """One request being done."""

    def __init__(self, request: MirrorRequest, events: BinaryIO) -> None:
        """Nothing is opened yet; ``events`` takes what is told."""
        self._request = request
        self._events = events
        self._lock = threading.Lock()
        self._n_failed = 0
        self.watch = Watch(request.patience_s, self._give_up_waiting)

    def tell(self, event: Event) -> None:
        """Write one event; when nobody reads any more, go on all the same."""
        with self._lock:
            try:
                self._events.write(event.model_dump_json().encode() + b"\n")
                self._events.flush()
            except BrokenPipeError:
                pass

    def do(self, identifiers: Iterable[str]) -> None:
        """Show all that is asked for, in the order in which it comes, and then the whole matrix.

        Raises:
            TrackingError: the tracker is not installed.
            PluginError: it is a plug-in's, and cannot be opened.
        """
        request = self._request
        with self.watch.over():
            folder = request.results / request.matrix
            trackers = trackers_with(load_plugins(request.plugins))
            tracker = open_tracker(request.tracking, Opening(folder, request.patience_s, self._say), trackers)
            ledger = Ledger(request.results, tracker.destination)
            os.chdir(request.results)  # a tracker that tells where files lie has nothing to tell but below it
        with ThreadPoolExecutor(tracker.at_once) as pool:
            for identifier in identifiers:
                pool.submit(self._attempt, identifier, partial(self._cell, tracker, ledger, identifier))
        if request.snapshot is not None:
            self._attempt("", partial(self._matrix, tracker, ledger, request.snapshot))
        with self.watch.over():
            tracker.close()

    def _say(self, text: str) -> None:
        self.tell(Event(told="say", text=text))

    def _give_up_waiting(self) -> None:
        text = f"nothing came back for {self._request.patience_s:g} s"
        self.tell(Event(told="given_up", text=text))

    def _attempt(self, identifier: str, show: Callable[[], Event]) -> None:
        """Do one thing under watch; so many failures in a row are the end."""
        try:
            with self.watch.over():
                event = show()
        except Exception as error:  # whatever a tracker raises is told, not raised
            traceback.print_exception(error)
            reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
            self.tell(Event(told="failed", run=identifier, text=reason))
            with self._lock:
                self._n_failed += 1
                is_enough = self._n_failed >= self._request.n_failures
            if is_enough:
                self.tell(Event(told="given_up", text=reason))
                end_group()
        else:
            with self._lock:
                self._n_failed = 0
            self.tell(event)

    def _cell(self, tracker: Tracker, ledger: Ledger, identifier: str) -> Event:
        request = self._request
        record = read_records(request.results, [identifier]).records.get(identifier)
        if record is None:
            return Event(told="kept", run=identifier)
        run = tracked_run(record, request.matrix, request.results)
        return self._bring(tracker, ledger, run.id, run.digest, lambda: tracker.mirror(run))

    def _matrix(self, tracker: Tracker, ledger: Ledger, snapshot: Path) -> Event:
        matrix = Snapshot.model_validate_json(snapshot.read_text(encoding="utf-8")).value()
        return self._bring(tracker, ledger, matrix.id, matrix.digest, lambda: tracker.summarize(matrix))

    def _bring(
        self, tracker: Tracker, ledger: Ledger, identifier: str, digest: str, show: Callable[[], None]
    ) -> Event:
        """Show what the tracker does not have, and remember it."""
        if self._request.dry_run:
            return self._brought(tracker, ledger, identifier, digest, show)
        with ledger.turn(identifier):
            return self._brought(tracker, ledger, identifier, digest, show)

    def _brought(
        self, tracker: Tracker, ledger: Ledger, identifier: str, digest: str, show: Callable[[], None]
    ) -> Event:
        is_known = ledger.has(identifier, digest) and not self._request.again
        if not tracker.destination or (is_known and tracker.holds(identifier)):
            return Event(told="kept", run=identifier)
        if self._request.dry_run:
            return Event(told="lacking", run=identifier)
        show()
        ledger.add(identifier, digest)
        return Event(told="shown", run=identifier)


def main() -> int:
    """Do what standard input asks for until it ends; 0, else what stands in the way was told."""
    events = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is no event
    request = MirrorRequest.model_validate_json(sys.stdin.buffer.readline())
    desk = Desk(request, events)

    def identifiers() -> Iterator[str]:
        yield from request.cells
        yield from (line.decode().strip() for line in sys.stdin.buffer)

    try:
        desk.do(identifiers())
    except HarnessError as error:
        desk.tell(Event(told="given_up", text=str(error)))
        return 2
    except Exception as error:  # such as what wandb raises at a login that is none
        traceback.print_exception(error)
        desk.tell(Event(told="given_up", text=f"{type(error).__name__}: {error}"))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
