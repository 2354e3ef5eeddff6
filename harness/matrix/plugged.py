"""The ``plugins:`` of a matrix: files that bring methods, data sets, launchers and trackers along."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

from harness.errors import Fault, PluginError
from harness.matrix.vocabulary import Vocabulary
from harness.matrix.yaml_file import Path_, YamlFile, beside
from harness.plugins.plugin import Plugin
from harness.plugins.reading import file_plugin
from harness.plugins.tables import having

_KEY = "plugins"
# How all faults begin that tell of a name which nobody knows, but perhaps a plug-in.
_UNKNOWN = tuple(f"unknown {kind} " for kind in ("method", "dataset", "data set", "target", "launcher", "tracker"))


def read_plugins(file: YamlFile, vocabulary: Vocabulary) -> tuple[YamlFile, Vocabulary, list[Fault]]:
    """The plug-ins that a file names, relative to its folder.

    Returns:
        The file without the key, the vocabulary with the plug-ins' names, and faults.
    """
    content: dict[str, Any] = dict(file.content)
    if content.get(_KEY) in (None, []):  # which the schema tells of
        return file, vocabulary, []
    written = content.pop(_KEY)
    faults: list[Fault] = []
    for index, entry in enumerate(written if isinstance(written, list) else [written]):
        place: Path_ = (_KEY, index) if isinstance(written, list) else (_KEY,)
        if not isinstance(entry, str):
            what = f"must be a Python file, such as `my_method.py`, not {entry!r}."
            faults.append(Fault(file.where(place), what))
            continue
        try:
            vocabulary = vocabulary.plug(vocabulary, file_plugin(beside(file.path, entry).absolute()))
        except PluginError as error:
            faults += [
                Fault(file.where(place), f"{fault.where}: {fault.what}", fault.mend) for fault in error.faults
            ]
    return replace(file, content=content), vocabulary, faults


def unread_faults(faults: Iterable[Fault], vocabulary: Vocabulary) -> list[Fault]:
    """What is wrong with installed plug-ins, where a name is unknown that one of them may have."""
    if not any(fault.what.startswith(_UNKNOWN) for fault in faults):
        return []
    found = [fault for error in vocabulary.unread for fault in error.faults]
    return [Fault(fault.where, f"its names are not known here: {fault.what}", fault.mend) for fault in found]


def used_plugins(
    vocabulary: Vocabulary, methods: Collection[str], datasets: Collection[str], launcher: str, tracker: str
) -> tuple[Plugin, ...]:
    """The plug-ins that are files, and the installed ones that have one of these names."""
    names = {"METHODS": methods, "DATASETS": datasets, "LAUNCHERS": (launcher,), "TRACKERS": (tracker,)}
    used = having(vocabulary.plugins, names)
    return tuple(plugin for plugin in vocabulary.plugins if plugin.source.file is not None or plugin in used)
