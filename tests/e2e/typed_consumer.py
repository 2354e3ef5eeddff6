"""A program that uses harness as a library; ``nox -s package`` has mypy check it against the installed wheel.

``type: ignore`` stands where a mistake has to be found: mypy complains of one that it does not need.
"""

from pathlib import Path

from harness.cli.vocabulary import known_names
from harness.data.digits import digits_split
from harness.data.few_shot import few_shot_subset
from harness.matrix.matrix import Matrix, read_matrix
from harness.matrix.packaged import packaged_matrices
from harness.store.frame import to_frame
from harness.store.records import Scan, read_records


def shots_of(name: str) -> list[int | str]:
    """The shots of a packaged matrix's cells."""
    matrix: Matrix = read_matrix(packaged_matrices()[name], known_names())
    return [cell.shots for cell in matrix.cells]


def count_done(results: Path) -> int:
    """How many records of a folder are done."""
    scan: Scan = read_records(results)
    return sum(record.status == "done" for record in scan.records.values()) + len(to_frame([]))


def draw() -> int:
    """How many training images one shot has."""
    return len(few_shot_subset(digits_split(), 1, 1).train)


read_matrix("smoke", known_names())  # type: ignore[arg-type]
count: str = count_done(Path("results"))  # type: ignore[assignment]
