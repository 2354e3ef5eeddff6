"""What killed writers leave in a results folder."""

from __future__ import annotations

import os
from pathlib import Path

from harness.files import remove_leavings


def tidy_results(results: Path) -> int:
    """How many half-written files a day old were removed: from the folder, and from those right in it.

    Not from the folders of jobs, of which there may be many thousands, each with a line or two at most.
    """
    folders = [Path(entry) for entry in os.scandir(results) if entry.is_dir()] if results.is_dir() else []
    return sum(map(remove_leavings, (results, *folders)))
