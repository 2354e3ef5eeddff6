"""A run job: train and evaluate cells, one record each; a cell that fails does not stop the others."""

import json
import platform
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

import harness
from harness.backbone.load import load_clip
from harness.backbone.spec import BACKBONES
from harness.backbone.words import nearest_words
from harness.data.catalog import DATASETS
from harness.engine.evaluate import Counts, evaluate
from harness.errors import HarnessError
from harness.files import digest_bytes
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.methods.method import Fit, RunInputs
from harness.methods.table import METHODS, load_method
from harness.plan.job import EVENTS_FILE, Job
from harness.store.provenance import git_state, package_versions, platform_name
from harness.store.record import ClassCount, ContextFile, EpochRow, Provenance, RunRecord
from harness.store.records import write_record
from harness.tracking.open import open_tracker
from harness.tracking.tracker import Tracker
from harness.worker.device import device_name, open_device
from harness.worker.materials import Draw, Materials
from harness.worker.mirror import tracked_run

_NEAREST = 5  # words kept beside a context, for each of its vectors


@dataclass(frozen=True, slots=True)
class Desk:
    """What every cell of a job needs: where records go, who is told, and the facts that all records share."""

    job: Job
    tracker: Tracker
    tell: Callable[..., None]
    git: tuple[str | None, bool | None]
    packages: dict[str, str]


def run(job: Job, folder: Path) -> None:
    """Do the cells of a job, those that share a backbone, a data set and a draw one after another.

    Raises:
        HarnessError: a backbone or a split cannot be used at all.
    """
    device = open_device(job.device)
    with (folder / EVENTS_FILE).open("a", encoding="utf-8") as events:

        def tell(**event: Any) -> None:
            events.write(json.dumps(event) + "\n")
            events.flush()

        def say(text: str) -> None:
            tell(event="say", text=text)

        tracker = open_tracker(job.tracking, job.results / job.matrix / "wandb", say)
        desk = Desk(job, tracker, tell, git_state(), package_versions())
        for (backbone, precision, dataset), cells in _grouped(
            job.cell_values(), "backbone", "precision", "dataset"
        ):
            clip = load_clip(BACKBONES[backbone], precision, device)
            _run_group(desk, Materials(clip, DATASETS[dataset], job.data, say), cells)
        tracker.close()


def _run_group(desk: Desk, materials: Materials, cells: list[Cell]) -> None:
    """All cells of one backbone and data set, draw by draw, so that a draw's features are held once."""
    for _, of_one_draw in _grouped(cells, "shots", "seed"):
        draw: Draw | None = None
        for cell in of_one_draw:
            timings: dict[str, float] = {}
            try:
                if draw is None and "shots" in METHODS[cell.method].entry.reads:
                    with _timed(timings, "draw_s"):
                        draw = materials.draw(cell.shots, cell.seed or 0)
                _run_cell(desk, materials, draw, cell, timings)
            except Exception as error:  # one cell's failure is its own record
                _keep_failure(desk, cell, error, timings)


def _run_cell(desk: Desk, materials: Materials, draw: Draw | None, cell: Cell, timings: dict[str, float]) -> None:
    """Fit, evaluate and record one cell."""
    identifier, split, clip = cell_id(cell), materials.split, materials.clip
    desk.tell(event="start", cell=identifier)
    epochs = cell.recipe_dict().get("epochs")
    inputs = RunInputs(
        cell,
        clip,
        split.class_names,
        few_shot=None if draw is None else draw.features,
        stream_names=() if draw is None else draw.stream_names,
        on_epoch=lambda epoch: desk.tell(event="epoch", cell=identifier, epoch=epoch, epochs=epochs),
    )
    with _timed(timings, "total_s"):
        with _timed(timings, "fit_s"):
            fit = load_method(cell.method).fit(inputs)
        with _timed(timings, "test_features_s"):
            images, labels = materials.test()
        with _timed(timings, "evaluate_s"), torch.no_grad():
            counts = evaluate(fit.predictor.logits, images, labels, len(split.class_names))
    context, context_file = _context_file(identifier, fit)
    record = RunRecord(
        cell_id=identifier,
        cell=cell.to_dict(),
        status="done",
        n_correct=sum(counts.n_correct),
        n_test=sum(counts.n_test),
        per_class=_per_class(split.class_names, counts),
        history=_history(fit),
        context=context_file,
        details=dict(fit.details),
        fewer_shots=() if draw is None else draw.subset.fewer_shots,
        timings={name: round(seconds, 4) for name, seconds in timings.items()},
        provenance=_provenance(desk, materials, draw, cell),
        created_at=_now(),
    )
    write_record(desk.job.results, record, context, _words(fit, materials))
    desk.tracker.mirror(tracked_run(record, desk.job.matrix))
    desk.tell(event="done", cell=identifier, accuracy=record.accuracy, seconds=timings["total_s"])


