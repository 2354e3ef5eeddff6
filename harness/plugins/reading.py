"""Plug-ins from files, from installed packages, and again from their sources."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from harness.errors import Fault, PluginError
from harness.plugins.broken import broken
from harness.plugins.module import digests, import_file
from harness.plugins.plugin import TABLES, Plugin, PluginSource

GROUP = "harness.plugins"  # of entry points


def file_plugin(path: Path) -> Plugin:
    """The plug-in in a file. It imports files beside it as ``from .other import name``.

    Raises:
        PluginError: the file cannot be read or imported, or has none of the tables.
    """
    source = PluginSource(name=path.name, file=str(path.absolute()), files=_digests(path, path.name))
    return _plugin(source, lambda: import_file(path, source))


def installed_plugins() -> tuple[tuple[Plugin, ...], tuple[PluginError, ...]]:
    """The plug-ins that installed packages name, by name; and what is wrong with those that cannot be used."""
    plugins: list[Plugin] = []
    unread: list[PluginError] = []
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value)):
        try:
            plugins.append(_installed(entry))
        except PluginError as error:
            unread.append(error)
    return tuple(plugins), tuple(unread)


def load_plugins(sources: Iterable[PluginSource]) -> tuple[Plugin, ...]:
    """The very plug-ins that the sources stand for, here or on another machine.

    Raises:
        PluginError: one is missing, cannot be imported, or is not what it was.
    """
    plugins = []
    for source in sources:
        plugin = _again(source)
        if plugin.source.files != source.files:
            changed = sorted(
                name
                for name in {*plugin.source.files, *source.files}
                if plugin.source.files.get(name) != source.files.get(name)
            )
            what = f"is not what it was when this was asked for: {', '.join(changed)} changed."
            raise PluginError(Fault(source.name, what, "Run `harness run` again, which takes it as it is now."))
        plugins.append(plugin)
    return tuple(plugins)


def _again(source: PluginSource) -> Plugin:
    """The plug-in of that source as it is now."""
    if source.file is not None:
        return file_plugin(Path(source.file))
    for entry in entry_points(group=GROUP):
        if _installed_name(entry) == source.name:
            return _installed(entry)
    what = "is not installed here, or in another version."
    raise PluginError(Fault(source.name, what, "Install it into the environment that workers run in."))


def _installed(entry: EntryPoint) -> Plugin:
    name = _installed_name(entry)
    if entry.attr:
        what = f"its entry point must name a module, not {entry.value!r}."
        raise PluginError(Fault(name, what))
    try:
        found = importlib.util.find_spec(entry.module)
    except (Exception, SystemExit) as error:  # of a package around it, which is imported
        raise broken(name, error) from error
    if found is None or found.origin is None:
        raise PluginError(Fault(name, f"there is no module {entry.module}."))
    source = PluginSource(name=name, module=entry.module, files=_digests(Path(found.origin), name))
    return _plugin(source, lambda: importlib.import_module(entry.module))


def _digests(path: Path, name: str) -> dict[str, str]:
    """The digests of a module's files.

    Raises:
        PluginError: one cannot be read.
    """
    try:
        return digests(path)
    except FileNotFoundError:
        raise PluginError(Fault(name, f"there is no file {path}.")) from None
    except (OSError, ValueError) as error:  # a path with a zero byte is a ValueError
        raise PluginError(Fault(name, f"{path} cannot be read: {error}.")) from None


def _installed_name(entry: EntryPoint) -> str:
    package = "" if entry.dist is None else f" ({entry.dist.name} {entry.dist.version})"
    return f"{entry.name}{package}"


def _plugin(source: PluginSource, load: Callable[[], ModuleType]) -> Plugin:
    """The plug-in whose module ``load`` imports.

    Raises:
        PluginError: it cannot be imported, or has no table that can be read.
    """
    try:
        module = load()
    except (Exception, SystemExit) as error:  # whatever somebody else's code raises
        raise broken(source.name, error) from error
    tables, faults = {}, []
    for table in TABLES:
        found = getattr(module, table, {})
        if isinstance(found, Mapping):
            tables[table] = found
        else:
            faults.append(Fault(source.name, f"{table} must map names to rows, not be {found!r}."))
    if not faults and not any(tables.values()):
        faults.append(Fault(source.name, f"has none of the tables {', '.join(TABLES)}."))
    if faults:
        raise PluginError(faults)
    return Plugin(source, module.__name__, tables)
