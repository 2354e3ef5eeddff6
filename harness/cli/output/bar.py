"""Bars in a terminal; where there is none, lines now and then take their place."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

import rich.progress as bars

from harness.cli.output import console

_EVERY_S = 20.0  # between lines where there is no terminal


class Bars:
    """A place for bars, shown while its block runs; ``bars`` is ``None`` without a terminal."""

    def __init__(self, *columns: bars.ProgressColumn) -> None:
        """No bar stands in it yet; ``columns`` are what each of them shows."""
        self.bars = bars.Progress(*columns, console=console.err()) if sys.stderr.isatty() else None

    def __enter__(self) -> Self:
        """Show the bars."""
        if self.bars is not None:
            self.bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """Leave them as they are."""
        if self.bars is not None:
            self.bars.stop()

    def line(self, text: str, style: str = "") -> None:
        """A line above the bars, or on stderr."""
        if self.bars is None:
            console.note(text, style)
        else:
            self.bars.console.print(text, style=style, markup=False)


class Bar(Bars):
    """Counts the steps of something whose number is known."""

    def __init__(self, title: str, n_steps: int) -> None:
        """Nothing is counted yet."""
        super().__init__(
            bars.TextColumn("{task.description}"),
            bars.BarColumn(),
            bars.MofNCompleteColumn(),
            bars.TextColumn("left"),
            bars.TimeRemainingColumn(),
        )
        self._title, self._n_steps, self._n_done = title, n_steps, 0
        self._said = time.monotonic()
        if self.bars is not None:
            self._task = self.bars.add_task(title, total=n_steps)

    def step(self) -> None:
        """One thing is done."""
        self._n_done += 1
        if self.bars is not None:
            self.bars.update(self._task, completed=self._n_done)
        elif time.monotonic() - self._said > _EVERY_S:
            self._said = time.monotonic()
            self.line(f"{self._title}: {self._n_done} of {self._n_steps}")
