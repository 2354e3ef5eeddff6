"""The module in a file: imported under a name of its own, and digested with the files that it names."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import sys
from collections.abc import Iterable, Mapping
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.files import digest_bytes, digest_text
from harness.plugins.plugin import TARGET, PluginSource


def import_file(path: Path, source: PluginSource) -> ModuleType:
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


def digests(path: Path) -> dict[str, str]:
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
            target = TARGET.fullmatch(node.value)
            names = [target["module"][1:]] if target and (target["module"] or "").startswith(".") else []
        else:
            continue
        for name in names:
            place = folder.joinpath(*name.split("."))
            yield place.with_suffix(".py")
            yield place / "__init__.py"
