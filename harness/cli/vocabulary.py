"""The known names, gathered from the rooms that own them, and from plug-ins."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from harness.backbone.spec import WELL_KNOWN, file_of, name_fault
from harness.cli.output import console
from harness.data.catalog import DATASETS, Catalog, DatasetRow
from harness.data.own import catalog_with, datasets_of
from harness.dispatch.table import LAUNCHERS, launchers_of, launchers_with
from harness.errors import Fault, MatrixError, PluginError
from harness.matrix.plugged import read_plugins
from harness.matrix.vocabulary import BackboneNames, DatasetEntry, Vocabulary
from harness.matrix.yaml_file import read_yaml
from harness.methods.table import METHODS, methods_of, methods_with
from harness.plugins.plugin import Plugin, PluginSource
from harness.plugins.reading import installed_plugins, load_plugins
from harness.tracking.table import TRACKERS, trackers_of, trackers_with

_Row = TypeVar("_Row")


def known_names() -> Vocabulary:
    """All names that a matrix may use, those of installed plug-ins among them.

    An installed plug-in that cannot be used is said in one line, and does not stand in the way.
    """
    known = _with_installed(_bare())
    for error in known.unread:
        console.note(f"plug-in {error.faults[0]}", style="yellow")
    return known


def names_for(matrix: Path) -> Vocabulary:
    """The names that the command line may use beside a matrix; a matrix that cannot be read adds none."""
    known = _with_installed(_bare())
    try:
        return read_plugins(read_yaml(matrix), known)[1]
    except MatrixError:  # which is told where the matrix is read
        return known


def names_still_there(sources: Iterable[PluginSource]) -> Vocabulary:
    """The names that are known, with those of the plug-ins that were used before and can still be read."""
    known = _with_installed(_bare())
    for source in sources:
        if source.name not in {plugin.source.name for plugin in known.plugins}:
            with contextlib.suppress(PluginError):
                (plugin,) = load_plugins([source])
                known = plug(known, plugin)
    return known


def plugins_at_hand(plugins: Iterable[Plugin]) -> tuple[Plugin, ...]:
    """The plug-ins of a matrix, and all others that are installed and can be used beside them."""
    known = _bare()
    for plugin in plugins:
        known = plug(known, plugin)
    return _with_installed(known).plugins


def known_catalog() -> Catalog:
    """The data sets that are known without a matrix, those of installed plug-ins among them."""
    return catalog_with((), plugins_at_hand(()))


def plug(known: Vocabulary, plugin: Plugin) -> Vocabulary:
    """The vocabulary with the names of one more plug-in.

    Raises:
        PluginError: with all that is wrong with it.
    """
    others, faults = known.plugins, list[Fault]()
    datasets = _read(lambda: datasets_of(plugin, catalog_with((), others)), faults)
    methods = _read(lambda: methods_of(plugin, methods_with(others)), faults)
    launchers = _read(lambda: launchers_of(plugin, launchers_with(others)), faults)
    trackers = _read(lambda: trackers_of(plugin, trackers_with(others)), faults)
    if faults:
        raise PluginError(faults)
    return replace(
        known,
        datasets={**known.datasets, **{name: _dataset(row) for name, row in datasets.items()}},
        methods={**known.methods, **{name: row.entry for name, row in methods.items()}},
        launchers={**known.launchers, **{name: row.entry(name) for name, row in launchers.items()}},
        trackers={**known.trackers, **{name: row.entry for name, row in trackers.items()}},
        plugins=(*others, plugin),
    )


def _bare() -> Vocabulary:
    """The harness's own names."""
    return Vocabulary(
        datasets={name: _dataset(row) for name, row in DATASETS.items()},
        backbones=BackboneNames(tuple(WELL_KNOWN), name_fault, file_of),
        methods={name: row.entry for name, row in METHODS.items()},
        launchers={name: row.entry(name) for name, row in LAUNCHERS.items()},
        trackers={name: row.entry for name, row in TRACKERS.items()},
        plug=plug,
    )


def _with_installed(known: Vocabulary) -> Vocabulary:
    """The names with those of installed plug-ins, and what is wrong with those that cannot be used."""
    there = {plugin.source.name for plugin in known.plugins}
    plugins, unread = installed_plugins()
    for plugin in plugins:
        try:
            known = known if plugin.source.name in there else plug(known, plugin)
        except PluginError as error:
            unread = (*unread, error)
    return replace(known, unread=unread)


def _dataset(row: DatasetRow) -> DatasetEntry:
    return DatasetEntry(row.template, row.smallest_class, row.trains)


def _read(read: Callable[[], Mapping[str, _Row]], faults: list[Fault]) -> Mapping[str, _Row]:
    """The rows that are read; none where they cannot be, with the faults added to those of other tables."""
    try:
        return read()
    except PluginError as error:
        faults += error.faults
        return {}
