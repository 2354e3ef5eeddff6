"""Checks of a whole plug-in: that it is read, stays light, and keeps what its methods and data sets owe."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from harness.data.catalog import DATASETS
from harness.data.own import datasets_of
from harness.dispatch.table import LAUNCHERS, LauncherRow, launchers_of
from harness.methods.table import METHODS, methods_of
from harness.plugins.plugin import Plugin
from harness.plugins.reading import file_plugin, installed_plugins
from harness.testing.check import Check
from harness.testing.datasets import dataset_checks
from harness.tracking.table import TRACKERS, TrackerRow, trackers_of

_HEAVY = ("torch", "torchvision", "open_clip")
_LOOK = """
import sys
from pathlib import Path
from harness.plugins.reading import file_plugin, installed_plugins
file_plugin(Path(sys.argv[1])) if sys.argv[1].endswith(".py") else installed_plugins()
print(*(name for name in sys.argv[2:] if name in sys.modules))
"""


def plugin_checks(plugin: str | Path, data: Path | None = None) -> tuple[Check, ...]:
    """The checks of a plug-in, but for launchers and trackers, which need a place to be tried at.

    Args:
        plugin: a file, or the name of an entry point.
        data: the data root of its data sets; without it only those are tried that come with a package.

    Raises:
        PluginError: it cannot be read, or a row cannot be used.
    """
    found = read_plugin(plugin)
    checks = [Check(f"{found.source.name}: is read without torch", lambda _: _is_light(plugin))]
    methods = methods_of(found, METHODS)
    if methods:
        from harness.testing.methods import method_checks  # which needs torch

        for name, row in methods.items():
            checks += method_checks(name, row)
    for dataset in datasets_of(found, DATASETS).values():
        if data is not None or dataset.layout.folder is None:
            checks += dataset_checks(dataset, data)
    return tuple(checks)


def launcher_row(plugin: str | Path, name: str) -> LauncherRow:
    """The row of a plug-in's launcher."""
    return launchers_of(read_plugin(plugin), LAUNCHERS)[name]


def tracker_row(plugin: str | Path, name: str) -> TrackerRow:
    """The row of a plug-in's tracker."""
    return trackers_of(read_plugin(plugin), TRACKERS)[name]


def read_plugin(plugin: str | Path) -> Plugin:
    """The plug-in in a file, or that of an entry point.

    Raises:
        PluginError: it cannot be read.
        KeyError: there is no such entry point.
    """
    if str(plugin).endswith(".py"):
        return file_plugin(Path(plugin))
    plugins, unread = installed_plugins()
    for error in unread:
        if error.faults[0].where.partition(" ")[0] == plugin:
            raise error
    return {each.source.name.partition(" ")[0]: each for each in plugins}[str(plugin)]


def _is_light(plugin: str | Path) -> None:
    """Planning reads a plug-in, and should not wait for torch."""
    command = [sys.executable, "-P", "-c", _LOOK, str(plugin), *_HEAVY]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    loaded = ended.stdout.split()
    assert not loaded, f"its module imports {', '.join(loaded)}: put what needs it into a file beside it"
