"""Percent of fractions, rounded once: from integers by integers, halves away from zero as by hand."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction


def percent(fraction: Fraction | float, decimals: int = 1) -> str:
    """``fraction`` in percent; what rounds to zero has no sign."""
    points = _rounded(fraction, decimals)
    return f"{abs(points) if points == 0 else points:f}"


def signed(fraction: Fraction | float, decimals: int = 1) -> str:
    """A difference in percentage points with its sign; what rounds to zero has none."""
    points = _rounded(fraction, decimals)
    return f"{abs(points):f}" if points == 0 else f"{points:+f}".replace("-", "−")


def _rounded(fraction: Fraction | float, decimals: int) -> Decimal:
    """Percent with so many decimals.

    A float is first rounded to nine decimals of a percent: 70.15 and 10.15 are not halves in binary, and would be
    rounded in different directions.
    """
    if not isinstance(fraction, Fraction):
        step = Decimal(1).scaleb(-decimals)
        return Decimal(repr(round(100 * fraction, 9))).quantize(step, ROUND_HALF_UP)
    above, below = abs(fraction.numerator) * 100 * 10**decimals, fraction.denominator
    steps = (2 * above + below) // (2 * below)
    return Decimal(steps if fraction >= 0 else -steps).scaleb(-decimals)


def mean_of(values: Iterable[Fraction]) -> Fraction:
    """The mean of at least one fraction."""
    found = list(values)
    return sum(found, Fraction()) / len(found)
