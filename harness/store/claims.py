"""Claims on cells, so that several runs and machines can share one results folder without doing work twice.

A claim is a file ``claims/cells/<cell>/<generation>`` that holds the name of its owner, and is made exclusively:
that is all that is asked of the file system, so a network's will do. The highest generation holds. An owner is a
process; every few seconds it changes a file of its own, ``claims/owners/<owner>``, for all of its claims together.

Whoever finds that this file has not changed for the time of a lease, by the finder's own steady clock, makes the
next generation: no two machines' clocks are ever compared, and of two finders one is the first. The one that was
given up for dead may wake up, so an owner looks at its claim again before it writes a record. Only a holder
removes claims, its own last; those of the dead are taken over first. So a cell never looks free while it is held.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

from harness.environment import LEASE_S
from harness.store.owner import Owner, has_ended, kernel_name, parsed_owner, started_at

_BEATS = 8  # in the time of a lease
_NOBODY = "?"
_FASTER_S = 0.01  # until what somebody did in the same moment is seen


class Claims:
    """The claims in a results folder, as one process sees them."""

    def __init__(self, results: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` gives seconds and never goes back."""
        self._cells = results / "claims" / "cells"
        self._owners = results / "claims" / "owners"
        self._clock = clock
        self._kernel = kernel_name()
        self._seen: dict[str, tuple[bytes, float]] = {}

    def holder(self, identifier: str) -> Owner | None:
        """Who holds a cell; ``None`` when nobody does, or somebody who is gone."""
        _, name = self._highest(identifier)
        return None if name is None or self._is_gone(name) else self._owner(name)

    def _path(self, identifier: str, generation: int) -> Path:
        return self._cells / identifier / str(generation)

    def _read(self, identifier: str, generation: int) -> str | None:
        """The owner's name in a claim; ``None`` where there is none.

        One that is being made, or may not be read, has a name of nobody's.
        """
        try:
            name = self._path(identifier, generation).read_text(encoding="ascii", errors="replace")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:
            name = ""
        return name or f"{_NOBODY}{identifier}.{generation}"

    def _generations(self, identifier: str) -> list[int]:
        """All generations of a cell's claim, the highest last; none where nobody holds it."""
        return sorted(int(name) for name in _names(self._cells / identifier) if name.isdecimal())

    def _highest(self, identifier: str) -> tuple[int, str | None]:
        """The highest generation with its owner's name; 0 and ``None`` where there is no claim."""
        for generation in reversed(self._generations(identifier)):
            if (name := self._read(identifier, generation)) is not None:
                return generation, name
        return 0, None

    def _owner(self, name: str) -> Owner:
        """Who has a name; one whose file cannot be read yet is unknown."""
        return parsed_owner(self._sign_of_life(name)) or Owner("an unknown machine", "", 0, 0, LEASE_S.value)

    def _is_gone(self, name: str) -> bool:
        """Whether an owner has ended, or given no sign of life for the time of its lease."""
        sign, now = self._sign_of_life(name), self._clock()
        owner = parsed_owner(sign)
        if owner is not None and owner.kernel and owner.kernel == self._kernel and has_ended(owner):
            return True
        seen = self._seen.get(name)
        if seen is None or seen[0] != sign:
            self._seen[name] = seen = (sign, now)
        return now - seen[1] >= (LEASE_S.value if owner is None else owner.lease_s)

    def _sign_of_life(self, name: str) -> bytes:
        try:
            return (self._owners / name).read_bytes()
        except OSError:
            return b""


