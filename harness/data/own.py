"""The catalog with the data sets that a matrix brings along."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from harness.data.catalog import DATASETS, Catalog, DatasetRow
from harness.data.folder import AnyFolder
from harness.data.layout import Layout, SplitFile
from harness.errors import DataError, Fault
from harness.matrix.source import DEFAULT_TEMPLATE, DatasetSource


def catalog_with(sources: Iterable[DatasetSource]) -> Catalog:
    """All known data sets, and those of ``sources``, but for what only another version knows.

    Raises:
        DataError: a data set is to be read from a folder like one that comes with a package.
    """
    known = [source for source in sources if source.like is None or source.like in DATASETS]
    return {**DATASETS, **{source.name: _row(source) for source in known}}


def _row(source: DatasetSource) -> DatasetRow:
    if source.like is not None and source.data is None:
        known = DATASETS[source.like]
        row = replace(known, name=source.name, template=source.template or known.template)
    elif source.like is not None and source.data is not None:
        known = DATASETS[source.like]
        if known.layout.folder is None:
            what = f"`data` cannot go with `like: {source.like}`, which comes with a package."
            raise DataError(Fault(source.name, what, "Write `folder: DIR` for a folder of images."))
        row = DatasetRow(
            source.name, _moved(known.layout, source.data), source.template or known.template,
            n_images=None if known.trains else known.n_images,
            augmentation=known.augmentation,
        )  # fmt: skip
    else:
        folder = source.folder or ""
        split = source.split
        layout = AnyFolder(folder, source.class_names) if split is None else SplitFile(folder, split)
        row = DatasetRow(source.name, layout, source.template or DEFAULT_TEMPLATE)
    return replace(row, subset_file=source.subset_file)


def _moved(layout: Layout, data: str) -> Layout:
    """The layout with its folder below another data root."""
    return replace(layout, folder=str(Path(data) / (layout.folder or "")))  # type: ignore[type-var]
