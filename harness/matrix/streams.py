"""Seeds of random streams, each derived from the names of what it is for."""

from __future__ import annotations

from harness.files import canonical_json, digest_text


def stream(*names: object) -> int:
    """A seed below 2**63 derived from names, so that no two random streams share one by accident."""
    return int(digest_text(canonical_json([str(name) for name in names]))[:16], 16) >> 1
