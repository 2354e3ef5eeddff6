"""Jobs as files."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import NotWrittenError, RecordError
from harness.matrix.cell import Cell
from harness.plan.job import Job, flat_cells, read_job, write_job

MakeCell = Callable[..., Cell]


@pytest.fixture
def job(tmp_path: Path, make_cell: MakeCell) -> Job:
    """A job of two cells."""
    cells = flat_cells([make_cell(), make_cell(method="zero_shot")])
    return Job(kind="run", matrix="m", cells=cells, results=tmp_path, data=None, device="cpu")


def test_job_reads_back(job: Job, make_cell: MakeCell) -> None:
    """What crosses to a worker is what was sent, cells included."""
    read = read_job(write_job(job, 1) / "job.json")
    assert read == job
    assert read.cell_values() == (make_cell(), make_cell(method="zero_shot"))


def test_every_job_has_a_folder_of_its_own(job: Job, tmp_path: Path) -> None:
    """Jobs of one run lie beside each other, below the matrix, and say their kind."""
    folders = [write_job(job, number) for number in (1, 2)]
    assert {folder.parent for folder in folders} == {tmp_path / "m" / "jobs"}
    names = [
        re.fullmatch(rf"(\d{{8}}-\d{{6}})-{os.getpid()}x[0-9a-f]{{4}}-(.*)", folder.name) for folder in folders
    ]
    assert [name and name[2] for name in names] == ["001-run", "002-run"]


def test_job_that_cannot_be_written_is_told(job: Job, tmp_path: Path) -> None:
    """A results folder that takes nothing more is named with the reason."""
    (tmp_path / "m").touch()
    with pytest.raises(
        NotWrittenError, match=f"^{tmp_path}/m/jobs/.*: nothing can be written here any more: Not a"
    ):
        write_job(job, 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"surplus": 1},
        {"kind": "train"},
        {"schema_version": 2},
        {"cells": [3]},
        {"cells": [{"dataset": "digits"}]},
        {"logits": "sometimes"},
        {"matrix": None},
    ],
)
def test_job_of_another_form_is_refused(job: Job, tmp_path: Path, changes: dict[str, Any]) -> None:
    """An unknown key, kind, version or type is not guessed at."""
    path = tmp_path / "job.json"
    path.write_text(json.dumps(json.loads(job.model_dump_json()) | changes))
    with pytest.raises(RecordError) as caught:
        read_job(path)
    assert str(caught.value).startswith(f"{path}: is not a job file: ")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe"])
def test_damaged_job_is_refused(tmp_path: Path, content: bytes) -> None:
    """A truncated file, and one that is no text, are said."""
    (tmp_path / "job.json").write_bytes(content)
    with pytest.raises(RecordError, match="is not a job file"):
        read_job(tmp_path / "job.json")


def test_missing_job_is_refused(tmp_path: Path) -> None:
    """A file that is not there is said."""
    with pytest.raises(RecordError, match="is not a job file"):
        read_job(tmp_path / "job.json")
