"""How much memory and disk cells take, reckoned from sizes; what a worker takes at rest comes from records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.backbone.spec import BackboneSpec
from harness.data.dataset import Size
from harness.matrix.cell import Cell
from harness.matrix.schema import LogitsRule
from harness.plan.machine import Machine
from harness.plan.work import Draw, Work, draw_of, work_of
from harness.store.logits import are_kept

IMAGE_BYTES = 600_000.0  # of a decoded image of 500 x 400, where no record tells
DECODED_BYTES = 4 << 30  # decoded training images that a worker holds for further draws of the same job
# Of the free memory: eight workers may share a machine, and other things need memory, too.
_WAVE_SHARE = 1 / 16
_FLOAT = 4
# Activations that a layer keeps of a token for the backward pass, in units of the width; and the bound above which
# a step is cut in pieces (``backbone/memory.py``).
_FLOATS_PER_TOKEN, _NEVER_CUT_BYTES = 16, 1 << 30
# Of a record's file: the head, a row of a class and of an epoch; of the file of words, one of five a vector.
_HEAD_BYTES, _CLASS_BYTES, _EPOCH_BYTES, _WORD_BYTES, _WORDS = 2_600, 90, 125, 62, 5
_TENSOR_BYTES = 100  # around the numbers of a file of tensors
_PACKED = 0.85  # what compression leaves of logits


@dataclass(frozen=True, slots=True)
class Tower:
    """The sizes of a backbone that memory follows: the text tower's width and layers, and the features' width."""

    width: int
    layers: int
    dim: int


@dataclass(frozen=True, slots=True)
class Disk:
    """Bytes that cells will take: records, contexts with their words, logits, and features in the cache."""

    records: float = 0.0
    contexts: float = 0.0
    logits: float = 0.0
    cache: float = 0.0

    @property
    def total(self) -> float:
        """All of them."""
        return self.records + self.contexts + self.logits + self.cache


def tower_of(spec: BackboneSpec) -> Tower:
    """The sizes of a backbone."""
    text = spec.config["text_cfg"]
    return Tower(int(text.get("width", 512)), int(text.get("layers", 12)), int(spec.config["embed_dim"]))


def images_at_once(free_bytes: float, image_bytes: float) -> int:
    """Training images whose draws a GPU trains together: as many as a worker's part of the memory holds."""
    return max(1, int(_WAVE_SHARE * free_bytes / max(1.0, image_bytes)))


def host_growth_bytes(
    cells: Sequence[Cell], works: Mapping[Cell, Work], tower: Tower, image_bytes: float, machine: Machine
) -> float:
    """Memory of a worker that grows with its job: decoded images, test features, and on the CPU activations."""
    draws: dict[Draw, int] = {}
    targets: dict[object, int] = {}
    for cell in cells:
        draws[draw_of(cell)] = max(draws.get(draw_of(cell), 0), works[cell].n_images)
        targets[cell.target()] = works[cell].n_test
    decoded = [n_images * image_bytes for n_images in draws.values()]
    held = max(max(decoded, default=0.0), min(sum(decoded), float(DECODED_BYTES)))
    features = sum(targets.values()) * tower.dim * _FLOAT
    steps = 0.0 if machine.kind == "cuda" else _activation_bytes(cells, works, tower, machine.threads)
    return held + features + steps


def device_growth_bytes(cells: Sequence[Cell], works: Mapping[Cell, Work], tower: Tower) -> float:
    """Memory of a GPU that grows with the job: test features, and the activations of all runs that are fused."""
    targets = {cell.target(): works[cell].n_test for cell in cells}
    fused: dict[object, list[Cell]] = {}
    for cell in cells:
        if works[cell].steps:
            same = (cell.context, cell.n_ctx, cell.class_token_position, cell.ctx_init, cell.protocol)
            fused.setdefault(same, []).append(cell)
    steps = max((_activation_bytes(runs, works, tower, len(runs)) for runs in fused.values()), default=0.0)
    return sum(targets.values()) * tower.dim * _FLOAT + steps


def _activation_bytes(cells: Iterable[Cell], works: Mapping[Cell, Work], tower: Tower, at_once: int) -> float:
    """What the steps of the largest trainings keep, as many as run at a time; each is cut at a gigabyte."""
    per_token = _FLOATS_PER_TOKEN * tower.width * tower.layers * _FLOAT
    each = sorted((works[cell].step_tokens * per_token for cell in cells), reverse=True)
    return sum(min(bytes_, float(_NEVER_CUT_BYTES)) for bytes_ in each[:at_once])


def disk_of(
    cells: Iterable[Cell],
    sizes: Mapping[str, Size],
    towers: Mapping[str, Tower],
    logits: LogitsRule,
    encoded: Iterable[object] = (),
) -> Disk:
    """What the cells will write; features of test images that are ``encoded`` are in the cache already."""
    records = contexts = kept = cache = 0.0
    seen = set(encoded)
    for cell in cells:
        work, tower = work_of(cell, sizes), towers[cell.backbone]
        epochs = int(cell.recipe_dict().get("epochs", 0)) if work.steps else 0
        records += _HEAD_BYTES + _CLASS_BYTES * work.test_classes + _EPOCH_BYTES * epochs
        if work.vectors:
            contexts += work.vectors * (tower.width * _FLOAT + _WORDS * _WORD_BYTES) + _TENSOR_BYTES
        if are_kept(logits, work.n_test, work.test_classes):
            kept += 2 * _PACKED * work.n_test * work.test_classes
        place = ((cell.backbone, cell.precision), cell.target())
        if place not in seen:
            seen.add(place)
            cache += work.n_test * tower.dim * _FLOAT + _TENSOR_BYTES
    return Disk(records, contexts, kept, cache)
