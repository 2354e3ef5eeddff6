"""What Slurm says of jobs: ``squeue`` first, ``sacct`` of those that left the queue where accounts are kept."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

ENDED = frozenset(
    {
        "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED",
        "REVOKED", "TIMEOUT",
    }
)  # fmt: skip
RUNNING = frozenset(
    {"COMPLETING", "RESIZING", "RUNNING", "SIGNALING", "STAGE_OUT", "STOPPED", "SUSPENDED"}
)  # all others wait for their place

_CALL_S = 20.0  # a controller that is busy answers late, one that is down never
_FIRST_S, _BUSY_S, _LONGEST_S = 1.0, 5.0, 30.0  # between two looks: at first, while things change, at most
_SLOWER = 1.5


@dataclass(frozen=True, slots=True)
class Seen:
    """A job as Slurm has it: its state in Slurm's spelling, and the reason that goes with it."""

    state: str
    reason: str = ""

    @property
    def phase(self) -> Literal["queued", "running", "ended"]:
        """Whether it waits, runs, or has ended."""
        if self.state in ENDED:
            return "ended"
        return "running" if self.state in RUNNING else "queued"


def queued_jobs(names: Collection[str], users: Collection[int] = ()) -> dict[str, Seen] | None:
    """By id, every job of these names that Slurm still knows; ``None`` where it does not answer.

    Asked by name and not by id: one id that Slurm has forgotten would be an error for all.
    """
    owners = sorted({os.getuid(), *users})
    listed = _answer(
        "squeue", "--noheader", "--array", "--states=all", f"--user={','.join(map(str, owners))}",
        f"--name={','.join(sorted(names))}", "--format=%i|%T|%r",
    )  # fmt: skip
    return None if listed is None else dict(_rows(listed))


def accounted_jobs(ids: Collection[str]) -> dict[str, Seen]:
    """By id, how jobs ended as the accounts have it; empty where there are none."""
    if not ids:
        return {}
    listed = _answer(
        "sacct", "--noheader", "--parsable2", "--allocations", "--format=JobID,State,ExitCode",
        f"--jobs={','.join(sorted(ids))}",
    )  # fmt: skip
    return {} if listed is None else dict(_rows(listed))


def cancel(ids: Collection[str]) -> None:
    """Ask Slurm to end these jobs; those that have ended already are no fault."""
    if ids:
        _answer("scancel", "--quiet", *sorted(ids))


def goes_on(job_id: str) -> bool:
    """Whether Slurm lets this job run on: it was neither cancelled nor taken down."""
    listed = _answer("squeue", "--noheader", f"--jobs={job_id}", "--states=all", "--format=%T")
    return listed is not None and listed.split() == ["RUNNING"]


def usual_time_min(partition: str | None) -> int | None:
    """The time limit in minutes of a job that names none; ``None`` where Slurm does not say."""
    wanted = () if partition is None else (f"--partition={partition}",)
    for line in (_answer("sinfo", "--noheader", *wanted, "--format=%P|%L|%l") or "").splitlines():
        name, usual, most = line.strip().split("|")
        if partition is not None or name.endswith("*"):
            return _minutes(usual) or _minutes(most)
    return None


def largest_array() -> int | None:
    """How many jobs one submission may hold; ``None`` where Slurm does not say."""
    for line in (_answer("scontrol", "show", "config") or "").splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "MaxArraySize" and value.strip().isdigit():
            return int(value)
    return None


class Watch:
    """Jobs that are watched: all asked for at once, and ever more seldom while nothing changes."""

    def __init__(self) -> None:
        """Nothing is watched yet."""
        self._names: set[str] = set()
        self._users: set[int] = set()
        self._ids: set[str] = set()
        self._seen: Mapping[str, Seen] = {}
        self._accounted: dict[str, Seen] = {}
        self._absent_since: dict[str, float] = {}
        self._every_s = _FIRST_S
        self._next = 0.0

    def add(self, name: str, user: int, ids: Iterable[str]) -> None:
        """Watch further jobs, of one name and user, and look soon."""
        self._names.add(name)
        self._users.add(user)
        self._ids |= set(ids)
        self._every_s, self._next = _FIRST_S, 0.0

    def look(self, job_id: str) -> tuple[Seen | None, float]:
        """What Slurm last said of a job, ``None`` if nothing, and for how many seconds it was not in the queue."""
        self._ask_when_due()
        absent_since = self._absent_since.get(job_id)
        if absent_since is None:
            return self._seen.get(job_id), 0.0
        return self._accounted.get(job_id), time.monotonic() - absent_since

    def look_soon(self) -> None:
        """Ask again at the next look, however short ago the last one was."""
        self._next = 0.0

    def _ask_when_due(self) -> None:
        if time.monotonic() < self._next or not self._names:
            return
        seen = queued_jobs(self._names, self._users)
        now = time.monotonic()
        self._every_s = min(_LONGEST_S, self._every_s * _SLOWER)
        if seen is not None:  # nothing is concluded from silence
            if seen != self._seen:
                self._every_s = min(self._every_s, _BUSY_S)
            self._seen = seen
            self._absent_since = {
                job_id: self._absent_since.get(job_id, now) for job_id in self._ids if job_id not in seen
            }
            told = {job_id for job_id, its in self._accounted.items() if its.phase == "ended"}
            self._accounted |= accounted_jobs(set(self._absent_since) - told)
        self._next = time.monotonic() + self._every_s


def _rows(listed: str) -> Iterable[tuple[str, Seen]]:
    for line in listed.splitlines():
        job_id, state, reason = (*line.strip().split("|", 2), "", "")[:3]
        if state:
            # sacct says who cancelled: "CANCELLED by 1000"
            yield job_id, Seen(state.split()[0], "" if reason in ("None", "(null)") else reason)


def _minutes(text: str) -> int | None:
    """Minutes of ``1-12:00:00``, ``4:00:00`` or ``30:00``; a year's of ``infinite``; ``None`` of anything else."""
    if text == "infinite":
        return 365 * 24 * 60
    days, _, clock = text.rpartition("-")
    parts = clock.split(":")
    if not all(part.isdigit() for part in parts) or not (days or "0").isdigit():
        return None
    seconds = 0
    for part in parts:
        seconds = seconds * 60 + int(part)
    return (int(days or 0) * 1440 + seconds // 60) or None


def _answer(*command: str) -> str | None:
    """What a command of Slurm prints; ``None`` where it is not here, fails, or takes too long."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_CALL_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
