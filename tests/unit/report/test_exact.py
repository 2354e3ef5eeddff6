"""Percent of fractions, rounded once."""

from __future__ import annotations

from fractions import Fraction

import pytest

from harness.report.build import build_report
from harness.report.numbers.rows import group_entries, row_entries
from harness.report.stats.exact import mean_of, percent, signed


@pytest.mark.parametrize(
    ("fraction", "printed"),
    [
        (Fraction(7015, 10_000), "70.2"),
        (Fraction(1015, 10_000), "10.2"),
        (Fraction(10_149_999_999_999_999, 10**17), "10.1"),
        (Fraction(-1015, 10_000), "-10.2"),
        (0.7015, "70.2"),
        (0.1015, "10.2"),
        (0.7025, "70.3"),
        (Fraction(-4, 10_000), "0.0"),
        (-0.0004, "0.0"),
        (0, "0.0"),
        (1, "100.0"),
    ],
)
def test_halves_go_away_from_zero(fraction: Fraction | float, printed: str) -> None:
    """A half is rounded as by hand, also where no float is one, and what lies just below it is not."""
    assert percent(fraction) == printed


def test_other_decimals() -> None:
    """Two decimals, as papers print them, and whole percents."""
    assert percent(Fraction(62_945, 100_000), 2) == "62.95"
    assert percent(Fraction(1, 3), 0) == "33"


@pytest.mark.parametrize(
    ("points", "printed"), [("0.012", "+1.2"), ("-0.012", "−1.2"), ("0.0004", "0.0"), ("-0.0004", "0.0")]
)
def test_differences_have_a_sign(points: str, printed: str) -> None:
    """A difference says its sign, unless it rounds to nothing."""
    assert signed(Fraction(points)) == printed


def test_mean_is_as_counted() -> None:
    """Thirds add up to one."""
    assert mean_of([Fraction(1, 3)] * 3) == Fraction(1, 3)


def test_printed_means_are_counted(make_entry) -> None:
    """Three accuracies whose mean is exactly a half of the last digit are rounded up, in every order."""
    counts = (1000, 1000, 1003)  # mean 1001 of 2000 is 50.05 %
    for order in (counts, counts[::-1], (1000, 1003, 1000)):
        entries = [make_entry("coop", count, 1, seed, n_test=2000) for seed, count in enumerate(order, 1)]
        table = build_report("m", entries).groups[0].tables[0]
        assert table.blocks[0].rows[0].cells[0].text.startswith("50.1 ±")


def test_gains_and_harmonic_means_are_counted(make_entry) -> None:
    """Gain and harmonic mean are fractions of integers, too."""
    from harness.report.numbers.results import harmonic_results, place_results

    entries = [
        make_entry(method, count, shots, seed, classes="base", evaluate_on=on)
        for method, shots, seed, counts in (("zero_shot", 0, None, (600, 300)), ("coop", 1, 1, (900, 450)))
        for on, count in zip((None, "new"), counts, strict=True)
    ]
    (group,) = group_entries(entries)
    rows = row_entries(group_entries(entries)[group])
    coop = next(row for row in rows if row.method == "coop")
    accuracy = place_results(rows, [("digits", "base")])[coop, 1]
    assert (accuracy.accuracy.exact, accuracy.gain.exact) == (Fraction(9, 10), Fraction(3, 10))
    for of_means in (True, False):
        harmonic = harmonic_results(rows, ["digits"], of_means=of_means)[coop, 1]
        assert (harmonic.accuracy.exact, harmonic.gain.exact) == (Fraction(3, 5), Fraction(1, 5))
