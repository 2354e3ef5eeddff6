"""What is written down of jobs that were handed to an engine."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.dispatch.launches import Launch, LaunchedJob, read_launches
from harness.errors import RecordError

WHOLE: dict[str, Any] = {
    "schema_version": 1, "engine": "slurm", "token": "t", "user": 5, "host": "h", "process": 7, "created_s": 1.5,
    "jobs": [{"folder": "f", "cells": ["0", "1"], "id": "9"}],
}  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the launch of a matrix called ``m`` stands."""
    (tmp_path / "m" / "launches").mkdir(parents=True)
    return tmp_path / "m" / "launches" / "a.json"


def test_a_launch_is_read_with_its_jobs_beside_it(tmp_path: Path, file: Path) -> None:
    """A results folder can be moved: jobs lie where the launch lies now."""
    file.write_text(json.dumps(WHOLE))
    job = LaunchedJob(tmp_path / "m" / "jobs" / "f", ("0", "1"), "9")
    assert read_launches(tmp_path, "m") == [Launch(file, "slurm", "t", 5, "h", 7, 1.5, (job,))]


@pytest.mark.parametrize(
    "content",
    [
        "", "{", "[]", "[" * 100_000, b"\xff",
        *(
            json.dumps(WHOLE | wrong)
            for wrong in (
                {"schema_version": 2}, {"user": "x"}, {"process": float("inf")}, {"created_s": 10**400},
                {"created_s": None}, {"jobs": 3}, {"jobs": [{"folder": 3}]}, {"jobs": [3]},
            )
        ),
    ],
)  # fmt: skip
def test_a_launch_that_cannot_be_read_is_told_with_a_way_out(
    tmp_path: Path, file: Path, content: str | bytes
) -> None:
    """Its jobs may still be queued, so it is not passed over."""
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(RecordError) as caught:
        read_launches(tmp_path, "m")
    assert str(caught.value).startswith(f"{file}: is not a launch: ")
    assert "squeue" in str(caught.value)
