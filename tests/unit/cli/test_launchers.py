"""The launcher that is asked for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli.jobs.launchers import devices_of, make_launcher
from harness.dispatch.devices import Device
from harness.dispatch.local import LocalLauncher
from harness.dispatch.table import LAUNCHERS
from harness.errors import MatrixError
from harness.matrix.launching import Launching

Harness = Callable[..., Any]


@pytest.mark.parametrize(
    ("launching", "option", "kind"),
    [
        (Launching(kind="slurm"), "auto", "cuda"),
        (Launching(kind="ray", gpus=0.5), "auto", "cuda"),
        (Launching(kind="slurm", gpus=0), "auto", "cpu"),
        (Launching(kind="slurm", gpus=2), "cpu", "cpu"),
        (Launching(kind="ray"), "cuda", "cuda"),
        (Launching(), "cpu", "cpu"),
    ],
)
def test_a_cluster_lends_gpus_unless_told_otherwise(launching: Launching, option: str, kind: str) -> None:
    """What this machine has does not matter there."""
    assert [device.kind for device in devices_of(LAUNCHERS[launching.kind], launching, option)] == [kind]


def test_a_gpu_of_this_machine_cannot_be_asked_of_a_cluster() -> None:
    """It chooses among its own."""
    with pytest.raises(MatrixError, match=r"--device: 'cuda:1' names a GPU of this machine, and slurm chooses"):
        devices_of(LAUNCHERS["slurm"], Launching(kind="slurm"), "cuda:1")


@pytest.mark.parametrize("kind", ["slurm", "ray"])
def test_a_gpu_without_a_gpu_is_refused(kind: str) -> None:
    """Jobs that are lent none would each fail on a node, after a wait in a queue."""
    with pytest.raises(MatrixError, match=f"--device: 'cuda' asks for a GPU, and a job on {kind} is lent none"):
        devices_of(LAUNCHERS[kind], Launching(kind=kind, gpus=0), "cuda")


def test_local_workers_are_as_many_as_asked_for(tmp_path: Path) -> None:
    """On the CPU by one option, on GPUs by the other."""
    found = [
        make_launcher(LAUNCHERS["local"], Launching(workers=3), [Device("cpu")], tmp_path),
        make_launcher(
            LAUNCHERS["local"],
            Launching(workers=3, workers_per_gpu=2),
            [Device("cuda", "0"), Device("cuda", "1")],
            tmp_path,
        ),
    ]
    assert all(isinstance(launcher, LocalLauncher) for launcher in found)
    assert [launcher.workers for launcher in found] == [3, 4]


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["--launcher", "local", "--partition", "gpu"], "partition: is no option of local."),
        (["--workers", "0"], "workers: "),
        (["--detach"], "--detach: local has nobody who goes on; it is for slurm."),
        (["--launcher", "slurm", "--time", "soon"], "time: must be minutes or a duration"),
    ],
)
def test_options_that_do_not_go_together_are_bad_input(
    harness: Harness, matrix: Path, arguments: list[str], fault: str
) -> None:
    """They are said before anything is checked or trained."""
    answer = harness("run", "--matrix", matrix, *arguments)
    assert answer.code == 2
    assert fault in answer.err


def test_the_sections_launcher_is_taken_and_flags_go_before_it(harness: Harness, matrix: Path) -> None:
    """A flag of another launcher than the section's is no option of it."""
    matrix.write_text(matrix.read_text() + "launcher: {kind: ray, cpus: 2}\n")
    answer = harness("run", "--matrix", matrix, "--workers", "2")
    assert (answer.code, "workers: is no option of ray" in answer.err) == (2, True)


def test_a_job_that_cannot_be_written_is_one_error(
    harness: Harness, matrix: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full: exit 1, no traceback, and nothing has failed."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("harness.cli.commands.run._check", lambda *_: None)
    monkeypatch.setattr("harness.plan.job.write_text", refuse)
    answer = harness("run", "--matrix", matrix)
    assert (answer.code, answer.out.splitlines()[0]) == (1, "mine: 0 done, 0 failed, 3 unfinished")
    (line,) = answer.err.splitlines()
    assert line.endswith("nothing can be written here any more: No space left on device. "
                         "Mend that, and the next run goes on from here.")  # fmt: skip
