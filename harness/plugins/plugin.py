"""A plug-in as a value, and the source that stands for it elsewhere."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from harness.files import canonical_json, digest_text

TABLES = ("METHODS", "DATASETS", "LAUNCHERS", "TRACKERS")
TARGET = re.compile(r"(?P<module>\.\w+(?:\.\w+)*|\w+(?:\.\w+)*)?:(?P<attribute>\w+)")


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
        found = TARGET.fullmatch(target)
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
