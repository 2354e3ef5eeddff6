"""A matrix: what a YAML asks for, expanded into cells."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import Fault, MatrixError, did_you_mean
from harness.matrix.cell import CELL_KEYS, Cell, Recipe
from harness.matrix.launching import NO_OPTIONS, Launching
from harness.matrix.plugged import read_plugins, unread_faults, used_plugins
from harness.matrix.protocol import PROTOCOLS, Number
from harness.matrix.schema import LEFT_OUT, RESERVED_NAMES, LogitsRule, MatrixFile, read_matrix_file
from harness.matrix.source import DatasetSource, read_sources
from harness.matrix.template import OWN, resolved, spelled, template_fault
from harness.matrix.tracking import UNTRACKED, Tracking, read_tracking
from harness.matrix.vocabulary import MethodEntry, Vocabulary
from harness.matrix.weights import WeightsSource, read_weights
from harness.matrix.yaml_file import Path_, YamlFile, beside, read_yaml, spell
from harness.plugins.plugin import Plugin

Axes = dict[str, tuple[Any, ...]]  # from a key of the cell to its values

# Keys of the YAML that are spelled otherwise than the cell's, and those that are the same.
_SHARED_AXES = {
    "dataset": "datasets",
    "backbone": "backbones",
    "seed": "seeds",
    "shots": "shots",
    "classes": "classes",
    "evaluate_on": "evaluate_on",
    "precision": "precision",
    "protocol": "protocol",
    "views": "views",
}
_COMMON_READS = ("dataset", "backbone", "classes", "precision", "evaluate_on")  # every method reads these
_MOST_CELLS = 1_000_000  # of one entry; ten times the largest matrix that the harness is measured with
_UNREAD: dict[str, Any] = {"shots": 0, "seed": None, "views": None, "protocol": None}


@dataclass(frozen=True, slots=True)
class Matrix:
    """A named set of cells.

    Attributes:
        name: the YAML's ``name``, else its file stem; the folder under ``results/``.
        cells: without repeats, in the order of the YAML.
        description: what it is, in a line of the YAML's own.
        fewer_shots: whether a class that holds fewer images than ``shots`` is taken whole.
        tracking: where finished cells are mirrored to.
        data: folder of the data sets, if the YAML names one; absolute, or relative to the YAML's folder.
        sources: the data sets that the YAML describes itself.
        weights: the weights files that the YAML names.
        logits: whether logits of test images are kept: where they are small (``auto``), ``always`` or ``never``.
        launcher: where and how it is run.
        plugins: those that the YAML names, and installed ones that something of it comes from.
        labels: printed names of methods that plug-ins bring along.
        versions: of those methods.
    """

    name: str
    cells: tuple[Cell, ...]
    description: str = ""
    fewer_shots: bool = False
    tracking: Tracking = UNTRACKED
    data: str | None = None
    sources: tuple[DatasetSource, ...] = ()
    weights: tuple[WeightsSource, ...] = ()
    logits: LogitsRule = "auto"
    launcher: Launching = NO_OPTIONS
    plugins: tuple[Plugin, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)


def read_matrix(path: Path, vocabulary: Vocabulary) -> Matrix:
    """The matrix that a YAML file describes.

    Axes multiply; ``exclude`` then removes the cells that match all keys of an entry; ``include`` adds the
    product of its own axes, with the matrix's axes for those it does not name.

    Raises:
        MatrixError: with every fault of the file.
    """
    file, vocabulary, faults = read_plugins(read_yaml(path), vocabulary)
    file, vocabulary, weights, found = read_weights(file, vocabulary)
    faults += found
    file, vocabulary, sources, found = read_sources(file, vocabulary)
    faults += found
    file, tracking, found = read_tracking(file, vocabulary.trackers)
    faults += found
    typed, found = read_matrix_file(file, vocabulary)
    faults += found
    reader = _Expansion(file, typed, vocabulary, faults)
    cells = reader.cells()
    if typed.name is None and path.stem in RESERVED_NAMES:
        faults.append(Fault(str(path), f"the name {path.stem!r} is taken; write `name: OTHER` into the file."))
    if faults:
        faults += unread_faults(faults, vocabulary)
        raise MatrixError(sorted(dict.fromkeys(faults), key=_line_of))
    if not cells:
        raise MatrixError(Fault(str(path), "describes no cell: exclude removes them all."))
    data = None if typed.data is None else str(beside(path, typed.data))
    plugged = {name for plugin in vocabulary.plugins for name in plugin.tables["METHODS"]}
    methods = {cell.method: vocabulary.methods[cell.method] for cell in cells if cell.method in plugged}
    return Matrix(
        typed.name or path.stem,
        cells,
        description=typed.description,
        fewer_shots=typed.fewer_shots == "allow",
        tracking=tracking,
        data=data,
        sources=sources,
        weights=weights,
        logits=typed.logits,
        launcher=typed.launcher,
        plugins=_used(vocabulary, cells, sources, typed.launcher, tracking),
        labels={name: entry.label for name, entry in methods.items() if entry.label},
        versions={name: entry.version for name, entry in methods.items()},
    )


def _used(
    vocabulary: Vocabulary,
    cells: Iterable[Cell],
    sources: Iterable[DatasetSource],
    launcher: Launching,
    tracking: Tracking,
) -> tuple[Plugin, ...]:
    """The plug-ins that a matrix names, or that something of it comes from."""
    pairs = list(dict.fromkeys((cell.method, cell.dataset, cell.target()[0]) for cell in cells))
    datasets = [name for _, *both in pairs for name in both] + [source.like or "" for source in sources]
    return used_plugins(vocabulary, [method for method, *_ in pairs], datasets, launcher.kind, tracking.tracker)


def _line_of(fault: Fault) -> tuple[int, str]:
    """Sort key: the line that the fault's place names."""
    numbers = [part for part in fault.where.split(":") if part.isdecimal()]
    return (int(numbers[0]) if numbers else 0, fault.where)


