"""A data set in a shape of its own: a CSV file with the columns file, class and part, beside a folder of images.

Plain folders of images, and split files of CoOp's form, need no plug-in: a matrix describes them itself.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

from harness.data.catalog import DatasetRow
from harness.data.split import Item, Split
from harness.errors import DataError, Fault


@dataclass(frozen=True)
class CsvFile:
    """`DATA/folder/file`, and images below `DATA/folder/images`."""

    folder: str
    file: str = "images.csv"
    images: str = "images"

    def needs(self, root: Path) -> list[Path]:
        return [root / self.folder / self.file, self.image_base(root)]

    def image_base(self, root: Path) -> Path:
        return root / self.folder / self.images

    def read_split(self, root: Path) -> Split:
        path = root / self.folder / self.file
        try:
            with path.open(newline="", encoding="utf-8") as file:
                rows = [(row["file"], row["class"], row["part"]) for row in csv.DictReader(file)]
        except (OSError, KeyError) as error:
            raise DataError(Fault(str(path), f"cannot be read: {error}.")) from None
        labels = {name: label for label, name in enumerate(sorted({name for _, name, _ in rows}))}
        parts = {
            part: tuple(Item(file, labels[name], name) for file, name, of in rows if of == part)
            for part in ("train", "val", "test")
        }
        return Split(parts["train"], parts["val"], parts["test"])


DATASETS = {"my_flowers": DatasetRow("my_flowers", CsvFile("my_flowers"), "a photo of a {}, a type of flower.")}
