"""How a worker ends before its time: what would be lost is saved first, and nothing outlives it."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from harness.plan.job import STOPPED

_SAVE_S = 20.0  # for writing where trainings stand
_GRACE_S = 5.0  # behind that, for threads that are in the middle of an epoch


class StoppedError(BaseException):
    """The worker is to end now; no net for the failure of one cell catches it."""


class Stopping:
    """Whether the worker is to end, and what is done then."""

    def __init__(self, grace_s: float = _GRACE_S) -> None:
        """Nobody has asked; a worker that is not gone ``grace_s`` after it has saved what it has is ended hard."""
        self._grace_s = grace_s
        self._savers: list[Callable[[], None]] = []
        self._last_words: list[Callable[[], None]] = []
        self._asked = threading.Event()
        self._saved = threading.Event()
        self._is_raised = False

    @property
    def is_asked(self) -> bool:
        """Whether the worker is to end."""
        return self._asked.is_set()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Within, SIGTERM and SIGINT end the worker: they raise StoppedError in the main thread."""
        kinds = (signal.SIGTERM, signal.SIGINT)
        before = [signal.signal(kind, self._on_signal) for kind in kinds]
        try:
            yield
        finally:
            for kind, handler in zip(kinds, before, strict=True):
                signal.signal(kind, handler)

    @contextmanager
    def saving(self, save: Callable[[], None]) -> Iterator[None]:
        """Within, ``save`` is called first when the worker is to end."""
        self._savers.append(save)
        try:
            yield
        finally:
            self._savers.remove(save)

    @contextmanager
    def last_words(self, act: Callable[[], None]) -> Iterator[None]:
        """Within, ``act`` is called, latest first, even when the worker has to be ended hard."""
        self._last_words.append(act)
        try:
            yield
        finally:
            self._last_words.remove(act)

    def ask(self) -> None:
        """End the worker, from any thread."""
        self._begin()
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)

    def _on_signal(self, _: int, __: FrameType | None) -> None:
        self._begin()
        if self._is_raised:
            return  # a second signal must not break off what the first one has begun
        self._is_raised = True
        for save in self._savers:
            save()
        self._saved.set()
        raise StoppedError

    def _begin(self) -> None:
        if not self._asked.is_set():
            self._asked.set()
            threading.Thread(target=self._end_hard, name="end hard", daemon=True).start()

    def _end_hard(self) -> None:
        """End the process when it has not ended by itself."""
        self._saved.wait(_SAVE_S)
        threading.Event().wait(self._grace_s)
        for act in reversed(self._last_words):
            act()
        os._exit(STOPPED)
