"""The mirror process as its user sees it; nothing here waits for longer than it is told to."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import IO, Protocol

from harness.mirror.request import Event, MirrorRequest

_LAST_S = 30.0  # for what is left to show when a job ends
_MEND = "`harness sync` sends what is missing, the records are complete"


class Mirror(Protocol):
    """Where finished cells are shown; never fails, never waits while cells are trained."""

    def show(self, identifier: str) -> None:
        """Have the record of a cell shown."""
        ...

    def close(self) -> None:
        """Give what is left a short while, then end."""
        ...


class NoMirror:
    """Shows nothing."""

    def show(self, identifier: str) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class LiveMirror:
    """Shows cells as they end, through a process that starts with the first one."""

    def __init__(self, request: MirrorRequest, say: Callable[[str], None], last_s: float | None = None) -> None:
        """``say`` is told what the process says, and once that tracking stopped."""
        self._request = request
        self._say = say
        self._last_s = _LAST_S if last_s is None else last_s
        self._process: MirrorProcess | None = None
        self._n_asked = self._n_ended = 0
        self._is_over = False

    def show(self, identifier: str) -> None:
        """Hand the cell's id over."""
        if self._is_over:
            return
        try:
            if self._process is None:
                self._process = MirrorProcess(self._request)
            self._process.send(identifier)
        except OSError as error:  # it ended, it fell thousands of cells behind, or it could not be started
            self._listen(() if self._process is None else self._process.events())
            self._stop(f"{type(error).__name__}: {error}")
            return
        self._n_asked += 1
        self._listen(self._process.events())

    def close(self) -> None:
        """Wait for what is left, but not for long."""
        if self._process is None:
            return
        if not self._is_over:
            self._listen(self._process.rest(self._last_s))
            n_left = self._n_asked - self._n_ended
            if n_left:
                self._stop(f"{n_left} of {self._n_asked} cells were not sent when the job ended")
        self._process.stop()
        self._process = None

    def _listen(self, events: Iterator[Event] | tuple[()]) -> None:
        for event in events:
            if event.told == "say":
                self._say(event.text)
            elif event.told == "given_up":
                self._stop(event.text)
            else:
                self._n_ended += 1

    def _stop(self, why: str) -> None:
        if not self._is_over:
            self._say(f"tracking stops: {why}; {_MEND}")
        self._is_over = True


class MirrorProcess:
    """A running mirror process: ids go in, events come out."""

    def __init__(self, request: MirrorRequest, log: IO[bytes] | None = None) -> None:
        """Start it; what libraries print goes to ``log``, else to standard error.

        Raises:
            OSError: it cannot be started.
        """
        # What a process that has to be killed leaves lies in here, and goes when it does.
        self._scratch = tempfile.TemporaryDirectory(prefix="harness-mirror-", ignore_cleanup_errors=True)
        # A session of its own: an interrupt at the terminal is for its user, and it can be ended as a whole.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "harness.mirror"],  # -P as in dispatch/launcher.py
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**os.environ, "TMPDIR": self._scratch.name},
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()
        self._rest = b""
        os.set_blocking(self._out, False)
        self._process.stdin.write(request.model_dump_json().encode() + b"\n")
        self._process.stdin.flush()
        os.set_blocking(self._in, False)

    def send(self, identifier: str) -> None:
        """Ask for a cell.

        Raises:
            OSError: the process is gone, or takes nothing.
        """
        os.write(self._in, f"{identifier}\n".encode())

    def events(self) -> Iterator[Event]:
        """What has come back, without waiting."""
        while chunk := self._read():
            yield from self._parsed(chunk)

    def ask_no_more(self) -> None:
        """Let it end when it has shown what it was asked for."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def rest(self, timeout_s: float | None = None) -> Iterator[Event]:
        """What comes back until the process ends; it is asked nothing more.

        Args:
            timeout_s: the rest is not waited for any longer; ``None`` relies on its giving up by itself.
        """
        self.ask_no_more()
        end = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                return
            ready, _, _ = select.select([self._out], [], [], left)
            if not ready:
                return
            chunk = self._read()
            if not chunk:  # its end of the pipe is closed
                return
            yield from self._parsed(chunk)

    def stop(self) -> None:
        """End it, and what it started, and let go of everything."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for end in (self._process.stdin, self._process.stdout):
            if end is not None:
                end.close()
        self._scratch.cleanup()

    def _read(self) -> bytes:
        """What lies in the pipe; nothing where nothing does."""
        try:
            return os.read(self._out, 1 << 16)
        except BlockingIOError:
            return b""

    def _parsed(self, chunk: bytes) -> Iterator[Event]:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            yield Event.model_validate_json(line)
