"""A bar that counts things: live in a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType

import rich.progress as bars

from harness.cli import console

_EVERY_S = 20.0  # between lines where there is no terminal


class Bar:
    """Counts the steps of something whose number is known."""

    def __init__(self, title: str, n_steps: int) -> None:
        """Nothing is counted yet."""
        self._title, self._n_steps, self._n_done = title, n_steps, 0
        self._said = time.monotonic()
        self._bar: bars.Progress | None = None
        if sys.stderr.isatty():
            columns = (bars.TextColumn("{task.description}"), bars.BarColumn(), bars.MofNCompleteColumn())
            self._bar = bars.Progress(
                *columns, bars.TextColumn("left"), bars.TimeRemainingColumn(), console=console.err()
            )
            self._task = self._bar.add_task(title, total=n_steps)

    def __enter__(self) -> Bar:
        """Show the bar."""
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.stop()

    def step(self) -> None:
        """One thing is done."""
        self._n_done += 1
        if self._bar is not None:
            self._bar.update(self._task, completed=self._n_done)
        elif time.monotonic() - self._said > _EVERY_S:
            self._said = time.monotonic()
            console.note(f"{self._title}: {self._n_done} of {self._n_steps}")

    def line(self, text: str, style: str = "yellow") -> None:
        """A line beside the bar."""
        if self._bar is None:
            console.note(text, style)
        else:
            self._bar.console.print(text, style=style, markup=False)
