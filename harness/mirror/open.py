"""The mirror of a job, by what the matrix says of tracking."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness.matrix.tracking import Tracking
from harness.mirror.process import LiveMirror, Mirror, NoMirror
from harness.mirror.request import MirrorRequest
from harness.plugins.plugin import PluginSource


def open_mirror(
    tracking: Tracking,
    results: Path,
    matrix: str,
    say: Callable[[str], None],
    plugins: tuple[PluginSource, ...] = (),
) -> Mirror:
    """The mirror of a matrix's cells; without tracking one that does nothing.

    ``plugins`` are those that the tracker comes from.
    """
    if tracking.tracker == "none":
        return NoMirror()
    request = MirrorRequest(matrix=matrix, results=results.resolve(), tracking=tracking, plugins=plugins)
    return LiveMirror(request, say)
