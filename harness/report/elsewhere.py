"""Tables of what was evaluated elsewhere: on other data sets, or on the other half of the classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.matrix.cell import CLASSES, Shots
from harness.report.captions import caption, common_runs
from harness.report.compose import AVERAGE, GAIN_HEADING, Subject, dagger_note, gain_remark, table_rows
from harness.report.entry import Entry
from harness.report.long import Point, long_form
from harness.report.printed import BOLD_SENTENCE, Notes, accuracy_cell, best, gain_cell, has_gain
from harness.report.results import (
    HALVES,
    Place,
    Result,
    Results,
    harmonic_results,
    place_results,
    with_sd_kind,
)
from harness.report.rows import Group, Row, shots_order
from harness.report.stats import SdKind
from harness.report.table import Block, Table, TableCell

ACCURACY_HEADING = "Accuracy in percent"
COLUMNS_HEADING = "Evaluated on"
OF_RUNS, OF_MEANS = "H of runs", "H of means"

RowEntries = Mapping[Row, Sequence[Entry]]
_Everything = dict[tuple[Row, tuple[Shots, str]], Result]  # by row, shot count and heading


@dataclass(frozen=True, slots=True)
class Target:
    """One column: what was evaluated on, and the results there.

    Attributes:
        heading: over the column.
        evaluate_on: the same in the long form; empty for the own test images.
        results: of every row and shot count.
        is_place: whether that is one set of test images, and not a mean of several.
    """

    heading: str
    evaluate_on: str
    results: Results
    is_place: bool = True


def is_transfer(entry: Entry) -> bool:
    """Whether a cell was evaluated on another data set."""
    return entry.cell.evaluate_on is not None and entry.cell.evaluate_on not in CLASSES


def is_half(entry: Entry) -> bool:
    """Whether a cell was evaluated on other classes of its own data set."""
    return entry.cell.evaluate_on in CLASSES


def transfer_table(
    matrix: str,
    group: Group,
    stem: str,
    source: str,
    places: Sequence[Place],
    labels: Mapping[Row, str],
    rows: RowEntries,
    sd_kind: SdKind = "sample",
) -> Table:
    """What was trained on ``source``: its accuracy there, on every other data set, and on average over those.

    ``places`` are the other data sets in the order of the columns.
    """
    kept = {
        row: [entry for entry in members if entry.cell.dataset == source and not is_half(entry)]
        for row, members in rows.items()
    }
    kept = {row: members for row, members in kept.items() if any(map(is_transfer, members))}
    evaluated = [entry for members in kept.values() for entry in members if is_transfer(entry)]
    targets = [Target(f"{source} (source)", "", place_results(kept, [(source, group.classes)]))]
    targets += [Target(place[0], place[0], place_results(kept, [place])) for place in places]
    sentences = []
    if len(places) > 1:
        targets.append(Target("Average", AVERAGE, place_results(kept, places), is_place=False))
        sentences = [f"Average: over the {len(places)} other data sets, taken for each seed first."]
    counts = _shot_counts(evaluated)
    what = f"Trained on {source}{_shots_clause(counts)} and evaluated on other data sets without training there"
    subject = Subject(stem, f"{source}, evaluated elsewhere", what, source)
    return _table(matrix, group, subject, labels, targets, counts, sentences, sd_kind)


def halves_table(
    matrix: str,
    group: Group,
    stem: str,
    datasets: Sequence[str],
    labels: Mapping[Row, str],
    rows: RowEntries,
    sd_kind: SdKind = "sample",
) -> Table:
    """The halves of the classes and their harmonic means, of one data set or averaged over several."""
    kept = {
        row: [entry for entry in members if entry.cell.dataset in datasets and not is_transfer(entry)]
        for row, members in rows.items()
    }
    kept = {row: members for row, members in kept.items() if any(map(is_half, members))}
    evaluated = [entry for members in kept.values() for entry in members if is_half(entry)]
    present = {group.classes, *(entry.cell.target()[1] for entry in evaluated)}
    is_single = len(datasets) == 1
    targets = []
    for half in (name for name in CLASSES if name in present):
        results = place_results(kept, [(dataset, half) for dataset in datasets])
        targets.append(Target(half.capitalize(), "" if half == group.classes else half, results, is_single))
    sentences = []
    if present.issuperset(HALVES):
        for heading in (OF_RUNS, OF_MEANS):
            results = harmonic_results(kept, datasets, of_means=heading == OF_MEANS)
            targets.append(Target(heading, heading, results, is_place=False))
        each, means = ("seed", "means") if is_single else ("seed and data set", "averages")
        sentences = [
            f"H is the harmonic mean of base and new accuracy: {OF_RUNS} takes it for each {each} and then the "
            f"mean, {OF_MEANS} takes it of the two {means}."
        ]
    counts = _shot_counts(evaluated)
    names = datasets[0] if is_single else f"{len(datasets)} data sets ({', '.join(datasets)})"
    what = f"Trained on the {group.classes} classes{_shots_clause(counts)} of {names}, evaluated on both halves"
    if not is_single:
        what += ", mean over the data sets for each seed first"
    name = datasets[0] if is_single else AVERAGE
    title = f"{name if is_single else name.capitalize()}, base and new classes"
    subject = Subject(stem, title, what, name, is_average=not is_single)
    return _table(matrix, group, subject, labels, targets, counts, sentences, sd_kind)


def _table(
    matrix: str,
    group: Group,
    subject: Subject,
    labels: Mapping[Row, str],
    targets: Sequence[Target],
    shot_counts: Sequence[Shots],
    more: Sequence[str],
    sd_kind: SdKind,
) -> Table:
    """A table with a column a target, and blocks for each shot count where there are several."""
    everything: _Everything = {
        (row, (shots, target.heading)): result
        for target in targets
        for (row, shots), result in with_sd_kind(target.results, sd_kind).items()
        if shots in (0, *shot_counts)
    }
    rows = [row for row in labels if any(key[0] == row for key in everything)]
    columns = [target.heading for target in targets]
    notes = Notes()
    blocks = [
        _blocks(count, len(shot_counts) > 1, rows, columns, labels, everything, notes) for count in shot_counts
    ]
    gains = [gain for _, gain in blocks if gain is not None]
    has_bold = any(cell.bold for block, _ in blocks for row in block.rows for cell in row.cells)
    sentences = caption(matrix, group, subject.what, list(labels), everything, _n_test(targets))
    points = (
        Point(
            subject.dataset, target.evaluate_on, row, labels[row], shots, everything[row, (shots, target.heading)]
        )
        for row in rows
        for shots in dict.fromkeys((0, *shot_counts))
        for target in targets
        if (row, (shots, target.heading)) in everything
    )
    return Table(
        subject.stem,
        subject.title,
        (sentences[0], *more, *sentences[1:], *((BOLD_SENTENCE,) if has_bold else ())),
        tuple(columns),
        (*(block for block, _ in blocks), *gains),
        (
            *dagger_note(_taken_whole(targets, shot_counts, subject.is_average), is_average=subject.is_average),
            *notes.made,
            *gain_remark(rows, labels, everything, bool(gains)),
        ),
        long_form(group, labels, points),
        columns_heading=COLUMNS_HEADING,
    )


def _blocks(
    count: Shots,
    is_named: bool,
    rows: Sequence[Row],
    columns: Sequence[str],
    labels: Mapping[Row, str],
    everything: _Everything,
    notes: Notes,
) -> tuple[Block, Block | None]:
    """Accuracies and gains of one shot count; what is learned from no images stands beside every one."""
    results = {
        (row, heading): result for (row, (shots, heading)), result in everything.items() if shots in (0, count)
    }
    says_n = common_runs(everything.values()) is None
    bold = best(columns, results)

    def accuracy(row: Row, column: str) -> TableCell:
        point = (row, column)
        return accuracy_cell(results.get(point), notes, is_best=point in bold, says_n=says_n)

    def gain(row: Row, column: str) -> TableCell:
        return gain_cell(results.get((row, column)), notes)

    clause = f", {_shots_words(count)}" if is_named else ""
    here = [row for row in rows if any(key[0] == row for key in results)]
    accuracies = Block(
        f"{ACCURACY_HEADING}{clause}" if clause else "", table_rows(here, columns, labels, accuracy)
    )
    gaining = [row for row in here if any(has_gain(results.get((row, column))) for column in columns)]
    if not gaining:
        return accuracies, None
    return accuracies, Block(f"{GAIN_HEADING}{clause}", table_rows(gaining, columns, labels, gain))


def _shot_counts(evaluated: Sequence[Entry]) -> list[Shots]:
    """The shot counts that were trained with; 0 alone where nothing was trained."""
    counts = shots_order(entry.cell.shots for entry in evaluated)
    return [count for count in counts if count != 0] or counts


def _shots_clause(counts: Sequence[Shots]) -> str:
    """The shot count, when there is one and it is not nothing."""
    return f" ({_shots_words(counts[0])})" if len(counts) == 1 and counts[0] != 0 else ""


def _shots_words(count: Shots) -> str:
    if count == "all":
        return "all training images"
    return f"{count} shot{'' if count == 1 else 's'} per class"


def _n_test(targets: Sequence[Target]) -> str | None:
    """The numbers of test images by column; ``None`` where they are all the same."""
    found = {
        target.heading: sorted({count for result in target.results.values() for count in result.n_test})
        for target in targets
        if target.is_place
    }
    if len({tuple(counts) for counts in found.values() if counts}) < 2:
        return None
    return ", ".join(f"{' or '.join(map(str, counts))} ({name})" for name, counts in found.items() if counts)


def _taken_whole(targets: Sequence[Target], shot_counts: Sequence[Shots], is_average: bool) -> Results:
    """For every training a result that names the classes that were taken whole."""
    found: Results = {}
    for target in targets:
        for key, result in target.results.items():
            if (
                (target.is_place or is_average)
                and key[1] in shot_counts
                and (result.fewer_shots or key not in found)
            ):
                found[key] = result
    return found
