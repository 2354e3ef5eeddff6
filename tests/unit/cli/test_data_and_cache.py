"""``harness data list`` and ``harness cache``."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.data.catalog import DATASETS
from harness.data.fetch.sources import SOURCES

Harness = Callable[..., Any]


def test_data_list_is_a_line_a_data_set(harness: Harness, tmp_path: Path) -> None:
    """All known data sets are listed with counts, size, template and state; then what is missing, then terms."""
    answer = harness("data", "list", "--data", tmp_path)
    lines = [" ".join(line.split()) for line in answer.out.splitlines()]
    table, missing, terms = (block.splitlines() for block in "\n".join(lines).strip().split("\n\n"))
    assert answer.code == 0
    assert [line.split()[0] for line in table] == ["dataset", *DATASETS]
    assert table[1] == "digits 10 898 359 540 – a photo of the digit {}. on disk"
    assert "dtd 47 2,820 1,128 1,692 625.8 MB {} texture. missing" in table
    folder = tmp_path / "dtd"
    assert f"dtd: missing {folder}/split_zhou_DescribableTextures.json, {folder}/images" in missing
    assert [line.split()[0] for line in terms] == ["dataset", *SOURCES]
    assert "sun397 Non-commercial research only." in terms


def test_data_list_reads_the_variable(harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``HARNESS_DATA`` stands in for the option."""
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path / "named"))
    assert f"missing {tmp_path}/named/dtd/split_zhou_DescribableTextures.json" in harness("data", "list").out


def test_empty_cache_is_shown(harness: Harness) -> None:
    """The folder is said even when it is not there yet."""
    answer = harness("cache", "show")
    assert (answer.code, answer.out.splitlines()) == (
        0,
        [
            f"{os.environ['HARNESS_CACHE']}/features",
            "0 tables of features, 0.0 MB, bound 20.0 GB (HARNESS_CACHE_GB)",
        ],
    )


def test_cache_is_counted_and_cleared(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clearing removes the tables, says how much that was, and leaves other files alone."""
    monkeypatch.setenv("HARNESS_CACHE_GB", "1.5")
    folder = Path(os.environ["HARNESS_CACHE"]) / "features"
    folder.mkdir(parents=True)
    for name in ("a.safetensors", "b.safetensors", "notes.txt"):
        (folder / name).write_bytes(bytes(1_000_000))
    shown = "2 tables of features, 2.0 MB"
    assert harness("cache", "show").out.splitlines()[1] == f"{shown}, bound 1.5 GB (HARNESS_CACHE_GB)"
    assert (harness("cache", "clear").out, [path.name for path in folder.iterdir()]) == (
        f"removed {shown}\n",
        ["notes.txt"],
    )
