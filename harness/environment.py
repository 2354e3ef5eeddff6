"""Numbers that environment variables set, read with one rule, and all looked at before anything is begun."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

from harness.errors import Fault, HarnessError


@dataclass(frozen=True, slots=True)
class Setting:
    """A variable that sets a number.

    Attributes:
        name: of the variable.
        usual: what counts without it.
        unit: of the number, in words.
        may_be_zero: whether 0 has a meaning; less never has.
    """

    name: str
    usual: float
    unit: str
    may_be_zero: bool = True

    @property
    def value(self) -> float:
        """The number.

        Raises:
            HarnessError: the variable holds something else.
        """
        if (fault := self.fault) is not None:
            raise HarnessError(fault)
        return self._read()

    @property
    def fault(self) -> Fault | None:
        """What is wrong with the variable's content."""
        number = self._read()
        if 0 < number < math.inf or (number == 0 and self.may_be_zero):
            return None
        least = "0 or more" if self.may_be_zero else "above 0"
        what = f"must be a number of {self.unit}, {least}, such as {self.usual:g}, not {os.environ[self.name]!r}."
        return Fault(self.name, what)

    def _read(self) -> float:
        try:
            return float(os.environ.get(self.name) or self.usual)
        except ValueError:
            return math.nan


CACHE_GB = Setting("HARNESS_CACHE_GB", 20.0, "gigabytes")
STATE_S = Setting("HARNESS_STATE_S", 120.0, "seconds")
LEASE_S = Setting("HARNESS_LEASE_S", 120.0, "seconds", may_be_zero=False)
SETTINGS = (CACHE_GB, STATE_S, LEASE_S)


def environment_faults() -> list[Fault]:
    """What is wrong with any of these variables: told at once, and not by the first job that needs one."""
    return [fault for setting in SETTINGS if (fault := setting.fault) is not None]
