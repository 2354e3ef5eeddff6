"""What belongs together: which cells form a group of tables, and which of them form one row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.matrix.cell import Cell, Scalar, Shots
from harness.matrix.protocol import PROTOCOLS
from harness.matrix.template import ENSEMBLES, OWN, parts_of, spelled
from harness.report.numbers.entry import Entry

ZERO_SHOT = "zero_shot"
METHOD_LABELS = {ZERO_SHOT: "Zero-shot", "linear_probe": "Linear probe", "coop": "CoOp", "prompt": "Prompt"}
RECIPE = "recipe."  # before the name of a number that is not the protocol's, among the axes of a row

RowEntries = Mapping["Row", Sequence[Entry]]

_FIRST_METHODS = (ZERO_SHOT, "linear_probe")
_PLAIN_AXES = ("protocol", "views", "context", "n_ctx", "class_token_position", "ctx_init")


@dataclass(frozen=True, slots=True)
class Group:
    """What all cells of one set of tables share; ``classes`` are those that are trained on."""

    backbone: str
    precision: str
    classes: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: a method with every choice but data set, shots and seed.

    Attributes:
        method: name of the method.
        axes: the choices, by name; ``recipe.NAME`` for a number that is not the protocol's; ``template`` is
            ``None`` where each data set has a single one, which may differ from data set to data set.
        label: printed name of a method that a plug-in brings along; empty for others.
    """

    method: str
    axes: tuple[tuple[str, Scalar], ...]
    label: str = field(default="", compare=False, repr=False)

    @property
    def method_name(self) -> str:
        """The printed name of the method; its own where nobody gave another."""
        return METHOD_LABELS.get(self.method) or self.label or self.method

    def axis(self, name: str) -> Scalar:
        """The value of one axis; ``None`` when the row does not have it."""
        return dict(self.axes).get(name)

    @property
    def overrides(self) -> dict[str, Scalar]:
        """The numbers of the recipe that are not the protocol's."""
        return {name.removeprefix(RECIPE): value for name, value in self.axes if name.startswith(RECIPE)}


def group_entries(entries: Iterable[Entry]) -> dict[Group, list[Entry]]:
    """The entries of each group, groups in order of first appearance; a cell counts once."""
    unique: dict[Cell, Entry] = {}
    for entry in entries:
        known = unique.get(entry.cell)
        if known is None or (known.hole and not entry.hole):
            unique[entry.cell] = entry
    groups: dict[Group, list[Entry]] = {}
    for entry in unique.values():
        cell = entry.cell
        group = Group(cell.backbone, cell.precision, cell.classes)
        groups.setdefault(group, []).append(entry)
    return groups


def row_entries(entries: Sequence[Entry]) -> dict[Row, list[Entry]]:
    """The entries of each row of one group: zero-shot, linear probe, then methods as they first appear.

    A cell stands in two rows when both ask for it: an ``epochs`` of 50 is the protocol's own at one shot.
    """
    families: dict[tuple[str, tuple[tuple[str, Scalar], ...]], list[Entry]] = {}
    for entry in entries:
        families.setdefault((entry.cell.method, _family_axes(entry.cell)), []).append(entry)
    rows: dict[Row, list[Entry]] = {}
    for (method, axes), members in families.items():
        epochs = _epochs_rows(members)
        templates = _template_rows([entry.cell for entry in members])
        for entry in members:
            template = templates[entry.cell.target()[0], entry.cell.template]
            for override in epochs[entry.cell]:
                own = (("template", template), *((f"{RECIPE}epochs", value) for value in override))
                rows.setdefault(Row(method, tuple(sorted((*axes, *own))), entry.label), []).append(entry)
    methods = list(dict.fromkeys([*_FIRST_METHODS, *(entry.cell.method for entry in entries)]))
    first = {entry.cell: place for place, entry in reversed(list(enumerate(entries)))}
    place = {row: min(first[entry.cell] for entry in members) for row, members in rows.items()}
    # A cell that two rows share makes both first appear at one place; the protocol's own row goes first.
    order = sorted(rows, key=lambda row: (methods.index(row.method), place[row], len(row.overrides), str(row)))
    return {row: rows[row] for row in order}


