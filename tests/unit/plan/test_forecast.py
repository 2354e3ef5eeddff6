"""What records of a known machine foretell of it."""

import random
import statistics
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harness.data.catalog import DATASETS
from harness.data.dataset import known_size
from harness.matrix.cell import Cell
from harness.plan.experience import experience
from harness.plan.forecast import Forecaster, makespan
from harness.plan.machine import Machine
from harness.plan.space import Tower
from harness.store.facts import Facts

MakeCell = Callable[..., Cell]
Draws = list[list[Cell]]
TOWERS = {"tiny": Tower(64, 3, 64), "RN50:openai": Tower(512, 12, 1024)}


@pytest.fixture
def told(clockwork: Any) -> Callable[..., Forecaster]:
    """A maker of forecasters from facts."""
    sizes = {name: size for name, row in DATASETS.items() if (size := known_size(row)) is not None}

    def make(facts: list[Facts], machine: Machine | None = None) -> Forecaster:
        return Forecaster(experience(facts, sizes, machine or clockwork.machine, TOWERS), sizes, TOWERS)

    return make


@pytest.mark.parametrize(("noise", "most"), [(0.0, 0.15), (0.3, 0.35)])
def test_five_percent_tell_the_rest(
    clockwork: Any, draws: Draws, told: Callable[..., Forecaster], noise: float, most: float
) -> None:
    """Six of 120 jobs foretell the others within a fifth in the median of five tries, and within what is said."""
    clockwork.noise = noise
    took = {id(draw): clockwork.job(draw) for draw in draws}
    off, inside = [], []
    for seed in range(5):
        order = random.Random(seed).sample(draws, len(draws))
        said = told([fact for draw in order[:6] for fact in took[id(draw)]]).forecast(order[6:], 1)
        rest_s = sum(clockwork.seconds(took[id(draw)]) for draw in order[6:]) + clockwork.start_s
        assert said.plus_minus is not None
        off.append(abs(said.busy_s / rest_s - 1))
        inside.append(abs(rest_s / said.busy_s - 1) < said.plus_minus)
        assert said.n_untold == 0
    assert statistics.median(off) < 0.2
    assert max(off) < most
    assert sum(inside) >= 4


def test_all_parts_are_told_exactly_where_nothing_is_left_open(
    clockwork: Any, draws: Draws, told: Callable[..., Forecaster]
) -> None:
    """With all kinds in the records the rest is foretold to a few percent, each job for itself."""
    half = draws[::2]
    first = [fact for draw in half for fact in clockwork.job(draw)]
    rest = draws[1::2]
    said = told(first).forecast(rest, 1)
    for job, draw in zip(said.jobs, rest, strict=True):
        assert job.seconds == pytest.approx(clockwork.seconds(clockwork.job(draw)), rel=0.1)


def test_without_records_there_are_no_seconds(draws: Draws, told: Callable[..., Forecaster]) -> None:
    """Nothing is made up; what follows from sizes alone is still said."""
    said = told([]).forecast(draws, 2)
    assert (said.plus_minus, said.busy_s, said.n_untold) == (None, 0.0, 600)
    assert {(job.seconds, job.host_bytes, job.device_bytes) for job in said.jobs} == {(None, None, None)}
    assert said.disk.records > 0


def test_records_of_other_devices_do_not_count(
    clockwork: Any, draws: Draws, told: Callable[..., Forecaster]
) -> None:
    """A GPU is not foretold from a processor, nor one processor from another."""
    facts = clockwork.job(draws[0])
    for machine in (Machine("cuda", "", 4), Machine("cpu", "another", 4)):
        ahead = told(facts, machine)
        assert (ahead.told.n_records, ahead.told.n_others) == (0, 5)
        assert ahead.forecast(draws[1:2], 1).jobs[0].seconds is None


def test_records_without_spending_do_not_count(
    clockwork: Any, draws: Draws, told: Callable[..., Forecaster]
) -> None:
    """Records of before it was kept are told apart, and failed ones are none."""
    facts = clockwork.job(draws[0])
    old = [replace(fact, spent=None) for fact in facts[:3]]
    failed = replace(facts[4], status="failed", made_from=None)
    ahead = told([*old, facts[3], failed])
    assert (ahead.told.n_records, ahead.told.n_others) == (1, 3)


