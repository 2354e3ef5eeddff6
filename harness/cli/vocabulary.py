"""The known names, gathered from the rooms that own them, and from plug-ins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from harness.backbone.spec import WELL_KNOWN, file_of, name_fault
from harness.cli import console
from harness.data.catalog import DATASETS, DatasetRow
from harness.data.own import catalog_with, datasets_of
from harness.errors import Fault, PluginError
from harness.matrix.vocabulary import BackboneNames, DatasetEntry, Vocabulary
from harness.methods.table import METHODS, methods_of, methods_with
from harness.plugins import Plugin, installed_plugins

_Rows = TypeVar("_Rows")


def known_names() -> Vocabulary:
    """All data sets, backbones and methods that a matrix may name, those of installed plug-ins among them.

    An installed plug-in that cannot be used is said in one line, and does not stand in the way.
    """
    known = Vocabulary(
        datasets={name: _dataset(row) for name, row in DATASETS.items()},
        backbones=BackboneNames(tuple(WELL_KNOWN), name_fault, file_of),
        methods={name: row.entry for name, row in METHODS.items()},
        plug=plug,
    )
    plugins, unread = installed_plugins()
    for plugin in plugins:
        try:
            known = plug(known, plugin)
        except PluginError as error:
            unread = (*unread, error)
    for each in unread:
        console.note(f"plug-in {each.faults[0]}", style="yellow")
    return replace(known, unread=unread)


def plug(known: Vocabulary, plugin: Plugin) -> Vocabulary:
    """The vocabulary with the names of one more plug-in.

    Raises:
        PluginError: with all that is wrong with it.
    """
    faults: list[Fault] = []
    datasets = _read(lambda: datasets_of(plugin, catalog_with((), known.plugins)), faults) or {}
    methods = _read(lambda: methods_of(plugin, methods_with(known.plugins)), faults) or {}
    if faults:
        raise PluginError(faults)
    return replace(
        known,
        datasets={**known.datasets, **{name: _dataset(row) for name, row in datasets.items()}},
        methods={**known.methods, **{name: row.entry for name, row in methods.items()}},
        plugins=(*known.plugins, plugin),
    )


def _dataset(row: DatasetRow) -> DatasetEntry:
    return DatasetEntry(row.template, row.smallest_class, row.trains)


def _read(read: Callable[[], _Rows], faults: list[Fault]) -> _Rows | None:
    """What is read; ``None`` where it cannot be, with the faults added to those of other tables."""
    try:
        return read()
    except PluginError as error:
        faults += error.faults
        return None
