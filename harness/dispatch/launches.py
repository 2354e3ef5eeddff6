"""Launches: which jobs were handed to an engine that goes on without this process, and what it calls them.

A launch is written before anything is handed over, with the token that its jobs bear, and again with the engine's
ids. One without ids was broken off in between; its jobs are found by the token.
"""

from __future__ import annotations

import json
import os
import platform
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.errors import Fault, RecordError
from harness.files import parsed_json, write_text
from harness.matrix.identity import cell_id
from harness.plan.job import JOB_FILE, read_job

_FOLDER = "launches"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class LaunchedJob:
    """A job of a launch: its folder, its cells' ids, and the engine's id for it once that is known."""

    folder: Path
    cells: tuple[str, ...]
    engine_id: str | None = None


@dataclass(frozen=True, slots=True)
class Launch:
    """Jobs that were handed over together.

    Attributes:
        path: the file that it stands in.
        engine: such as ``slurm``.
        token: what its jobs are called there, unlike any other launch's.
        user: the number of the user that they belong to.
        host: the machine of the process that handed them over, and its number there.
        process: see ``host``.
        created_s: when, in seconds since 1970.
        jobs: in the order in which they were handed over.
    """

    path: Path
    engine: str
    token: str
    user: int
    host: str
    process: int
    created_s: float
    jobs: tuple[LaunchedJob, ...]

    @property
    def id(self) -> str:
        """Its name among the launches of a matrix."""
        return self.path.stem

    @property
    def is_handed_over(self) -> bool:
        """Whether the engine's ids are known."""
        return all(job.engine_id is not None for job in self.jobs)

    def is_being_handed_over(self, patience_s: float) -> bool:
        """Whether a process may be about to hand it over: it is young, and is not known to be gone."""
        if self.is_handed_over or time.time() - self.created_s > patience_s:
            return False
        return self.host != platform.node() or _is_alive(self.process)


def intend(engine: str, folders: Sequence[Path]) -> Launch:
    """A launch of these job folders of one matrix, written down; nothing is handed over yet.

    Raises:
        RecordError: a folder holds no job.
    """
    job = read_job(folders[0] / JOB_FILE)
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    token = uuid.uuid4().hex[:8]
    launch = Launch(
        path=job.results / job.matrix / _FOLDER / f"{stamp}-{token}.json",
        engine=engine,
        token=f"{job.matrix}-{token}",
        user=os.getuid(),
        host=platform.node(),
        process=os.getpid(),
        created_s=time.time(),
        jobs=tuple(LaunchedJob(folder.resolve(), _cells_of(folder)) for folder in folders),
    )
    _write(launch)
    return launch


def hand_over(launch: Launch, ids: Sequence[str]) -> Launch:
    """The launch with the engine's ids, written down."""
    named = zip(launch.jobs, ids, strict=True)
    known = replace(launch, jobs=tuple(replace(job, engine_id=engine_id) for job, engine_id in named))
    _write(known)
    return known


def forget(launch: Launch) -> None:
    """Remove the file of a launch; its jobs' folders stay."""
    launch.path.unlink(missing_ok=True)


def read_launches(results: Path, matrix: str) -> list[Launch]:
    """The launches of a matrix, oldest first; one that another command forgets in this moment is left out.

    Raises:
        RecordError: a file cannot be read.
    """
    read = [_read(path) for path in (results / matrix / _FOLDER).glob("*.json")]
    return sorted(
        (launch for launch in read if launch is not None), key=lambda launch: (launch.created_s, launch.token)
    )


def _cells_of(folder: Path) -> tuple[str, ...]:
    return tuple(cell_id(cell) for cell in read_job(folder / JOB_FILE).cell_values())


def _write(launch: Launch) -> None:
    jobs = [{"folder": job.folder.name, "cells": job.cells, "id": job.engine_id} for job in launch.jobs]
    content = {
        "schema_version": _VERSION,
        "engine": launch.engine,
        "token": launch.token,
        "user": launch.user,
        "host": launch.host,
        "process": launch.process,
        "created_s": round(launch.created_s, 3),
        "jobs": jobs,
    }
    write_text(launch.path, json.dumps(content, indent=1) + "\n")


def _read(path: Path) -> Launch | None:
    """The launch in a file; ``None`` where there is no file any more."""
    try:
        content = parsed_json(path.read_text(encoding="utf-8"))
        if content["schema_version"] != _VERSION:
            raise ValueError(f"schema version {content['schema_version']!r} is unknown")
        # A results folder may be moved or mounted elsewhere: its jobs lie beside the launches.
        beside = path.resolve().parent.parent / "jobs"
        return Launch(
            path=path,
            engine=str(content["engine"]),
            token=str(content["token"]),
            user=int(content["user"]),
            host=str(content["host"]),
            process=int(content["process"]),
            created_s=float(content["created_s"]),
            jobs=tuple(
                LaunchedJob(beside / job["folder"], tuple(job["cells"]), job["id"]) for job in content["jobs"]
            ),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        mend = "Its jobs may still be queued: look for them with `squeue`, then remove the file."
        raise RecordError(Fault(str(path), f"is not a launch: {error}.", mend)) from None


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
