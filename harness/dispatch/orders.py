"""What the user tells a running command by signals: finish what runs, or stop now."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType

INTERRUPTED, TERMINATED = 130, 143  # exit codes: 128 and the number of the signal


class Orders:
    """The signals since the beginning of a ``with`` block.

    The first SIGINT asks to let running jobs finish and to begin no others, the second to stop now; SIGTERM and
    SIGHUP ask to stop now. A signal that is ignored, as SIGHUP is under ``nohup``, stays ignored.
    """

    def __init__(self, on_first: Callable[[], None] = lambda: None) -> None:
        """``on_first`` is called at the first SIGINT."""
        self._on_first = on_first
        self._before: dict[signal.Signals, object] = {}
        self.finish = False
        self.stop = False
        self.exit_code = 0

    def __enter__(self) -> Orders:
        """Listen; only the main thread can, elsewhere nothing is heard."""
        if threading.current_thread() is threading.main_thread():
            for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                if signal.getsignal(kind) not in (signal.SIG_IGN, None):
                    self._before[kind] = signal.signal(kind, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """Listen no more."""
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal gave

    def _on_signal(self, kind: int, _: FrameType | None) -> None:
        if kind != signal.SIGINT:
            self.stop, self.exit_code = True, TERMINATED
        elif self.finish:
            self.stop, self.exit_code = True, self.exit_code or INTERRUPTED
        else:
            self.finish, self.exit_code = True, self.exit_code or INTERRUPTED
            self._on_first()
