"""A launcher that hands each job to a shell command which runs it and waits, such as `nice {}` or `srun {}`.

One process a job: it waits for its place as long as it likes, and ends with the worker's exit status.
"""

import os
import shlex
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from harness.dispatch.launcher import Handle, JobState, Site
from harness.dispatch.table import LauncherRow
from harness.errors import Fault, RunError
from harness.plan.job import LOG_FILE


class Options(BaseModel):
    """What `launcher: {kind: shell, ...}` may say; a mistake there is reported with its line."""

    model_config = ConfigDict(extra="forbid")

    command: str = "{}"  # the worker's command line goes where {} stands
    max_concurrent: int = Field(default=1, ge=1)
    gpus: int = 0  # 0 for --device cpu, more for cuda


class ShellHandle:
    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self.folder, self.process = folder, process

    def state(self) -> JobState:
        status = self.process.poll()
        return JobState("running") if status is None else JobState("ended", status)


class ShellLauncher:
    def __init__(self, options: Options, site: Site) -> None:
        self.options, self.site = options, site
        self.handles: list[ShellHandle] = []

    @property
    def workers(self) -> int:
        return self.options.max_concurrent

    @property
    def room(self) -> int:
        self.handles = [handle for handle in self.handles if handle.state().phase != "ended"]
        return self.workers - len(self.handles)

    def submit(self, folders: Sequence[Path]) -> list[ShellHandle]:
        new = [ShellHandle(folder, self.start(folder)) for folder in folders]
        self.handles += new
        return new

    def start(self, folder: Path) -> subprocess.Popen[bytes]:
        command = self.options.command.replace("{}", shlex.join(self.site.command(folder)))
        with (folder / LOG_FILE).open("ab") as log:
            try:
                shell = ["sh", "-c", f"exec {command}"]
                return subprocess.Popen(shell, stdout=log, stderr=log, start_new_session=True)
            except OSError as error:
                raise RunError(Fault("shell", f"cannot start {command}: {error.strerror}.")) from None

    def stop(self, handles: Sequence[Handle]) -> None:
        chosen = [handle for handle in self.handles if handle in handles]
        for handle in chosen:
            handle.process.send_signal(signal.SIGTERM)  # a worker saves what it has, and ends within half a minute
        for handle in chosen:
            try:
                handle.process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(handle.process.pid, signal.SIGKILL)
                handle.process.wait()

    def close(self) -> None:
        self.stop(self.handles)


LAUNCHERS = {"shell": LauncherRow(":ShellLauncher", options=Options)}
