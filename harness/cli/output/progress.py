"""Live progress: a bar with the time left in a terminal, one plain line a cell otherwise."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import rich.progress as bars

from harness.cli.output.bar import Bars
from harness.data.dataset import Size
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.plan.cost import cost_of

_SURE = 0.03  # with less of the work behind, the start of the workers would be taken for slowness


class Progress(Bars):
    """Follows the events of workers; the time left is reckoned from the work that is behind."""

    def __init__(
        self,
        title: str,
        cells: Sequence[Cell],
        names: Mapping[str, str],
        sizes: Mapping[str, Size],
        seconds: Mapping[Cell, float | None] | None = None,
    ) -> None:
        """Follow ``cells``; ``names`` are what people read, ``sizes`` those of the data sets.

        ``seconds`` is the forecast of each cell; only where it is told of all of them does it count.
        """
        super().__init__(
            bars.TextColumn("{task.description}"),
            bars.BarColumn(),
            bars.TaskProgressColumn(),
            bars.TextColumn("{task.fields[ended]}/{task.fields[cells]} cells"),
            bars.TimeElapsedColumn(),
            bars.TextColumn("left"),
            bars.TimeRemainingColumn(),
        )
        self._names = names
        told = seconds or {}
        if any(told.get(cell) is None for cell in cells):
            self._work = {cell_id(cell): cost_of([cell], sizes) for cell in cells}
        else:
            self._work = {cell_id(cell): told[cell] or 0.0 for cell in cells}
        self._behind: dict[str, float] = {}
        self._ended: set[str] = set()  # a job that is tried again tells anew what it has found done
        self._said: set[str] = set()
        self._start = time.monotonic()
        if self.bars is not None:
            self._task = self.bars.add_task(title, total=sum(self._work.values()), ended=0, cells=len(cells))

    def on_event(self, event: Mapping[str, Any]) -> None:
        """Take in one event of a worker."""
        kind, cell = event["event"], str(event.get("cell", ""))
        if cell and cell not in self._work:
            return  # a training that only its evaluations asked for
        if kind == "say":
            self._say(str(event["text"]))
        elif kind == "epoch":
            self._behind[cell] = self._work[cell] * event["epoch"] / event["epochs"]
        elif kind == "recorded":  # by another run, before a worker of this one came to it
            self._behind[cell] = self._work[cell]
            self._ended.add(cell)
        elif kind in ("done", "failed"):
            self._behind[cell] = self._work[cell]
            self._ended.add(cell)
            self.line(self._ended_line(event, cell), style="" if kind == "done" else "red")
        if self.bars is not None:
            self.bars.update(self._task, completed=sum(self._behind.values()), ended=len(self._ended))

    def _say(self, text: str) -> None:
        """A line that several workers may have to say, once."""
        if text not in self._said:
            self._said.add(text)
            self.line(text, style="yellow")

    def _ended_line(self, event: Mapping[str, Any], cell: str) -> str:
        head = f"[{len(self._ended)}/{len(self._work)}] {self._names[cell]}:"
        if event["event"] == "failed":
            return f"{head} failed: {event['reason']}"
        left = "" if self.bars is not None else self._time_left()
        return f"{head} accuracy {event['accuracy']:.3f} in {event['seconds']:.1f} s{left}"

    def _time_left(self) -> str:
        """``, about 2 min left``, in proportion to the work behind."""
        behind, whole = sum(self._behind.values()), sum(self._work.values())
        seconds = (time.monotonic() - self._start) * (whole - behind) / max(behind, 1e-9)
        if len(self._ended) == len(self._work) or behind < _SURE * whole:
            return ""
        return f", about {seconds / 60:.0f} min left" if seconds >= 90 else f", about {seconds:.0f} s left"
