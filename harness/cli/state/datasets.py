"""The data sets that a command line may name: the known ones, and those that a matrix brings along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.cli.state.situation import catalog_of
from harness.cli.vocabulary import known_catalog, known_names
from harness.data.catalog import Catalog, DatasetRow
from harness.data.dataset import data_root
from harness.errors import DataError, Fault, did_you_mean
from harness.matrix.matrix import Matrix, read_matrix


@dataclass(frozen=True, slots=True)
class Shelf:
    """Data sets by name, the data root, and the matrix that was named, if one was."""

    catalog: Catalog
    root: Path | None
    matrix: Matrix | None

    def rows(self, names: Sequence[str]) -> list[DatasetRow]:
        """The rows of those names, each once.

        Raises:
            DataError: with every name that is unknown.
        """
        known = tuple(self.catalog)
        unknown = [name for name in names if name not in self.catalog]
        mend = "" if self.matrix is not None else " `--matrix FILE` adds those that a matrix describes."
        if unknown:
            raise DataError(
                Fault("", f"unknown data set {name!r}.", did_you_mean(name, known) + mend) for name in unknown
            )
        return [self.catalog[name] for name in dict.fromkeys(names)]


def open_shelf(matrix: Path | None, data: Path | None) -> Shelf:
    """The data sets that can be named.

    Raises:
        MatrixError: the matrix cannot be read.
    """
    read = None if matrix is None else read_matrix(matrix, known_names())
    root = data_root(data, None if read is None else read.data)
    return Shelf(known_catalog() if read is None else catalog_of(read), root, read)
