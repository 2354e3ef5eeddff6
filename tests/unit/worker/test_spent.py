"""What the records of a real job say of its time and memory."""

import time
from collections.abc import Callable
from pathlib import Path

from harness.matrix.cell import Cell
from harness.plan.job import JOB_FILE, Job, flat_cells, write_job
from harness.store.provenance import processor_name
from harness.store.survey import survey_records
from harness.worker.__main__ import main

MakeCell = Callable[..., Cell]


def test_records_of_a_job_add_up_to_its_time(tmp_path: Path, make_cell: MakeCell) -> None:
    """Each second of the job is in one record, loading and decoding in the first that needed them."""
    recipe = {**make_cell().recipe_dict(), "epochs": 2}
    cells = [
        make_cell(method="zero_shot"),
        *(make_cell(context=context, recipe=recipe) for context in ("unified", "class_specific")),
    ]
    job = Job(kind="run", matrix="m", cells=flat_cells(cells), results=tmp_path, data=None, device="cpu")
    folder = write_job(job, 1)
    start = time.monotonic()
    assert main([str(folder / JOB_FILE)]) == 0
    took_s = time.monotonic() - start
    spent = [facts.spent for facts in survey_records(tmp_path).facts.values() if facts.spent is not None]
    assert len(spent) == 3
    total_s = sum(each.elapsed_s for each in spent)
    assert 0.5 * took_s < total_s <= took_s
    assert len({each.job for each in spent}) == 1
    assert sum(each.load_s > 0 for each in spent) == 1
    assert sum(each.draw_s > 0 for each in spent) == 1
    assert {each.processor for each in spent} == {processor_name()}
    assert sorted(each.image_bytes or 0 for each in spent) == [0, 192, 192]
    assert all((each.peak_host_bytes or 0) > 100_000_000 for each in spent)
    assert {each.peak_device_bytes for each in spent} == {None}