def _keep_failure(desk: Desk, cell: Cell, error: Exception, timings: dict[str, float]) -> None:
    """A failed record with the reason; the traceback goes to the job's log."""
    traceback.print_exception(error)
    reason = str(error) if isinstance(error, HarnessError) else f"{type(error).__name__}: {error}"
    record = RunRecord(
        cell_id=cell_id(cell),
        cell=cell.to_dict(),
        status="failed",
        reason=reason,
        timings={name: round(seconds, 4) for name, seconds in timings.items()},
        created_at=_now(),
    )
    write_record(desk.job.results, record)
    desk.tracker.mirror(tracked_run(record, desk.job.matrix))
    desk.tell(event="failed", cell=record.cell_id, reason=reason)


def _provenance(desk: Desk, materials: Materials, draw: Draw | None, cell: Cell) -> Provenance:
    commit, dirty = desk.git
    return Provenance(
        harness_version=harness.__version__,
        git_commit=commit,
        git_dirty=dirty,
        packages=desk.packages,
        python=platform.python_version(),
        platform=platform_name(),
        device=device_name(materials.clip.device),
        precision=cell.precision,
        weights_digest=materials.clip.weights_digest,
        split_digest=materials.split.digest,
        subset_digest=None if draw is None else draw.digest,
        images_digest=None if draw is None else draw.images_digest,
        seeds={} if cell.seed is None else {"draw": cell.seed, "batches": cell.seed, "context": cell.seed},
    )


def _context_file(identifier: str, fit: Fit) -> tuple[bytes | None, ContextFile | None]:
    """The learned context as safetensors, and what the record says of it."""
    if fit.context is None:
        return None, None
    content = save({"context": fit.context.cpu().contiguous()})
    return content, ContextFile(
        file=f"{identifier}.safetensors", sha256=digest_bytes(content), shape=tuple(fit.context.shape)
    )


def _words(fit: Fit, materials: Materials) -> str | None:
    """The nearest words of each context vector as JSON, classes outermost; the report has no token table."""
    if fit.context is None:
        return None
    found = nearest_words(fit.context, materials.clip, _NEAREST)
    rows = [[{"word": word, "distance": round(distance, 6)} for word, distance in row] for row in found]
    return json.dumps({"shape": list(fit.context.shape[:-1]), "nearest": rows}, indent=1) + "\n"


def _per_class(class_names: tuple[str, ...], counts: Counts) -> tuple[ClassCount, ...]:
    rows = zip(class_names, counts.n_test, counts.n_correct, counts.n_predicted, strict=True)
    return tuple(
        ClassCount(name=name, n_test=n_test, n_correct=n_correct, n_predicted=n_predicted)
        for name, n_test, n_correct, n_predicted in rows
    )


def _history(fit: Fit) -> tuple[EpochRow, ...]:
    return tuple(
        EpochRow(epoch=number, lr=epoch.lr, loss=epoch.loss, train_accuracy=epoch.train_accuracy)
        for number, epoch in enumerate(fit.history, start=1)
    )


def _grouped(cells: Any, *axes: str) -> Iterator[tuple[tuple[Any, ...], list[Cell]]]:
    """Cells by their values on ``axes``, in order of first appearance."""
    groups: dict[tuple[Any, ...], list[Cell]] = {}
    for cell in cells:
        groups.setdefault(tuple(getattr(cell, axis) for axis in axes), []).append(cell)
    yield from groups.items()


@contextmanager
def _timed(timings: dict[str, float], name: str) -> Iterator[None]:
    """Add the seconds that the block takes to ``timings``."""
    start = time.perf_counter()
    try:
        yield
    finally:
        timings[name] = timings.get(name, 0.0) + time.perf_counter() - start


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
