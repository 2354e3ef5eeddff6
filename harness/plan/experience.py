"""What the records of past runs tell of a device: prices fitted to them, and the memory that workers took.

The time of a job falls into parts that records tell apart: loading the backbone, decoding the images of a draw,
training (steps through the text tower, and what views of images add to them), fitting a probe, features of test
images, evaluating, the search for nearest words, and a remainder a record. Each part has a price for each of the
counts it grows with.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from harness.data.dataset import Size
from harness.plan.machine import Machine
from harness.plan.prices import fitted
from harness.plan.rates import (
    Backbone,
    Kind,
    Rates,
    Target,
    at_once,
    backbone_of,
    cell_seconds,
    evaluation_counts,
    probe_counts,
)
from harness.plan.space import IMAGE_BYTES, Tower, device_growth_bytes, host_growth_bytes
from harness.plan.work import Draw, Work, draw_of, work_of
from harness.store.facts import Facts
from harness.store.record import Spent

# Proportions that hold where measurements do not tell: seconds on a core with a small tower.
_STEP = (2e-3, 2e-5)  # a step, a token in it
_VIEWS = (1e-3, 2e-2)  # a view, a training
_PROBE = (5e-2, 2e-3, 1e-5)  # a probe, an image that it looks at, an image times a class
_EVALUATE = (2e-3, 2e-5, 1e-8)  # an evaluation, a token, a test image times a class
_WORDS = (1e-3, 1e-4)  # a search, a vector
_SHRINK = 1.0  # measurements that a kind's own deviation is mistrusted by


class Measured(NamedTuple):
    """One record, taken apart."""

    facts: Facts
    spent: Spent
    work: Work


class Base(NamedTuple):
    """Memory of a worker's process, and of its GPU, in bytes."""

    host: float
    device: float | None


@dataclass(frozen=True, slots=True)
class Experience:
    """All that records tell of one device.

    Attributes:
        machine: the device.
        rates: by backbone.
        start_s: from the start of a worker until it can begin.
        encoded: test images whose features were computed before, and are in the cache unless it was cleared.
        image_bytes: of a decoded training image, by data set.
        base_bytes: most memory of a worker beside what grows with its job, by backbone.
        n_records: that this is from.
        n_others: records that do not count, since they are of other devices or from before times were kept.
    """

    machine: Machine
    rates: Mapping[Backbone, Rates]
    start_s: float
    encoded: frozenset[tuple[Backbone, Target]]
    image_bytes: Mapping[str, float]
    base_bytes: Mapping[Backbone, Base]
    n_records: int
    n_others: int


def experience(
    found: Iterable[Facts], sizes: Mapping[str, Size], machine: Machine, towers: Mapping[str, Tower]
) -> Experience:
    """What the records of a device tell; those of data sets of unknown size are left out."""
    done = [facts for facts in found if facts.status == "done"]
    measured = [
        Measured(facts, facts.spent, work_of(facts.cell, sizes))
        for facts in done
        if facts.spent is not None and machine.made(facts) and facts.cell.dataset in sizes
    ]
    by_backbone: dict[Backbone, list[Measured]] = {}
    for each in measured:
        by_backbone.setdefault(backbone_of(each.facts.cell), []).append(each)
    decoded: dict[str, list[int]] = {}
    for each in measured:
        if each.spent.image_bytes is not None:
            decoded.setdefault(each.facts.cell.dataset, []).append(each.spent.image_bytes)
    image_bytes = {name: sum(values) / len(values) for name, values in decoded.items()}
    return Experience(
        machine=machine,
        rates={backbone: _rates(records, machine) for backbone, records in by_backbone.items()},
        start_s=_median([each.spent.start_s for each in measured] or [0.0]),
        encoded=frozenset((backbone_of(each.facts.cell), each.facts.cell.target()) for each in measured),
        image_bytes=image_bytes,
        base_bytes={
            backbone: _base(records, towers[backbone[0]], image_bytes, machine)
            for backbone, records in by_backbone.items()
            if backbone[0] in towers
        },
        n_records=len(measured),
        n_others=len(done) - len(measured),
    )


def _base(records: Sequence[Measured], tower: Tower, image_bytes: Mapping[str, float], machine: Machine) -> Base:
    """What a worker took beside what grew with its job: the median over jobs."""
    jobs: dict[str, list[Measured]] = {}
    for each in records:
        jobs.setdefault(each.spent.job, []).append(each)
    host, device = [], []
    for members in jobs.values():
        works = {each.facts.cell: each.work for each in members}
        images = image_bytes.get(members[0].facts.cell.dataset, IMAGE_BYTES)
        of_group = replace(machine, threads=members[0].spent.threads)
        if peaks := [each.spent.peak_host_bytes for each in members if each.spent.peak_host_bytes]:
            host.append(max(peaks) - host_growth_bytes(list(works), works, tower, images, of_group))
        if peaks := [each.spent.peak_device_bytes for each in members if each.spent.peak_device_bytes]:
            device.append(max(peaks) - device_growth_bytes(list(works), works, tower))
    return Base(
        max(0.0, _median(host)) if host else 0.0,
        max(0.0, _median(device)) if device else None,
    )


def _median(values: Iterable[float]) -> float:
    return float(np.median(list(values)))  # the module statistics takes long to import


