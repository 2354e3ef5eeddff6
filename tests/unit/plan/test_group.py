"""Which cells run together."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli.vocabulary import known_names
from harness.data.catalog import DATASETS
from harness.data.dataset import known_size
from harness.matrix.cell import Cell
from harness.matrix.matrix import read_matrix
from harness.plan.cost import cost_of
from harness.plan.forecast import makespan
from harness.plan.group import group_cells

MakeCell = Callable[..., Cell]
SIZES = {name: size for name, row in DATASETS.items() if (size := known_size(row)) is not None}


@pytest.fixture
def cells(make_cell: MakeCell) -> list[Cell]:
    """Zero-shot, and CoOp in two variants over five shot counts and three seeds, on two data sets."""
    found = []
    for dataset in ("digits", "dtd"):
        found.append(make_cell(method="zero_shot", dataset=dataset))
        found += [
            make_cell(dataset=dataset, shots=shots, seed=seed, context=context)
            for shots in (1, 2, 4, 8, 16)
            for seed in (1, 2, 3)
            for context in ("unified", "class_specific")
        ]
    return found


@pytest.mark.parametrize("n_workers", [1, 2, 3, 4, 7, 32, 100])
def test_no_cell_is_lost_or_repeated(cells: list[Cell], n_workers: int) -> None:
    """However many workers there are, every cell is in one job."""
    jobs = group_cells(cells, n_workers, SIZES)
    assert Counter(cell for job in jobs for cell in job) == Counter(cells)
    assert all(jobs)


@pytest.mark.parametrize("n_workers", [1, 2, 3, 4])
def test_variants_of_one_draw_stay_together(cells: list[Cell], n_workers: int) -> None:
    """Cells of one data set, shot count and seed learn from the same views, in one job."""
    jobs = group_cells(cells, n_workers, SIZES)
    homes: dict[object, set[int]] = {}
    for number, job in enumerate(jobs):
        for cell in job:
            homes.setdefault((cell.dataset, cell.shots, cell.seed), set()).add(number)
    assert {len(home) for home in homes.values()} == {1}


@pytest.mark.parametrize("n_workers", [1, 2, 3, 4, 7, 32])
def test_every_worker_has_a_job(cells: list[Cell], n_workers: int) -> None:
    """As long as there are draws enough, no worker is idle."""
    assert len(group_cells(cells, n_workers, SIZES)) >= n_workers


def test_one_worker_gets_whole_groups(cells: list[Cell]) -> None:
    """A job is all cells of one backbone and data set where nothing else has to be kept busy."""
    jobs = group_cells(cells, 1, SIZES)
    assert [{cell.dataset for cell in job} for job in jobs] == [{"dtd"}, {"digits"}]
    assert [len(job) for job in jobs] == [31, 31]


def test_small_jobs_are_not_cut(make_cell: MakeCell) -> None:
    """Two workers get a job each of what takes seconds, not eight that load the backbone eight times."""
    small = [make_cell(seed=seed) for seed in range(40)]
    assert [len(job) for job in group_cells(small, 2, SIZES)] == [20, 20]


def test_a_draw_that_is_more_than_a_share_is_cut_between_trainings(make_cell: MakeCell) -> None:
    """ImageNet's largest draw does not keep one of 32 workers busy alone; evaluations stay with their training."""
    variants = [make_cell(dataset="imagenet", shots=16, context=kind) for kind in ("unified", "class_specific")]
    elsewhere = [replace(cell, evaluate_on="imagenetv2") for cell in variants]
    jobs = group_cells([*variants, *elsewhere, make_cell(dataset="dtd")], 32, SIZES)
    homes = [{cell.context for cell in job} for job in jobs if job[0].dataset == "imagenet"]
    assert sorted(homes, key=str) == [{"class_specific"}, {"unified"}]
    assert all(cell.trained() in job for job in jobs for cell in job)


@pytest.mark.parametrize("n_workers", [2, 4, 8])
def test_workers_are_busy_to_the_end(n_workers: int) -> None:
    """The paper's matrix takes little longer than its work shared out evenly, or than its longest job."""
    path = Path(__file__).parents[3] / "experiments" / "full.yaml"
    jobs = group_cells(read_matrix(path, known_names()).cells, n_workers, SIZES)
    loads = [cost_of(job, SIZES) for job in jobs]
    assert makespan(loads, n_workers) < 1.1 * sum(loads) / n_workers


