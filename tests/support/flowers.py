"""The data of docs/examples/my_dataset.py, made for tests."""

from collections.abc import Callable
from pathlib import Path


def write_flowers(root: Path, paint: Callable[..., None]) -> None:
    """Two classes with two images in each part, and the list of them, below a data root."""
    lines = ["file,class,part"]
    for name in ("daisy", "tulip"):
        for part in ("train", "val", "test"):
            lines += [f"{name}_{part}_{number}.png,{name},{part}" for number in (1, 2)]
    paint(*(root / "my_flowers" / "images" / line.partition(",")[0] for line in lines[1:]))
    (root / "my_flowers" / "images.csv").write_text("\n".join(lines) + "\n")
