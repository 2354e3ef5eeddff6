"""What is trained for the cells of one class space: a few draws at a time, and what each training is given."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from safetensors.torch import load

from harness.data.dataset import Size
from harness.engine.batches import epoch_batches
from harness.engine.sgd import State
from harness.host import available_bytes
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.matrix.protocol import draw_rule
from harness.methods.method import Fit, Method, RunInputs
from harness.plan.space import IMAGE_BYTES, images_at_once
from harness.plan.work import n_train_images
from harness.store.record import RunRecord
from harness.store.records import read_context, read_records
from harness.worker.desk import Desk
from harness.worker.known import Known
from harness.worker.materials import Draw, Materials
from harness.worker.state import Unfinished
from harness.worker.stopping import StoppedError, Stopping


@dataclass(frozen=True, slots=True)
class Training:
    """One training and the cells that come of it: itself, if it is wanted, and its evaluations elsewhere."""

    inputs: RunInputs
    draw: Draw | None
    cells: tuple[Cell, ...]
    unfinished: Unfinished | None = None


def waves(cells: list[Cell], materials: Materials) -> Iterator[list[list[Cell]]]:
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


def draw_of(materials: Materials, cell: Cell, known: Known) -> Draw | None:
    """The draw that a cell learns from; ``None`` for a method that does not read shots."""
    if not known.reads_shots(cell):
        return None
    return materials.draw(cell.shots, cell.seed or 0, draw_rule(cell))


def trainings_of(cells: list[Cell]) -> Iterator[tuple[Cell, list[Cell]]]:
    """Cells by what is trained for them; a method that learns from no images has its own names everywhere."""
    found: dict[Cell, list[Cell]] = {}
    for cell in cells:
        found.setdefault(cell.trained(), []).append(cell)
    yield from found.items()


def training_of(
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


def restored_fit(desk: Desk, materials: Materials, method: Method, training: Training) -> Fit | None:
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
