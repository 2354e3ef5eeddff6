"""What a published figure and ours say together: within noise, higher, lower, or nothing.

Noise is what would move the difference if nothing but chance differed. Both numbers are over the same test images,
so that the error of drawing those is no part of it. What is:

* the seeds: t for 95 % times the standard error of the difference of two means. Published figures rarely come with
  a spread; then ours stands for both.
* images that tip: at most 1 in 100 is expected to change sides where nothing but number format, decoder or
  hardware differs, in either direction alike: 1.96 * sqrt(0.01 / test images). It is all that is left for a method
  that draws nothing.
* half a unit of the last digit that was printed.

The first two add as independent errors do, the last one on top.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from harness.report.numbers.outliers import Apart
from harness.report.published.match import ByPlace, comparable_figures, like, match
from harness.report.published.ours import Ours
from harness.report.published.read import Published
from harness.report.stats.distributions import t_quantile
from harness.report.stats.significance import LEVEL, NORMAL, added_variances, standard_error

Verdict = Literal["within noise", "higher", "lower", "not comparable"]
TIPPING = 0.01  # share of test images


@dataclass(frozen=True, slots=True)
class Noise:
    """Half of the interval in which the difference lies by chance, as a fraction, and its parts.

    Attributes:
        seeds: of both means; 0 where nothing is drawn.
        images: that tip.
        rounding: of the published figure.
        said: whose spread it is.
    """

    seeds: float
    images: float
    rounding: float
    said: str

    @property
    def half(self) -> float:
        """All of it."""
        return math.hypot(self.seeds, self.images) + self.rounding


@dataclass(frozen=True, slots=True)
class Comparison:
    """A number of ours and the published figure.

    Attributes:
        figure: the one that it is held against, or the nearest; ``None`` where there is none.
        difference: ours minus the published one, a fraction.
        reason: why they cannot be compared.
        also: other figures for the same thing that say something else.
    """

    ours: Ours
    figure: Published | None
    difference: Fraction | None
    noise: Noise | None
    verdict: Verdict
    reason: str
    also: tuple[Published, ...]


def compare(
    numbers: Iterable[Ours], figures: Sequence[Published], name: str, odd: Sequence[Apart] = ()
) -> list[Comparison]:
    """Every number of ours with the figure that the set ``name`` has for it, in order; ``odd`` are no basis."""
    everything = comparable_figures(figures)
    of_set = comparable_figures([each for each in figures if each.set == name])
    return [_comparison(ours, of_set, everything, odd) for ours in numbers]


def _comparison(ours: Ours, figures: ByPlace, everything: ByPlace, odd: Sequence[Apart]) -> Comparison:
    found = match(ours, figures)
    figure = found.figure
    if figure is None:
        return Comparison(ours, None, None, None, "not comparable", found.reason, ())
    also = tuple(like(figure, everything))
    exact = ours.accuracy.exact
    difference = None if exact is None else exact - Fraction(figure.value) / 100
    torn = _torn(ours, odd)
    if found.reason or torn or difference is None:
        reason = "; ".join(filter(None, (found.reason, torn))) or "there is no number of ours"
        return Comparison(ours, figure, difference, None, "not comparable", reason, also)
    noise = noise_of(ours, figure)
    if noise is None:
        reason = "one run has no spread, and none was published"
        return Comparison(ours, figure, difference, None, "not comparable", reason, also)
    verdict: Verdict = "within noise"
    if abs(float(difference)) > noise.half:
        verdict = "higher" if difference > 0 else "lower"
    return Comparison(ours, figure, difference, noise, verdict, "", also)


def _torn(ours: Ours, odd: Sequence[Apart]) -> str:
    """Where seeds lie so far apart that their mean says nothing."""
    datasets = {entry.cell.dataset for entry in ours.entries}
    where = [
        each.dataset
        for each in odd
        if (each.row, each.shots) == (ours.row, ours.shots) and each.dataset in datasets
    ]
    if not where:
        return ""
    return "seeds lie apart" if datasets == set(where) else f"seeds lie apart on {', '.join(where)}"


def noise_of(ours: Ours, figure: Published) -> Noise | None:
    """How far the two may lie apart by chance; ``None`` where nobody knows how much seeds matter."""
    images = NORMAL * math.sqrt(TIPPING * _per_image(ours))
    rounding = float(figure.half_unit / 100)
    if all(entry.cell.seed is None for entry in ours.entries):
        return Noise(0.0, images, rounding, "nothing is drawn")
    own = standard_error(ours.scores)
    theirs = _published_error(figure)
    n = len(ours.scores)
    m = figure.n_seeds or 1
    if own is not None and theirs is not None:
        total, df = added_variances([(own[0] ** 2, own[1]), (theirs[0] ** 2, theirs[1])])
        said = "both spreads"
    elif own is not None:
        total, df = own[0] ** 2 * (1 + n / m), own[1]
        said = f"our spread for both, theirs over {m if figure.n_seeds else 'one run, since nobody says how many'}"
    elif theirs is not None:
        total, df = theirs[0] ** 2 * (1 + m / n), theirs[1]
        said = "their spread for both"
    else:
        return None
    return Noise(t_quantile(0.5 + LEVEL / 2, df) * math.sqrt(total), images, rounding, said)


def _published_error(figure: Published) -> tuple[float, float] | None:
    """Standard error of a published mean and its degrees of freedom, where a spread was published."""
    n = figure.n_seeds or 0
    if figure.sd is None or n < 2:
        return None
    sd = float(figure.sd) / 100
    if figure.sd_kind == "population":
        sd *= math.sqrt(n / (n - 1))
    return sd / math.sqrt(n), n - 1


def _per_image(ours: Ours) -> float:
    """The variance of a mean over the places, for a variance of one an image."""
    sizes: Mapping[object, int] = {
        entry.cell.target(): entry.record.n_test
        for entry in ours.entries
        if entry.record is not None and entry.record.n_test
    }
    return math.fsum(1 / size for size in sizes.values()) / len(sizes) ** 2 if sizes else 0.0


def image_error(ours: Ours) -> float | None:
    """The 95 % half width of what other test images would change (binomial); no part of the verdict."""
    mean = ours.accuracy.mean
    return None if mean is None else NORMAL * math.sqrt(mean * (1 - mean) * _per_image(ours))
