"""Plug-ins: modules of other people, with tables that look like the harness's own.

A module is a file, which a matrix names, or belongs to an installed package, which names it by an entry point.
Here modules are found, imported and told apart; what may stand in a table, each room says of its own.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import re
import sys
import traceback
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

from harness.errors import Fault, HarnessError, PluginError
from harness.files import canonical_json, digest_bytes, digest_text, is_plain_name

GROUP = "harness.plugins"  # of entry points
TABLES = ("METHODS", "DATASETS", "LAUNCHERS", "TRACKERS")
TRACEBACK = "HARNESS_TRACEBACK"  # set, a plug-in's own traceback is printed
IN_LOG = "log"  # what a worker sets it to

_OWN_NAME = re.compile(r"harness_plugin_(\w+)_[0-9a-f]{8}")  # of a file's module
_TARGET = re.compile(r"(?P<module>\.\w+(?:\.\w+)*|\w+(?:\.\w+)*)?:(?P<attribute>\w+)")

Row = TypeVar("Row")


class PluginSource(BaseModel):
    """Where a plug-in comes from: the value that stands for it in jobs and beside results.

    Attributes:
        name: what people know it by: the file's name, or ``NAME (PACKAGE VERSION)`` of an installed one.
        file: absolute; ``None`` for an installed one.
        module: that an entry point names; ``None`` for a file.
        files: SHA-256 of the module's file and of those beside it that it names, by their names.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    file: str | None = None
    module: str | None = None
    files: dict[str, str]

    @property
    def digest(self) -> str:
        """SHA-256 of its one file, or of the list of its files with theirs."""
        digests = [*self.files.values()]
        return digests[0] if len(digests) == 1 else digest_text(canonical_json(self.files))


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plug-in that was imported: its source, its module's name, and its tables by their names."""

    source: PluginSource
    module: str
    tables: Mapping[str, Mapping[str, Any]]

    def resolved(self, target: str) -> str:
        """``module:name`` in full; ``:name`` is the plug-in's own, ``.other:name`` that of a file beside it.

        Raises:
            ValueError: it is not of this form.
        """
        found = _TARGET.fullmatch(target)
        if found is None:
            raise ValueError(f"must be `:NAME`, `.FILE:NAME` or `MODULE:NAME`, not {target!r}.")
        module = found["module"] or self.module
        if module.startswith("."):
            package = sys.modules[self.module].__package__ or self.module
            module = importlib.util.resolve_name(module, package)
        return f"{module}:{found['attribute']}"

    def target_faults(self, target: str) -> list[str]:
        """What is wrong with a target; nothing when it can be resolved."""
        try:
            self.resolved(target)
        except (TypeError, ValueError) as error:
            return [f"its target {error}"]
        return []


# --- reading ---------------------------------------------------------------------------------------------------


def file_plugin(path: Path) -> Plugin:
    """The plug-in in a file. It imports files beside it as ``from .other import name``.

    Raises:
        PluginError: there is no such file, it cannot be imported, or it has none of the tables.
    """
    if not path.is_file():
        raise PluginError(Fault(path.name, f"there is no file {path}."))
    source = PluginSource(name=path.name, file=str(path.absolute()), files=_digests(path))
    return _plugin(source, lambda: _import_file(path, source))


def installed_plugins() -> tuple[tuple[Plugin, ...], tuple[PluginError, ...]]:
    """The plug-ins that installed packages name, by name; and what is wrong with those that cannot be used."""
    plugins: list[Plugin] = []
    broken: list[PluginError] = []
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value)):
        try:
            plugins.append(_installed(entry))
        except PluginError as error:
            broken.append(error)
    return tuple(plugins), tuple(broken)


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
    source = PluginSource(name=name, module=entry.module, files=_digests(Path(found.origin)))
    return _plugin(source, lambda: importlib.import_module(entry.module))


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


