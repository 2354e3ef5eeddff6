"""Using the cores of a CPU without letting them change a number.

On the CPU every kernel runs in one thread, so that sums are added in one order on every machine, and independent
pieces of work (batches of images, contexts in training) run side by side. A GPU needs neither.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

from harness.cores import cpu_threads

_In = TypeVar("_In")
_Out = TypeVar("_Out")


def single_threaded_kernels() -> None:
    """Have torch compute every kernel in the thread that asks for it."""
    torch.set_num_threads(1)


def side_by_side(work: Callable[[_In], _Out], items: Iterable[_In], device: torch.device) -> list[_Out]:
    """``work`` of every item, in order; on the CPU as many at a time as there are cores."""
    kept = list(items)
    n_threads = min(cpu_threads(), len(kept))
    if device.type != "cpu" or n_threads < 2:
        return [work(item) for item in kept]
    with ThreadPoolExecutor(n_threads) as pool:
        return list(pool.map(work, kept))
