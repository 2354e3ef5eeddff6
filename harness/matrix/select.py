"""``--select "dataset=dtd,shots=1|2"``: a small language that picks cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.errors import Fault, MatrixError, did_you_mean
from harness.matrix.cell import Cell
from harness.matrix.template import readable

GRAMMAR = "KEY=VALUE[|VALUE...] or KEY!=VALUE[|VALUE...], joined by commas"


@dataclass(frozen=True, slots=True)
class Term:
    """One ``KEY=A|B`` or ``KEY!=A|B``."""

    key: str
    values: tuple[str, ...]
    negated: bool

    def matches(self, cell: Cell) -> bool:
        """Whether the cell's value is (or, negated, is not) one of the term's."""
        return (spell_value(cell.to_dict().get(self.key)) in self.values) != self.negated


def spell_value(value: object) -> str:
    """How a value is written in a selection: ``null`` for an axis that is not read, an ensemble on one line."""
    return "null" if value is None else readable(str(value))


def parse_selection(expression: str, cells: Sequence[Cell]) -> Callable[[Cell], bool]:
    """A predicate over cells.

    Raises:
        MatrixError: a term is not of the grammar, a key is not one of the cells', or a value occurs in none of
            them; all such faults together.
    """
    flats = [cell.to_dict() for cell in cells]
    keys = sorted({key for flat in flats for key in flat} - {"recipe"})
    terms, faults = [], []
    for text in expression.split(","):
        term = _term(text.strip())
        where = f"--select {text.strip()!r}"
        if term is None:
            faults.append(Fault(where, f"is not of the form {GRAMMAR}."))
        elif term.key not in keys:
            faults.append(Fault(where, f"unknown key {term.key!r}. {did_you_mean(term.key, keys)}"))
        else:
            present = list(dict.fromkeys(spell_value(flat.get(term.key)) for flat in flats))
            faults += [
                Fault(where, f"no cell has {term.key}={value}. {did_you_mean(value, present)}")
                for value in term.values
                if value not in present
            ]
            terms.append(term)
    if faults:
        raise MatrixError(faults)
    return lambda cell: all(term.matches(cell) for term in terms)


def select(cells: Sequence[Cell], expression: str | None) -> tuple[Cell, ...]:
    """The cells that an expression picks; all of them without one.

    Raises:
        MatrixError: the expression is wrong, or it picks no cell.
    """
    if expression is None:
        return tuple(cells)
    wanted = parse_selection(expression, cells)
    picked = tuple(cell for cell in cells if wanted(cell))
    if not picked:
        raise MatrixError(Fault(f"--select {expression!r}", "picks no cell: its terms never hold together."))
    return picked


def _term(text: str) -> Term | None:
    """The term that ``text`` spells; ``None`` when it is of another form."""
    key, sign, values = text.partition("=")
    negated = key.endswith("!")
    key = key.removesuffix("!").strip()
    items = tuple(value.strip() for value in values.split("|"))
    return Term(key, items, negated) if sign and key and all(items) else None
