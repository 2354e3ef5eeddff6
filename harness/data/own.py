"""The catalog with the data sets that a matrix or a plug-in brings along."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from harness.data.catalog import DATASETS, Catalog, DatasetRow
from harness.data.folder import AnyFolder
from harness.data.layout import Layout, SplitFile
from harness.errors import DataError, Fault
from harness.matrix.cell import CLASSES
from harness.matrix.source import DEFAULT_TEMPLATE, DatasetSource
from harness.matrix.template import sentence_fault
from harness.plugins.plugin import Plugin
from harness.plugins.tables import rows_of, with_rows


def catalog_with(sources: Iterable[DatasetSource], plugins: Iterable[Plugin] = ()) -> Catalog:
    """All known data sets, those of plug-ins, and those of ``sources``, but for what only another version knows.

    Raises:
        DataError: a data set is to be read from a folder like one that comes with a package.
        PluginError: a plug-in has a data set that cannot be used.
    """
    known = with_rows(DATASETS, plugins, datasets_of)
    readable = [source for source in sources if source.like is None or source.like in known]
    return {**known, **{source.name: _row(source, known) for source in readable}}


def datasets_of(plugin: Plugin, known: Catalog) -> dict[str, DatasetRow]:
    """The data sets of a plug-in beside those that are ``known``.

    Raises:
        PluginError: with all that is wrong with them.
    """
    return rows_of(plugin, "DATASETS", DatasetRow, known, _faults)


def _faults(name: str, row: DatasetRow) -> Iterator[str]:
    """What is wrong with a plug-in's row."""
    if row.name != name:
        yield f"its row has another name, {row.name!r}."
    if name in CLASSES:
        yield f"{name} is a half of the classes; give the data set another name."
    if (what := sentence_fault(row.template)) is not None:
        yield f"its template {what}"
    lacking = [part for part in ("needs", "read_split") if not callable(getattr(row.layout, part, None))]
    if not hasattr(row.layout, "folder"):
        lacking.append("folder")
    else:
        image_part = "read_image" if row.layout.folder is None else "image_base"
        lacking += [] if callable(getattr(row.layout, image_part, None)) else [image_part]
    if lacking:
        yield f"its layout lacks {', '.join(lacking)}."


def _row(source: DatasetSource, rows: Catalog) -> DatasetRow:
    if source.like is not None and source.data is None:
        known = rows[source.like]
        row = replace(known, name=source.name, template=source.template or known.template)
    elif source.like is not None and source.data is not None:
        known = rows[source.like]
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
