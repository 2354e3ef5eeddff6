"""Percent of fractions, rounded once: from integers by integers, halves away from zero as by hand."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

STEP = Decimal("0.1")  # percent are printed with one decimal


def percent(fraction: Fraction | float, step: Decimal = STEP) -> Decimal:
    """``fraction`` in percent, in whole ``step``s.

    A float is first rounded to nine decimals of a percent: 70.15 and 10.15 are not halves in binary, and would be
    rounded in different directions.
    """
    exact = fraction if isinstance(fraction, Fraction) else Fraction(repr(round(100 * fraction, 9))) / 100
    steps, rest = divmod(abs(exact) * 100, Fraction(step))
    steps += rest * 2 >= Fraction(step)
    return (Decimal(int(steps)) * step).copy_sign(Decimal(-1 if exact < 0 else 1))


def signed(fraction: Fraction | float, step: Decimal = STEP) -> str:
    """A difference in percentage points with its sign; what rounds to zero has none."""
    points = percent(fraction, step)
    return str(abs(points)) if points == 0 else f"{points:+f}".replace("-", "−")


def mean_of(values: Iterable[Fraction]) -> Fraction:
    """The mean of at least one fraction."""
    found = list(values)
    return sum(found, Fraction()) / len(found)
