"""What work takes on one device: its prices, and what cells take at these prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.matrix.cell import Cell
from harness.plan.machine import Machine
from harness.plan.prices import Prices, price_of
from harness.plan.work import Work

Kind = tuple[str, str]  # data set and method
Target = tuple[str, str]  # data set and classes whose test images are evaluated on
Backbone = tuple[str, str]  # name and precision


@dataclass(frozen=True, slots=True)
class Rates:
    """The prices of one backbone, in seconds; ``None`` where no record has such work.

    Attributes:
        load: of the backbone.
        step: of a training step on one core, and of a token in it.
        views: of a view of a training image, all cores together, and of a training beside its steps.
        decode: of a training image, by data set; under the empty name for those without a record.
        probe: of a probe, of an image that it looks at, and of an image times a class.
        test: of the features of a test image, all cores together, by data set; likewise.
        evaluate: of an evaluation, a token of its prompts, and a test image times a class.
        words: of a search for nearest words, and of a vector.
        record: of what else belongs to a record.
        kinds: how much longer than by these prices a kind of cell takes.
        n_records: by which the prices were fitted.
        n_groups: draws that these are of.
        spread: standard deviation of the logarithm of what draws took over what these prices say.
    """

    load: float
    step: Prices | None
    views: Prices | None
    decode: Mapping[str, float]
    probe: Prices | None
    test: Mapping[str, float]
    evaluate: Prices | None
    words: Prices | None
    record: float
    kinds: Mapping[Kind, float] = field(default_factory=dict)
    n_records: int = 0
    n_groups: int = 0
    spread: float = 0.0


def backbone_of(cell: Cell) -> Backbone:
    """By what rates are told apart."""
    return cell.backbone, cell.precision


def at_once(n_trainings: int, machine_kind: str, threads: int) -> int:
    """How many trainings share the time: each has a core on the CPU; a GPU's seconds are shares already."""
    return max(1, min(n_trainings, threads)) if machine_kind == "cpu" else 1


def probe_counts(work: Work) -> tuple[float, float, float]:
    """One probe, the images that it looks at, and its images times classes."""
    return 1.0, float(work.n_images + work.n_val), float(work.n_images * work.n_classes)


def evaluation_counts(work: Work) -> tuple[float, float, float]:
    """One evaluation, the tokens of its prompts, and its test images times classes."""
    return 1.0, work.text_tokens, float(work.n_test * work.test_classes)


def cell_seconds(
    rates: Rates, cells: Sequence[Cell], works: Mapping[Cell, Work], machine: Machine
) -> dict[Cell, float] | None:
    """Seconds of each cell of one draw and method, what they share in equal parts; ``None`` where a rate lacks."""
    trained = [cell for cell in cells if works[cell].n_images]
    if rates.evaluate is None:
        return None
    shared = 0.0
    if trained:
        n_images = max(works[cell].n_images for cell in trained)
        shared += n_images * _rate(rates.decode, trained[0].dataset)
    steps = [cell for cell in trained if works[cell].steps]
    width = at_once(len(steps), machine.kind, machine.threads)
    if steps and rates.views is not None:
        threads = machine.threads if machine.kind == "cpu" else 1
        n_views = max(works[cell].n_views for cell in steps)
        shared += price_of(rates.views, (n_views, len(steps))) / threads
    found: dict[Cell, float] = {}
    for cell in cells:
        work = works[cell]
        seconds = price_of(rates.evaluate, evaluation_counts(work)) + (0.0 if work.steps else rates.record)
        if work.steps:
            if rates.step is None or rates.views is None:
                return None
            seconds += work.steps * price_of(rates.step, (1.0, work.step_tokens)) / width
            seconds += price_of(rates.words, (1.0, work.vectors)) if rates.words else 0.0
        elif work.n_images:
            if rates.probe is None:
                return None
            seconds += price_of(rates.probe, probe_counts(work))
        if work.n_images:
            seconds += shared / len(trained)
        found[cell] = seconds * rates.kinds.get((cell.dataset, cell.method), 1.0)
    return found


def _rate(by_dataset: Mapping[str, float], name: str) -> float:
    return by_dataset.get(name, by_dataset.get("", 0.0))
