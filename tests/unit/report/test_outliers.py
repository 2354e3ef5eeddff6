"""What the search for runs that lie apart is made of."""

import math
import statistics

import pytest

from harness.report.numbers import outliers


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6])
def test_median_of_the_others_is_that_of_a_list_without_one(n: int) -> None:
    """Whichever is left out, and where several are equal."""
    for ordered in ([float(2**i) for i in range(n)], [1.0] * n, [0.0, *[1.0] * (n - 1)]):
        for place, one in enumerate(ordered):
            others = ordered[:place] + ordered[place + 1 :]
            assert outliers._median_without(ordered, one) == statistics.median(others)


def test_chance_of_a_test_set_is_binomial() -> None:
    """Of the run in the middle, with its number of test images."""
    assert outliers._test_error([(1, 0.1, 100), (2, 0.5, 100), (3, 0.9, 100)]) == pytest.approx(
        math.sqrt(0.5 * 0.5 / 100)
    )
    assert outliers._test_error([(1, 0.2, 400), (2, 0.9, 400)]) == pytest.approx(math.sqrt(0.2 * 0.8 / 400))
