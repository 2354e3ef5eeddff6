"""A check: one thing that is owed, with a name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

Subject = TypeVar("Subject")
Owed = Callable[[Subject, Path], None]  # raises AssertionError where it is not kept; the folder is empty


@dataclass(frozen=True, slots=True)
class Check:
    """What to run, given an empty folder; it raises AssertionError where something is not as it should be.

    Attributes:
        name: of what is checked, and of what is owed.
        run: does it.
    """

    name: str
    run: Callable[[Path], None]

    def __call__(self, folder: Path) -> None:
        """Do it."""
        self.run(folder)

    def __str__(self) -> str:
        """The name, for test ids."""
        return self.name


def checks_of(
    name: str, contract: Iterable[Owed[Subject]], make: Callable[[Path], AbstractContextManager[Subject]]
) -> tuple[Check, ...]:
    """A check for each thing that is owed.

    Args:
        name: of what is checked.
        contract: what is owed.
        make: what is checked, made anew in a folder for each check.
    """

    def check(owed: Owed[Subject]) -> Check:
        def run(folder: Path) -> None:
            with make(folder) as subject:
                owed(subject, folder)

        return Check(f"{name}: {owed.__name__}", run)

    return tuple(map(check, contract))
