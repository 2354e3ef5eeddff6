"""What a machine lends."""

from pathlib import Path

import pytest

from harness.host import available_bytes


def test_available_memory_is_what_the_system_says(tmp_path: Path) -> None:
    """Caches that would make room count as available."""
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 100 kB\nMemFree: 10 kB\nMemAvailable: 40 kB\n")
    assert available_bytes(meminfo, tmp_path / "none") == 40 * 1024


@pytest.mark.parametrize(
    ("most", "current", "free"), [("30000", "10000", 20_000), ("max", "1", 40 * 1024), ("1", "5", 0)]
)
def test_a_container_may_have_less(tmp_path: Path, most: str, current: str, free: int) -> None:
    """What a container's limit leaves is all there is; one without a limit has what the system has."""
    (tmp_path / "meminfo").write_text("MemAvailable: 40 kB\n")
    (tmp_path / "memory.max").write_text(most)
    (tmp_path / "memory.current").write_text(current)
    assert available_bytes(tmp_path / "meminfo", tmp_path) == free


def test_a_system_that_tells_nothing_is_taken_for_a_small_one(tmp_path: Path) -> None:
    """Four gigabytes."""
    assert available_bytes(tmp_path / "none", tmp_path) == 4 << 30
