"""What has to say the same when a version is released."""

import re
from pathlib import Path

import yaml

import harness


def test_version_is_said_once(repository: Path) -> None:
    """CITATION.cff has the version of the package, and so has the changelog from the release on."""
    citation = yaml.safe_load((repository / "CITATION.cff").read_text("utf-8"))
    assert citation["version"] == harness.__version__
    heads = re.findall(r"^## \[(.+?)\]", (repository / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert heads[0] == "Unreleased"
    assert heads[1:2] in ([], [harness.__version__])


def test_changes_of_numbers_have_a_heading(repository: Path) -> None:
    """Every part of the changelog has only the headings that it explains, each once."""
    text = (repository / "CHANGELOG.md").read_text("utf-8")
    known = ["Added", "Changed", "Changed numbers", "Fixed", "Removed"]
    for part in text.split("\n## [")[1:]:
        found = re.findall(r"^### (.+)$", part, re.M)
        assert found == [head for head in known if head in found]
    assert "### Changed numbers" in text