def shots_order(shots: Iterable[Shots]) -> list[Shots]:
    """Shot counts without repeats, rising, with ``all`` after the numbers."""
    counts = set(shots)
    numbers: list[Shots] = [*sorted(count for count in counts if isinstance(count, int))]
    return [*numbers, "all"] if "all" in counts else numbers


def _family_axes(cell: Cell) -> tuple[tuple[str, Scalar], ...]:
    """The axes that make a row, apart from template and epochs, whose defaults depend on the point."""
    default = _protocol_recipe(cell)
    recipe = {
        f"{RECIPE}{name}": value
        for name, value in cell.recipe_dict().items()
        if name != "epochs" and (name not in default or value != default[name])
    }
    plain = {name: getattr(cell, name) for name in _PLAIN_AXES}
    return tuple(sorted((plain | dict(cell.extras) | recipe).items()))


def _protocol_recipe(cell: Cell, like: str | None = None) -> Mapping[str, Scalar]:
    """The recipe that the protocol gives this cell; empty where it gives none."""
    protocol = PROTOCOLS.get(cell.protocol or "")
    return {} if protocol is None else protocol.recipe(cell.method, like or cell.dataset, cell.shots)


def _epochs_rows(entries: Sequence[Entry]) -> dict[Cell, list[tuple[Scalar, ...]]]:
    """For each cell of a family, the rows it stands in: ``()`` the protocol's epochs, ``(e,)`` an override.

    The protocol's epochs depend on the shots, so an override may coincide with them at some points; such a
    cell belongs to the override's row, and to the protocol's own when there is one.
    """
    own = {entry.cell: _protocol_recipe(entry.cell, entry.like).get("epochs") for entry in entries}
    trained = {cell: cell.recipe_dict().get("epochs") for cell in own}
    follows = {cell: epochs == own[cell] for cell, epochs in trained.items()}
    overrides = {epochs for cell, epochs in trained.items() if not follows[cell]}
    has_own_row = any(follows[cell] and epochs not in overrides for cell, epochs in trained.items())
    rows: dict[Cell, list[tuple[Scalar, ...]]] = {}
    for cell, epochs in trained.items():
        rows[cell] = [] if epochs not in overrides else [(epochs,)]
        if follows[cell] and (has_own_row or epochs not in overrides):
            rows[cell].append(())
    return rows


def _template_rows(cells: Sequence[Cell]) -> dict[tuple[str, str | None], str | None]:
    """From data set and template to the row's template, ``None`` when no data set has two.

    The data set is the one that is evaluated on. A sentence that all data sets have names itself; the single one
    that is left is the data set's own.
    """
    by_dataset: dict[str, set[str | None]] = {}
    for cell in cells:
        by_dataset.setdefault(cell.target()[0], set()).add(cell.template)
    pairs = [(dataset, template) for dataset, found in by_dataset.items() for template in found]
    if all(len(found) == 1 for found in by_dataset.values()):
        return dict.fromkeys(pairs)
    said = {dataset: {part for one in found for part in _sentences(one)} for dataset, found in by_dataset.items()}
    common = set.intersection(*said.values())
    rows = {}
    for dataset, template in pairs:
        left = said[dataset] - common
        own = left.pop() if len(left) == 1 else None
        parts = [OWN if part == own else part for part in parts_of(template or "")]
        rows[dataset, template] = None if template is None else spelled(parts)
    return rows


def _sentences(template: str | None) -> set[str | None]:
    """What is not the name of an ensemble; of no template ``None`` alone."""
    return {None} if template is None else {part for part in parts_of(template) if part not in ENSEMBLES}
