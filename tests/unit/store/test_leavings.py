"""What killed writers leave in a results folder."""

import os
from pathlib import Path

from harness.store.leavings import tidy_results


def test_old_leavings_go_from_the_folders_of_results(tmp_path: Path) -> None:
    """Records, states and a matrix's own folder are tidied; jobs, and a folder that is none, are left alone."""
    there = ["records/.a.json.x1.part", "unfinished/.a.safetensors.x2.part", "mine/.cells.json.x3.part", ".y.part"]
    kept = ["records/a.json", "mine/jobs/1/.status.json.x4.part"]
    for name in (*there, *kept):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (0, 0))
    assert tidy_results(tmp_path) == len(there)
    assert sorted(
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()
    ) == sorted(kept)
    assert tidy_results(tmp_path / "nowhere") == 0
