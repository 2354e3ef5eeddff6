"""A split made up by hand."""

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
