"""Memory and disk that follow from sizes."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.backbone.spec import backbone_spec
from harness.data.catalog import DATASETS
from harness.data.dataset import known_size
from harness.matrix.cell import Cell
from harness.plan.machine import Machine
from harness.plan.space import (
    DECODED_BYTES,
    Disk,
    Tower,
    device_growth_bytes,
    disk_of,
    host_growth_bytes,
    images_at_once,
    tower_of,
)
from harness.plan.work import work_of

MakeCell = Callable[..., Cell]
SIZES = {name: size for name, row in DATASETS.items() if (size := known_size(row)) is not None}
CPU, GPU = Machine("cpu", "", 4), Machine("cuda", "", 4)
RN50 = Tower(512, 12, 1024)


def _host(cells: list[Cell], image_bytes: float, machine: Machine = CPU) -> float:
    return host_growth_bytes(cells, {cell: work_of(cell, SIZES) for cell in cells}, RN50, image_bytes, machine)


def test_tower_of_the_shipped_backbone() -> None:
    """The sizes stand in its configuration."""
    spec = backbone_spec("tiny")
    assert tower_of(spec) == Tower(64, 3, 64)
    unsaid = replace(spec, config={"embed_dim": 640, "text_cfg": {}})
    assert tower_of(unsaid) == Tower(512, 12, 640)  # open_clip's own defaults


@pytest.mark.parametrize(
    ("free_bytes", "image_bytes", "n_images"),
    [(64e9, 500_000, 8_000), (512e9, 600_000, 53_333), (0.0, 600_000, 1), (1e9, 0.0, 62_500_000)],
)
def test_images_that_a_wave_holds(free_bytes: float, image_bytes: float, n_images: int) -> None:
    """A sixteenth of the free memory, and one image where there is none."""
    assert images_at_once(free_bytes, image_bytes) == n_images


def test_decoded_images_of_all_draws_are_held_up_to_a_bound(make_cell: MakeCell) -> None:
    """A second draw adds its images; beyond the bound only the largest draw counts whole."""
    draws = [make_cell(dataset="imagenet", shots=1, seed=seed) for seed in range(20)]
    one, two, all_of_them = (_host(draws[:n], 600_000, GPU) for n in (1, 2, 20))
    assert two - one == pytest.approx(1000 * 600_000)
    assert all_of_them - one == pytest.approx(DECODED_BYTES - 1000 * 600_000)
    large = make_cell(dataset="imagenet", shots=16)
    assert _host([large], 600_000) > 16_000 * 600_000


def test_variants_of_a_draw_share_its_images(make_cell: MakeCell) -> None:
    """On a GPU, where steps take none of the host's memory, a variant adds nothing to it."""
    variants = [make_cell(dataset="dtd", context=context) for context in ("unified", "class_specific")]
    assert _host(variants, 1e5, GPU) == _host(variants[:1], 1e5, GPU)
    assert _host(variants, 1e5, CPU) > _host(variants[:1], 1e5, CPU)


def test_fused_trainings_fill_the_gpu(make_cell: MakeCell) -> None:
    """Three seeds that are trained as one take three times the activations; another variant waits its turn."""

    def steps(cells: list[Cell]) -> float:
        works = {cell: work_of(cell, SIZES) for cell in cells}
        return device_growth_bytes(cells, works, RN50) - works[cells[0]].n_test * 1024 * 4

    assert steps([make_cell(dataset="dtd", method="zero_shot")]) == 0
    seeds = [make_cell(dataset="dtd", seed=seed) for seed in range(3)]
    assert steps(seeds[:1]) > 0
    assert steps(seeds) == pytest.approx(3 * steps(seeds[:1]))
    assert steps([*seeds, make_cell(dataset="dtd", n_ctx=4)]) == pytest.approx(steps(seeds))


def test_activations_are_those_of_the_largest_trainings(make_cell: MakeCell) -> None:
    """Sixteen numbers a token, layer and width; one thread keeps those of one training, the largest."""
    one_thread = Machine("cpu", "", 1)
    small, large = make_cell(dataset="digits"), make_cell(dataset="digits", context="class_specific")
    tokens = [work_of(cell, SIZES).step_tokens for cell in (small, large)]
    growth = _host([small, large], 0.0, one_thread) - _host([small, large], 0.0, GPU)
    assert growth == max(tokens) * 16 * 512 * 12 * 4
    two = _host([small, large], 0.0, Machine("cpu", "", 2)) - _host([small, large], 0.0, GPU)
    assert two == sum(tokens) * 16 * 512 * 12 * 4


def test_images_of_a_draw_are_held_whichever_of_its_cells_comes_last(make_cell: MakeCell) -> None:
    """An evaluation elsewhere of the same draw has no images of its own."""
    cell = make_cell(dataset="dtd", shots=16)
    elsewhere = replace(cell, evaluate_on="digits")
    assert _host([cell, elsewhere], 1e5, GPU) == _host([elsewhere, cell], 1e5, GPU)


def test_files_of_a_cell_are_as_large_as_what_stands_in_them(make_cell: MakeCell) -> None:
    """A row a class and an epoch, a context with five words a vector, two bytes a logit before compression."""

    def disk(*cells: Cell) -> Disk:
        return disk_of(cells, SIZES, {"tiny": Tower(64, 3, 64)}, "always")

    assert disk(make_cell(method="zero_shot")).records == disk(make_cell(method="linear_probe")).records == 3_500
    assert disk(make_cell()).records == 3_500 + 50 * 125
    contexts = [disk(make_cell(n_ctx=n_ctx)).contexts for n_ctx in (4, 8)]
    assert contexts[1] - contexts[0] == 4 * (64 * 4 + 5 * 62)
    assert disk(make_cell(n_ctx=4), make_cell(n_ctx=8)).contexts == sum(contexts)
    assert disk(make_cell()).logits == pytest.approx(0.85 * 2 * 540 * 10)


def test_disk_counts_test_features_once_and_what_is_cached_not_at_all(make_cell: MakeCell) -> None:
    """Features of test images belong to the data set, not to the cell."""
    cells = [make_cell(seed=seed) for seed in range(3)]
    towers = {"tiny": Tower(64, 3, 64)}
    one, three = disk_of(cells[:1], SIZES, towers, "auto"), disk_of(cells, SIZES, towers, "auto")
    assert (one.cache, three.cache) == (540 * 64 * 4 + 100, one.cache)
    assert three.records == pytest.approx(3 * one.records)
    encoded = {(("tiny", "fp32"), ("digits", "all"))}
    assert disk_of(cells, SIZES, towers, "auto", encoded).cache == 0
    assert three.total == three.records + three.contexts + three.logits + three.cache


@pytest.mark.parametrize(("rule", "is_kept"), [("auto", False), ("always", True), ("never", False)])
def test_logits_take_room_where_they_are_kept(make_cell: MakeCell, rule: str, is_kept: bool) -> None:
    """The matrix's rule decides, as it does when they are written."""
    disk = disk_of([make_cell(dataset="food101")], SIZES, {"tiny": Tower(64, 3, 64)}, rule)  # type: ignore[arg-type]
    assert (disk.logits > 0) == is_kept
