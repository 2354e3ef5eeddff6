"""Training curves: mean loss and training accuracy by epoch at the largest shot count."""

from __future__ import annotations

from collections.abc import Sequence

from harness.matrix.cell import Shots
from harness.report.figures.charts import Chart, Figure, Mark, Trace
from harness.report.numbers.entry import Entry
from harness.report.numbers.rows import Row, shots_order
from harness.report.sections.scope import Scope
from harness.report.stats.summary import mean_and_sd
from harness.store.record import EpochRow

_MOST_MARKS = 100  # of a curve: more are finer than its line
_Histories = dict[Row, list[Sequence[EpochRow]]]  # one history a seed


def training_figure(scope: Scope, stem: str) -> Figure | None:
    """Two charts a data set, loss and training accuracy; ``None`` where nothing was trained by epochs."""
    by_dataset, counts = _histories(scope)
    trained = [row for row in scope.labels if any(row in histories for histories in by_dataset.values())]
    if not trained:
        return None
    charts = []
    for dataset, histories in by_dataset.items():
        for what, name in (("Loss", "loss"), ("Accuracy (%)", "train_accuracy")):
            traces = tuple(
                Trace(scope.labels[row], scope.looks[row], _curve(histories.get(row, []), name), "band")
                for row in trained
            )
            charts.append(Chart(f"{dataset}, training", traces, "Epoch", what))
    used = shots_order(counts)
    said = "all training images" if used == ["all"] else f"{' or '.join(map(str, used))} shots per class"
    caption = (
        f"Training at the largest number of shots ({said}): mean over seeds of the loss and of the accuracy on "
        f"training images by epoch, bands one sample standard deviation; of long trainings {_MOST_MARKS} epochs."
    )
    return Figure(stem, "Loss and training accuracy by epoch", (caption,), tuple(charts))


def _histories(scope: Scope) -> tuple[dict[str, _Histories], set[Shots]]:
    """By data set and row the histories at the row's largest shot count there, and all those counts."""
    by_dataset: dict[str, _Histories] = {}
    counts: set[Shots] = set()
    for row, members in scope.own.items():
        trained: dict[str, list[Entry]] = {}
        for entry in members:
            if entry.record is not None and not entry.hole and entry.record.history:
                trained.setdefault(entry.cell.dataset, []).append(entry)
        for dataset, entries in trained.items():
            largest = shots_order(entry.cell.shots for entry in entries)[-1]
            kept = sorted(
                (entry for entry in entries if entry.cell.shots == largest), key=lambda one: one.cell.seed or 0
            )
            counts.add(largest)
            by_dataset.setdefault(dataset, {})[row] = [entry.record.history for entry in kept if entry.record]
    order = {dataset: place for place, dataset in enumerate(scope.datasets)}
    return dict(sorted(by_dataset.items(), key=lambda pair: order[pair[0]])), counts


def _curve(histories: Sequence[Sequence[EpochRow]], name: str) -> tuple[Mark, ...]:
    """A mark an epoch: mean and sd over the seeds that have it; of the accuracy in percent."""
    by_epoch: dict[int, list[float]] = {}
    scale = 1.0 if name == "loss" else 100.0
    for history in histories:
        for row in history:
            by_epoch.setdefault(row.epoch, []).append(scale * float(getattr(row, name)))
    marks = []
    for epoch, found in _thinned(sorted(by_epoch.items())):
        marks.append(Mark(epoch, *mean_and_sd(found)))
    return tuple(marks)


def _thinned(epochs: list[tuple[int, list[float]]]) -> list[tuple[int, list[float]]]:
    """As many as are drawn, at equal distances, the last one among them."""
    step = -(-len(epochs) // _MOST_MARKS)
    return epochs[::-step][::-1] if epochs else []
