"""The known names, handed to the matrix parser as a value so that it never looks anything up itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.errors import PluginError, did_you_mean
from harness.files import is_plain_name
from harness.matrix.cell import CLASSES, Scalar
from harness.matrix.launching import LAUNCHERS, LauncherNames
from harness.matrix.protocol import Number
from harness.matrix.template import spelled, template_fault
from harness.matrix.tracking import TRACKERS, TrackerNames
from harness.plugins.plugin import Plugin


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a method: its default and what it may be.

    ``kind`` is ``word`` (one of ``allowed``), ``count`` (a whole number above zero), ``text`` (any words, or
    null), ``template`` (what ``matrix.template`` describes; the default is the data set's own sentence) or
    ``name`` (of a file, which has to be given).
    """

    kind: str
    default: Scalar = None
    allowed: tuple[str, ...] = ()

    def fault(self, value: object) -> str | None:
        """What is wrong with ``value``; ``None`` when it can be used."""
        if self.kind == "word":
            return None if value in self.allowed else f"must be one of {', '.join(self.allowed)}, not {value!r}."
        if self.kind == "count":
            whole = isinstance(value, int) and not isinstance(value, bool) and value > 0
            return None if whole else f"must be a whole number above zero, not {value!r}."
        if self.kind == "template":
            return template_fault(value)
        if self.kind == "name":
            return (
                None
                if is_plain_name(value)
                else f"must be a name of letters, digits, '.', '_' and '-', not {value!r}."
            )
        if value is None or (isinstance(value, str) and value.strip()):
            return None
        return f"must be words or null, not {value!r}."

    def read(self, value: Any) -> Scalar:
        """How a usable value stands in a cell."""
        usable: Scalar = spelled(value) if self.kind == "template" else value
        return usable


@dataclass(frozen=True, slots=True)
class DatasetEntry:
    """What the parser needs of a data set.

    Attributes:
        template: its hand-crafted prompt.
        smallest_class: images of its smallest training class, where that is known.
        trains: whether it has training images; a shifted target has none.
        like: the known data set whose numbers of a protocol it has, where that is another one.
    """

    template: str
    smallest_class: int | None = None
    trains: bool = True
    like: str | None = None


@dataclass(frozen=True, slots=True)
class MethodEntry:
    """What the parser needs of a method: the common axes it reads, its own axes, and what it is called.

    Attributes:
        reads: a subset of ``shots seed views protocol``; an axis that is not read is one value in every cell, so
            that a baseline which ignores it is one cell and not many.
        axes: its own axes, by name.
        numbers: of its recipe, by name, besides those that a protocol has for it; ``recipe:`` overrides both.
        label: its name in tables and figures; without it the name in the matrix.
        version: of what it computes; raised, it makes records of before stale.
    """

    reads: frozenset[str] = frozenset()
    axes: Mapping[str, Axis] = field(default_factory=dict)
    numbers: Mapping[str, Number] = field(default_factory=dict)
    label: str = ""
    version: int = 0


def _not_known(name: str) -> str | None:
    return f"{name!r} is not known."


def _no_file(_: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class BackboneNames:
    """What the parser needs of backbones: those with a name of their own, and a judge of ``ARCHITECTURE:WEIGHTS``.

    There are hundreds of the latter and any number of files, so ``judge`` says what is wrong with such a name, or
    ``None``; ``file_of`` gives architecture and path of ``ARCHITECTURE:FILE``, or ``None`` for other names.
    """

    well_known: tuple[str, ...]
    judge: Callable[[str], str | None] = _not_known
    file_of: Callable[[str], tuple[str, str] | None] = _no_file

    def fault(self, name: object) -> str | None:
        """What is wrong with ``name``; ``None`` when it can be used."""
        if isinstance(name, str) and name in self.well_known:
            return None
        if isinstance(name, str) and ":" in name:
            reason = self.judge(name)
            return None if reason is None else f"backbone {name!r}: {reason}"
        known = did_you_mean(name, self.well_known)
        return f"unknown backbone {name!r}. {known} Any other is written ARCHITECTURE:TAG or ARCHITECTURE:FILE."


def _no_plugins(_: Vocabulary, plugin: Plugin) -> Vocabulary:
    raise PluginError(f"{plugin.source.name}: plug-ins are not read here.")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All names that a matrix may use.

    Attributes:
        datasets: by name.
        backbones: those with a name, and a judge of all others.
        methods: by name.
        precisions: number formats of the towers.
        classes: all, or halves.
        launchers: by name.
        trackers: by name.
        plugins: those whose names are among these.
        plug: the vocabulary with the names of one more plug-in; raises PluginError with all that is wrong with it.
        unread: what is wrong with installed plug-ins whose names are missing here.
    """

    datasets: Mapping[str, DatasetEntry]
    backbones: BackboneNames
    methods: Mapping[str, MethodEntry]
    precisions: tuple[str, ...] = ("fp32", "amp", "bf16", "fp16")
    classes: tuple[str, ...] = CLASSES
    launchers: LauncherNames = field(default_factory=lambda: LAUNCHERS)
    trackers: TrackerNames = field(default_factory=lambda: TRACKERS)
    plugins: tuple[Plugin, ...] = ()
    plug: Callable[[Vocabulary, Plugin], Vocabulary] = _no_plugins
    unread: tuple[PluginError, ...] = ()
