"""What is run on a node of a cluster: a worker's command line, and an eye on it.

This file crosses to the node by value, because the Python that Ray runs there may know nothing of the harness. So
it needs the standard library alone.
"""

import contextlib
import json
import os
import platform
import select
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

ATTEMPTS_FILE, LOG_FILE = "attempts.jsonl", "log.txt"

SIGHT_S = 20.0  # a network file system may show a new folder late
STOP_S = 30.0  # a worker that has not ended by then is killed; it ends itself hard a little earlier
SILENT_S = 120.0  # a worker that gave no sign of life for so long is stuck; as for those of this machine
START_S = 600.0  # before its first one it imports torch, perhaps from a slow disk
_LOOK_S = 0.2  # Ray's way to cancel is an exception between two steps of Python, so nothing may wait for long


@dataclass(frozen=True)
class Errand:
    """What crosses to a node.

    Attributes:
        folder: the job's folder, on a file system that the node and the command share.
        job: the job file in it.
        command: the command line of a worker that takes jobs from its standard input (harness/worker/serve.py).
        working_folder: where the command runs; the worker runs there too, if the node has such a folder.
        environment: variables of the command's that the worker needs.
        submission: a word that all attempts at this errand share.
        most_attempts: how many there may be; Ray tries again without a bound when memory ran out.
    """

    folder: str
    job: str
    command: tuple[str, ...]
    working_folder: str
    environment: Mapping[str, str]
    submission: str
    most_attempts: int


def keep_worker(errand: Errand) -> tuple[int | None, str]:
    """The exit status of a worker for its one job, ``None`` where it never ran, and why.

    The worker ends when this process does, whatever ends it, because its standard input ends then; and it is ended
    when an exception arrives here, which is how a cancelled job looks from inside.
    """
    folder = Path(errand.folder)
    if not _is_there(folder):
        return None, f"node {_node()} does not see {folder}: every node needs the results folder at the same path"
    if _begin(folder, errand.submission) > errand.most_attempts:
        return None, f"given up: each of {errand.most_attempts} attempts was ended from outside"
    try:
        worker = _start(errand)
    except OSError as error:
        return None, f"node {_node()} cannot start {errand.command[0]}: {error.strerror}"
    try:
        return _status(worker, errand.job)
    finally:
        _end(worker)


def look_around(folder: str, program: str) -> list[str]:
    """What this node lacks to run workers."""
    lacks = []
    if not _is_there(Path(folder)):
        lacks.append(f"node {_node()} does not see {folder}")
    if not os.access(program, os.X_OK):
        lacks.append(f"node {_node()} has no {program}")
    return lacks


def _is_there(folder: Path) -> bool:
    until = time.monotonic() + SIGHT_S
    while not folder.is_dir():
        if time.monotonic() > until:
            return False
        time.sleep(_LOOK_S)
    return True


def _begin(folder: Path, submission: str) -> int:
    """The number of this attempt; a line is added that tells of it."""
    number = 1 + len(read_attempts(folder, submission))
    line = {
        "submission": submission,
        "attempt": number,
        "node": _node(),
        "gpus": os.environ.get("CUDA_VISIBLE_DEVICES", ""),
        "keeper": os.getpid(),
        "at_s": round(time.time(), 3),
    }
    with (folder / ATTEMPTS_FILE).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    return number


def read_attempts(folder: Path, submission: str) -> list[dict[str, Any]]:
    """What is told of the attempts at one errand so far; a line that a crash cut off is left out."""
    try:
        lines = (folder / ATTEMPTS_FILE).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return [told for told in _values(lines) if told["submission"] == submission]


def _values(lines: Iterable[str | bytes]) -> Iterator[dict[str, Any]]:
    for line in lines:
        with contextlib.suppress(ValueError, RecursionError):
            yield json.loads(line)


def _start(errand: Errand) -> "subprocess.Popen[bytes]":
    """The worker's process: in a session of its own, so that it and all that it starts can be ended together."""
    # Ray blocks SIGINT in its processes, and a child would inherit that.
    blocked = signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    try:
        with (Path(errand.folder) / LOG_FILE).open("ab") as log:
            return subprocess.Popen(
                errand.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=errand.working_folder if Path(errand.working_folder).is_dir() else errand.folder,
                env={**os.environ, **errand.environment},
                start_new_session=True,
            )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _status(worker: "subprocess.Popen[bytes]", job: str) -> tuple[int, str]:
    """What the worker says of the job, or else its exit status; and why, where it had to be killed."""
    told, hear = _pipes(worker)
    with contextlib.suppress(BrokenPipeError):  # it ended at once; its log says why
        told.write(os.fsencode(job) + b"\n")
        told.flush()
    heard, heard_at_s, patience_s = b"", time.monotonic(), START_S
    while True:
        if not select.select([hear], [], [], _LOOK_S)[0]:
            silent_s = time.monotonic() - heard_at_s
            if silent_s > patience_s:
                return -signal.SIGKILL, f"it gave no sign of life for {silent_s:.0f} s and was killed"
            continue
        content = os.read(hear.fileno(), 65536)
        *lines, heard = (heard + content).split(b"\n")
        for answer in _values(lines):
            if "job" in answer:
                return int(answer["status"]), ""
        if content:
            heard_at_s, patience_s = time.monotonic(), SILENT_S
        elif (status := worker.poll()) is not None:
            return status, ""
        else:
            time.sleep(_LOOK_S)


def _end(worker: "subprocess.Popen[bytes]") -> None:
    """See that the worker is gone, and all that it started: asked first, then made."""
    told, hear = _pipes(worker)
    try:
        with contextlib.suppress(OSError):
            told.close()  # which asks it to end; see harness/worker/serve.py
        until = time.monotonic() + STOP_S
        while worker.poll() is None and time.monotonic() < until:
            time.sleep(_LOOK_S)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        hear.close()


def _pipes(worker: "subprocess.Popen[bytes]") -> tuple[IO[bytes], IO[bytes]]:
    assert worker.stdin is not None
    assert worker.stdout is not None
    return worker.stdin, worker.stdout


def _node() -> str:
    return platform.node() or "without a name"
