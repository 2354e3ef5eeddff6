"""An end for a process in which something hangs."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LOOK_S = 0.1


class Watch:
    """Ends this process when something was begun and nothing came of anything for too long.

    A tracker's own time limits do not hold everywhere: with wandb 0.31 a server that goes away while a file is
    being sent keeps ``finish`` waiting for good.
    """

    def __init__(self, patience_s: float, at_last: Callable[[], None]) -> None:
        """``at_last`` is called before the end."""
        self._patience_s = patience_s
        self._at_last = at_last
        self._n_begun = 0
        self._moved = time.monotonic()
        self._lock = threading.Lock()
        threading.Thread(target=self._look, name="watch", daemon=True).start()

    @contextmanager
    def over(self) -> Iterator[None]:
        """Watch over the block."""
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def _count(self, step: int) -> None:
        with self._lock:
            self._n_begun += step
            self._moved = time.monotonic()

    def _look(self) -> None:
        while True:
            time.sleep(_LOOK_S)
            with self._lock:
                is_late = self._n_begun > 0 and time.monotonic() - self._moved > self._patience_s
            if is_late:
                self._at_last()
                end_group()


def end_group() -> None:
    """End this process at once, and those that it started where it leads a group of its own."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)
