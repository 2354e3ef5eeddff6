"""Workers as processes of this machine, each of which takes job after job."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.dispatch.devices import Device
from harness.dispatch.launcher import Handle, JobState, Site, serve_command
from harness.errors import RunError
from harness.matrix.launching import Launching
from harness.plan.job import DONE, JOB_FILE, LOG_FILE, NOT_BEGUN

_STOP_S = 30.0  # a worker that has not ended by then is killed; it ends itself hard a little earlier
_SILENT_S = 120.0  # a worker that gave no sign of life for so long is stuck
_START_S = 600.0  # before its first one it imports torch, perhaps from a slow disk
_POLL_S = 0.01


class LocalHandle:
    """A job, and the worker process that has it."""

    def __init__(self, folder: Path, worker: _Worker) -> None:
        """It runs."""
        self.folder = folder
        self.ended: JobState | None = None
        self._worker = worker

    @property
    def process(self) -> int:
        """The number of the worker process."""
        return self._worker.number

    def state(self) -> JobState:
        """How it stands, after a look at what the worker has answered."""
        self._worker.look()
        return self.ended or JobState("running")


class LocalLauncher:
    """A worker process a slot, started when it is needed and again when it has died."""

    def __init__(self, slots: Sequence[Device]) -> None:
        """A slot for each of the devices, several of which may be the same one."""
        self._slots = tuple(slots)
        self._workers: dict[int, _Worker] = {}

    @property
    def workers(self) -> int:
        """As many as slots."""
        return len(self._slots)

    @property
    def room(self) -> int:
        """The slots without a job."""
        return len(self._free())

    def submit(self, folders: Sequence[Path]) -> list[LocalHandle]:
        """Send each to a worker; what it prints goes to the job's log.

        Raises:
            RunError: the system starts no further process.
        """
        handles = []
        for folder, slot in zip(folders, self._free(), strict=False):
            worker = self._workers.get(slot)
            if worker is None or not worker.takes_more:
                worker = self._workers[slot] = _Worker(_environment(self._slots[slot]), folder / LOG_FILE)
            handles.append(worker.send(folder))
        return handles

    def stop(self, handles: Sequence[Handle]) -> None:
        """Ask their workers to end, and kill those that do not."""
        chosen = [worker for worker in self._workers.values() if worker.job in handles]
        for worker in chosen:
            worker.ask_to_end()
        _wait_for_all(chosen)

    def close(self) -> None:
        """End the workers that wait for jobs."""
        for worker in self._workers.values():
            worker.send_no_more()
        _wait_for_all(list(self._workers.values()))
        self._workers.clear()

    def _free(self) -> list[int]:
        return [slot for slot in range(len(self._slots)) if self._is_free(slot)]

    def _is_free(self, slot: int) -> bool:
        """Whether a slot can take a job; a worker that is about to end still has its device's memory."""
        worker = self._workers.get(slot)
        if worker is None:
            return True
        worker.look()
        return worker.job is None and (worker.takes_more or worker.has_ended)


class _Worker:
    """A worker process, and the conversation with it (worker/serve.py)."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        """Start it; what it says before its first job goes to that job's log.

        It gets a session of its own, so that an interrupt at the terminal reaches only the command, which
        then ends its workers in order.
        """
        with log.open("ab") as file:
            try:
                self._process = subprocess.Popen(
                    serve_command(),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=file,
                    env=dict(environment),
                    start_new_session=True,
                )
            except OSError as error:
                raise RunError(f"no worker process can be started: {error.strerror}.") from None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        os.set_blocking(self._out.fileno(), False)
        self._rest = b""
        self._sign_s = time.monotonic()
        self._patience_s = _START_S
        self._asked_s: float | None = None
        self.job: LocalHandle | None = None
        self.takes_more = True

    @property
    def number(self) -> int:
        """The process number."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether the process is gone."""
        return self._process.returncode is not None

    def send(self, folder: Path) -> LocalHandle:
        """Give it a job; one that it does not live to read ends like any other."""
        self.job = LocalHandle(folder, self)
        with contextlib.suppress(BrokenPipeError):
            self._in.write(os.fsencode(folder / JOB_FILE) + b"\n")
            self._in.flush()
        return self.job

    def look(self) -> None:
        """Take in its answers, and whether it has ended; kill it when it is stuck."""
        if self.has_ended:
            return
        self._read()
        if self._reap():
            self._read()
            self._is_over()
            return
        silent_s = time.monotonic() - self._sign_s
        if silent_s > self._patience_s:
            self._kill()
            self._is_over(f"it gave no sign of life for {silent_s:.0f} s and was killed")
        elif self._asked_s is not None and time.monotonic() - self._asked_s > _STOP_S:
            self._kill()
            self._is_over()

    def ask_to_end(self) -> None:
        """Have it save what it has and end."""
        self._is_to_end()
        if not self.has_ended:
            # Not by the process's own methods: those take note of its end, which is for `look` to do.
            os.kill(self.number, signal.SIGTERM)
            os.kill(self.number, signal.SIGCONT)  # one that is stopped does not hear

    def send_no_more(self) -> None:
        """Have it end when it has no job."""
        self._is_to_end()
        with contextlib.suppress(BrokenPipeError):
            self._in.close()

    def _is_to_end(self) -> None:
        self.takes_more = False
        if self._asked_s is None:
            self._asked_s = time.monotonic()

    def _read(self) -> None:
        while True:
            try:
                content = os.read(self._out.fileno(), 65536)
            except BlockingIOError:
                return
            if not content:
                return
            self._sign_s, self._patience_s = time.monotonic(), _SILENT_S
            *lines, self._rest = (self._rest + content).split(b"\n")
            for line in lines:
                self._take_in(json.loads(line))

    def _take_in(self, answer: Mapping[str, Any]) -> None:
        if "job" not in answer:
            return
        status = int(answer["status"])
        if status not in (DONE, NOT_BEGUN):
            self._is_to_end()
        self._end_job(JobState("ended", status))

    def _is_over(self, why: str = "") -> None:
        """The process is gone: let go of its pipes, and of its job."""
        self.takes_more = False
        with contextlib.suppress(BrokenPipeError):
            self._in.close()
        self._out.close()
        self._end_job(JobState("ended", self._process.returncode, why))

    def _end_job(self, state: JobState) -> None:
        if self.job is not None:
            self.job.ended, self.job = state, None

    def _reap(self) -> bool:
        """Whether the process has ended; children that it left behind are ended, too, while its group is known."""
        ended = os.waitid(os.P_PID, self.number, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None:
            return False
        self._kill()
        return True

    def _kill(self) -> None:
        """End the process and its children."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.number, signal.SIGKILL)
        self._process.wait()


def open_local(_: Launching, site: Site) -> LocalLauncher:
    """A launcher with a slot for each of the site's devices."""
    return LocalLauncher(site.devices)


def _wait_for_all(workers: Sequence[_Worker]) -> None:
    """Return when all have ended, which their own patience makes sure of."""
    for worker in workers:
        while not worker.has_ended:
            worker.look()
            time.sleep(_POLL_S)


def _environment(device: Device) -> dict[str, str]:
    """What a worker finds in its environment: one device, and its share of the cores."""
    # Threads that spin while they wait make a busy machine a hundred times slower.
    # A worker that is killed should leave all that it printed in its log.
    environment = {"OMP_WAIT_POLICY": "passive", "PYTHONUNBUFFERED": "1", **os.environ}
    if device.threads is not None:
        environment["OMP_NUM_THREADS"] = str(device.threads)
    if device.visible is not None:
        environment["CUDA_VISIBLE_DEVICES"] = device.visible
    return environment
