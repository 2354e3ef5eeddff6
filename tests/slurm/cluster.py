"""A real Slurm of two nodes with two made-up GPUs each, on this machine's loopback, while a test needs it.

Needs Debian's slurmctld, slurmd, slurm-client and munge; no systemd, no cgroups, no accounting. Every process is a
child of the test, or is known by a mark in its environment, and is ended by its number.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Collection
from pathlib import Path

NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")
NODES, GPUS, CPUS = ("n1", "n2"), 2, 4
_MARK = "HARNESS_TEST_CLUSTER"


def missing() -> list[str]:
    """The commands that a cluster needs and this machine lacks."""
    return [name for name in NEEDED if shutil.which(name, path=_path()) is None]


class Cluster:
    """slurmctld, a slurmd a node, and munged."""

    def __init__(self, folder: Path) -> None:
        """Keep all that is theirs in ``folder``."""
        self.folder = folder
        self._mark = secrets.token_hex(8)
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}
        self.environment = os.environ | {
            "SLURM_CONF": str(folder / "slurm.conf"),
            "PATH": _path(),
            _MARK: self._mark,
        }

    def start(self) -> None:
        """Start the daemons and wait until all nodes are idle."""
        self._write()
        run = self.folder
        self._daemon(
            "munged", "--foreground", "--force", f"--key-file={run}/munge/key", f"--socket={run}/munge/socket",
            f"--pid-file={run}/munge/pid", f"--seed-file={run}/munge/seed", f"--log-file={run}/munge/log",
        )  # fmt: skip
        self.wait_for(lambda: (run / "munge" / "socket").exists(), "munged")
        self._daemon("slurmctld", "-D", "-i", "-f", str(run / "slurm.conf"))
        for node in NODES:
            self.start_node(node)
        self.wait_for(self._is_ready, "all nodes idle")

    def start_node(self, node: str) -> None:
        """Start the slurmd of a node."""
        self._daemon(node, "-D", "-N", node, "-f", str(self.folder / "slurm.conf"), command="slurmd")

    def stop(self) -> None:
        """End every process of the cluster and of its jobs, jobs first, so that nothing starts them again."""
        for daemon in reversed(self._daemons.values()):
            daemon.send_signal(signal.SIGSTOP)
        self.wait_for(self._is_empty, "no job's process left")
        for daemon in reversed(self._daemons.values()):
            daemon.send_signal(signal.SIGCONT)
            daemon.terminate()
        for daemon in self._daemons.values():
            try:
                daemon.wait(2)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def run(self, *command: str) -> str:
        """What a command of Slurm prints."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False, timeout=60
        )
        return done.stdout + done.stderr

    def states(self) -> dict[str, str]:
        """The state of every job, by its id."""
        listed = self.run("squeue", "--noheader", "--array", "--states=all", "--format=%i|%T")
        return dict(line.split("|", 1) for line in listed.split() if "|" in line)

    def number_of(self, job_id: str) -> str:
        """The number by which Slurm's processes call an array's job."""
        for line in self.run("squeue", "--noheader", "--array", "--states=all", "--format=%i|%A").split():
            if line.startswith(f"{job_id}|"):
                return line.partition("|")[2]
        raise LookupError(job_id)

    def node_of(self, job_id: str) -> str:
        """The node that a job runs on."""
        return self.run("squeue", "--noheader", "--array", f"--jobs={job_id}", "--format=%N").strip()

    def lose(self, node: str, job_ids: Collection[str]) -> None:
        """Kill a node's daemon and those that watch over jobs: to Slurm the node is lost, but the jobs go on.

        The watchers are gone for good when it returns: what is stopped while it loses its parent would be hung up.
        """
        watchers = tuple(f"slurmstepd: [{self.number_of(job_id)}." for job_id in job_ids)
        self._daemons[node].kill()
        self._daemons.pop(node).wait()
        killed = [process for process in self.processes() if _command_of(process).startswith(watchers)]
        for process in killed:
            os.kill(process, signal.SIGKILL)
        self.wait_for(lambda: all(map(_has_ended, killed)), "the end of the watchers", pause_s=0.001)

    def is_alive(self, process: int) -> bool:
        """Whether a process of a job is there, and not just waiting to be buried."""
        return not _has_ended(process) and self._is_marked(process)

    def processes(self) -> list[int]:
        """The numbers of all processes that bear the cluster's mark: those of its jobs, and their watchers."""
        own = {daemon.pid for daemon in self._daemons.values()} | {os.getpid()}
        return [process for process in _numbers() if process not in own and self._is_marked(process)]

    def wait_for(self, condition, what: str, seconds: float = 30.0, pause_s: float = 0.1) -> None:
        """Wait until something holds.

        Raises:
            TimeoutError: it does not; with the ends of the daemons' logs.
        """
        last = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > last:
                raise TimeoutError(f"{what}\n{self._logs()}")
            time.sleep(pause_s)

    def _is_marked(self, process: int) -> bool:
        try:
            return f"{_MARK}={self._mark}".encode() in Path(f"/proc/{process}/environ").read_bytes()
        except OSError:
            return False

    def _is_empty(self) -> bool:
        """Whether no job's process is left; those that are are killed."""
        left = self.processes()
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        return not left

    def _is_ready(self) -> bool:
        listed = self.run("sinfo", "--noheader", "--Node", "--partition=main", "--states=idle", "--format=%N")
        return set(listed.split()) == set(NODES)

    def _daemon(self, name: str, *arguments: str, command: str = "") -> None:
        with (self.folder / f"{name}.out").open("ab") as log:
            self._daemons[name] = subprocess.Popen(
                [command or name, *arguments],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _logs(self) -> str:
        tails = []
        for path in sorted([*self.folder.glob("*.out"), *self.folder.glob("log/*")]):
            tails += [f"--- {path.name}", *path.read_text(errors="replace").splitlines()[-15:]]
        return "\n".join(tails)

    def _write(self) -> None:
        """Key, devices and configuration; a GPU's file has to be a character device, or jobs do not see it."""
        for name in ("state", "spool", "log", "munge", "dev"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        key = self.folder / "munge" / "key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o400)
        for number in range(GPUS):
            (self.folder / "dev" / f"gpu{number}").symlink_to("/dev/null")
        (self.folder / "slurm.conf").write_text(_configuration(self.folder))
        lines = [f"NodeName={node} Name=gpu File={self.folder}/dev/gpu[0-{GPUS - 1}]\n" for node in NODES]
        (self.folder / "gres.conf").write_text("".join(lines))


def _configuration(folder: Path) -> str:
    control, *ports = _free_ports(1 + len(NODES))
    user = getpass.getuser()
    lines = [
        "ClusterName=test",
        "SlurmctldHost=localhost(127.0.0.1)",
        f"SlurmctldPort={control}",
        f"SlurmUser={user}",
        f"SlurmdUser={user}",
        "AuthType=auth/munge",
        # A job that is queued again waits until its credential has expired, two minutes by default.
        f"AuthInfo=socket={folder}/munge/socket,cred_expire=5",
        "CredType=cred/munge",
        "CommunicationParameters=NoInAddrAny,NoCtldInAddrAny",
        f"StateSaveLocation={folder}/state",
        f"SlurmdSpoolDir={folder}/spool/%n",
        f"SlurmctldPidFile={folder}/slurmctld.pid",
        f"SlurmdPidFile={folder}/slurmd.%n.pid",
        f"SlurmctldLogFile={folder}/log/slurmctld",
        f"SlurmdLogFile={folder}/log/slurmd.%n",
        "ProctrackType=proctrack/linuxproc",
        "TaskPlugin=task/none",
        "JobAcctGatherType=jobacct_gather/none",
        "SwitchType=switch/none",
        "MpiDefault=none",
        "SchedulerType=sched/backfill",
        "SchedulerParameters=bf_interval=1,sched_interval=2,sched_min_interval=50000,batch_sched_delay=0,defer_batch",
        "SelectType=select/cons_tres",
        "SelectTypeParameters=CR_Core",
        "GresTypes=gpu",
        "ReturnToService=2",
        "SlurmdTimeout=5",
        "MessageTimeout=5",  # a node that is lost is noticed after three of them
        "SlurmctldTimeout=5",
        "KillWait=10",
        "JobRequeue=1",
        "RebootProgram=/bin/true",
        "PreemptType=preempt/partition_prio",
        "PreemptMode=REQUEUE",
        "SlurmdParameters=config_overrides",
        "SlurmctldParameters=preempt_send_user_signal",
        "AccountingStorageType=accounting_storage/none",
    ]
    lines += [
        f"NodeName={node} NodeAddr=127.0.0.1 NodeHostname=localhost Port={port} CPUs={CPUS} RealMemory=8000 "
        f"Gres=gpu:{GPUS} State=UNKNOWN"
        for node, port in zip(NODES, ports, strict=True)
    ]
    nodes = f"Nodes={','.join(NODES)} State=UP"
    lines += [
        f"PartitionName=main {nodes} Default=YES DefaultTime=60 PriorityTier=1 PreemptMode=REQUEUE",
        f"PartitionName=grace {nodes} DefaultTime=60 PriorityTier=1 PreemptMode=REQUEUE GraceTime=30",
        f"PartitionName=high {nodes} DefaultTime=60 PriorityTier=10 PreemptMode=OFF",
    ]
    return "\n".join(lines) + "\n"


def _free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _path() -> str:
    """PATH with the folders in which Debian keeps daemons."""
    return os.pathsep.join([os.environ["PATH"], "/usr/local/sbin", "/usr/sbin", "/sbin"])


def _numbers() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _command_of(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _has_ended(process: int) -> bool:
    """Whether a process is gone, or waits to be buried; by then its children have another parent."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(errors="replace")
    except OSError:
        return True
    return stat.rpartition(")")[2].split()[0] in "ZX"
