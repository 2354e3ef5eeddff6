"""Percent of fractions, rounded once: from integers by integers, halves away from zero as by hand."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

STEP = Decimal("0.1")  # percent are printed with one decimal


def percent(fraction: Fraction | float, step: Decimal = STEP) -> Decimal:
    """``fraction`` in percent, in whole ``step``s, which are powers of ten.

    A float is first rounded to nine decimals of a percent: 70.15 and 10.15 are not halves in binary, and would be
    rounded in different directions.
    """
    if not isinstance(fraction, Fraction):
        return Decimal(repr(round(100 * fraction, 9))).quantize(step, ROUND_HALF_UP)
    digits = -int(step.as_tuple().exponent)
    above, below = abs(fraction.numerator) * 100 * 10**digits, fraction.denominator
    steps = (2 * above + below) // (2 * below)
    return Decimal(steps if fraction >= 0 else -steps).scaleb(-digits)


def signed(fraction: Fraction | float, step: Decimal = STEP) -> str:
    """A difference in percentage points with its sign; what rounds to zero has none."""
    points = percent(fraction, step)
    return str(abs(points)) if points == 0 else f"{points:+f}".replace("-", "−")


def mean_of(values: Iterable[Fraction]) -> Fraction:
    """The mean of at least one fraction."""
    found = list(values)
    return sum(found, Fraction()) / len(found)
