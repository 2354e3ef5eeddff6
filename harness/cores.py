"""How many cores there are for this process. No torch here."""

import os


def cpu_threads() -> int:
    """How many cores this process may use: ``OMP_NUM_THREADS``, else all that the system gives it."""
    named = os.environ.get("OMP_NUM_THREADS", "")
    if named.isdigit() and int(named) > 0:
        return int(named)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