class Claimant(Claims):
    """The claims in a results folder, and those that this process makes there."""

    def __init__(self, results: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing is claimed yet, and nothing is written before the first claim."""
        super().__init__(results, clock)
        self._own = Owner(
            socket.gethostname(), self._kernel, os.getpid(), started_at(os.getpid()) or 0, LEASE_S.value
        )
        self._name = f"{os.getpid()}-{secrets.token_hex(8)}"
        self._held: dict[str, int] = {}
        self._ended = threading.Event()
        self._heart: threading.Thread | None = None

    def claim(self, identifier: str) -> Owner | None:
        """Hold a cell; whoever holds it instead, ``None`` when this process does now.

        Raises:
            OSError: nothing can be written in the results folder.
        """
        self._live()
        while True:
            generation, name = self._highest(identifier)
            if name == self._name:
                self._held[identifier] = generation
                return None
            if name is not None and not self._is_gone(name):
                return self._owner(name)
            if self._make(identifier, generation + 1):
                self._held[identifier] = generation + 1
                return None
            time.sleep(_FASTER_S)

    def holds(self, identifier: str) -> bool:
        """Whether this process still holds a cell, and nobody has taken it over."""
        generation = self._held.get(identifier, 0)
        if self._read(identifier, generation) != self._name:
            return False
        return max(self._generations(identifier), default=0) == generation

    def release(self, identifier: str) -> None:
        """Let go of a cell, if it is held; the generations below go first, so that none of them comes to hold.

        One above was made since by somebody who took this process for gone, and is not this one's to remove.
        """
        own = self._held.get(identifier)
        if own is not None and self.holds(identifier):
            _remove(self._path(identifier, number) for number in self._generations(identifier) if number <= own)
            with contextlib.suppress(OSError):  # another claim is in it already, or it is gone
                (self._cells / identifier).rmdir()
        self._held.pop(identifier, None)

    def cleared(self, identifier: str) -> Owner | None:
        """Who holds a cell; what somebody who is gone left there is removed, so that others need not find out."""
        _, name = self._highest(identifier)
        if name is None:
            return None
        if not self._is_gone(name):
            return self._owner(name)
        with contextlib.suppress(OSError):  # on a full disk it stays, and whoever claims the cell takes it over
            owner = self.claim(identifier)
            if owner is not None:
                return owner
            self.release(identifier)
        return None

    def tidy(self) -> int:
        """Remove the claims and the files of owners that are gone; how many claims."""
        removed = 0
        for identifier in _names(self._cells):
            _, name = self._highest(identifier)
            if name is None:
                with contextlib.suppress(OSError):
                    (self._cells / identifier).rmdir()
            elif self._is_gone(name) and self.cleared(identifier) is None:
                removed += 1
        for name in _names(self._owners):
            if self._is_gone(name):
                _remove([self._owners / name])
        return removed

    def release_all(self) -> None:
        """Let go of all cells."""
        for identifier in tuple(self._held):
            self.release(identifier)

    def close(self) -> None:
        """Let go of all cells, and of the sign of life."""
        self.release_all()
        self._ended.set()
        if self._heart is not None:
            _remove([self._owners / self._name])

    def _make(self, identifier: str, generation: int) -> bool:
        """Whether this process was the first to make a generation.

        Raises:
            OSError: it cannot be written.
        """
        mine = self._path(identifier, generation)
        try:
            mine.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(mine, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        except (FileExistsError, FileNotFoundError):  # somebody was faster, or has just removed the empty folder
            return False
        try:
            os.write(handle, self._name.encode("ascii"))
        except OSError:
            _remove([mine])
            raise
        finally:
            os.close(handle)
        if max(self._generations(identifier), default=generation) > generation:
            _remove([mine])  # there is a higher one, which was made since this process looked
            return False
        return True

    def _live(self) -> None:
        """Give a first sign of life, and go on with that; after a long silence it may have been tidied away."""
        sign = self._owners / self._name
        if self._heart is not None and sign.exists():
            return
        self._cells.mkdir(parents=True, exist_ok=True)
        self._owners.mkdir(exist_ok=True)
        self._beat(os.open(sign, os.O_CREAT | os.O_WRONLY, 0o666), 0)
        if self._heart is None:
            self._heart = threading.Thread(target=self._beat_on, name="heartbeat", daemon=True)
            self._heart.start()

    def _beat_on(self) -> None:
        beat = 0
        while not self._ended.wait(self._own.lease_s / _BEATS):
            beat += 1
            with contextlib.suppress(OSError):  # one that is not heard in time loses its claims, and will see that
                self._beat(os.open(self._owners / self._name, os.O_WRONLY), beat)

    def _beat(self, handle: int, beat: int) -> None:
        """Change the sign of life in its place: that needs no room on a full disk, and readers see it at once."""
        try:
            content = json.dumps({**asdict(self._own), "beat": f"{beat:012d}"}, sort_keys=True)
            os.pwrite(handle, content.encode(), 0)
        finally:
            os.close(handle)


def _names(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in os.scandir(folder)]
    except OSError:
        return []


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
