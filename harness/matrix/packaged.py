"""The matrices that come with the package, which a command line names instead of a file."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]
# A wheel has them inside of the package (pyproject.toml, force-include); a checkout has them beside it.
_FOLDERS = (_PACKAGE / "experiments", _PACKAGE.parent / "experiments")


def packaged_matrices() -> dict[str, Path]:
    """From the name of every matrix that comes with the package to its file."""
    folder = next((folder for folder in _FOLDERS if folder.is_dir()), _FOLDERS[0])
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def matrix_path(written: str) -> Path:
    """The file that a command line means: the one at that path, else the packaged matrix of that name.

    What is neither is returned as a path, too; whoever reads it says what is wrong.
    """
    path = Path(written)
    return path if path.is_file() else packaged_matrices().get(written, path)


def matrix_words(path: Path) -> str:
    """What to write on a command line for a file: the name of a packaged matrix, else the path."""
    is_named = packaged_matrices().get(path.stem) == path and not Path(path.stem).is_file()
    return path.stem if is_named else str(path)