def _rates(records: Sequence[Measured], machine: Machine) -> Rates:
    steps, probes, evaluations, searches = [], [], [], []
    for facts, spent, work in records:
        fit_s = facts.timings.get("fit_s", 0.0)
        if work.steps and facts.trained:
            steps.append(((1.0, work.step_tokens), fit_s / work.steps))
            searches.append(((1.0, work.vectors), spent.words_s))
        elif work.n_images and not work.steps:
            probes.append((probe_counts(work), fit_s))
        evaluations.append((evaluation_counts(work), facts.timings.get("evaluate_s", 0.0)))
    groups = _groups(records, machine)
    training = [(_view_counts(group), _beside_steps(group, machine)) for group in groups if _is_trained(group)]
    others = [_unexplained(group) / len(group) for group in groups if not _is_trained(group)]
    rates = Rates(
        load=_median([each.spent.load_s for each in records if each.spent.load_s > 0] or [0.0]),
        step=fitted(steps, _STEP),
        views=fitted(training, _VIEWS),
        decode=_by_dataset(
            [
                (each.facts.cell.dataset, each.work.n_images, each.spent.draw_s)
                for each in records
                if each.spent.draw_s
            ]
        ),
        probe=fitted(probes, _PROBE),
        test=_encoding(records, machine),
        evaluate=fitted(evaluations, _EVALUATE),
        words=fitted(searches, _WORDS),
        record=max(0.0, sum(others) / len(others)) if others else 0.0,
        n_records=len(records),
        n_groups=len(groups),
    )
    return _with_kinds(rates, groups, machine)


def _groups(records: Sequence[Measured], machine: Machine) -> list[list[Measured]]:
    """Records whose time is one: a draw's of one method in one job; on a GPU draws are trained together."""
    found: dict[object, list[Measured]] = {}
    for each in records:
        cell = each.facts.cell
        draw: Draw = draw_of(cell) if machine.kind == "cpu" else (cell.dataset, cell.classes)
        found.setdefault((each.spent.job, cell.method, draw), []).append(each)
    return list(found.values())


def _is_trained(group: Sequence[Measured]) -> bool:
    return any(each.work.steps for each in group)


def _unexplained(group: Sequence[Measured]) -> float:
    """Seconds of a group without loading, decoding, fitting, test images and evaluations."""
    own = sum(each.facts.timings.get("fit_s", 0.0) for each in group)
    return _beside_known(group) - own


def _beside_known(group: Sequence[Measured]) -> float:
    known = 0.0
    for facts, spent, _ in group:
        known += spent.load_s + spent.draw_s + spent.words_s
        known += facts.timings.get("test_features_s", 0.0) + facts.timings.get("evaluate_s", 0.0)
    return sum(each.spent.elapsed_s for each in group) - known


def _beside_steps(group: Sequence[Measured], machine: Machine) -> float:
    """Seconds of a trained group beside its steps, in seconds of all cores together."""
    trained = [each for each in group if each.work.steps]
    threads = trained[0].spent.threads
    steps = sum(each.facts.timings.get("fit_s", 0.0) for each in trained) / at_once(
        len(trained), machine.kind, threads
    )
    return (_beside_known(group) - steps) * (threads if machine.kind == "cpu" else 1)


def _view_counts(group: Sequence[Measured]) -> tuple[float, float]:
    """Views that a group's draws have, those of several variants counted once, and the group's trainings."""
    views: dict[Draw, int] = {}
    for facts, _, work in group:
        draw = draw_of(facts.cell)
        views[draw] = max(views.get(draw, 0), work.n_views)
    return float(sum(views.values())), float(sum(each.work.steps > 0 for each in group))


def _encoding(records: Sequence[Measured], machine: Machine) -> dict[str, float]:
    """Seconds a test image: the longest of each target, since the others were read from the cache."""
    longest: dict[Target, tuple[int, float]] = {}
    for facts, spent, work in records:
        threads = spent.threads if machine.kind == "cpu" else 1
        seconds = facts.timings.get("test_features_s", 0.0) * threads
        if seconds > longest.get(facts.cell.target(), (0, 0.0))[1]:
            longest[facts.cell.target()] = (work.n_test, seconds)
    return _by_dataset([(target[0], n, seconds) for target, (n, seconds) in longest.items()])


def _by_dataset(measured: Sequence[tuple[str, int, float]]) -> dict[str, float]:
    """Seconds an item of each data set, and under the empty name of an item of any."""
    found: dict[str, tuple[int, float]] = {}
    for name, n, seconds in measured:
        n_all, all_s = found.get(name, (0, 0.0))
        found[name] = (n_all + n, all_s + seconds)
    each = {name: seconds / n for name, (n, seconds) in found.items() if n}
    return each | {"": _median(each.values())} if each else {}


def _with_kinds(rates: Rates, groups: Sequence[Sequence[Measured]], machine: Machine) -> Rates:
    """Rates that know how far each kind of cell is off, and how far off they are then."""
    found: dict[Kind, list[tuple[float, float]]] = {}  # what was said, and what it took
    for group in groups:
        works = {each.facts.cell: each.work for each in group}
        each_s = cell_seconds(rates, list(works), works, replace(machine, threads=group[0].spent.threads))
        said = 0.0 if each_s is None else sum(each_s.values())
        took = sum(each.spent.elapsed_s - each.spent.load_s for each in group)
        took -= sum(each.facts.timings.get("test_features_s", 0.0) for each in group)
        if said > 0 and took > 0:
            cell = group[0].facts.cell
            found.setdefault((cell.dataset, cell.method), []).append((said, took))
    kinds = {kind: _factor(pairs) for kind, pairs in found.items()}
    off = [math.log(took / said / kinds[kind]) for kind, pairs in found.items() for said, took in pairs]
    spread = math.sqrt(sum(value * value for value in off) / max(1, len(off) - 1)) if off else 0.0
    return replace(rates, kinds=kinds, spread=spread)


def _factor(pairs: Sequence[tuple[float, float]]) -> float:
    """What took how much longer in all, if it had also once taken what was said."""
    said, took = sum(said for said, _ in pairs), sum(took for _, took in pairs)
    once = _SHRINK * said / len(pairs)
    return (took + once) / (said + once)
