"""The error tree: everything a user can mend, said once and without a traceback.

A ``HarnessError`` carries every fault that was found, so that one look at the terminal is enough to mend a
file. Anything else that is raised is a defect of the harness and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_FEW = 5  # words that a fault names before it counts the rest


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: where it stands, what it is, and what to do about it."""

    where: str
    what: str
    mend: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        text = f"{place}{self.what}" + (f" {self.mend}" if self.mend else "")
        # A path that is not UTF-8 cannot be printed as it is.
        return text.encode("utf-8", "backslashreplace").decode("utf-8")


class HarnessError(Exception):
    """A mistake that the user can mend; the command line prints it and exits with 2."""

    def __init__(self, faults: Fault | str | Iterable[Fault]) -> None:
        if isinstance(faults, str):
            faults = Fault("", faults)
        self.faults: tuple[Fault, ...] = (faults,) if isinstance(faults, Fault) else tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))


class MatrixError(HarnessError):
    """The matrix YAML, or a selection from it, cannot be used."""


class DataError(HarnessError):
    """A data set, a split or an image is missing or wrong."""


class BackboneError(HarnessError):
    """A backbone is unknown, or its weights are missing or wrong."""


class PromptError(HarnessError):
    """A prompt does not fit the text tower."""


class RecordError(HarnessError):
    """A record, a job file or a results folder cannot be used."""


class NotWrittenError(RecordError):
    """Records cannot be written any more: the disk is full, or the folder has become read-only."""


class PluginError(HarnessError):
    """A plug-in cannot be read, or its code fails where it is first used."""


class TrackingError(HarnessError):
    """A tracker cannot be used, or what it shows cannot be made whole."""


class RunError(HarnessError):
    """One cell could not be trained or evaluated; it becomes a failed record and the others go on."""


class TooLargeError(RunError):
    """Memory does not hold the smallest piece that a cell can be computed in."""


def did_you_mean(name: object, known: Sequence[str]) -> str:
    """The sentence that names the nearest known word, then what is allowed."""
    near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
    guess = f"Did you mean {near[0]!r}? " if near else ""
    return f"{guess}Known: {', '.join(known)}."


def first_line(error: BaseException) -> str:
    """The first line of what an error says, without its full stop; its kind where it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")


def few(words: Sequence[str]) -> str:
    """The first five, and how many more there are."""
    more = f" and {len(words) - _FEW:,} more" if len(words) > _FEW else ""
    return ", ".join(words[:_FEW]) + more
