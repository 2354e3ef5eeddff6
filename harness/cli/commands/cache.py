"""``harness cache``."""

from __future__ import annotations

from harness.cli.output import console
from harness.features.cache import CacheUse, cache_use, clear_cache
from harness.store.scan_index import clear_index


def show_command() -> int:
    """Print folder, tables, size and bound."""
    use = cache_use()
    console.say(str(use.folder))
    console.say(f"{_amount(use)}, bound {use.limit_bytes / 1e9:.1f} GB (HARNESS_CACHE_GB)")
    return 0


def clear_command() -> int:
    """Remove all tables, and what was remembered of records."""
    clear_index()
    console.say(f"removed {_amount(clear_cache())}")
    return 0


def _amount(use: CacheUse) -> str:
    return f"{use.n_tables} tables of features, {use.size_bytes / 1e6:.1f} MB"
