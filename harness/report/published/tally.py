"""How many numbers agree with published figures, in one sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.report.published.verdict import Comparison


@dataclass(frozen=True, slots=True)
class Tally:
    """How many numbers came out how against one set."""

    name: str
    within: int
    higher: int
    lower: int
    reasons: Mapping[str, int]

    @property
    def comparable(self) -> int:
        """Numbers that could be compared."""
        return self.within + self.higher + self.lower

    def __str__(self) -> str:
        others = sum(self.reasons.values())
        if not self.comparable:
            return f"{self.name}: none of {others} numbers can be compared"
        by_chance = self.comparable * 0.05
        said = (
            f"{self.name}: {self.comparable} of {self.comparable + others} numbers can be compared: "
            f"{self.within} within noise, {self.higher} higher, {self.lower} lower"
        )
        return f"{said} (about {by_chance:.0f} would lie outside by chance)" if by_chance >= 0.5 else said


def tally(name: str, comparisons: Iterable[Comparison]) -> Tally:
    """The comparisons of one set, counted."""
    found = list(comparisons)
    counts = Counter(each.verdict for each in found)
    reasons = Counter(each.reason for each in found if each.verdict == "not comparable")
    return Tally(name, counts["within noise"], counts["higher"], counts["lower"], dict(reasons.most_common()))


def added(tallies: Iterable[Tally]) -> tuple[Tally, ...]:
    """One tally a set, in order of first appearance."""
    found: dict[str, Tally] = {}
    for each in tallies:
        known = found.get(each.name, Tally(each.name, 0, 0, 0, {}))
        reasons = Counter(known.reasons)
        reasons.update(each.reasons)
        counts = (known.within + each.within, known.higher + each.higher, known.lower + each.lower)
        found[each.name] = Tally(each.name, *counts, dict(reasons.most_common()))
    return tuple(found.values())
