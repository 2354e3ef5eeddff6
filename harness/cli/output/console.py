"""How the command line speaks: results on stdout, faults and progress on stderr, paths never cut."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from harness.errors import Fault, HarnessError

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
    show(Text(text, style=style))


def show(block: RenderableType) -> None:
    """A part of the result that says itself what it looks like."""
    with _writing():
        out().print(block)


def raw(content: bytes) -> None:
    """A result that programs read, byte for byte."""
    with _writing():
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()


@contextmanager
def _writing() -> Iterator[None]:
    """Tells what stands in the way of writing to stdout.

    Raises:
        BrokenPipeError: its reader went away.
        HarnessError: such as that the disk is full.
    """
    try:
        yield
    except BrokenPipeError:
        raise BrokenPipeError from None  # without its number, by which Typer would know it and exit with 1
    except OSError as error:
        raise HarnessError(f"the result cannot be written to standard output: {error.strerror}.") from None


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
    show(grid)
