"""A worker process that takes job after job, as a launcher talks to it."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.plan.job import JOB_FILE


@dataclass(frozen=True)
class Serving:
    """The conversation with a worker."""

    process: "subprocess.Popen[str]"

    def send(self, folder: Path) -> None:
        """Give it the job of a folder."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{folder / JOB_FILE}\n")
        self.process.stdin.flush()

    def answer(self, kind: str) -> dict[str, Any]:
        """The next answer of a kind."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if kind in json.loads(line):
                found: dict[str, Any] = json.loads(line)
                return found
        raise EOFError

    def hang_up(self) -> int:
        """Close both pipes; the exit status."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        status = self.process.wait(60)
        self.process.stdout.close()
        return status
