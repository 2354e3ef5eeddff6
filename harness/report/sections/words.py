"""Tables of the words that learned contexts lie next to, as section 4.4 of the CoOp paper has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.matrix.cell import Cell, Shots
from harness.report.numbers.entry import Entry
from harness.report.numbers.rows import Row, RowEntries, shots_order
from harness.report.printing.captions import group_title
from harness.report.printing.cells import Notes, shots_words
from harness.report.printing.long import GROUP_HEAD, Lines, group_words
from harness.report.sections.scope import Scope
from harness.report.tables.table import Block, Table, TableCell, TableRow
from harness.store.words import Words

NOT_PLAIN = "N/A"  # as in the paper's table
_HEAD = (*GROUP_HEAD, "dataset", "method", "label", "shots", "seed")
_TAIL = ("class", "vector", "rank", "word", "distance")


def words_of(cells: Iterable[Cell]) -> set[Cell]:
    """The cells whose words a report prints: the contexts of the largest shot count of each data set."""
    learned: dict[tuple[str, str, str, str], list[Cell]] = {}
    for cell in cells:
        if cell.n_ctx is not None and cell.evaluate_on is None:
            learned.setdefault((cell.backbone, cell.precision, cell.classes, cell.dataset), []).append(cell)
    found = set()
    for members in learned.values():
        largest = shots_order(cell.shots for cell in members)[-1]
        found |= {cell for cell in members if cell.shots == largest}
    return found


def words_table(scope: Scope, stem: str, dataset: str) -> Table | None:
    """The nearest word of every vector, a column a seed; ``None`` where nothing was learned on ``dataset``.

    Class-specific contexts are too many to print; their nearest words stand in the long form alone.
    """
    rows, labels = scope.own_on[dataset], scope.labels
    wanted = words_of(entry.cell for members in rows.values() for entry in members)
    kept = {
        row: [entry for entry in members if entry.cell in wanted and entry.cell.dataset == dataset]
        for row, members in rows.items()
    }
    kept = {row: members for row, members in kept.items() if any(not entry.hole for entry in members)}
    if not kept:
        return None
    seeds = sorted({entry.cell.seed or 0 for members in kept.values() for entry in members})
    shared = {row: members for row, members in kept.items() if not _is_per_class(members)}
    printed = {row: members for row, members in shared.items() if any(entry.words for entry in members)}
    notes = Notes()
    blocks = tuple(
        Block(labels[row] if len(printed) > 1 else "", _block_rows(members, seeds, notes))
        for row, members in printed.items()
    )
    shots = next(entry.cell.shots for members in kept.values() for entry in members)
    return Table(
        stem,
        f"{dataset}, nearest words",
        tuple(_caption(scope, dataset, shots, kept, list(printed))),
        tuple(map(str, seeds)),
        blocks,
        tuple(notes.made),
        _long(scope, dataset, kept),
        row_heading="Vector",
        columns_heading="Seed",
    )


def _caption(scope: Scope, dataset: str, shots: Shots, kept: RowEntries, printed: Sequence[Row]) -> Iterable[str]:
    labels, count = scope.labels, shots_words(shots)
    which = f" of {labels[printed[0]]}" if len(printed) == 1 else ""
    yield f"Contexts{which} learned on {dataset} ({count}): the nearest word of each vector, distance in brackets."
    yield f"Matrix {scope.matrix}; backbone {group_title(scope.group)}."
    if printed:
        yield "Distances are Euclidean, to the embeddings of the vocabulary, some of which are pieces of words."
    if any(not _is_plain(word) for row in printed for entry in kept[row] for word in _nearest(entry.words)):
        yield f"{NOT_PLAIN}: characters beyond ASCII, which the CSV has as the vocabulary spells them."
    per_class = [labels[row] for row, members in kept.items() if _is_per_class(members)]
    if per_class:
        yield f"{', '.join(per_class)}: one context a class; the nearest words stand in the CSV."
    lost = [labels[row] for row, members in kept.items() if not any(entry.words for entry in members)]
    if lost:
        yield f"{', '.join(lost)}: no words, since the files beside the records are missing."


def _block_rows(members: Sequence[Entry], seeds: Sequence[int], notes: Notes) -> tuple[TableRow, ...]:
    """One row a vector; a seed without words is a column of dashes."""
    by_seed = {entry.cell.seed or 0: entry for entry in members}
    n_vectors = max(len(entry.words.nearest) for entry in members if entry.words)
    lines = []
    for vector in range(n_vectors):
        cells = []
        for seed in seeds:
            entry = by_seed.get(seed)
            if entry is None:
                cells.append(TableCell())
            elif entry.words is None or vector >= len(entry.words.nearest):
                cells.append(TableCell(marks=notes.mark(f"seed {seed} {entry.hole or 'has no file of words'}")))
            else:
                word, distance = entry.words.nearest[vector][0]
                cells.append(TableCell(f"{word if _is_plain(word) else NOT_PLAIN} ({distance:.4f})"))
        lines.append(TableRow(str(vector + 1), tuple(cells)))
    return tuple(lines)


def _long(scope: Scope, dataset: str, kept: RowEntries) -> Lines:
    """Header and one line a word: all that are known of shared contexts, the nearest of class-specific ones."""
    lines: list[tuple[str, ...]] = [(*_HEAD, *_TAIL)]
    for row, members in kept.items():
        for entry in sorted(members, key=lambda entry: entry.cell.seed or 0):
            cell, words = entry.cell, entry.words
            seed = "" if cell.seed is None else str(cell.seed)
            head = (*group_words(scope.group), dataset, row.method, scope.labels[row], str(cell.shots), seed)
            lines += [(*head, *tail) for tail in (_word_lines(entry, words) if words else ())]
    return tuple(lines)


def _word_lines(entry: Entry, words: Words) -> Iterable[tuple[str, ...]]:
    is_per_class = len(words.shape) > 1
    names = [row.name for row in entry.record.per_class] if entry.record else []
    n_vectors = words.shape[-1]
    for place, row in enumerate(words.nearest):
        number, vector = divmod(place, n_vectors)
        name = (names[number] if number < len(names) else str(number)) if is_per_class else ""
        for rank, (word, distance) in enumerate(row[:1] if is_per_class else row, start=1):
            yield name, str(vector + 1), str(rank), word, repr(distance)


def _nearest(words: Words | None) -> list[str]:
    return [row[0][0] for row in words.nearest] if words else []


def _is_per_class(members: Sequence[Entry]) -> bool:
    return any(len(entry.words.shape) > 1 for entry in members if entry.words)


def _is_plain(word: str) -> bool:
    """Whether every font has it; CLIP's vocabulary spells all other letters as bytes, which say nothing."""
    return word.isascii() and word.isprintable()
