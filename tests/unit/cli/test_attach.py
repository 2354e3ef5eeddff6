"""Jobs of earlier launches that still have cells."""

from pathlib import Path

import pytest

from harness.cli.jobs.attach import earlier_jobs
from harness.dispatch.launched import Launched
from harness.dispatch.launcher import JobState
from harness.dispatch.launches import Launch, LaunchedJob
from harness.errors import RecordError


def test_a_job_whose_folder_is_gone_is_told_with_its_launch(tmp_path: Path) -> None:
    """Slurm still has the job, so the fault names it, and the file that has to go with it."""
    job = LaunchedJob(tmp_path / "jobs" / "1", ("a",), "4711")
    launch = Launch(tmp_path / "launches" / "1.json", "slurm", "token", 0, "host", 1, 0.0, (job,))
    launched = [Launched(launch, ((job, JobState("queued")),))]
    assert earlier_jobs(launched, {"b"}).launches == ()
    with pytest.raises(RecordError) as raised:
        earlier_jobs(launched, {"a"})
    assert str(raised.value).startswith(f"{job.folder}/job.json: is not a job file: ")
    assert str(raised.value).endswith(
        f"The slurm job 4711 waits or runs without it: end that, and remove {launch.path}."
    )
