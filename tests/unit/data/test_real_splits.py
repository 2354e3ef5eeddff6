"""The catalog against the published split files, where their folder is named."""

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

from harness.data.catalog import DATASETS, DatasetRow
from harness.data.check.audit import audit
from harness.data.dataset import read_split
from harness.data.layout import SplitFile, TextLists

SPLITS = "HARNESS_TEST_SPLITS"
PUBLISHED = [row for row in DATASETS.values() if isinstance(row.layout, SplitFile | TextLists)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A data folder with the published splits and no images."""
    if SPLITS not in os.environ:
        pytest.skip(f"set {SPLITS} to the folder of CoOp's published split files")
    splits = Path(os.environ[SPLITS])
    for row in PUBLISHED:
        for need in row.layout.needs(tmp_path):
            need.parent.mkdir(parents=True, exist_ok=True)
            if need.suffix == ".json":
                shutil.copyfile(splits / need.name, need)
            elif need.suffix == ".txt":
                shutil.copyfile(splits / "fgvc_aircraft" / need.name, need)
    return tmp_path


def test_ten_data_sets_have_a_published_split() -> None:
    """CoOp's data sets without ImageNet."""
    assert len(PUBLISHED) == 10


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: row.name)
def test_row_is_what_the_file_says(row: DatasetRow, root: Path) -> None:
    """Digest, counts, classes and the smallest class are those of the file."""
    split = read_split(row, root)
    assert row.split_digest == split.digest
    assert row.n_images == (len(split.train), len(split.val), len(split.test))
    assert row.n_classes == len(split.class_names)
    assert row.smallest_class == min(Counter(item.label for item in split.train).values())


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: row.name)
def test_only_the_images_are_missing(row: DatasetRow, root: Path) -> None:
    """An audit finds nothing wrong with the published split itself."""
    found = audit(row, root)
    assert (found.digest, found.n_images, found.n_classes) == (row.split_digest, row.n_images, row.n_classes)
    [finding] = found.findings
    assert "missing" in finding.what
    assert f"{sum(found.n_images):,}" in finding.what
