"""A run job: train and evaluate cells, one record each; a cell that fails does not stop the others."""

import json
import platform
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

import harness
from harness.backbone.load import load_clip
from harness.backbone.spec import backbone_spec
from harness.backbone.words import nearest_words
from harness.data.catalog import DATASETS
from harness.engine.batches import epoch_batches
from harness.engine.evaluate import Counts, evaluate
from harness.errors import HarnessError
from harness.files import digest_bytes
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.methods.method import Fit, RunInputs
from harness.methods.table import METHODS, load_method
from harness.plan.cost import n_train_images
from harness.plan.job import EVENTS_FILE, Job
from harness.store.provenance import git_state, package_versions, platform_name
from harness.store.record import ClassCount, ContextFile, EpochRow, Provenance, RunRecord
from harness.store.records import write_record
from harness.tracking.open import open_tracker
from harness.tracking.tracker import Tracker
from harness.worker.device import device_name, open_device
from harness.worker.materials import Draw, Materials
from harness.worker.mirror import tracked_run

_WAVE_IMAGES = 20_000  # decoded training images of the draws that a GPU trains together, about 10 GB of memory
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
            clip = load_clip(backbone_spec(backbone), precision, device, job.trust_weights)
            _run_group(desk, Materials(clip, DATASETS[dataset], job.data, say), cells)
        tracker.close()


def _run_group(desk: Desk, materials: Materials, cells: list[Cell]) -> None:
    """All cells of one backbone and data set, a few draws at a time, so that those draws' images are held once."""
    for wave in _waves(cells, materials):
        by_method: dict[str, list[tuple[RunInputs, Draw | None]]] = {}
        for cells_of_draw in wave:
            try:
                draw = _draw_of(materials, cells_of_draw[0])
            except Exception as error:  # what breaks a draw fails the cells that learn from it
                for cell in cells_of_draw:
                    _keep_failure(desk, cell, error)
                continue
            for cell in cells_of_draw:
                by_method.setdefault(cell.method, []).append((_inputs(desk, materials, draw, cell), draw))
        for method, runs in by_method.items():
            _run_method(desk, materials, method, runs)


def _run_method(desk: Desk, materials: Materials, method: str, runs: list[tuple[RunInputs, Draw | None]]) -> None:
    """Fit the runs of one method; evaluate and record each as it ends."""
    draws = {id(inputs): draw for inputs, draw in runs}
    start = time.perf_counter()
    for inputs, outcome in load_method(method).fit([inputs for inputs, _ in runs]):
        waited = time.perf_counter() - start
        if isinstance(outcome, Exception):
            _keep_failure(desk, inputs.cell, outcome)
        else:
            try:
                fit_s = waited if outcome.seconds is None else outcome.seconds
                _keep_fit(desk, materials, draws[id(inputs)], inputs.cell, outcome, fit_s)
            except Exception as error:  # one cell's failure is its own record
                traceback.print_exception(error)
                _keep_failure(desk, inputs.cell, error)
        start = time.perf_counter()


def _waves(cells: list[Cell], materials: Materials) -> Iterator[list[list[Cell]]]:
    """Cells by draw, and the draws that are trained together.

    On the CPU that is one at a time, since nothing is gained by more; on a GPU as many as hold ``_WAVE_IMAGES``.
    """
    wave: list[list[Cell]] = []
    n_images = 0
    for _, cells_of_draw in _grouped(cells, "shots", "seed"):
        wave.append(cells_of_draw)
        n_images += n_train_images(cells_of_draw[0])
        if materials.clip.device.type == "cpu" or n_images >= _WAVE_IMAGES:
            yield wave
            wave, n_images = [], 0
    if wave:
        yield wave


def _draw_of(materials: Materials, cell: Cell) -> Draw | None:
    """The draw that a cell learns from; ``None`` for a method that does not read shots."""
    if "shots" not in METHODS[cell.method].entry.reads:
        return None
    return materials.draw(cell.shots, cell.seed or 0)


def _inputs(desk: Desk, materials: Materials, draw: Draw | None, cell: Cell) -> RunInputs:
    """What the method may see of one cell."""
    identifier = cell_id(cell)
    epochs = cell.recipe_dict().get("epochs")
    return RunInputs(
        cell,
        materials.clip,
        materials.split.class_names,
        few_shot=None if draw is None else draw.features,
        batches=None if draw is None else partial(epoch_batches, draw.stream_names),
        on_epoch=lambda epoch: desk.tell(event="epoch", cell=identifier, epoch=epoch, epochs=epochs),
    )


def _keep_fit(desk: Desk, materials: Materials, draw: Draw | None, cell: Cell, fit: Fit, fit_s: float) -> None:
    """Evaluate a fit and write its record."""
    identifier, split = cell_id(cell), materials.split
    timings = {"fit_s": fit_s}
    with _timed(timings, "test_features_s"):
        images, labels = materials.test()
    with _timed(timings, "evaluate_s"), torch.no_grad():
        counts = evaluate(fit.predictor.logits, images, labels, len(split.class_names))
    timings["total_s"] = sum(timings.values())
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


def _keep_failure(desk: Desk, cell: Cell, error: Exception) -> None:
    """A failed record with the reason."""
    reason = str(error) if isinstance(error, HarnessError) else f"{type(error).__name__}: {error}"
    record = RunRecord(
        cell_id=cell_id(cell),
        cell=cell.to_dict(),
        status="failed",
        reason=reason,
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
        weights_trusted=materials.clip.is_trusted,
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
