"""Workers as processes of this machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from harness.dispatch.devices import Device
from harness.dispatch.launcher import worker_command
from harness.plan.job import LOG_FILE

_STOP_S = 10.0  # a worker that has not ended by then is killed


class LocalHandle:
    """A worker process."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        """Watch ``process``."""
        self._process = process

    def poll(self) -> int | None:
        """Its exit status, negative for a signal; ``None`` while it runs."""
        return self._process.poll()

    def stop(self) -> None:
        """Ask it to end, and kill it if it does not."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class LocalLauncher:
    """One worker process a device."""

    def __init__(self, devices: Sequence[Device]) -> None:
        """One slot for each of ``devices``."""
        self._devices = tuple(devices)

    @property
    def slots(self) -> int:
        """As many as devices."""
        return len(self._devices)

    def submit(self, folder: Path, slot: int) -> LocalHandle:
        """Start a worker; what it prints goes to the job's log.

        It gets a session of its own, so that an interrupt at the terminal reaches only the command, which
        then ends its workers in order.
        """
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
        return LocalHandle(process)
