"""The contract that harness gives to authors: `pip install -e . pytest && pytest`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.testing.plugins import plugin_checks


@pytest.mark.parametrize("check", plugin_checks("acme"), ids=str)
def test_contract(check: Callable[[Path], None], tmp_path: Path) -> None:
    check(tmp_path)
