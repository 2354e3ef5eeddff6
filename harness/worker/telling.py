"""Events of a job, as lines of a file that whoever watches reads."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.plan.job import EVENTS_FILE

Tell = Callable[..., None]


@contextmanager
def telling(folder: Path) -> Iterator[Tell]:
    """A function that adds an event to the job's file; one that finds no room on the disk is dropped."""
    with (folder / EVENTS_FILE).open("ab", buffering=0) as events:

        def tell(**event: Any) -> None:
            try:
                events.write(json.dumps(event).encode() + b"\n")
            except OSError:
                return

        yield tell
