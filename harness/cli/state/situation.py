"""A matrix and where its cells stand: what plan, run, status and report all begin with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.cli.vocabulary import known_names
from harness.data.catalog import Catalog
from harness.data.dataset import data_root
from harness.data.own import catalog_with
from harness.errors import Fault, RecordError
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.matrix.matrix import Matrix, read_matrix
from harness.matrix.select import select
from harness.plan.pending import Standing, standings
from harness.plan.today import Today, look_at_today
from harness.store.manifest import Manifest, read_manifests
from harness.store.records import Scan, read_records
from harness.store.survey import survey_records


@dataclass(frozen=True, slots=True)
class Situation:
    """A matrix, the data sets it may use, its data root, and the state of its (selected) cells."""

    matrix: Matrix
    catalog: Catalog
    data: Path | None
    scan: Scan
    today: Today
    cells: tuple[Standing, ...]

    def of_state(self, state: str) -> list[Standing]:
        """The cells that are done, failed or pending."""
        return [cell for cell in self.cells if cell.state == state]


def look(
    matrix_file: Path, expression: str | None, results: Path, data: Path | None, survey: bool = False
) -> Situation:
    """Read a matrix and the records of its cells; in a ``survey`` only how they stand, which is quick.

    Raises:
        MatrixError: the matrix or the selection cannot be used.
    """
    matrix = read_matrix(matrix_file, known_names())
    root = data_root(data, matrix.data)
    cells = select(matrix.cells, expression)
    scan, today, found = look_at_cells(cells, matrix, results, root, survey)
    return Situation(matrix, catalog_of(matrix), root, scan, today, found)


def what_was_run(results: Path) -> list[Manifest]:
    """Every matrix that was run into a results folder, sorted by name; there is one at least.

    Raises:
        RecordError: there is none, or a manifest cannot be read.
    """
    manifests = read_manifests(results)
    if not manifests:
        what = "no matrix was run into this folder yet." if results.is_dir() else "is no folder."
        mend = "Run `harness run --matrix FILE` first, or name another with --results DIR."
        raise RecordError(Fault(str(results), what, mend))
    return manifests


def look_at_cells(
    cells: tuple[Cell, ...], of: Matrix | Manifest, results: Path, root: Path | None, survey: bool = False
) -> tuple[Scan, Today, tuple[Standing, ...]]:
    """The records of cells, today's digests, and where each cell stands; ``of`` has brought data sets along."""
    names = [cell_id(cell) for cell in cells]
    scan = (survey_records if survey else read_records)(results, names)
    today = look_at_today(cells, catalog_of(of), root, of.weights, results, of.versions)
    return scan, today, standings(cells, scan, results, today, names)


def catalog_of(of: Matrix | Manifest) -> Catalog:
    """The data sets of a matrix.

    Those that plug-ins bring along only where the matrix is read from its YAML: what was run before is told by its
    records, whether the plug-ins are still there or not.
    """
    return catalog_with(of.sources, of.plugins if isinstance(of, Matrix) else ())
