"""Laws of rounding, tests and intervals."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from harness.report.stats.exact import percent, signed
from harness.report.stats.significance import holm, sign_flip_p, smallest_p, standard_error, t_interval

differences = st.lists(st.integers(-500, 500).map(lambda count: count / 1000), min_size=1, max_size=12)
p_values = st.lists(st.floats(0, 1), max_size=20)
scores = npst.arrays(np.float64, st.tuples(st.integers(2, 5), st.integers(1, 5)), elements=st.floats(0, 1))


@given(st.integers(0, 50_000), st.integers(1, 50_000), st.integers(0, 2))
def test_percent_is_rounded_once(n_correct: int, n_test: int, decimals: int) -> None:
    """A share of integers is printed as exact division and one rounding give it."""
    wide = Context(prec=60)
    exact = wide.divide(Decimal(100 * n_correct), Decimal(n_test))
    step = Decimal(1).scaleb(-decimals)
    assert percent(Fraction(n_correct, n_test), decimals) == str(exact.quantize(step, ROUND_HALF_UP))


@given(st.fractions(-1, 1, max_denominator=5000))
def test_differences_mirror_each_other(fraction: Fraction) -> None:
    """A minus B prints as B minus A with the other sign, or both without one."""
    swap = str.maketrans("+−", "−+")
    assert signed(fraction) == signed(-fraction).translate(swap)


@given(differences, st.randoms(use_true_random=False))
def test_sign_flips_see_neither_order_nor_direction(units: list[float], random: object) -> None:
    """P is the same in every order, for either method first, and on any scale; it lies within its bounds."""
    p = sign_flip_p(units)
    shuffled = units.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert sign_flip_p(shuffled) == p
    assert sign_flip_p([-unit for unit in units]) == p
    assert sign_flip_p([4 * unit for unit in units]) == p
    assert smallest_p(len(units)) <= p <= 1
    assert (p == smallest_p(len(units))) or len(units) > 1


@given(p_values)
def test_holm_is_between_nothing_and_bonferroni(ps: list[float]) -> None:
    """A corrected p is no smaller than the raw one, no larger than n times it, and keeps the order."""
    corrected = holm(ps)
    for p, better in zip(ps, corrected, strict=True):
        assert p <= better <= 1
        assert better <= max(len(ps) * other for other in ps if other <= p) + 1e-12
    order = sorted(range(len(ps)), key=lambda place: ps[place])
    assert [corrected[place] for place in order] == sorted(corrected)


@given(scores)
def test_interval_surrounds_the_mean(runs: np.ndarray) -> None:
    """The interval is centred on the mean of the data sets' means, and is wider than two standard errors."""
    interval, known = t_interval(runs), standard_error(runs)
    assert interval is not None
    assert known is not None
    error, df = known
    assert math.isclose((interval.low + interval.high) / 2, float(runs.mean()), abs_tol=1e-9)
    assert interval.high - interval.low >= 2 * 1.95 * error - 1e-12
    assert 0.99 * (len(runs) - 1) <= df <= 1.01 * (len(runs) - 1) * runs.shape[1]


@given(scores, st.floats(-0.5, 0.5))
def test_interval_moves_with_the_numbers(runs: np.ndarray, shift: float) -> None:
    """Numbers that are all larger by the same have an interval that is larger by the same."""
    one, other = t_interval(runs), t_interval(runs + shift)
    assert one is not None
    assert other is not None
    assert math.isclose(other.high - one.high, shift, abs_tol=1e-6)
    assert math.isclose(other.low - one.low, shift, abs_tol=1e-6)
