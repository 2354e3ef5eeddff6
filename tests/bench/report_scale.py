"""How long ``harness report`` takes, and how that grows: ``report_scale.py CASE``, one JSON line.

``paper`` is every matrix of ``experiments/`` in one results folder, its figures included; ``N`` is a matrix of N
cells on disk; ``seeds:N``, ``datasets:N`` and ``rows:N`` are N entries in memory that differ in that axis above
all, without reading or drawing.
"""

import contextlib
import io
import itertools
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

from synthetic import invented, record, write_results

from harness.cli.commands.report import report_command
from harness.cli.vocabulary import known_names
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.matrix.matrix import Matrix, read_matrix
from harness.report.build import build_report
from harness.report.numbers.entry import Entry
from harness.report.tables.csv import to_csv, to_wide_csv
from harness.report.tables.latex import to_latex
from harness.report.write import index
from harness.store.record import RunRecord

EPOCHS = 20
SHOTS = (1, 2, 4, 8, 16)


def cells(n_datasets: int, n_rows: int, n_seeds: int) -> tuple[Cell, ...]:
    """Zero-shot, and CoOp with ``n_rows`` learning rates, at five shot counts."""
    names = [f"set_{number:04}" for number in range(n_datasets)]
    zeros = [
        Cell(dataset=name, backbone="RN50:openai", method="zero_shot", template="a photo of a {}.")
        for name in names
    ]
    learned = (
        Cell(
            dataset=name, backbone="RN50:openai", method="coop", protocol="coop", shots=shots, seed=seed,
            views="live", context="unified", n_ctx=16, class_token_position="end",
            recipe=(("epochs", EPOCHS), ("lr", (row + 1) / 1000)),
        )
        for name, row, shots, seed in itertools.product(names, range(n_rows), SHOTS, range(1, n_seeds + 1))
    )  # fmt: skip
    return (*zeros, *learned)


def shape(axis: str, n: int) -> tuple[int, int, int]:
    """Data sets, rows and seeds of about ``n`` cells, most of them along ``axis``."""
    many = n // (len(SHOTS) * 10)
    return {"datasets": (many, 2, 5), "rows": (2, many, 5), "seeds": (2, 5, many)}[axis]


def in_memory(axis: str, n: int) -> dict[str, object]:
    """Seconds to build a report from entries and to write its tables down."""
    entries = []
    for cell in cells(*shape(axis, n)):
        content = record(cell, cell_id(cell), invented(cell))
        one = RunRecord.model_validate(content)
        entries.append(Entry(cell, one.model_copy(update={"per_class": (), "history": ()})))
    start = time.perf_counter()
    report = build_report("m", entries)
    built_s = time.perf_counter() - start
    for table in report.all_tables:
        for write in (to_csv, to_wide_csv, to_latex):
            write(table)
    index(report)
    return {"cells": len(entries), "build_s": round(built_s, 2), "all_s": round(time.perf_counter() - start, 2)}


def on_disk(matrices: list[Matrix]) -> dict[str, object]:
    """Seconds and peak memory of the whole command."""
    with tempfile.TemporaryDirectory(prefix="harness-report-") as folder:
        n = write_results(Path(folder), matrices)
        before = resource.getrusage(resource.RUSAGE_SELF)
        start = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):
            report_command(None, Path(folder), None)
        seconds = time.perf_counter() - start
    after, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {
        "records": n,
        "report_s": round(seconds, 1),
        "cpu_s": round(after.ru_utime - before.ru_utime + children.ru_utime, 1),
        "peak_gb": round(after.ru_maxrss / 1e6, 2),
    }


def paper() -> list[Matrix]:
    """Every matrix that comes with the project."""
    folder = Path(__file__).parents[2] / "experiments"
    return [read_matrix(path, known_names()) for path in sorted(folder.glob("*.yaml"))]


def main(case: str) -> None:
    """Measure one case."""
    if ":" in case:
        axis, _, n = case.partition(":")
        found = in_memory(axis, int(n))
    elif case == "paper":
        found = on_disk(paper())
    else:
        n_seeds = max(1, int(case) // (40 * 5 * len(SHOTS)))
        found = on_disk([Matrix("large", cells(40, 5, n_seeds))])
    print(json.dumps({"case": case, **found}), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1])
