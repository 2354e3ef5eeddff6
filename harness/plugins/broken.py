"""What is told of a plug-in's code that fails."""

from __future__ import annotations

import importlib
import os
import re
import traceback
from pathlib import Path

from harness.errors import Fault, PluginError

TRACEBACK = "HARNESS_TRACEBACK"  # set, a plug-in's own traceback is printed
IN_LOG = "log"  # what a worker sets it to

_OWN_NAME = re.compile(r"harness_plugin_(\w+)_[0-9a-f]{8}")  # of a file's module, by plugins/module.py
_ROOM = Path(__file__).parent


def broken(name: str, error: BaseException) -> PluginError:
    """What is told of code of a plug-in that failed: one line, with the place in the plug-in's own code."""
    if os.environ.get(TRACEBACK):
        traceback.print_exception(error)
    said = (error.msg if isinstance(error, SyntaxError) else str(error)).splitlines()
    what = ": ".join([type(error).__name__, *(_OWN_NAME.sub(r"\1", line) for line in said[:1])])
    told = {"": f"{TRACEBACK}=1 prints its traceback.", IN_LOG: "The log of the job has its traceback."}
    mend = told.get(os.environ.get(TRACEBACK, ""), "")
    return PluginError(Fault(name, f"cannot be used: {what}{_place(error)}.", mend))


def _place(error: BaseException) -> str:
    """File and line of an error, in brackets; empty where only Python's import failed.

    What the plug-in calls may fail deeper, in a library; a file's own line says more.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return f" ({Path(error.filename).name}, line {error.lineno})"
    frames = [
        (frame.f_globals.get("__name__", ""), frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if not _is_machinery(frame.f_code.co_filename)
    ]
    if not frames:
        return ""
    own = [frame for frame in frames if _OWN_NAME.match(frame[0])]
    _, filename, line = (own or frames)[-1]
    return f" ({Path(filename).name}, line {line})"


def _is_machinery(filename: str) -> bool:
    """Whether a frame is of Python's import, or of this room."""
    return filename.startswith("<frozen") or filename == importlib.__file__ or Path(filename).parent == _ROOM
