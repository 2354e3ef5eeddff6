"""Numbers that environment variables set."""

from __future__ import annotations

import pytest

from harness.environment import CACHE_GB, LEASE_S, SETTINGS, STATE_S, environment_faults
from harness.errors import HarnessError


def test_without_variables_the_usual_numbers_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is wrong with what nobody set, or set to nothing."""
    for setting in SETTINGS:
        monkeypatch.delenv(setting.name, raising=False)
    monkeypatch.setenv("HARNESS_LEASE_S", "")
    assert environment_faults() == []
    assert (CACHE_GB.value, STATE_S.value, LEASE_S.value) == (20.0, 120.0, 120.0)


def test_all_that_is_wrong_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each variable by its name, with what it may be."""
    for setting, written in zip(SETTINGS, ("much", "-1", "0"), strict=True):
        monkeypatch.setenv(setting.name, written)
    assert [str(fault) for fault in environment_faults()] == [
        "HARNESS_CACHE_GB: must be a number of gigabytes, 0 or more, such as 20, not 'much'.",
        "HARNESS_STATE_S: must be a number of seconds, 0 or more, such as 120, not '-1'.",
        "HARNESS_LEASE_S: must be a number of seconds, above 0, such as 120, not '0'.",
    ]
    with pytest.raises(HarnessError, match="HARNESS_LEASE_S: must be"):
        _ = LEASE_S.value
