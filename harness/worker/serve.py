"""A worker that takes job after job: job files as lines on stdin, answers as JSON lines on stdout."""

import contextlib
import ctypes
import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.plan.job import DONE, LOG_FILE, NOT_BEGUN
from harness.worker.stopping import Stopping

_PR_SET_PDEATHSIG = 1  # of <linux/prctl.h>
_ALIVE_S = 5.0  # between two signs of life


def serve(do: Callable[[Path], int], stopping: Stopping) -> int:
    """Do jobs until stdin ends or one ends badly; the exit status.

    The lines of stdout are ``{"ready": PROCESS}`` once, ``{"alive": N}`` every few seconds, and
    ``{"job": FILE, "status": N}`` when a job has ended. A job's own output goes to its log. Memory that ran out,
    and defects, may have left something behind, so only a worker whose jobs end well goes on.

    When stdin ends nobody waits for answers any more: an idle worker is done, and a busy one ends in order.
    """
    _wake_when_orphaned()
    with os.fdopen(os.dup(1), "wb", buffering=0) as answers:
        os.dup2(2, 1)
        answer = _Answers(answers.fileno())
        jobs = _Jobs(stopping)
        threading.Thread(target=jobs.read, name="jobs", daemon=True).start()
        threading.Thread(target=answer.live, name="alive", daemon=True).start()
        answer(ready=os.getpid())
        while (path := jobs.next()) is not None:
            _log_to(path.parent / LOG_FILE)
            status = do(path)
            jobs.count_done()  # before the answer: whoever has heard it may hang up at once
            answer(job=str(path), status=status)
            if status not in (DONE, NOT_BEGUN):
                return status
        return DONE


class _Answers:
    """Lines for whoever sent the jobs; where nobody reads them any more they are dropped."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._lock = threading.Lock()

    def __call__(self, **answer: Any) -> None:
        line = json.dumps(answer).encode() + b"\n"
        with self._lock:
            try:
                os.write(self._handle, line)  # shorter than what a pipe takes at once, so never in pieces
            except OSError:
                return

    def live(self) -> None:
        """Give signs of life as long as the process runs."""
        number = 0
        while True:
            self(alive=number)
            number += 1
            threading.Event().wait(_ALIVE_S)


class _Jobs:
    """The job files that are sent, in order."""

    def __init__(self, stopping: Stopping) -> None:
        self._stopping = stopping
        self._waiting: queue.SimpleQueue[Path | None] = queue.SimpleQueue()
        self._n_sent = self._n_done = 0

    def next(self) -> Path | None:
        """The next job, once there is one; ``None`` when no more will come."""
        return self._waiting.get()

    def count_done(self) -> None:
        """One more job is done."""
        self._n_done += 1

    def read(self) -> None:
        """Take in the lines of stdin; at its end ask a busy worker to end."""
        rest = b""
        while content := _read():
            *lines, rest = (rest + content).split(b"\n")
            for line in lines:
                self._n_sent += 1
                self._waiting.put(Path(os.fsdecode(line)))
        self._waiting.put(None)
        if self._n_sent > self._n_done:
            self._stopping.ask()


def _read() -> bytes:
    try:
        return os.read(0, 65536)
    except OSError:
        return b""


def _wake_when_orphaned() -> None:
    """Have the system wake this process when its parent dies: one that is stopped does not see its stdin end."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGCONT))


def _log_to(log: Path) -> None:
    """Send what this process and its libraries print to a file; on a full disk it goes where it went before."""
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
        handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        os.close(handle)
