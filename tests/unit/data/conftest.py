"""A split made up by hand, and the folder of the published ones."""

import os
from pathlib import Path

import pytest

from harness.data.split import Item, Split


@pytest.fixture
def split() -> Split:
    """Two classes; ``small`` has two training images, ``large`` six, and both have five to validate."""
    classes = (("large", 6), ("small", 2))

    def items(part: str, counts: tuple[int, int]) -> tuple[Item, ...]:
        return tuple(
            Item(f"{part}/{name}_{number}", label, name)
            for label, ((name, _), count) in enumerate(zip(classes, counts, strict=True))
            for number in range(count)
        )

    return Split(train=items("train", (6, 2)), val=items("val", (5, 5)), test=items("test", (1, 1)))


@pytest.fixture
def real_splits() -> Path:
    """The folder of CoOp's published split files, which are other people's data and not part of the project."""
    named = os.environ.get("HARNESS_TEST_SPLITS")
    if not named:
        pytest.skip("set HARNESS_TEST_SPLITS to the folder of the published split files (split_zhou_*.json)")
    return Path(named)
