"""What folders hold, and the folders below them."""

import os
from pathlib import Path

import pytest

from harness.data import listing
from harness.data.listing import folders_below


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Folders of four levels, a class folder of ImageNet's and a hidden one among them."""
    for folder in ("a/b/c", "n01440764/inside", ".hidden", "lost+found"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def _names(tree: Path, deepest: int, most: int | None = None) -> list[str]:
    return [str(folder.relative_to(tree)) for folder, _ in folders_below([tree, tree / "a"], deepest, most)]


def test_folders_come_level_by_level_and_once(tree: Path) -> None:
    """The starts first, then what lies below them; hidden ones and ImageNet's class folders are left out."""
    assert _names(tree, deepest=9) == [".", "a", "lost+found", "a/b", "a/b/c"]
    assert dict(folders_below([tree], 1))[tree] == ["a", "lost+found", "n01440764"]


def test_search_ends_at_its_bounds(tree: Path) -> None:
    """By level, and by number of folders."""
    assert _names(tree, deepest=0) == [".", "a"]
    assert _names(tree, deepest=1) == [".", "a", "lost+found", "a/b"]
    assert _names(tree, deepest=9, most=2) == [".", "a"]


def test_folders_that_cannot_be_listed_are_passed_over(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk's ``lost+found`` is root's, and does not end a search of everything else."""
    plain = os.scandir

    def scandir(folder: Path) -> object:
        if folder.name == "lost+found":
            raise PermissionError(13, "Permission denied", str(folder))
        return plain(folder)

    monkeypatch.setattr(listing.os, "scandir", scandir)
    assert "lost+found" not in _names(tree, deepest=9)
    assert "a/b/c" in _names(tree, deepest=9)