def _import_file(path: Path, source: PluginSource) -> ModuleType:
    """The module in a file: a package whose modules are the files beside it, under a name that is its content's.

    The same content is imported once a process, and ``sys.path`` stays as it is.
    """
    stem, content = re.sub(r"\W", "_", path.stem), digest_text(f"{path.absolute()} {source.digest}")
    name = f"harness_plugin_{stem}_{content[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(
        name, path, loader=_Loader(name, str(path)), submodule_search_locations=[str(path.absolute().parent)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


class _Loader(SourceFileLoader):
    """Compiles what the file says now: bytecode that is kept beside it is told apart only by seconds and size."""

    def path_stats(self, path: str) -> Mapping[str, Any]:
        """Raise OSError, as for a file system without times."""
        raise OSError(path)


def _digests(path: Path) -> dict[str, str]:
    """SHA-256 of a module's file and of the files beside it that it names, one through another, by name."""
    found: dict[str, str] = {}
    waiting = [path]
    while waiting:
        file = waiting.pop()
        name = os.path.relpath(file, path.parent)
        if name in found:
            continue
        content = file.read_bytes()
        found[name] = digest_bytes(content)
        waiting += [beside for beside in _named_in(content, file.parent) if beside.is_file()]
    return dict(sorted(found.items()))


def _named_in(content: bytes, folder: Path) -> Iterable[Path]:
    """The files that a module in a folder names by relative imports and by targets, ``.other:Name``."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):  # which the import says, with its place
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            names = [node.module] if node.module else [alias.name for alias in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            target = _TARGET.fullmatch(node.value)
            names = [target["module"][1:]] if target and (target["module"] or "").startswith(".") else []
        else:
            continue
        for name in names:
            place = folder.joinpath(*name.split("."))
            yield place.with_suffix(".py")
            yield place / "__init__.py"


# --- tables ----------------------------------------------------------------------------------------------------


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
    """What comes back from a target in full, called with these arguments; ``origin`` is whose it is.

    Raises:
        PluginError: its module cannot be imported, has no such name, or the call fails.
    """
    module, _, attribute = target.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)(*arguments)
    except HarnessError:
        raise
    except (Exception, SystemExit) as error:  # whatever somebody else's code raises
        raise broken(origin, error) from error


def sources_of(plugins: Iterable[Plugin], table: str, name: str) -> tuple[PluginSource, ...]:
    """Where the row of that name comes from; nothing where none of the plug-ins has it."""
    return tuple(plugin.source for plugin in plugins if name in plugin.tables[table])


def digests_of(plugins: Iterable[Plugin], names: Mapping[str, Collection[str]]) -> dict[str, str]:
    """Digests of the plug-ins that have one of these names in a table, by the plug-ins' names."""
    return {
        plugin.source.name: plugin.source.digest
        for plugin in plugins
        if any(name in plugin.tables[table] for table, wanted in names.items() for name in wanted)
    }


def broken(name: str, error: BaseException) -> PluginError:
    """What is told of code of a plug-in that failed: one line, with the place in the plug-in's own code."""
    if os.environ.get(TRACEBACK):
        traceback.print_exception(error)
    said = (error.msg if isinstance(error, SyntaxError) else str(error)).splitlines()
    what = ": ".join([type(error).__name__, *(_OWN_NAME.sub(r"\1", line) for line in said[:1])])
    told = {"": f"{TRACEBACK}=1 prints its traceback.", IN_LOG: "The log of the job has its traceback."}
    mend = told.get(os.environ.get(TRACEBACK, ""), "")
    return PluginError(Fault(name, f"cannot be used: {what}{_place(error)}.", mend))


def _place(error: BaseException) -> str:
    """File and line of an error, in brackets; empty where only Python's import failed."""
    if isinstance(error, SyntaxError) and error.filename:
        return f" ({Path(error.filename).name}, line {error.lineno})"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_machinery(frame.filename)]
    return f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""


def _is_machinery(filename: str) -> bool:
    """Whether a frame is of Python's import, or of this file."""
    return filename.startswith("<frozen") or filename in (__file__, importlib.__file__)
