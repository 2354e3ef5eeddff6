"""Workers as processes of this machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from harness.dispatch.devices import Device
from harness.dispatch.launcher import Handle, JobState, worker_command
from harness.plan.job import LOG_FILE

_STOP_S = 10.0  # a worker that has not ended by then is killed


class LocalHandle:
    """A worker process and its job."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes], slot: int) -> None:
        """Watch ``process``."""
        self.folder = folder
        self.process = process
        self.slot = slot

    def state(self) -> JobState:
        """Its exit status once it has ended."""
        status = self.process.poll()
        return JobState("running") if status is None else JobState("ended", status)


class LocalLauncher:
    """One worker process a device."""

    def __init__(self, devices: Sequence[Device]) -> None:
        """One slot for each of ``devices``."""
        self._devices = tuple(devices)
        self._busy: dict[int, LocalHandle] = {}

    @property
    def workers(self) -> int:
        """As many as devices."""
        return len(self._devices)

    @property
    def room(self) -> int:
        """The devices without a job."""
        return len(self._free())

    def submit(self, folders: Sequence[Path]) -> list[LocalHandle]:
        """Start a worker on each; what it prints goes to the job's log.

        It gets a session of its own, so that an interrupt at the terminal reaches only the command, which
        then ends its workers in order.
        """
        return [self._start(folder, slot) for folder, slot in zip(folders, self._free(), strict=False)]

    def stop(self, handles: Sequence[Handle]) -> None:
        """Ask them to end, and kill those that do not."""
        chosen = [own.process for own in self._busy.values() if own in handles]
        for process in chosen:
            process.terminate()
        for process in chosen:
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def close(self) -> None:
        """Nothing is held."""

    def _free(self) -> list[int]:
        busy = {slot for slot, handle in self._busy.items() if handle.state().phase != "ended"}
        return [slot for slot in range(len(self._devices)) if slot not in busy]

    def _start(self, folder: Path, slot: int) -> LocalHandle:
        # Threads that spin while they wait make a busy machine a hundred times slower.
        # A worker that is killed should leave all that it printed in its log.
        environment = {"OMP_WAIT_POLICY": "passive", "PYTHONUNBUFFERED": "1", **os.environ}
        if self._devices[slot].visible is not None:
            environment["CUDA_VISIBLE_DEVICES"] = str(self._devices[slot].visible)
        with (folder / LOG_FILE).open("ab") as log:
            process = subprocess.Popen(
                worker_command(folder),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        self._busy[slot] = LocalHandle(folder, process, slot)
        return self._busy[slot]
