"""The published figures that the package brings along: ``published.csv``, one figure a line.

Every figure was read in the document named beside it: where it was first published (``read-directly``) or where it
is quoted (``secondary-source``). ``docs/published.md`` describes the columns.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from importlib import resources

UNKNOWN = "unknown"
AVERAGE = "average"
ACCURACY, HARMONIC = "accuracy", "harmonic_mean"
_FILE = "published.csv"


@dataclass(frozen=True, slots=True)
class Published:
    """One figure, in the project's names; ``""`` where nothing is said, ``unknown`` where nobody says.

    Attributes:
        set: the named set that it belongs to.
        source: the document that it was read in.
        backbone: an architecture with OpenAI's weights.
        ctx_init: the words that the context started from, or ``random``.
        template: of zero-shot: ``own``, ``selected`` (the seven), another ``ensemble``, or ``unknown``.
        dataset: what was trained on; ``average`` is over the eleven data sets of the CoOp paper.
        evaluate_on: another data set, or ``new``; ``average`` is over the ten data sets or shifts.
        classes: ``all``, or ``base``: those that were trained on.
        shots: ``None`` where no source says.
        seed: of the one run that it is; ``None`` for a mean.
        n_seeds: how many runs it is a mean of; ``None`` where no source says.
        metric: ``accuracy``, ``harmonic_mean``, or a cost such as ``train_time_min``.
        value: as printed; accuracies in percent.
        sd: over seeds, as printed.
        sd_kind: ``population`` or ``unknown``.
        protocol: whose numbers the recipe has.
        epochs: where its source says so.
        obstacle: why no run of ours can be compared with it.
        note: what else its source says.
        where: the document, as an address or a place in print.
        confidence: ``read-directly`` or ``secondary-source``.
    """

    set: str
    source: str
    backbone: str
    method: str
    context: str
    n_ctx: str
    class_token_position: str
    ctx_init: str
    template: str
    dataset: str
    evaluate_on: str
    classes: str
    shots: int | None
    seed: int | None
    n_seeds: int | None
    metric: str
    value: Decimal
    sd: Decimal | None
    sd_kind: str
    protocol: str
    epochs: int | None
    obstacle: str
    note: str
    where: str
    confidence: str

    @property
    def half_unit(self) -> Fraction:
        """Half a unit of the last printed digit: how far rounding may have moved the figure."""
        exponent = self.value.as_tuple().exponent
        return Fraction(1, 2) * Fraction(10) ** int(exponent)


def published() -> tuple[Published, ...]:
    """Every figure of the package, in the order of its file."""
    text = (resources.files(__package__) / _FILE).read_text(encoding="utf-8")
    return tuple(_figure(row) for row in csv.DictReader(text.splitlines()))


def _figure(row: dict[str, str]) -> Published:
    numbers = {name: int(row[name]) if row[name] else None for name in ("shots", "seed", "n_seeds", "epochs")}
    sd = Decimal(row["sd"]) if row["sd"] else None
    return Published(**{**row, **numbers, "value": Decimal(row["value"]), "sd": sd})  # type: ignore[arg-type]
