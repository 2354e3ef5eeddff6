"""What the user tells a running command by signals: finish what runs, or stop now."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType

INTERRUPTED, TERMINATED = 130, 143  # exit codes: 128 and the number of the signal
_KINDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_AGAIN_S = 0.01
_ENDING_S = 60.0  # more than the workers of a launcher are given to end


class SignalledError(BaseException):
    """A signal ends the command now; like KeyboardInterrupt, no net for errors catches it."""

    def __init__(self, exit_code: int) -> None:
        """``exit_code`` is the command's."""
        super().__init__(exit_code)
        self.exit_code = exit_code


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Within, signals raise SignalledError, so that what was started is ended on the way out.

    A second SIGTERM must not break off what the first one has begun, unless that takes too long; Ctrl-C may.
    Python drops what is raised where nobody can catch it, such as while an object is deleted or a process forks;
    the signal is then given again.
    """
    before = sys.unraisablehook
    deaf_until_s = 0.0

    def end(kind: int, _: FrameType | None) -> None:
        nonlocal deaf_until_s
        if kind == signal.SIGINT:
            raise SignalledError(INTERRUPTED)
        if time.monotonic() >= deaf_until_s:
            deaf_until_s = time.monotonic() + _ENDING_S
            raise SignalledError(TERMINATED)

    def give_again(dropped: sys.UnraisableHookArgs) -> None:
        nonlocal deaf_until_s
        error, main_thread = dropped.exc_value, threading.main_thread().ident or 0
        if isinstance(error, SignalledError):
            kind = error.exit_code - 128
        elif isinstance(error, SystemExit):  # of a handler that Ray has put in the place of this one
            kind = signal.SIGTERM
        else:
            before(dropped)
            return
        deaf_until_s = 0.0
        threading.Timer(_AGAIN_S, signal.pthread_kill, (main_thread, kind)).start()

    sys.unraisablehook = give_again
    try:
        with _hearing(end):
            yield
    finally:
        sys.unraisablehook = before


class Orders:
    """The signals since the beginning of a ``with`` block.

    The first SIGINT asks to let running jobs finish and to begin no others, the second to stop now; SIGTERM and
    SIGHUP ask to stop now.
    """

    def __init__(self, on_first: Callable[[], None] = lambda: None) -> None:
        """``on_first`` is called at the first SIGINT."""
        self._on_first = on_first
        self._hearing = _hearing(self._on_signal)
        self.finish = False
        self.stop = False
        self.exit_code = 0

    def __enter__(self) -> Orders:
        """Listen."""
        self._hearing.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """Listen no more."""
        self._hearing.__exit__(kind, error, where)

    def _on_signal(self, kind: int, _: FrameType | None) -> None:
        if kind != signal.SIGINT:
            self.stop, self.exit_code = True, TERMINATED
        elif self.finish:
            self.stop, self.exit_code = True, self.exit_code or INTERRUPTED
        else:
            self.finish, self.exit_code = True, self.exit_code or INTERRUPTED
            self._on_first()


@contextmanager
def _hearing(on_signal: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Within, signals go to ``on_signal``.

    One that is ignored, as SIGHUP is under ``nohup``, stays ignored. Only the main thread can listen; elsewhere
    nothing is heard.
    """
    before: dict[signal.Signals, object] = {}
    if threading.current_thread() is threading.main_thread():
        for kind in _KINDS:
            if signal.getsignal(kind) not in (signal.SIG_IGN, None):
                before[kind] = signal.signal(kind, on_signal)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal gave
