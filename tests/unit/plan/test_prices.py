"""Prices fitted to measured seconds."""

import pytest

from harness.plan.prices import fitted, price_of

EXPECTED = (1.0, 0.1)


def test_prices_of_a_line_are_found() -> None:
    """Measurements without noise give back the prices that made them."""
    counts = [(1.0, 10.0), (1.0, 200.0), (1.0, 50.0), (2.0, 5000.0)]
    prices = fitted([(row, price_of((3.0, 0.02), row)) for row in counts] * 20, EXPECTED)
    assert prices == pytest.approx((3.0, 0.02), rel=0.05)


def test_one_measurement_keeps_the_expected_proportion() -> None:
    """What cannot be told apart is scaled as a whole."""
    assert fitted([((1.0, 10.0), 6.0)], EXPECTED) == pytest.approx((3.0, 0.3))


def test_nothing_measured_gives_no_price() -> None:
    """Without a measurement, or with measurements of nothing, there is no price."""
    assert fitted([], EXPECTED) is None
    assert fitted([((0.0, 0.0), 1.0)], EXPECTED) is None


def test_no_price_is_negative() -> None:
    """Seconds that fall with a count do not make the count pay."""
    measured = [((1.0, 10.0), 9.0), ((1.0, 100.0), 5.0), ((1.0, 1000.0), 1.0)]
    prices = fitted(measured, EXPECTED)
    assert prices is not None
    assert prices[1] == 0
    assert price_of(prices, (1.0, 50.0)) == pytest.approx(5.0, rel=0.5)


def test_work_that_takes_no_time_costs_almost_nothing() -> None:
    """Clocks that show zero are no error."""
    prices = fitted([((1.0, 10.0), 0.0), ((1.0, 20.0), 0.0)], EXPECTED)
    assert prices is not None
    assert price_of(prices, (1.0, 20.0)) < 1e-5


def test_one_stalled_measurement_among_many_does_not_decide() -> None:
    """Relative errors count, so that a long measurement weighs no more than a short one."""
    counts = [(1.0, float(n)) for n in range(10, 100, 5)]
    measured = [(row, price_of((3.0, 0.02), row)) for row in counts]
    prices = fitted([*measured, ((1.0, 50.0), 40.0)], EXPECTED)
    assert prices is not None
    assert price_of(prices, (1.0, 50.0)) == pytest.approx(4.0, rel=0.15)
