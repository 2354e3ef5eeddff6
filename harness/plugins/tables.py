"""The rows of plug-ins' tables: what all rooms ask of them, and what is behind them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel

from harness.errors import Fault, HarnessError, PluginError
from harness.files import is_plain_name
from harness.plugins.broken import broken
from harness.plugins.plugin import Plugin, PluginSource

Row = TypeVar("Row")


class Targeted(Protocol):
    """A row, a frozen dataclass, that stands for code which is imported when it is used.

    ``target`` is where that is, and ``plugin`` names whose it is; empty for the harness's own.
    """

    @property
    def target(self) -> str: ...  # noqa: D102 - see above

    @property
    def plugin(self) -> str: ...  # noqa: D102


TargetedRow = TypeVar("TargetedRow", bound=Targeted)


def rows_of(
    plugin: Plugin,
    table: str,
    kind: type[Row],
    known: Collection[str],
    faults_of: Callable[[str, Row], Iterable[str]],
) -> dict[str, Row]:
    """The rows of one table, by name.

    Args:
        plugin: whose table it is.
        table: its name.
        kind: what a row has to be.
        known: names that are taken.
        faults_of: what is wrong with a row of the right kind.

    Raises:
        PluginError: with all that is wrong.
    """
    rows: dict[str, Row] = {}
    faults = []
    for name, row in plugin.tables[table].items():
        if not is_plain_name(name):
            found = ["only letters, digits, '.', '_' and '-' may stand in a name."]
        elif name in known:
            found = ["the name is taken; give this one another."]
        elif not isinstance(row, kind):
            found = [f"must be a {kind.__name__}, not {row!r}."]
        else:
            found = _found(faults_of, name, row)
            rows[name] = row
        faults += [Fault(plugin.source.name, f"{table}[{name!r}]: {what}") for what in found]
    if faults:
        raise PluginError(faults)
    return rows


def targeted_rows(
    plugin: Plugin,
    table: str,
    kind: type[TargetedRow],
    known: Collection[str],
    faults_of: Callable[[TargetedRow], Iterable[str]],
) -> dict[str, TargetedRow]:
    """The rows of one table, by name, with their targets in full and the plug-in's name.

    The arguments are those of ``rows_of``; what is wrong with a target need not be found by ``faults_of``.

    Raises:
        PluginError: with all that is wrong.
    """

    def faults(_: str, row: TargetedRow) -> list[str]:
        return [*plugin.target_faults(row.target), *faults_of(row)]

    origin = plugin.source.name
    return {
        name: replace(row, target=plugin.resolved(row.target), plugin=origin)  # type: ignore[type-var]
        for name, row in rows_of(plugin, table, kind, known, faults).items()
    }


def with_rows(
    own: Mapping[str, Row],
    plugins: Iterable[Plugin],
    rows: Callable[[Plugin, Mapping[str, Row]], Mapping[str, Row]],
) -> dict[str, Row]:
    """The harness's own rows and those of plug-ins, each of which is read beside the ones before.

    Raises:
        PluginError: with all that is wrong with one of them.
    """
    known = dict(own)
    for plugin in plugins:
        known |= rows(plugin, known)
    return known


def _found(faults_of: Callable[[str, Row], Iterable[str]], name: str, row: Row) -> list[str]:
    """What is wrong with a row; one whose parts are of other kinds than they should be breaks who looks at it."""
    found: list[str] = []
    try:
        found.extend(faults_of(name, row))
    except (AttributeError, TypeError, ValueError) as error:
        found.append(f"cannot be read: {error}.")
    return found


def model_faults(options: object) -> list[str]:
    """What is wrong with the model of a row's options."""
    if isinstance(options, type) and issubclass(options, BaseModel):
        return []
    return [f"its options must be a pydantic model, not {options!r}."]


def load_target(target: str, origin: str, *arguments: Any) -> Any:
    """What comes back from a target in full, called with these arguments.

    ``origin`` is the plug-in whose it is; without one it is the harness's own, whose errors are left as they are.

    Raises:
        PluginError: a plug-in's module cannot be imported, has no such name, or the call fails.
    """
    module, _, attribute = target.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)(*arguments)
    except HarnessError:
        raise
    except (Exception, SystemExit) as error:  # whatever somebody else's code raises
        if not origin:
            raise
        raise broken(origin, error) from error


def having(plugins: Iterable[Plugin], names: Mapping[str, Collection[str]]) -> tuple[Plugin, ...]:
    """The plug-ins that have one of these names in the table that it is given for."""
    return tuple(
        plugin
        for plugin in plugins
        if any(name in plugin.tables[table] for table, wanted in names.items() for name in wanted)
    )


def sources_of(plugins: Iterable[Plugin], names: Mapping[str, Collection[str]]) -> tuple[PluginSource, ...]:
    """Where rows of these names come from; nothing where none of the plug-ins has one."""
    return tuple(plugin.source for plugin in having(plugins, names))


def digests_of(plugins: Iterable[Plugin], names: Mapping[str, Collection[str]]) -> dict[str, str]:
    """Digests of the plug-ins that rows of these names come from, by the plug-ins' names."""
    return {source.name: source.digest for source in sources_of(plugins, names)}
