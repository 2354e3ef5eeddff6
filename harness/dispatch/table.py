"""The launchers that are known by name; the module of each is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

from harness.dispatch.launcher import Launcher, Site
from harness.matrix.launching import LAUNCHERS as NAMES
from harness.matrix.launching import LauncherEntry, Launching
from harness.matrix.tracking import NoOptions
from harness.plugins.plugin import Plugin
from harness.plugins.tables import load_target, model_faults, targeted_rows, with_rows


@dataclass(frozen=True, slots=True)
class LauncherRow:
    """A launcher, and what is known of it before it is made.

    Attributes:
        target: of what makes it, called with its options and a ``Site``: ``module:name``; in a plug-in also
            ``:name`` for its own module, and ``.file:name`` for a file beside it.
        options: a pydantic model that checks what a matrix says of it; an instance of it is handed to ``target``.
        is_here: whether its workers run on this machine, so that devices are chosen here.
        auto: what ``--device auto`` means where they do not: ``cuda``, ``cpu``, or ``auto`` for a launcher that
            looks, and then says so by an attribute ``device``.
        keeps_jobs: whether its jobs go on without the command, and are found again by the next one.
        plugin: the name of the plug-in that it comes from; empty for the harness's own.
    """

    target: str
    options: type[BaseModel] = NoOptions
    is_here: bool = False
    auto: Literal["cuda", "cpu", "auto"] = "cuda"
    keeps_jobs: bool = False
    plugin: str = ""

    def entry(self, name: str) -> LauncherEntry:
        """What the parser needs of it."""
        if not self.plugin:
            return NAMES[name]
        fields = self.options.model_fields.items()
        return LauncherEntry(tuple(field.alias or key for key, field in fields), self.options)


LauncherTable = Mapping[str, LauncherRow]

LAUNCHERS: LauncherTable = {
    "local": LauncherRow("harness.dispatch.local:open_local", Launching, is_here=True),
    "slurm": LauncherRow("harness.dispatch.slurm:open_slurm", Launching, keeps_jobs=True),
    "ray": LauncherRow("harness.dispatch.ray:open_ray", Launching, auto="auto"),
}


def launchers_of(plugin: Plugin, known: LauncherTable) -> dict[str, LauncherRow]:
    """The launchers of a plug-in beside those that are ``known``.

    Raises:
        PluginError: with all that is wrong with them.
    """
    return targeted_rows(plugin, "LAUNCHERS", LauncherRow, known, _faults)


def launchers_with(plugins: Iterable[Plugin]) -> LauncherTable:
    """All known launchers, and those of plug-ins.

    Raises:
        PluginError: with all that is wrong with one of them.
    """
    return with_rows(LAUNCHERS, plugins, launchers_of)


def open_launcher(row: LauncherRow, launching: Launching, site: Site) -> Launcher:
    """A row's launcher.

    Raises:
        HarnessError: the engine is not installed, or cannot be reached.
        PluginError: it is a plug-in's, and cannot be made.
    """
    options = row.options.model_validate(dict(launching.options)) if row.plugin else launching
    launcher: Launcher = load_target(row.target, row.plugin, options, site)
    return launcher


def _faults(row: LauncherRow) -> Iterator[str]:
    """What is wrong with a plug-in's row."""
    unusable = model_faults(row.options)
    yield from unusable
    if not unusable and "kind" in row.options.model_fields:
        yield "its options must have no field `kind`, which is the launcher's name."
    if row.keeps_jobs:
        yield "keeps_jobs is for Slurm: how other engines' jobs stand, later commands cannot ask."
