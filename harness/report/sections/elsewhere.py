"""Tables of what was evaluated elsewhere: on other data sets, or on the other half of the classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.matrix.cell import CLASSES, Shots
from harness.report.numbers.entry import HALVES, Entry, Place
from harness.report.numbers.results import Result, Results, harmonic_results, place_results, with_sd_kind
from harness.report.numbers.rows import Row, shots_order
from harness.report.printing.captions import caption, common_runs, group_title, image_counts
from harness.report.printing.cells import Notes, accuracy_cell, gain_cell, has_gain, shots_words
from harness.report.printing.compose import GAIN_HEADING, Subject, dagger_note, gain_remark, table_rows
from harness.report.printing.contest import Contest, contest, marks_sentences, told_apart
from harness.report.printing.long import Point, long_form
from harness.report.sections.scope import AVERAGE, Scope
from harness.report.tables.table import Block, Note, Table, TableCell

ACCURACY_HEADING = "Accuracy in percent"
COLUMNS_HEADING = "Evaluated on"
OF_RUNS, OF_MEANS = "H of runs", "H of means"

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


@dataclass(frozen=True, slots=True)
class _Shots:
    """What a table has of one shot count: two blocks, who is best, and what is told apart."""

    accuracies: Block
    gains: Block | None
    contest: Contest[str]
    apart: Sequence[Note]


def is_transfer(entry: Entry) -> bool:
    """Whether a cell was evaluated on another data set."""
    return entry.cell.evaluate_on is not None and entry.cell.evaluate_on not in CLASSES


def is_half(entry: Entry) -> bool:
    """Whether a cell was evaluated on other classes of its own data set."""
    return entry.cell.evaluate_on in CLASSES


def transfer_table(scope: Scope, stem: str, source: str, places: Sequence[Place]) -> Table:
    """What was trained on ``source``: its accuracy there, on every other data set, and on average over those.

    ``places`` are the other data sets in the order of the columns.
    """
    targets, counts = transfer_targets(scope, source, places)
    sentences = []
    if len(places) > 1:
        sentences = [f"Average: over the {len(places)} other data sets, taken for each seed first."]
    what = f"Trained on {source}{shots_clause(counts)} and evaluated on other data sets without training there"
    subject = Subject(stem, f"{source}, evaluated elsewhere", what, source)
    return _table(scope, subject, targets, counts, sentences)


def transfer_targets(scope: Scope, source: str, places: Sequence[Place]) -> tuple[list[Target], list[Shots]]:
    """The columns of a table of ``source``, the average last, and the shot counts that were trained with."""
    kept = {
        row: [entry for entry in members if not is_half(entry)]
        for row, members in scope.learned_on[source].items()
    }
    kept = {row: members for row, members in kept.items() if any(map(is_transfer, members))}
    evaluated = [entry for members in kept.values() for entry in members if is_transfer(entry)]

    def on(some: Sequence[Place]) -> Results:
        return with_sd_kind(place_results(kept, some), scope.sd_kind)

    targets = [Target(f"{source} (source)", "", on([(source, scope.group.classes)]))]
    targets += [Target(place[0], place[0], on([place])) for place in places]
    if len(places) > 1:
        targets.append(Target("Average", AVERAGE, on(places), is_place=False))
    return targets, _shot_counts(evaluated)


def halves_table(scope: Scope, stem: str, datasets: Sequence[str]) -> Table:
    """The halves of the classes and their harmonic means, of one data set or averaged over several."""
    group, sd_kind, is_single = scope.group, scope.sd_kind, len(datasets) == 1
    kept = {
        row: [entry for entry in members if entry.cell.dataset in datasets and not is_transfer(entry)]
        for row, members in (scope.learned_on[datasets[0]] if is_single else scope.rows).items()
    }
    kept = {row: members for row, members in kept.items() if any(map(is_half, members))}
    evaluated = [entry for members in kept.values() for entry in members if is_half(entry)]
    present = {group.classes, *(entry.cell.target()[1] for entry in evaluated)}
    targets = []
    for half in (name for name in CLASSES if name in present):
        results = with_sd_kind(place_results(kept, [(dataset, half) for dataset in datasets]), sd_kind)
        targets.append(Target(half.capitalize(), "" if half == group.classes else half, results, is_single))
    sentences = []
    if present.issuperset(HALVES):
        for heading in (OF_RUNS, OF_MEANS):
            results = with_sd_kind(harmonic_results(kept, datasets, of_means=heading == OF_MEANS), sd_kind)
            targets.append(Target(heading, heading, results, is_place=False))
        each, means = ("seed", "means") if is_single else ("seed and data set", "averages")
        sentences = [
            f"H is the harmonic mean of base and new accuracy: {OF_RUNS} takes it for each {each} and then the "
            f"mean, {OF_MEANS} takes it of the two {means}."
        ]
    counts = _shot_counts(evaluated)
    names = datasets[0] if is_single else f"{len(datasets)} data sets ({', '.join(datasets)})"
    what = f"Trained on the {group.classes} classes{shots_clause(counts)} of {names}, evaluated on both halves"
    if not is_single:
        what += ", mean over the data sets for each seed first"
    name = datasets[0] if is_single else AVERAGE
    title = f"{name if is_single else name.capitalize()}, base and new classes"
    subject = Subject(stem, title, what, name, is_average=not is_single)
    return _table(scope, subject, targets, counts, sentences)


def _table(
    scope: Scope, subject: Subject, targets: Sequence[Target], shot_counts: Sequence[Shots], more: Sequence[str]
) -> Table:
    """A table with a column a target, and blocks for each shot count where there are several."""
    group, labels = scope.group, scope.labels
    everything: _Everything = {
        (row, (shots, target.heading)): result
        for target in targets
        for (row, shots), result in target.results.items()
        if shots in (0, *shot_counts)
    }
    there = {row for row, _ in everything}
    rows = [row for row in labels if row in there]
    columns = [target.heading for target in targets]
    notes = Notes()
    blocks = [
        _blocks(count, len(shot_counts) > 1, rows, columns, labels, everything, notes) for count in shot_counts
    ]
    gains = [block.gains for block in blocks if block.gains is not None]
    marks = marks_sentences(block.contest for block in blocks)
    n_test = image_counts((target.heading, target.results.values()) for target in targets if target.is_place)
    sentences = caption(scope.matrix, group_title(group), subject.what, list(labels), everything, n_test)
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
        (sentences[0], *more, *sentences[1:], *marks),
        tuple(columns),
        (*(block.accuracies for block in blocks), *gains),
        (
            *dagger_note(_taken_whole(targets, shot_counts, subject.is_average), is_average=subject.is_average),
            *notes.made,
            *(note for block in blocks for note in block.apart),
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
) -> _Shots:
    """Accuracies and gains of one shot count; what is learned from no images stands beside every one."""
    results = {
        (row, heading): result for (row, (shots, heading)), result in everything.items() if shots in (0, count)
    }
    says_n = common_runs(everything.values()) is None
    found = contest(columns, results)

    def accuracy(row: Row, column: str) -> TableCell:
        point = (row, column)
        return accuracy_cell(results.get(point), notes, rank=found.ranks.get(point), says_n=says_n)

    def gain(row: Row, column: str) -> TableCell:
        return gain_cell(results.get((row, column)), notes)

    clause = f", {shots_words(count)}" if is_named else ""
    there = {row for row, _ in results}
    here = [row for row in rows if row in there]
    accuracies = Block(
        f"{ACCURACY_HEADING}{clause}" if clause else "", table_rows(here, columns, labels, accuracy)
    )
    gaining = [row for row in here if any(has_gain(results.get((row, column))) for column in columns)]
    gains = Block(f"{GAIN_HEADING}{clause}", table_rows(gaining, columns, labels, gain)) if gaining else None
    return _Shots(accuracies, gains, found, told_apart(found, results, labels))


def _shot_counts(evaluated: Sequence[Entry]) -> list[Shots]:
    """The shot counts that were trained with; 0 alone where nothing was trained."""
    counts = shots_order(entry.cell.shots for entry in evaluated)
    return [count for count in counts if count != 0] or counts


def shots_clause(counts: Sequence[Shots]) -> str:
    """The shot count, when there is one and it is not nothing."""
    return f" ({shots_words(counts[0])})" if len(counts) == 1 and counts[0] != 0 else ""


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