def test_seconds_go_before_relative_work(make_cell: MakeCell) -> None:
    """What records tell decides which job is long; where one cell is not told, no seconds count."""
    quick, slow = make_cell(dataset="dtd", shots=16), make_cell(dataset="digits")
    told: dict[Cell, float | None] = {quick: 1.0, slow: 100.0}
    assert group_cells([quick, slow], 1, SIZES, told) == [(slow,), (quick,)]
    assert group_cells([quick, slow], 1, SIZES, told | {slow: None}) == [(quick,), (slow,)]


def test_seconds_decide_how_far_jobs_are_cut(make_cell: MakeCell) -> None:
    """Hours are cut into four jobs a worker, seconds into one."""
    cells = [make_cell(seed=seed) for seed in range(64)]
    assert len(group_cells(cells, 4, SIZES, dict.fromkeys(cells, 3600.0))) == 16
    assert len(group_cells(cells, 4, SIZES, dict.fromkeys(cells, 1.0))) == 4


def test_group_with_the_most_work_is_cut_first(make_cell: MakeCell) -> None:
    """With one worker more than groups the longer group becomes two jobs, whatever the groups are called."""
    for long, short in (("dtd", "digits"), ("digits", "dtd")):
        hours = {make_cell(dataset=long, seed=seed): 10.0 for seed in range(2)}
        seconds: dict[Cell, float | None] = hours | {make_cell(dataset=short, seed=seed): 6.0 for seed in range(2)}
        jobs = group_cells(seconds, 3, SIZES, seconds)
        assert [(job[0].dataset, len(job)) for job in jobs] == [(short, 2), (long, 1), (long, 1)]


def test_long_draw_runs_alone_beside_short_ones(make_cell: MakeCell) -> None:
    """Parts of equal work are filled from the longest piece on."""
    cells = [make_cell(seed=seed) for seed in range(9)]
    seconds: dict[Cell, float | None] = dict.fromkeys(cells, 1800.0) | {cells[8]: 4 * 3600.0}
    assert (cells[8],) in group_cells(cells, 2, SIZES, seconds)


def test_jobs_never_mix_backbones_or_data_sets(make_cell: MakeCell) -> None:
    """Features are computed for one backbone and data set, so a job has one of each."""
    mixed = [
        make_cell(dataset=dataset, backbone=backbone, precision=precision)
        for dataset in ("digits", "dtd")
        for backbone in ("tiny", "RN50:openai")
        for precision in ("fp32", "fp16")
    ]
    assert [len(job) for job in group_cells(mixed, 1, SIZES)] == [1] * 8


def test_most_work_goes_first(cells: list[Cell]) -> None:
    """A long job that starts last would keep one worker busy alone."""
    loads = [cost_of(job, SIZES) for job in group_cells(cells, 4, SIZES)]
    assert loads == sorted(loads, reverse=True)


def test_work_is_shared_evenly(make_cell: MakeCell) -> None:
    """Six draws of equal cost make three jobs of two."""
    equal = [make_cell(seed=seed) for seed in range(6)]
    assert [len(job) for job in group_cells(equal, 3, SIZES)] == [2, 2, 2]


def test_cells_of_a_job_keep_their_order(cells: list[Cell]) -> None:
    """Inside a job cells run in the order of the matrix."""
    place = {cell: index for index, cell in enumerate(cells)}
    for job in group_cells(cells, 5, SIZES):
        places = [place[cell] for cell in job]
        assert places == sorted(places)


def test_grouping_is_deterministic(cells: list[Cell]) -> None:
    """The same cells make the same jobs."""
    assert group_cells(cells, 3, SIZES) == group_cells(cells, 3, SIZES)


def test_nothing_makes_no_job() -> None:
    """Without pending cells there are no jobs."""
    assert group_cells([], 4, SIZES) == []


def test_draws_of_other_rules_can_be_cut_apart(make_cell: MakeCell) -> None:
    """Cells of one shot count and seed whose protocols draw other images are two pieces of work."""
    cells = [make_cell(protocol=protocol) for protocol in ("coop", "coop_ijcv2022", "lpclip")]
    jobs = group_cells(cells, 2, SIZES)
    assert sorted([cell.protocol for cell in job] for job in jobs) == [["coop", "coop_ijcv2022"], ["lpclip"]]