def test_a_method_without_records_is_not_told(
    clockwork: Any, draws: Draws, told: Callable[..., Forecaster]
) -> None:
    """Probes say nothing about training; the cells that are told are counted apart."""
    probes = [fact for draw in draws[:9] for fact in clockwork.job(draw[:1])]
    said = told(probes).forecast([draws[9][:1], draws[9][1:]], 1)
    assert [job.seconds is None for job in said.jobs] == [False, True]
    assert [job.untold for job in said.jobs] == [(), tuple(draws[9][1:])]
    assert said.n_untold == 4


def test_probes_and_trainings_are_told_apart(
    clockwork: Any, draws: Draws, told: Callable[..., Forecaster]
) -> None:
    """Jobs of probes alone, and of trainings alone, are foretold from jobs of both."""
    ahead = told([fact for draw in draws[::2] for fact in clockwork.job(draw)])
    for part in (slice(0, 1), slice(1, None)):
        jobs = [draw[part] for draw in draws[1::8]]
        took = sum(clockwork.seconds(clockwork.job(job)) for job in jobs)
        assert sum(job.seconds or 0.0 for job in ahead.forecast(jobs, 1).jobs) == pytest.approx(took, rel=0.1)


def test_disk_is_what_the_matrix_keeps_and_the_cache_does_not_have(
    clockwork: Any, draws: Draws, told: Callable[..., Forecaster]
) -> None:
    """The rule for logits decides, and test features that records tell of lie in the cache already."""
    ahead = told(clockwork.job(draws[0]))
    kept, none = (ahead.forecast([draws[1]], 1, rule).disk.logits for rule in ("always", "never"))  # type: ignore[arg-type]
    assert kept > none == 0
    known, new = (ahead.forecast([draw], 1).disk.cache for draw in (draws[1], draws[60]))
    assert new > known == 0


def test_another_backbone_is_not_told(
    clockwork: Any, draws: Draws, told: Callable[..., Forecaster], make_cell: MakeCell
) -> None:
    """What a small backbone takes says nothing about a large one."""
    said = told(clockwork.job(draws[0])).forecast([[make_cell(backbone="RN50:openai")]], 1)
    assert said.jobs[0].seconds is None


def test_kinds_that_were_never_seen_make_it_less_sure(
    clockwork: Any, draws: Draws, told: Callable[..., Forecaster]
) -> None:
    """Another data set is told by those that are known, and the interval is wider."""
    first = [fact for draw in draws[:30] for fact in clockwork.job(draw)]  # digits alone
    ahead = told(first)
    same, other = ahead.forecast(draws[25:30], 1), ahead.forecast(draws[60:65], 1)
    assert (same.n_unseen, other.n_unseen) == (0, 25)
    assert same.plus_minus is not None
    assert other.plus_minus is not None
    assert other.plus_minus > same.plus_minus


def test_more_records_make_it_surer_and_more_jobs_too(
    clockwork: Any, draws: Draws, told: Callable[..., Forecaster]
) -> None:
    """The interval shrinks with what was seen and with what is averaged over, and a few records say little."""
    facts = [clockwork.job(draw) for draw in draws[:24]]

    def off(n_seen: int, n_coming: int) -> float:
        ahead = told([fact for each in facts[:n_seen] for fact in each])
        found = ahead.forecast(draws[24 : 24 + n_coming], 1).plus_minus
        assert found is not None
        return found

    assert off(1, 6) > off(24, 6) > 0.16
    assert off(24, 1) > off(24, 6)
    assert off(1, 1) < 2


def test_test_images_that_were_encoded_are_read_from_the_cache(
    clockwork: Any, draws: Draws, told: Callable[..., Forecaster]
) -> None:
    """Of two jobs on one new data set the first encodes its test images."""
    ahead = told([fact for draw in draws[:30] for fact in clockwork.job(draw)])
    first, second = (job.seconds or 0.0 for job in ahead.forecast([draws[60], draws[61]], 1).jobs)
    n_test, threads = 1692, clockwork.machine.threads
    assert first - second == pytest.approx(n_test * clockwork.test_image_s / threads, rel=0.02)