@dataclass(frozen=True, slots=True)
class _Expansion:
    """One expansion: the typed file, the names it may use, and the list that its faults are added to."""

    file: YamlFile
    typed: MatrixFile
    vocabulary: Vocabulary
    faults: list[Fault]

    def cells(self) -> tuple[Cell, ...]:
        """All cells; what is at fault is left out and added to ``faults``."""
        self._check_repeats()
        self._check_recipe_keys()
        shared = {key: getattr(self.typed, name) for key, name in _SHARED_AXES.items()}
        entries = [self._entry(place, entry) for place, entry in self._entries("methods")]
        methods = [(place, axes) for place, axes in entries if axes is not None]
        cells = [cell for place, axes in methods for cell in self._product(place, shared | axes)]
        cells = self._exclude(cells)
        for place, entry in self._entries("include"):
            cells += self._include(place, entry, shared, methods)
        unique = tuple(dict.fromkeys(cells))
        self._check_protocols(unique)
        self._check_trainable(unique)
        self._check_class_sizes(unique)
        return unique

    def _fault(self, place: Path_, what: str) -> None:
        self.faults.append(Fault(self.file.where(place), what))

    def _entries(self, key: str) -> list[tuple[Path_, dict[str, Any]]]:
        """The readable entries of ``methods``, ``include`` or ``exclude``, each with its place in the file."""
        entries = enumerate(getattr(self.typed, key))
        return [((key, index), entry) for index, entry in entries if entry != LEFT_OUT]

    # --- entries -------------------------------------------------------------------------------------------

    def _entry(self, place: Path_, entry: Mapping[str, Any]) -> tuple[Path_, Axes | None]:
        """The axes of one entry of ``methods``; ``None`` when its method is unknown."""
        name = str(entry.get("method") or "")
        if name not in self.vocabulary.methods:
            known = tuple(self.vocabulary.methods)
            what = (
                f"unknown method {name!r}. {did_you_mean(name, known)}"
                if name
                else "names no method: add `method: NAME`."
            )
            self._fault((*place, "method") if name else place, what)
            return place, None
        method = self.vocabulary.methods[name]
        known = ("recipe", *method.axes, *(_SHARED_AXES if place[0] == "include" else ()))
        axes: Axes = {"method": (name,)}
        for key, value in entry.items():
            if key in method.axes:
                values = self._values((*place, key), value, method.axes[key].fault)
                axes[key] = tuple(map(method.axes[key].read, values))
            elif key == "recipe":
                axes[key] = (self._recipe_overrides((*place, key), value, (name,)),)
            elif key != "method":
                self._fault((*place, key), f"unknown axis of {name}. {did_you_mean(key, known)}")
        for key, axis in method.axes.items():
            if axis.kind == "name" and key not in entry:
                self._fault(place, f"{name} needs `{key}: NAME` beside it.")
        return place, axes

    def _values(self, place: Path_, value: Any, check: Any) -> tuple[Any, ...]:
        """The usable items of an axis; a single value is a list of one."""
        items = tuple(value) if isinstance(value, list) else (value,)
        if not items:
            self._fault(place, "is empty; give at least one value, or leave the key out.")
        if len({repr(item) for item in items}) < len(items):
            self._fault(place, "holds a value twice.")
        kept = []
        for index, item in enumerate(items):
            what = check(item)
            if what is None:
                kept.append(item)
            else:
                self._fault((*place, index) if isinstance(value, list) else place, what)
        return tuple(kept)

    def _include(
        self, place: Path_, entry: dict[str, Any], shared: Axes, methods: list[tuple[Path_, Axes]]
    ) -> list[Cell]:
        """The cells that one entry of ``include`` adds."""
        own = {key: value for key, value in entry.items() if key in _SHARED_AXES}
        rest = {key: value for key, value in entry.items() if key not in _SHARED_AXES}
        axes = self._shared_values(place, own)
        if "method" in rest:
            bases = [(place, found)] if (found := self._entry(place, rest)[1]) is not None else []
        else:
            for key in rest:
                self._fault((*place, key), f"needs `method:` beside it. {did_you_mean(key, tuple(_SHARED_AXES))}")
            bases = methods
        return [cell for where, base in bases for cell in self._product(where, shared | base | axes)]

    def _shared_values(self, place: Path_, entry: Mapping[str, Any]) -> Axes:
        """Axes of an ``include`` entry, checked by the same rules as the top-level ones."""
        content = {_SHARED_AXES[key]: value for key, value in entry.items()}
        inside = YamlFile(
            self.file.path,
            content,
            {
                (_SHARED_AXES[key], *inner[len(place) + 1 :]): line
                for key in entry
                for inner, line in self.file.lines.items()
                if inner[: len(place) + 1] == (*place, key)
            },
            prefix=f"{spell(place)}: ",
        )
        typed, found = read_matrix_file(inside, self.vocabulary, required=())
        self.faults.extend(found)
        return {key: getattr(typed, _SHARED_AXES[key]) for key in entry}

    def _exclude(self, cells: list[Cell]) -> list[Cell]:
        """``cells`` without those that match an entry of ``exclude``."""
        keys = set(CELL_KEYS) | {key for entry in self.vocabulary.methods.values() for key in entry.axes}
        for place, entry in self._entries("exclude"):
            unknown = [key for key in entry if key not in keys]
            for key in unknown:
                self._fault((*place, key), f"unknown axis. {did_you_mean(key, sorted(keys))}")
            matching = {cell for cell in cells if entry and not unknown and self._matches(cell, entry)}
            if not unknown and not matching and cells:
                self._fault(place, "matches no cell of the matrix.")
            cells = [cell for cell in cells if cell not in matching]
        return cells

    def _matches(self, cell: Cell, entry: Mapping[str, Any]) -> bool:
        """Whether the cell has one of the entry's values at every key of the entry."""
        flat = cell.to_dict()
        wanted = {key: value if isinstance(value, list) else [value] for key, value in entry.items()}
        if "template" in wanted and cell.template is not None:
            own = self._own_template(cell.dataset, cell.evaluate_on)
            usable = [value for value in wanted["template"] if template_fault(value) is None]
            wanted["template"] = [resolved(spelled(value), own) for value in usable]
        return all(flat.get(key) in values for key, values in wanted.items())

    def _own_template(self, dataset: str, evaluate_on: str | None) -> str:
        """The hand-crafted sentence of the data set that is evaluated on."""
        datasets = self.vocabulary.datasets
        return datasets.get(evaluate_on or dataset, datasets[dataset]).template

    # --- product -------------------------------------------------------------------------------------------

    def _product(self, place: Path_, axes: Axes) -> Iterator[Cell]:
        """The cells of one method over ``axes``; an axis that the method does not read is one value."""
        name = axes["method"][0]
        method = self.vocabulary.methods[name]
        for key in ("shots", "seed"):
            if key in method.reads and not axes[key] and _SHARED_AXES[key] not in self.file.content:
                self._fault(place, f"{name} reads the axis {_SHARED_AXES[key]!r}, which the matrix does not have.")
        overrides = {**self._top_recipe(name), **dict(axes.get("recipe", ((),))[0])}
        keys = [*_COMMON_READS, *(key for key in _UNREAD if key in method.reads), *method.axes]
        # What is trained is always evaluated on its own test images, too.
        axes = axes | {"evaluate_on": (None, *axes["evaluate_on"])}
        values = [axes.get(key, (method.axes[key].default,) if key in method.axes else ()) for key in keys]
        n_cells = math.prod(map(len, values))
        if n_cells > _MOST_CELLS:
            self._fault(place, f"{name} would have {n_cells:,} cells; {_MOST_CELLS:,} are the most.")
            return
        for point in itertools.product(*values):
            yield self._cell(name, method, dict(zip(keys, point, strict=True)), overrides)

    def _cell(self, name: str, method: MethodEntry, point: dict[str, Any], overrides: dict[str, Any]) -> Cell:
        """One resolved cell: defaults of data set and protocol filled in."""
        flat: dict[str, Any] = _UNREAD | point | {"method": name}
        if flat["evaluate_on"] in (flat["dataset"], flat["classes"]):
            flat["evaluate_on"] = None  # its own test images
        dataset = self.vocabulary.datasets[flat["dataset"]]
        if "template" in method.axes:
            own = self._own_template(flat["dataset"], flat["evaluate_on"])
            flat["template"] = resolved(flat["template"] or OWN, own)
        if flat.get("ctx_init"):
            flat["n_ctx"] = len(str(flat["ctx_init"]).replace("_", " ").split())
        if flat["protocol"] is not None:
            protocol = PROTOCOLS[flat["protocol"]]
            flat["recipe"] = protocol.recipe(name, dataset.like or flat["dataset"], flat["shots"])
            if protocol.shares_words and flat.get("ctx_init") and "context" in method.axes:
                flat["context"] = "unified"  # class_specific would be the same training under another name
        if flat["protocol"] is not None or method.numbers:
            defaults = {key: number.default for key, number in method.numbers.items()}
            flat["recipe"] = {**flat.get("recipe", {}), **defaults, **overrides}
        return Cell.from_dict(flat)

    # --- recipe --------------------------------------------------------------------------------------------

    def _numbers(self, method: str) -> dict[str, Number]:
        """All recipe numbers of a method: those that the protocols in use give it, and its own."""
        found: dict[str, Number] = {}
        for protocol in self.typed.protocol:
            found |= PROTOCOLS[protocol].numbers.get(method, {})
        return {**found, **self.vocabulary.methods[method].numbers}

    def _recipe_overrides(self, place: Path_, recipe: Any, methods: tuple[str, ...]) -> Recipe:
        """The usable overrides, sorted by name."""
        if not isinstance(recipe, dict):
            self._fault(place, f"must hold `number: value` lines, not {recipe!r}.")
            return ()
        numbers = [self._numbers(method) for method in methods]
        known = tuple(dict.fromkeys(key for each in numbers for key in each))
        usable = {}
        for key, value in recipe.items():
            if key not in known:
                self._fault((*place, str(key)), f"unknown number of a recipe. {did_you_mean(key, known)}")
            for number in (each[key] for each in numbers if key in each):
                if (what := number.fault(value)) is not None:
                    self._fault((*place, str(key)), what)
                else:
                    usable[key] = number.read(value)
        return tuple(sorted(usable.items()))

    def _check_recipe_keys(self) -> None:
        """Check the top-level recipe once, against all methods in the matrix."""
        names = [str(entry.get("method")) for entry in (*self.typed.methods, *self.typed.include)]
        methods = tuple(name for name in dict.fromkeys(names) if name in self.vocabulary.methods)
        self._recipe_overrides(("recipe",), self.typed.recipe, methods)

    def _top_recipe(self, method: str) -> dict[str, Any]:
        """The top-level overrides that ``method`` reads."""
        numbers = self._numbers(method)
        return {
            key: numbers[key].read(value)
            for key, value in self.typed.recipe.items()
            if key in numbers and numbers[key].fault(value) is None
        }

    # --- checks over the whole file ------------------------------------------------------------------------

    def _check_repeats(self) -> None:
        for name in ("methods", *_SHARED_AXES.values()):
            items = self.file.content.get(name)
            if isinstance(items, list):
                spelled = [repr(item) for item in items]  # 1 and True are equal, but not the same value
                for item in sorted({item for item in spelled if spelled.count(item) > 1}):
                    self._fault((name,), f"holds {item} twice.")

    def _check_protocols(self, cells: tuple[Cell, ...]) -> None:
        """A protocol may have no numbers for a method that others have numbers for."""
        for protocol, method in dict.fromkeys((cell.protocol, cell.method) for cell in cells):
            having = [name for name, each in PROTOCOLS.items() if method in each.numbers]
            if protocol is not None and having and protocol not in having:
                what = (
                    f"the protocol {protocol} has no numbers for {method}; those that have: {', '.join(having)}."
                )
                mend = f"Or write `exclude: [{{method: {method}, protocol: {protocol}}}]`."
                self._fault(("protocol",), f"{what} {mend}")

    def _check_trainable(self, cells: tuple[Cell, ...]) -> None:
        """A target without training images can be evaluated on, and used by methods that learn from none."""
        for dataset, method in dict.fromkeys((cell.dataset, cell.method) for cell in cells):
            reads = self.vocabulary.methods[method].reads
            if "shots" in reads and not self.vocabulary.datasets[dataset].trains:
                what = f"{dataset} has no training images for {method}; it is a target to evaluate on."
                self._fault(
                    ("datasets",), f"{what} Exclude these cells, or use methods that learn from no images."
                )

    def _check_class_sizes(self, cells: tuple[Cell, ...]) -> None:
        """More shots than the smallest class holds is a fault unless the matrix allows fewer."""
        if self.typed.fewer_shots == "allow":
            return
        for dataset, shots in dict.fromkeys((cell.dataset, cell.shots) for cell in cells):
            smallest = self.vocabulary.datasets[dataset].smallest_class
            if smallest and isinstance(shots, int) and shots > smallest:
                written = self.file.content.get("shots")
                index = written.index(shots) if isinstance(written, list) and shots in written else None
                place: Path_ = ("shots",) if index is None else ("shots", index)
                self._fault(
                    place,
                    f"{shots} shots are more than the smallest class of {dataset} holds, {smallest} images. "
                    "Take fewer shots, or write `fewer_shots: allow` to take such a class whole.",
                )
