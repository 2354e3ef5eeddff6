"""sbatch, squeue, sacct, scancel, sinfo and scontrol as one script over one file of jobs; srun is only there.

Run as a command it answers by the name that it was called by; imported, it is the test's side of the same file.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

_STATE = "slurm.json"
COMMANDS = ("sbatch", "squeue", "sacct", "scancel", "sinfo", "scontrol", "srun")


class FakeSlurm:
    """The jobs of a made-up cluster."""

    def __init__(self, folder: Path) -> None:
        """In ``folder``, in which the commands lie."""
        self.folder = folder

    def install(self) -> None:
        """Write the commands and an empty queue."""
        self.folder.mkdir()
        for name in COMMANDS:
            script = self.folder / name
            script.write_text(f"""#!/bin/sh\nexec '{sys.executable}' -I -S '{__file__}' "$0" "$@"\n""")
            script.chmod(0o755)
        self.write({"next": 100, "jobs": {}, "calls": [], "broken": {}, "accounts": {}, "config": {}})

    def read(self) -> dict:
        """All that is known."""
        return json.loads((self.folder / _STATE).read_text())

    def write(self, state: dict) -> None:
        """Know this instead; a reader sees the one or the other."""
        (self.folder / "new").write_text(json.dumps(state))
        (self.folder / "new").replace(self.folder / _STATE)

    @contextlib.contextmanager
    def changing(self) -> Iterator[dict]:
        """All that is known, to be changed; tests and commands change it one after another."""
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = self.read()
            yield known
            self.write(known)

    def set(self, job_id: str, state: str, reason: str = "None") -> None:
        """Let a job have another state."""
        with self.changing() as known:
            known["jobs"][job_id] |= {"state": state, "reason": reason}

    def drop(self, job_id: str, account: str | None = None) -> None:
        """Let a job leave the queue; the accounts say ``account`` of it."""
        with self.changing() as known:
            del known["jobs"][job_id]
            if account is not None:
                known["accounts"][job_id] = account

    def break_down(self, command: str, status: int = 1, words: str = "") -> None:
        """Let a command fail with these words; with status 0 it works again."""
        with self.changing() as known:
            known["broken"][command] = [status, words]

    def states(self) -> dict[str, str]:
        """The state of every job in the queue."""
        return {job_id: job["state"] for job_id, job in self.read()["jobs"].items()}

    def calls(self, command: str) -> list[list[str]]:
        """The arguments of every call of a command."""
        return [call[1:] for call in self.read()["calls"] if call[0] == command]

    def scripts(self) -> list[str]:
        """What was handed to sbatch."""
        return self.read().get("scripts", [])


def _main(name: str, arguments: list[str]) -> int:
    fake = FakeSlurm(Path(name).parent)
    command = Path(name).name
    with fake.changing() as known:
        known["calls"].append([command, *arguments])
        status, words = known["broken"].get(command, [0, ""])
        printed = "" if status else _COMMANDS[command](known, arguments)
    sys.stderr.write(words)
    sys.stdout.write(printed)
    return status


def _sbatch(known: dict, arguments: list[str]) -> str:
    script = Path(arguments[-1]).read_text()
    flags = dict(re.findall(r"^#SBATCH --([a-z-]+)(?:=(.*))?$", script, re.MULTILINE))
    number = known["next"]
    known["next"] += 1
    known.setdefault("scripts", []).append(script)
    ids = [str(number)]
    if "array" in flags:
        last = int(re.match(r"0-(\d+)", flags["array"])[1])
        ids = [f"{number}_{index}" for index in range(last + 1)]
    for job_id in ids:
        known["jobs"][job_id] = {"name": flags["job-name"], "state": "PENDING", "reason": "Priority"}
    return f"Submitted batch job {number}\n"


def _squeue(known: dict, arguments: list[str]) -> str:
    flags = dict(argument[2:].split("=", 1) for argument in arguments if "=" in argument)
    names = flags["name"].split(",")
    chosen = [(job_id, job) for job_id, job in known["jobs"].items() if job["name"] in names]
    return "".join(f"{job_id}|{job['state']}|{job['reason']}\n" for job_id, job in chosen)


def _sacct(known: dict, arguments: list[str]) -> str:
    (asked,) = (argument[7:] for argument in arguments if argument.startswith("--jobs="))
    found = {job_id: known["accounts"][job_id] for job_id in asked.split(",") if job_id in known["accounts"]}
    return "".join(f"{job_id}|{state}|0:0\n" for job_id, state in found.items())


def _scancel(known: dict, arguments: list[str]) -> str:
    for job_id in arguments:
        if job_id in known["jobs"] and known["jobs"][job_id]["state"] in ("PENDING", "RUNNING"):
            known["jobs"][job_id] |= {"state": "CANCELLED", "reason": "None"}
    return ""


def _sinfo(known: dict, arguments: list[str]) -> str:
    return known["config"].get("sinfo", "main*|1:00:00|infinite\nlong|n/a|7-00:00:00\n")


def _scontrol(known: dict, arguments: list[str]) -> str:
    return f"MaxArraySize            = {known['config'].get('array', 1001)}\nMaxJobCount  = 10000\n"


_COMMANDS = {
    "sbatch": _sbatch,
    "squeue": _squeue,
    "sacct": _sacct,
    "scancel": _scancel,
    "sinfo": _sinfo,
    "scontrol": _scontrol,
    "srun": lambda *_: "",
}

if __name__ == "__main__":
    sys.exit(_main(sys.argv[1], sys.argv[2:]))
