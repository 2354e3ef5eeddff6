"""Made-up records of the paper's whole matrix, as large as real ones, and matrices with hostile names."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from harness.cli.vocabulary import known_names
from harness.data.catalog import DATASETS
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.matrix.matrix import read_matrix
from harness.matrix.streams import stream
from harness.report.build import build_report
from harness.report.numbers.entry import Entry
from harness.report.page import document
from harness.report.page.document import Content, page_content
from harness.report.page.library import Library, plot_library
from harness.report.page.logs import JobLog, Jobs
from harness.report.sections.words import words_of
from harness.store.record import ClassCount, ContextFile, EpochRow, Provenance, RunRecord
from harness.store.words import Words

HOSTILE = "</script><img src=x onerror=alert(1)> \"it's\" & <!-- ünïcode 日本 \u2028 '"


def synthetic_record(cell: Cell, n_classes: int | None = None, name: str = "class of things") -> RunRecord:
    """A done record with as many classes, test images and epochs as the real one would have."""
    chance = random.Random(stream("synthetic", cell_id(cell)))
    row = DATASETS[cell.dataset]
    n_classes = n_classes or row.n_classes or 10
    n_test = (row.n_images[2] if row.n_images else 1000) // n_classes
    level = {"zero_shot": 0.58, "linear_probe": 0.35}.get(cell.method, 0.52)
    shots = cell.shots if isinstance(cell.shots, int) else 16
    level = min(0.97, level + 0.08 * shots**0.5 * (cell.method != "zero_shot") + chance.uniform(-0.02, 0.02))
    rights = [min(n_test, max(0, round(n_test * chance.gauss(level, 0.15)))) for _ in range(n_classes)]
    counts = tuple(
        ClassCount(
            name=f"{name} {number}", n_test=n_test, n_correct=right, n_predicted=right + chance.randrange(20)
        )
        for number, right in enumerate(rights)
    )
    epochs = int(cell.recipe_dict().get("epochs") or 0)
    history = tuple(
        EpochRow(epoch=number, lr=0.002, loss=2.5 * 0.985**number + chance.uniform(0, 0.2),
                 train_accuracy=min(1.0, level + number / epochs * 0.2 + chance.uniform(-0.03, 0.03)))
        for number in range(1, epochs + 1)
    )  # fmt: skip
    provenance = Provenance(
        harness_version="0.1.0", git_commit="0" * 40, git_dirty=False, python="3.11.7", platform="Linux-x86_64",
        packages={"torch": "2.9.0", "open_clip_torch": "3.2.0", "numpy": "2.3.0", "pillow": "12.0.0"},
        device="NVIDIA H100", precision="fp32", weights_digest="a" * 64,
        split_digest=f"{stream('split', cell.dataset):064x}",
        images_digest=f"{stream('images', cell.dataset):064x}",
        subset_digest=f"{stream('subset', cell.dataset, cell.shots, cell.seed):064x}",
        seeds={} if cell.seed is None else {"draw": cell.seed, "batches": cell.seed, "context": cell.seed},
    )  # fmt: skip
    context = None
    if cell.n_ctx:
        shape = (cell.n_ctx, 512) if cell.context == "unified" else (n_classes, cell.n_ctx, 512)
        context = ContextFile(file=f"{cell_id(cell)}.safetensors", sha256="b" * 64, shape=shape)
    return RunRecord.model_construct(  # not checked: a hundred thousand rows would take seconds
        cell_id=cell_id(cell), cell=cell.to_dict(), status="done", n_correct=sum(rights),
        n_test=n_test * n_classes, per_class=counts, history=history, context=context, provenance=provenance,
        timings={"fit_s": round(chance.uniform(5, 600), 4), "evaluate_s": round(chance.uniform(0, 5), 4)},
        created_at=f"2026-11-{chance.randrange(1, 29):02d}T{chance.randrange(24):02d}:00:00+00:00",
    )  # fmt: skip


def synthetic_words(record: RunRecord) -> Words:
    """Five words a vector of a record's context."""
    assert record.context is not None
    chance = random.Random(stream("words", record.cell_id))
    shape = record.context.shape[:-1]
    n_vectors = shape[0] if len(shape) == 1 else shape[0] * shape[1]
    letters = "abcdefghijklmnopqrstuvwxyz"
    return Words(shape, tuple(
        tuple(("".join(chance.choices(letters, k=6)), round(chance.uniform(0.5, 3), 6)) for _ in range(5))
        for _ in range(n_vectors)
    ))  # fmt: skip


