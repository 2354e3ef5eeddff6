"""Figures drawn ahead in other processes while tables are made; few are not worth the start of a process."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.report.figures.charts import Figure

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor

Drawn = Mapping[str, bytes]  # from file name ending to content
_WORTH_A_PROCESS = 6  # figures: a process takes two seconds to import what they need
_MOST_PROCESSES = 8


def draw_one(figure: Figure) -> Drawn:
    """The figure in each format; imports matplotlib, which takes a second, when it is called."""
    from harness.report.figures.draw import draw

    return draw(figure)


@dataclass(slots=True)
class Ahead:
    """Figures that are wanted: drawn one by one when they are asked for, or by then in ``n_processes``."""

    n_processes: int
    _pool: ProcessPoolExecutor | None = None
    _waiting: list[tuple[Figure, list[Future[Drawn]]]] = field(default_factory=list)

    def draw(self, figures: Sequence[Figure]) -> Iterator[Drawn]:
        """What becomes of ``figures``, in their order; drawing may begin at once."""
        kept: list[tuple[Figure, list[Future[Drawn]]]] = [(figure, []) for figure in figures]
        self._waiting += kept
        if self.n_processes > 1 and len(self._waiting) >= _WORTH_A_PROCESS:
            pool = self._started()
            for figure, future in self._waiting:
                future.append(pool.submit(draw_one, figure))
            self._waiting = []
        return (future[0].result() if future else draw_one(figure) for figure, future in kept)

    def _started(self) -> ProcessPoolExecutor:
        """The processes, which are started when they are first needed; what starts them takes time to import."""
        if self._pool is None:
            from concurrent.futures import ProcessPoolExecutor
            from multiprocessing import get_context

            # Not forked: a copy of a process with threads can hang.
            self._pool = ProcessPoolExecutor(self.n_processes, get_context("spawn"))
        return self._pool

    def close(self) -> None:
        """End the processes; what nobody asked for is not drawn."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


@contextmanager
def drawing_ahead(n_processes: int | None = None) -> Iterator[Ahead]:
    """Until the end, something that draws ahead in as many processes as there are processors."""
    has_affinity = hasattr(os, "sched_getaffinity")
    usable = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    ahead = Ahead(n_processes or min(_MOST_PROCESSES, usable))
    try:
        yield ahead
    finally:
        ahead.close()
