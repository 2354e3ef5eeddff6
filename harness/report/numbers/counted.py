"""Means as ratios of whole numbers: what floats would round is counted, so that equal numbers are equal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from harness.report.numbers.entry import HALVES, Entry, Place
from harness.report.stats.exact import mean_of
from harness.report.stats.summary import Summary


def exactly(summary: Summary, exact: Fraction | None) -> Summary:
    """The summary with its mean as counted; as it is where it has none."""
    if summary.mean is None or exact is None:
        return summary
    return replace(summary, mean=float(exact), exact=exact)


def minus(gain: Summary, exact: Fraction | None, zero: Fraction | None) -> Summary:
    """A gain with its mean as counted."""
    return gain if exact is None or zero is None else exactly(gain, exact - zero)


def _counts_by_run(
    entries: Sequence[Entry], places: Sequence[Place]
) -> dict[tuple[int | None, Place], tuple[int, int]]:
    """Right answers and test images of every run that counts, by seed and place."""
    wanted = set(places)
    return {
        (entry.cell.seed, place): (entry.record.n_correct, entry.record.n_test)
        for entry in entries
        if entry.record and not entry.hole and entry.record.n_correct is not None and entry.record.n_test
        if (place := entry.cell.target()) in wanted
    }


def counted_mean(entries: Sequence[Entry], places: Sequence[Place]) -> Fraction | None:
    """The mean over all runs that count; it is that of a table wherever the table has one."""
    counts = _counts_by_run(entries, places).values()
    by_size: dict[int, int] = {}
    for n_correct, n_test in counts:
        by_size[n_test] = by_size.get(n_test, 0) + n_correct
    # Test sets are few and runs are many: integers are added first.
    total = sum((Fraction(n_correct, n_test) for n_test, n_correct in by_size.items()), Fraction())
    return total / len(counts) if counts else None


def counted_harmonic(entries: Sequence[Entry], datasets: Sequence[str], *, of_means: bool) -> Fraction | None:
    """The harmonic mean of base and new accuracies over the runs that have both."""
    counts = _counts_by_run(entries, [(dataset, half) for dataset in datasets for half in HALVES])
    shares = {key: Fraction(*each) for key, each in counts.items()}
    pairs = [
        (share, shares[seed, (dataset, HALVES[1])])
        for (seed, (dataset, half)), share in shares.items()
        if half == HALVES[0] and (seed, (dataset, HALVES[1])) in shares
    ]
    if not pairs:
        return None
    if of_means:
        return _harmonic_share(mean_of(base for base, _ in pairs), mean_of(new for _, new in pairs))
    return mean_of(_harmonic_share(base, new) for base, new in pairs)


def _harmonic_share(one: Fraction, other: Fraction) -> Fraction:
    return 2 * one * other / (one + other) if one + other else Fraction()
