"""Records as if the published figures were ours, for tests of everything that is made from records.

``from support.published_records import published_entries``: the cells of a matrix file with the figure of
a source as their accuracy, for every seed. With 10,000 test images a figure of two decimals is exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from harness.cli.vocabulary import known_names
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.matrix.matrix import read_matrix
from harness.report.numbers.entry import Entry
from harness.report.published.read import ACCURACY, Published, published
from harness.store.manifest import write_manifest
from harness.store.record import ClassCount, Provenance, RunRecord
from harness.store.records import write_record

N_TEST = 10_000
FIGURE_3 = "coop-ijcv2022-fig3"
PROVENANCE = Provenance(
    harness_version="0", git_commit=None, git_dirty=None, packages={"torch": "2"}, python="3", platform="Linux",
    device="cpu", precision="fp32", weights_digest="0", split_digest="0", subset_digest=None, images_digest=None,
    seeds={},
)  # fmt: skip


def figure_key(figure: Published) -> tuple[object, ...]:
    """What a figure is about, as ``cell_key`` says it of a cell."""
    learns = figure.method != "zero_shot"
    dataset, evaluate_on = figure.dataset, figure.evaluate_on
    if not learns and evaluate_on not in ("", "new"):
        dataset, evaluate_on = evaluate_on, ""
    return (
        figure.backbone, figure.method, figure.context, figure.n_ctx, figure.class_token_position,
        figure.ctx_init, dataset, evaluate_on, figure.classes, figure.shots,
    )  # fmt: skip


def cell_key(cell: Cell) -> tuple[object, ...]:
    """What a cell is about, apart from its seed: method and context, data set and shots."""
    dataset, evaluate_on = cell.dataset, cell.evaluate_on or ""
    if cell.method == "zero_shot" and evaluate_on not in ("", "new"):
        dataset, evaluate_on = evaluate_on, ""
    context = [cell.context or "", str(cell.n_ctx or ""), cell.class_token_position or ""]
    init = "" if cell.context is None else cell.ctx_init or "random"
    shots = cell.shots if cell.method != "zero_shot" else 0
    backbone = cell.backbone.partition(":")[0]
    return backbone, cell.method, *context, init, dataset, evaluate_on, cell.classes, shots


def figures_of(source: str, figures: Sequence[Published] | None = None) -> dict[tuple[object, ...], Decimal]:
    """The accuracies of a source by ``figure_key``, without those of single seeds and of ensembles."""
    known = published() if figures is None else figures
    wanted = [each for each in known if each.source == source and each.metric == ACCURACY and each.seed is None]
    return {figure_key(each): each.value for each in wanted if each.template in ("", "own")}


def published_entries(
    matrix: Path,
    source: str = FIGURE_3,
    n_test: int | Mapping[str, int] = N_TEST,
    spread: int = 0,
    shift: float = 0,
) -> list[Entry]:
    """An entry for every cell of a matrix file; ``missing`` where the source has no figure for it.

    Args:
        matrix: the YAML.
        source: key of the document whose figures are taken.
        n_test: test images, or test images by the data set that is evaluated on.
        spread: right answers by which the first seed lies below the figure and the last one above it.
        shift: percentage points by which all seeds lie above the figure.
    """
    figures = figures_of(source)
    entries = []
    for cell in read_matrix(matrix, known_names()).cells:
        value = figures.get(cell_key(cell))
        if value is None:
            entries.append(Entry(cell, None, "missing"))
            continue
        images = n_test if isinstance(n_test, int) else n_test[cell.target()[0]]
        off = 0 if cell.seed is None else spread * (cell.seed - 2)
        entries.append(Entry(cell, record_with(cell, round((float(value) + shift) * images / 100) + off, images)))
    return entries


def record_with(cell: Cell, n_correct: int, n_test: int = N_TEST) -> RunRecord:
    """A done record of one class with so many right answers."""
    count = ClassCount(name="all of them", n_test=n_test, n_correct=n_correct, n_predicted=n_correct)
    return RunRecord(
        cell_id=cell_id(cell), cell=cell.to_dict(), status="done", n_correct=n_correct, n_test=n_test,
        per_class=(count,), provenance=PROVENANCE, created_at="2031-01-02T03:04:05Z",
    )  # fmt: skip


def write_published(results: Path, matrix: Path, entries: Sequence[Entry]) -> None:
    """Write the entries' records and the matrix's manifest, so that ``harness report`` finds them.

    Their digests are those that the catalog knows, so that no record is stale.
    """
    from harness.data.catalog import DATASETS

    read = read_matrix(matrix, known_names())
    write_manifest(results, read)
    for entry in entries:
        if entry.record is not None:
            split, target = (DATASETS[name].split_digest for name in (entry.cell.dataset, entry.cell.target()[0]))
            made_from = PROVENANCE.model_copy(update={"split_digest": split or "0", "target_digest": target})
            write_record(results, entry.record.model_copy(update={"provenance": made_from}))


def without(entries: Sequence[Entry], cells: Sequence[Cell]) -> list[Entry]:
    """The entries with these cells missing."""
    gone = set(cells)
    return [replace(entry, record=None, gap="missing") if entry.cell in gone else entry for entry in entries]
