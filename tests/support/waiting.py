"""Waiting for what another process does."""

import time
from collections.abc import Callable

_PATIENCE_S = 60.0
_LOOK_S = 0.005


def until(happens: Callable[[], object]) -> None:
    """Return once it does.

    Raises:
        TimeoutError: it does not within a minute.
    """
    end = time.monotonic() + _PATIENCE_S
    while not happens():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(_LOOK_S)