def test_more_cores_share_images_but_not_a_single_training(
    clockwork: Any, draws: Draws, told: Callable[..., Forecaster]
) -> None:
    """Records of four threads foretell one: views take four times as long, one training's steps do not."""
    facts = [fact for draw in draws[:30] for fact in clockwork.job(draw)]
    cells = draws[5][1:2]
    four = told(facts).seconds(cells)[cells[0]] or 0.0
    one = told(facts, replace(clockwork.machine, threads=1)).seconds(cells)[cells[0]] or 0.0
    assert four < one < 4 * four


def test_interrupted_trainings_do_not_make_steps_look_quick(
    clockwork: Any, draws: Draws, told: Callable[..., Forecaster]
) -> None:
    """A training that went on from where it was broken off is not a measure of a whole one."""
    facts = [fact for draw in draws[:6] for fact in clockwork.job(draw)]
    halves = [
        replace(fact, trained=False, timings=fact.timings | {"fit_s": 0.0}) if fact.cell.method == "coop" else fact
        for fact in facts[:5]
    ]
    rates = told(facts).told.rates["tiny", "fp32"]
    assert told([*halves, *facts[5:]]).told.rates["tiny", "fp32"].step == pytest.approx(rates.step, rel=0.01)


def test_memory_is_that_of_records_and_what_a_job_adds(
    clockwork: Any, draws: Draws, told: Callable[..., Forecaster]
) -> None:
    """The same job takes the same; one with more images to hold takes more."""
    ahead = told(clockwork.job(draws[0]))
    same, larger = ahead.forecast([draws[1], draws[89]], 1).jobs
    assert same.host_bytes == pytest.approx(clockwork.base_bytes, rel=0.001)
    assert (larger.host_bytes or 0.0) > (same.host_bytes or 0.0)
    assert same.device_bytes is None


def test_memory_of_a_gpu_is_told_beside_the_hosts(
    clockwork: Any, draws: Draws, told: Callable[..., Forecaster]
) -> None:
    """Records of a GPU say what it held, and larger trainings add to that."""
    facts = []
    for fact in clockwork.job(draws[0]):
        spent = fact.spent.model_copy(update={"peak_device_bytes": 2_000_000_000})
        facts.append(replace(fact, spent=spent, made_from=replace(fact.made_from, device="A GPU")))
    same, larger = told(facts, Machine("cuda", "A GPU", 4)).forecast([draws[1], draws[89]], 1).jobs
    assert same.device_bytes == pytest.approx(2e9, rel=0.001)
    assert (larger.device_bytes or 0.0) > (same.device_bytes or 0.0)


def test_a_data_set_of_unknown_size_is_not_told(
    clockwork: Any, draws: Draws, told: Callable[..., Forecaster], make_cell: MakeCell
) -> None:
    """Before its data is there nobody knows how many images it has."""
    ahead = told(clockwork.job(draws[0]))
    assert ahead.seconds([make_cell(dataset="unknown")]) == {make_cell(dataset="unknown"): None}


def test_seconds_of_cells_add_up_to_their_job(
    clockwork: Any, draws: Draws, told: Callable[..., Forecaster]
) -> None:
    """What a draw's cells share is in them in parts; a job adds the backbone, and test images that are new."""
    ahead = told([fact for draw in draws[:6] for fact in clockwork.job(draw)])
    each = ahead.seconds(draws[7]).values()
    assert all(value is not None and value > 0 for value in each)
    job = ahead.forecast([draws[7]], 1).jobs[0]
    assert job.seconds == pytest.approx(sum(value or 0.0 for value in each) + clockwork.load_s)


@pytest.mark.parametrize(
    ("seconds", "n_workers", "ends"),
    [([], 2, 0.0), ([3, 2, 1], 1, 6.0), ([3, 2, 1], 2, 3.0), ([5, 4, 3, 3], 2, 8.0)],
)
def test_makespan(seconds: list[float], n_workers: int, ends: float) -> None:
    """Each free worker takes the next job."""
    assert makespan(seconds, n_workers) == ends
