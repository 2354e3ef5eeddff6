"""What the user chose of a report's statistics."""

from __future__ import annotations

from collections.abc import Sequence

from harness.errors import Fault, HarnessError, did_you_mean
from harness.report.published.sets import wanted_sets
from harness.report.sections.evidence import Choices
from harness.report.stats.significance import INTERVAL_KINDS
from harness.report.stats.summary import SD_KINDS


def choices_of(against: Sequence[str], sd: str, interval: str) -> Choices:
    """The choices as ``build_report`` takes them.

    Raises:
        HarnessError: with all that cannot be used.
    """
    faults: list[Fault] = []
    sets: tuple[str, ...] = ()
    try:
        sets = wanted_sets(against)
    except HarnessError as error:
        faults += error.faults
    kind = next((each for each in SD_KINDS if each == sd), None)
    if kind is None:
        faults.append(Fault(f"--sd {sd}", "is no standard deviation.", did_you_mean(sd, SD_KINDS)))
    way = next((each for each in INTERVAL_KINDS if each == interval), None)
    if way is None:
        faults.append(
            Fault(f"--interval {interval}", "is no way to make one.", did_you_mean(interval, INTERVAL_KINDS))
        )
    if faults or kind is None or way is None:
        raise HarnessError(faults)
    return Choices(kind, way, sets)
