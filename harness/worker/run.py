"""A run job: train and evaluate cells, one record each; a cell that fails does not stop the others."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.backbone.load import load_clip
from harness.backbone.spec import backbone_spec
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.methods.method import Fit, Method
from harness.mirror.open import open_mirror
from harness.plan.job import DONE, OUT_OF_MEMORY, Job
from harness.plugins.tables import sources_of
from harness.store.claims import Claimant
from harness.store.provenance import package_versions
from harness.worker.desk import Desk, Source
from harness.worker.device import open_device
from harness.worker.keep import keep_failure, keep_fit
from harness.worker.keeper import Keeper
from harness.worker.known import Known, known_to
from harness.worker.ledger import Ledger
from harness.worker.materials import Draw, Materials, Rooms
from harness.worker.stopping import Stopping
from harness.worker.take import take
from harness.worker.telling import Tell, telling
from harness.worker.trainings import Training, draw_of, restored_fit, training_of, trainings_of, waves

_LOOK_AGAIN_S = 2.0  # at cells that other workers hold


def run(job: Job, folder: Path, keeper: Keeper, wait: bool) -> int:
    """Do the cells of a job that nobody else does; an exit status of plan/job.py.

    Those that other workers hold are left to them, or to whoever wrote the job; with ``wait`` they are waited for,
    and done when they are let go of without a record.

    Raises:
        NotWrittenError: records cannot be written.
        HarnessError: a backbone or a split cannot be used at all.
    """
    known = known_to(job)
    claims = keeper.claims(job.results)
    left = list(job.cell_values())
    with telling(folder) as tell:
        while left:
            taken = take(job, known, left, claims)
            for standing in taken.recorded:
                tell(event="recorded", cell=standing.id, state=standing.state)
            try:
                too_large = _do(job, known, taken.mine, keeper, claims, tell) if taken.mine else []
            finally:
                claims.release_all()
            for cell, owner in taken.held:
                tell(event="held", cell=cell_id(cell), by=str(owner))
            if too_large:
                return OUT_OF_MEMORY
            left = [cell for cell, _ in taken.held]
            if not wait:
                break
            while left:
                time.sleep(_LOOK_AGAIN_S)
                if not all(_is_held(cell, claims) for cell in left):
                    break
    return DONE


def _is_held(cell: Cell, claims: Claimant) -> bool:
    """Whether another worker has a cell, or the training that it waits for."""
    return any(claims.holder(cell_id(wanted)) is not None for wanted in (cell, cell.trained()))


def _do(
    job: Job, known: Known, cells: tuple[Cell, ...], keeper: Keeper, claims: Claimant, tell: Tell
) -> list[Cell]:
    """Do cells, those that share a backbone, a class space and a draw one after another; those left undone.

    Raises:
        NotWrittenError: records cannot be written.
        HarnessError: a backbone or a split cannot be used at all.
    """

    def say(text: str) -> None:
        tell(event="say", text=text)

    device = open_device(job.device)
    trackers = sources_of(known.plugins, {"TRACKERS": (job.tracking.tracker,)})
    mirror = open_mirror(job.tracking, job.results, job.matrix, say, trackers)
    try:
        desk = Desk(job, known, mirror, tell, keeper.git, package_versions(), claims, Ledger())
        for (backbone, precision), of_backbone in _grouped(cells, "backbone", "precision"):
            clip = load_clip(backbone_spec(backbone, job.weights), precision, device, job.trust_weights)
            rooms = Rooms(clip, known.catalog, job.data, say)
            for (dataset, classes), of_dataset in _grouped(of_backbone, "dataset", "classes"):
                _run_group(desk, keeper.stopping, rooms, rooms.source(dataset, classes), of_dataset)
        return desk.left
    finally:
        mirror.close()


def _run_group(desk: Desk, stopping: Stopping, rooms: Rooms, materials: Materials, cells: list[Cell]) -> None:
    """All cells of one backbone and class space, a few draws at a time, so that those images are held once."""
    for wave in waves(cells, materials):
        by_method: dict[str, list[Training]] = {}
        for cells_of_draw in wave:
            try:
                draw = draw_of(materials, cells_of_draw[0], desk.known)
            except Exception as error:  # what breaks a draw fails the cells that learn from it
                for cell in cells_of_draw:
                    keep_failure(desk, cell, error)
                continue
            for trained, of_training in trainings_of(cells_of_draw):
                training = training_of(desk, stopping, materials, draw, trained, of_training)
                by_method.setdefault(trained.method, []).append(training)
        for method, trainings in by_method.items():

            def save(trainings: list[Training] = trainings) -> None:
                for training in trainings:
                    if training.unfinished is not None:
                        training.unfinished.save()

            with stopping.saving(save):
                _run_method(desk, rooms, materials, desk.known.method(method), trainings)


def _run_method(desk: Desk, rooms: Rooms, materials: Materials, method: Method, trainings: list[Training]) -> None:
    """Fit the trainings of one method; evaluate and record the cells of each as it ends."""
    waiting: dict[int, Training] = {}
    for training in trainings:
        fit = restored_fit(desk, materials, method, training)
        if fit is None:
            waiting[id(training.inputs)] = training
        else:
            _keep_all(desk, rooms, materials, training.cells, training.draw, fit, 0.0)
    start = time.perf_counter()
    for inputs, outcome in method.fit([training.inputs for training in waiting.values()]) if waiting else ():
        waited = time.perf_counter() - start
        training = waiting[id(inputs)]
        if isinstance(outcome, Exception):
            for cell in training.cells:
                keep_failure(desk, cell, outcome)
        else:
            fit_s = waited if outcome.seconds is None else outcome.seconds
            _keep_all(desk, rooms, materials, _kept(training), training.draw, outcome, fit_s)
            if training.unfinished is not None:
                training.unfinished.forget()
        start = time.perf_counter()


def _kept(training: Training) -> tuple[Cell, ...]:
    """The cells to keep, the training's own among them even when not asked for: it holds what was learned."""
    if training.draw is None:
        return training.cells
    return tuple(dict.fromkeys((training.inputs.cell, *training.cells)))


def _keep_all(
    desk: Desk,
    rooms: Rooms,
    materials: Materials,
    cells: tuple[Cell, ...],
    draw: Draw | None,
    fit: Fit,
    fit_s: float,
) -> None:
    """Evaluate one fit wherever it is asked for."""
    for cell in cells:
        try:
            target = rooms.target(cell, materials)
        except Exception as error:  # a target that cannot be read is the failure of its own cells
            keep_failure(desk, cell, error)
        else:
            keep_fit(desk, Source(materials, draw), target, cell, fit, fit_s if cell.evaluate_on is None else 0.0)


def _grouped(cells: Any, *axes: str) -> Iterator[tuple[tuple[Any, ...], list[Cell]]]:
    """Cells by their values on ``axes``, in order of first appearance."""
    groups: dict[tuple[Any, ...], list[Cell]] = {}
    for cell in cells:
        groups.setdefault(tuple(getattr(cell, axis) for axis in axes), []).append(cell)
    yield from groups.items()
