"""A run job: train and evaluate cells, one record each; a cell that fails does not stop the others."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from safetensors.torch import load

from harness.backbone.clip import Clip
from harness.backbone.load import load_clip
from harness.backbone.spec import backbone_spec
from harness.data.catalog import Catalog
from harness.data.dataset import Size
from harness.engine.batches import epoch_batches
from harness.engine.sgd import State
from harness.host import available_bytes
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.matrix.protocol import draw_rule
from harness.methods.method import Fit, Method, RunInputs
from harness.mirror.open import open_mirror
from harness.plan.job import DONE, OUT_OF_MEMORY, Job
from harness.plan.space import IMAGE_BYTES, images_at_once
from harness.plan.work import n_train_images
from harness.plugins.tables import sources_of
from harness.store.claims import Claimant
from harness.store.provenance import package_versions
from harness.store.record import RunRecord
from harness.store.records import read_context, read_records
from harness.worker.device import open_device
from harness.worker.keep import Desk, Source, keep_failure, keep_fit
from harness.worker.keeper import Keeper
from harness.worker.known import Known, known_to
from harness.worker.ledger import Ledger
from harness.worker.materials import Draw, Materials
from harness.worker.state import Unfinished
from harness.worker.stopping import StoppedError, Stopping
from harness.worker.take import take
from harness.worker.telling import Tell, telling

_LOOK_AGAIN_S = 2.0  # at cells that other workers hold


class Rooms:
    """The materials of one backbone: of the class space that is trained on, and of those evaluated on."""

    def __init__(self, clip: Clip, catalog: Catalog, data: Path | None, say: Callable[[str], None]) -> None:
        """Nothing is read yet."""
        self._make = partial(Materials, clip, data=data, say=say)
        self._catalog = catalog
        self._targets: dict[tuple[str, str], Materials] = {}

    def source(self, dataset: str, classes: str) -> Materials:
        """New materials, whose decoded images go when they go.

        Raises:
            DataError: the split cannot be used.
        """
        return self._make(self._catalog[dataset], classes)

    def target(self, cell: Cell, source: Materials) -> Materials:
        """The materials that a cell is evaluated on; ``source`` for its own test images.

        Raises:
            DataError: the split of the target cannot be used.
        """
        if cell.evaluate_on is None:
            return source
        key = cell.target()
        if key not in self._targets:
            self._targets[key] = self.source(*key)
        return self._targets[key]


@dataclass(frozen=True, slots=True)
class Training:
    """One training and the cells that come of it: itself, if it is wanted, and its evaluations elsewhere."""

    inputs: RunInputs
    draw: Draw | None
    cells: tuple[Cell, ...]
    unfinished: Unfinished | None = None


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
    for wave in _waves(cells, materials):
        by_method: dict[str, list[Training]] = {}
        for cells_of_draw in wave:
            try:
                draw = _draw_of(materials, cells_of_draw[0], desk.known)
            except Exception as error:  # what breaks a draw fails the cells that learn from it
                for cell in cells_of_draw:
                    keep_failure(desk, cell, error)
                continue
            for trained, of_training in _trainings(cells_of_draw):
                training = _training(desk, stopping, materials, draw, trained, of_training)
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
        fit = _restored(desk, materials, method, training)
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


def _restored(desk: Desk, materials: Materials, method: Method, training: Training) -> Fit | None:
    """The fit of a training whose record is there and of today, where only evaluations are asked for."""
    trained = training.inputs.cell
    if trained in training.cells or training.draw is None:
        return None
    record = read_records(desk.job.results, [cell_id(trained)]).records.get(cell_id(trained))
    version = desk.known.version(trained)
    if record is None or not _is_of_today(record, materials, training.draw, version):
        return None
    content = read_context(desk.job.results, record)
    return None if content is None else method.restore(training.inputs, load(content)["context"])


def _is_of_today(record: RunRecord, materials: Materials, draw: Draw, version: int) -> bool:
    """Whether a record was made from the weights, the split and the images that are here, by this version.

    Lists that name the same images count as others where they are other files: batches and views derive from them.
    """
    made_from = record.provenance
    return made_from is not None and (
        made_from.weights_digest,
        made_from.split_digest,
        made_from.subset_digest,
        made_from.list_digest,
        made_from.method_version,
    ) == (materials.clip.weights_digest, materials.split.digest, draw.digest, draw.list_digest, version)


def _trainings(cells: list[Cell]) -> Iterator[tuple[Cell, list[Cell]]]:
    """Cells by what is trained for them; a method that learns from no images has its own names everywhere."""
    found: dict[Cell, list[Cell]] = {}
    for cell in cells:
        found.setdefault(cell.trained(), []).append(cell)
    yield from found.items()


def _waves(cells: list[Cell], materials: Materials) -> Iterator[list[list[Cell]]]:
    """Cells by draw, and the draws that are trained together.

    On the CPU that is one at a time, since nothing is gained by more; on a GPU as many as the host's memory holds
    images of.
    """
    wave: list[list[Cell]] = []
    n_images = 0
    size = Size(len(materials.split.class_names), len(materials.split.train))
    draws: dict[tuple[object, ...], list[Cell]] = {}
    for cell in cells:
        draws.setdefault((cell.shots, cell.seed, draw_rule(cell)), []).append(cell)
    for cells_of_draw in draws.values():
        wave.append(cells_of_draw)
        n_images += n_train_images(cells_of_draw[0], size)
        if materials.clip.device.type == "cpu" or n_images >= images_at_once(
            available_bytes(), materials.image_bytes or IMAGE_BYTES
        ):
            yield wave
            wave, n_images = [], 0
    if wave:
        yield wave


def _draw_of(materials: Materials, cell: Cell, known: Known) -> Draw | None:
    """The draw that a cell learns from; ``None`` for a method that does not read shots."""
    if not known.reads_shots(cell):
        return None
    return materials.draw(cell.shots, cell.seed or 0, draw_rule(cell))


def _training(
    desk: Desk, stopping: Stopping, materials: Materials, draw: Draw | None, trained: Cell, cells: list[Cell]
) -> Training:
    """A training as the method sees it; ``cells`` are those that wait for it."""
    if draw is None:
        return Training(RunInputs(trained, materials.clip, materials.class_names), None, tuple(cells))
    waiting = cell_id(trained if trained in cells else cells[0])
    epochs = trained.recipe_dict().get("epochs")
    digests = desk.known.plugin_digests(trained)
    unfinished = Unfinished(desk.job.results, trained, materials.clip, draw, materials.split.digest, digests)

    def on_epoch(epoch: int, state: Callable[[], State]) -> None:
        desk.tell(event="epoch", cell=waiting, epoch=epoch, epochs=epochs)
        unfinished.keep(state)
        if stopping.is_asked:
            raise StoppedError

    inputs = RunInputs(
        trained,
        materials.clip,
        materials.class_names,
        few_shot=draw.features,
        batches=partial(epoch_batches, draw.stream_names),
        on_epoch=on_epoch,
        state=unfinished.read(),
    )
    return Training(inputs, draw, tuple(cells), unfinished)


def _grouped(cells: Any, *axes: str) -> Iterator[tuple[tuple[Any, ...], list[Cell]]]:
    """Cells by their values on ``axes``, in order of first appearance."""
    groups: dict[tuple[Any, ...], list[Cell]] = {}
    for cell in cells:
        groups.setdefault(tuple(getattr(cell, axis) for axis in axes), []).append(cell)
    yield from groups.items()
