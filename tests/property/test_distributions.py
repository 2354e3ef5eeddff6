"""Tails of distributions, against scipy's."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import special, stats

from harness.report.stats.distributions import beta_share, f_tail, t_quantile, t_tail

sizes = st.floats(0.1, 500)


@given(st.floats(0, 1), sizes, sizes)
def test_incomplete_beta_is_scipys(x: float, a: float, b: float) -> None:
    """The incomplete beta function agrees to ten digits."""
    assert math.isclose(beta_share(x, a, b), special.betainc(a, b, x), rel_tol=1e-9, abs_tol=1e-11)


@given(st.floats(-60, 60), st.floats(1, 300))
@example(1.2e-7, 128.0)
def test_t_tail_is_scipys(t: float, df: float) -> None:
    """So does the tail of Student's t, on both sides of zero."""
    assert math.isclose(t_tail(t, df), stats.t.sf(t, df), rel_tol=1e-8, abs_tol=1e-12)


@given(st.floats(0.01, 100), st.integers(1, 60), st.integers(1, 60))
def test_f_tail_is_scipys(f: float, over: int, under: int) -> None:
    """So does the tail of a ratio of variances."""
    assert math.isclose(f_tail(f, over, under), stats.f.sf(f, over, under), rel_tol=1e-8, abs_tol=1e-12)


@pytest.mark.parametrize("df", [1, 2, 2.5, 10, 22, 1000])
@pytest.mark.parametrize("p", [0.8, 0.975, 0.9995])
def test_t_quantile_is_scipys(p: float, df: float) -> None:
    """Quantiles agree with scipy's, for a table's 12.71 and 4.30, too."""
    assert t_quantile(p, df) == pytest.approx(stats.t.ppf(p, df), rel=1e-9)


def test_quantile_of_the_middle_is_zero() -> None:
    """Half of a symmetric distribution lies below zero."""
    assert t_quantile(0.5, 3) == pytest.approx(0, abs=1e-9)
