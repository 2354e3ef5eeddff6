"""How the command line speaks: results on stdout, faults and progress on stderr, paths never cut."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.errors import Fault

_WIDE = 10_000  # nothing is wrapped or cut where no terminal sets a width


class _Console(Console):
    """A console that leaves it to ``main`` what a reader that went away means."""

    def on_broken_pipe(self) -> None:
        """Raise what rich turns into exit code 1."""
        raise BrokenPipeError


def out() -> Console:
    """The console on stdout; wide without a terminal."""
    return _Console(highlight=False, emoji=False, soft_wrap=True, width=None if sys.stdout.isatty() else _WIDE)


def err() -> Console:
    """The console on stderr; wide without a terminal."""
    return Console(
        stderr=True, highlight=False, emoji=False, soft_wrap=True, width=None if sys.stderr.isatty() else _WIDE
    )


def say(text: str = "", style: str = "") -> None:
    """A line of the result."""
    out().print(text, style=style, markup=False)


def note(text: str, style: str = "") -> None:
    """A line of progress."""
    err().print(text, style=style, markup=False)


def error(text: str) -> None:
    """A line that says what went wrong."""
    err().print(f"error: {text}", style="red", markup=False)


def faults(found: Iterable[Fault]) -> None:
    """One line a fault."""
    for fault in found:
        error(str(fault))


def table(title: str, columns: Iterable[str], rows: Iterable[Iterable[Any]], numbers: Iterable[str] = ()) -> None:
    """A table on stdout; columns in ``numbers`` are set to the right."""
    right = set(numbers)
    grid = Table(title=title, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for column in columns:
        grid.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(Text(str(item)) for item in row))  # a path's brackets are no markup
    out().print(grid)