def synthetic_entries(matrix: Path, *, failed: Sequence[int] = (), missing: Sequence[int] = ()) -> list[Entry]:
    """Every cell of a matrix with a made-up record, but for the cells at some places."""
    cells = read_matrix(matrix, known_names()).cells
    wanted = words_of(cells)
    entries = []
    for place, cell in enumerate(cells):
        if place in missing:
            entries.append(Entry(cell, None, "missing"))
        elif place in failed:
            reason = f"RuntimeError: CUDA out of memory, tried to allocate {1 + place % 2} GiB"
            record = RunRecord(cell_id=cell_id(cell), cell=cell.to_dict(), status="failed", reason=reason,
                               created_at="2026-11-01T00:00:00+00:00")  # fmt: skip
            entries.append(Entry(cell, record, "failed"))
        else:
            record = synthetic_record(cell)
            entries.append(Entry(cell, record, words=synthetic_words(record) if cell in wanted else None))
    return entries


@pytest.fixture(scope="session")
def library() -> Library:
    """The real plotting library, which takes a second or two to put together."""
    return plot_library()


@pytest.fixture(autouse=True)
def _small_library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the place of the plotting library a line, but for tests that ask for the real one."""
    real = "library" in request.fixturenames
    found = (
        request.getfixturevalue("library") if real else Library("window.vegaEmbed = () => {};", "Charts: none.")
    )
    monkeypatch.setattr(document, "plot_library", lambda: found)


@pytest.fixture(scope="session")
def full_entries() -> list[Entry]:
    """All 836 cells of the paper's few-shot figure, each done."""
    return synthetic_entries(Path(__file__).parents[4] / "experiments" / "full.yaml")


@pytest.fixture
def content_of() -> Callable[..., Content]:
    """From entries, and jobs if there are any, to the content of their page."""

    def make(entries: Sequence[Entry], jobs: Jobs | None = None, name: str = "mine", **options: int) -> Content:
        return page_content(build_report(name, entries), entries, jobs or Jobs(), **options)

    return make


@pytest.fixture
def hostile_entries(make_hostile: Callable[[str], list[Entry]]) -> list[Entry]:
    """Names that would be markup if anything took them for it."""
    return make_hostile(HOSTILE)


@pytest.fixture
def make_hostile() -> Callable[[str], list[Entry]]:
    """From a name to entries whose data set, classes, template, reasons and words all have it."""

    def make(name: str) -> list[Entry]:
        flat = {"dataset": name, "backbone": "RN50:openai"}
        zero = Cell.from_dict({**flat, "method": "zero_shot", "template": f"a {name} {{}}."})
        mine = Cell.from_dict({**flat, "method": name, "shots": 1, "seed": 1, "n_ctx": 1, "axis": name})
        lost = Cell.from_dict({**flat, "method": name, "shots": 2, "seed": 1, "n_ctx": 1, "axis": name})
        counts = (ClassCount(name=name, n_test=10, n_correct=7, n_predicted=9),)
        done = {"status": "done", "n_correct": 7, "n_test": 10, "per_class": counts, "created_at": "2026-11-01"}
        provenance = Provenance(
            harness_version=name, git_commit=name, git_dirty=None, packages={name: name}, python="3",
            platform=name, device=name, precision="fp32", weights_digest="0", split_digest="0", subset_digest=None,
            images_digest=None, seeds={},
        )  # fmt: skip
        records = [
            RunRecord(
                cell_id=cell_id(cell), cell=cell.to_dict(), provenance=provenance, details={name: name}, **done
            )
            for cell in (zero, mine)
        ]
        failed = RunRecord(
            cell_id=cell_id(lost), cell=lost.to_dict(), status="failed", reason=name, created_at="2026"
        )
        words = Words((1,), (((name, 0.5), ("to", 0.75)),))
        return [Entry(zero, records[0]), Entry(mine, records[1], words=words), Entry(lost, failed, "failed")]

    return make


@pytest.fixture
def hostile_jobs(hostile_entries: list[Entry]) -> Jobs:
    """A log with the hostile name in it, of every cell."""
    identifiers = [cell_id(entry.cell) for entry in hostile_entries]
    log = JobLog(HOSTILE, f"line\n{HOSTILE}", is_cut=True)
    return Jobs((log,), dict.fromkeys(identifiers, 0), {identifiers[2]: HOSTILE})
