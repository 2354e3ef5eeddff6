"""``harness prompts show``, ``export`` and ``import``."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.cli.jobs.ask import ask_worker
from harness.cli.output import console
from harness.dispatch.devices import choose_devices
from harness.errors import Fault, PromptError, RecordError, did_you_mean
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id, display_names
from harness.matrix.vocabulary import Axis
from harness.methods.table import METHODS
from harness.plan.job import ANSWER_FILE, Job
from harness.plan.request import ExportRequest, ImportRequest, PromptsRequest, WordsRequest
from harness.store.prompts import FOLDER, POSITIONS, prompt_path
from harness.store.record import RunRecord
from harness.store.records import read_records, record_path, records_folder, require_writable
from harness.store.words import Words, read_words, words_of

_CANDIDATES = 10  # that are listed when a prefix is not one cell's


@dataclass(frozen=True, slots=True)
class WordRow:
    """The nearest words of one vector, counted from 1; ``class_name`` is ``None`` where all classes share it."""

    class_name: str | None
    vector: int
    nearest: tuple[tuple[str, float], ...]


def show_command(prefix: str, top: int, class_name: str | None, results: Path) -> int:
    """Print the nearest words to every vector of a learned context.

    Raises:
        RecordError: there is no such cell, it has no context, or its files are damaged.
    """
    record = _with_context(_find(results, prefix))
    rows = _of_class(_rows(read_words(results, record), record), class_name, record)
    if any(len(row.nearest) < top for row in rows):
        answer = _ask(results, WordsRequest(cell=record.cell_id, top=top))
        words = words_of(answer, record, "the worker's answer")
        rows = _of_class(_rows(words, record), class_name, record)
    console.say(f"{record.cell_id}: {_describe(record)}")
    columns = ["vector", *(f"nearest {number}" for number in range(1, top + 1))]
    if rows[0].class_name is not None:
        columns.insert(0, "class")
    console.table("", columns, (_line(row, top) for row in rows), numbers=("vector",))
    return 0


def export_command(prefix: str, out: Path, results: Path) -> int:
    """Write the text features and the context of a cell, and say what was written.

    Raises:
        RecordError: there is no such cell, or nothing of it can be exported.
        PromptError: the folder holds another export.
    """
    record = _exportable(_find(results, prefix))
    answer = _ask(results, ExportRequest(cell=record.cell_id, out=out.absolute()))
    n_classes, dim = answer["shape"]
    console.say(f"{record.cell_id}: {_describe(record)}")
    console.say(f"{out}: {', '.join(answer['files'])}; text features of {n_classes} classes, {dim} numbers each")
    return 0


def import_command(file: Path, name: str, position: str | None, results: Path) -> int:
    """Keep the context of a file under a name, and say what was found.

    Raises:
        PromptError: name or position cannot be used, there is one of that name, or the file holds no context.
    """
    faults = []
    if (what := Axis("name").fault(name)) is not None:
        faults.append(Fault("--name", what))
    elif prompt_path(results, name).exists():
        what = f"{name!r} is there already; what was imported is never overwritten."
        faults.append(Fault("--name", what, f"Take another, or remove {prompt_path(results, name)}."))
    if position not in (None, *POSITIONS):
        what = f"unknown position {position!r}."
        faults.append(Fault("--class-token-position", what, did_you_mean(position, POSITIONS)))
    if not file.is_file():
        faults.append(Fault(str(file), "is a folder." if file.is_dir() else "no such file."))
    if faults:
        raise PromptError(faults)
    request = ImportRequest(file=file.absolute(), name=name, class_token_position=position)
    answer = _ask(results, request)
    facts = answer["facts"]
    console.say(f"{name}: {_shape_words(answer['shape'])}")
    for key, value in facts.items():
        if key != "class_names":
            console.say(f"  {key}: {value}")
    console.say(f"written to {prompt_path(results, name)}; in a matrix it is")
    keys = {"method": "prompt", "prompt": name}
    keys |= {key: facts[key] for key in ("class_token_position", "ctx_init") if key in facts}
    console.say(f"  - {{{', '.join(f'{key}: {value}' for key, value in keys.items())}}}")
    return 0


def _shape_words(shape: Sequence[int]) -> str:
    """A context's shape in words."""
    *classes, n_ctx, width = shape
    kind = f"class-specific contexts of {classes[0]} classes" if classes else "a unified context"
    return f"{kind}, {n_ctx} vectors of width {width}"


# --- cells -----------------------------------------------------------------------------------------------------


def _find(results: Path, prefix: str) -> RunRecord:
    """The record of the one cell whose id begins with ``prefix``.

    Raises:
        RecordError: no cell's does, or those of several, or the record is damaged.
    """
    folder = records_folder(results)
    names = sorted(path.name for path in folder.glob("[!.]*.json")) if folder.is_dir() else []
    known = [name.removesuffix(".json") for name in names if name.count(".") == 1]
    found = [identifier for identifier in known if identifier.startswith(prefix)]
    if len(found) != 1:
        what = f"is the beginning of {len(found)} cell ids in {folder}." if found else f"is no cell in {folder}."
        raise RecordError(Fault(repr(prefix), what, _listed(results, found or known)))
    scan = read_records(results, found)
    if scan.broken:
        raise RecordError(
            Fault(str(path), f"{why}.", "`harness run` sets it aside and makes its cell again.")
            for path, why in scan.broken.items()
        )
    if scan.other_schemas:
        version = scan.other_schemas[found[0]]
        what = f"is of schema {version}, which this version of harness does not read."
        raise RecordError(Fault(str(record_path(results, found[0])), what, "`harness run` makes its cell again."))
    return scan.records[found[0]]


def _listed(results: Path, identifiers: Sequence[str]) -> str:
    """Some cells with what differs among them, as candidates."""
    if not identifiers:
        return "`harness run --matrix FILE` fills it, or name another with --results DIR."
    records = read_records(results, identifiers[:_CANDIDATES]).records
    names = display_names([Cell.from_dict(record.cell) for record in records.values()])
    lines = [f"  {identifier} {names[identifier]}" for identifier in records]
    rest = len(identifiers) - _CANDIDATES
    return "\n".join(["Cells:", *lines, *([f"  and {rest} more"] if rest > 0 else [])])


def _with_context(record: RunRecord) -> RunRecord:
    """The record, which has a context.

    Raises:
        RecordError: it has none; says why and where one is.
    """
    if record.context is None:
        raise RecordError(_why_no_context(record) or Fault(record.cell_id, "learned no context."))
    return record


def _exportable(record: RunRecord) -> RunRecord:
    """The record, of which there are text features at least.

    Raises:
        RecordError: its cell failed, only evaluates another's, or classifies by something else.
    """
    if (method := record.cell["method"]) not in METHODS:
        what = f"{method} is a plug-in's; text features are exported of the harness's own methods."
        raise RecordError(Fault(record.cell_id, what, "What it learned lies beside the record."))
    if record.context is None and (record.status == "failed" or method != "zero_shot"):
        raise RecordError(_why_no_context(record) or Fault(record.cell_id, "has no text features."))
    return record


def _why_no_context(record: RunRecord) -> Fault | None:
    """Why a record has no context; ``None`` where that cannot be said."""
    cell = Cell.from_dict(record.cell)
    if record.status == "failed":
        return Fault(record.cell_id, f"this cell failed: {record.reason}")
    if cell.method not in METHODS or "class_token_position" not in METHODS[cell.method].entry.axes:
        return Fault(record.cell_id, f"{cell.method} learns no context.")
    if cell.evaluate_on is not None:
        trained = record.trained_by or cell_id(cell.trained())
        what = f"this cell evaluates on {cell.evaluate_on} what the cell {trained} holds."
        return Fault(record.cell_id, what, f"Name {trained}.")
    return None


def _describe(record: RunRecord) -> str:
    """The cell in a few words, and its result."""
    cell = Cell.from_dict(record.cell)
    words: list[object] = [cell.backbone, cell.dataset, cell.method, *(value for _, value in cell.extras)]
    words += [cell.context, cell.class_token_position, f"{cell.shots}-shot" if cell.shots else None]
    words += [None if cell.seed is None else f"seed {cell.seed}", cell.template]
    if record.context is not None:
        words.append(_shape_words(record.context.shape))
    words.append(f"accuracy {record.accuracy:.4f}" if record.accuracy is not None else None)
    return ", ".join(str(word) for word in words if word)


# --- words -----------------------------------------------------------------------------------------------------


def _rows(words: Words, record: RunRecord) -> list[WordRow]:
    """A row a vector, with the name of its class where each has its own."""
    classes = [row.name for row in record.per_class] if len(words.shape) == 2 else [None]
    places = [(name, vector) for name in classes for vector in range(1, words.shape[-1] + 1)]
    return [WordRow(name, vector, row) for (name, vector), row in zip(places, words.nearest, strict=True)]


def _of_class(rows: list[WordRow], class_name: str | None, record: RunRecord) -> list[WordRow]:
    """The rows of one class, or of all.

    Raises:
        RecordError: no class has that name, or the context is one for all.
    """
    if class_name is None:
        return rows
    known = tuple(dict.fromkeys(row.class_name for row in rows if row.class_name is not None))
    if not known:
        what = f"the cell {record.cell_id} has one context for all classes."
        raise RecordError(Fault("--class", what, "Leave --class away."))
    if class_name not in known:
        near = ", ".join(difflib.get_close_matches(class_name, known, n=5) or known[:5])
        mend = f"Such as {near}; without --class all {len(known)} are shown."
        raise RecordError(Fault("--class", f"unknown class {class_name!r}.", mend))
    return [row for row in rows if row.class_name == class_name]


def _line(row: WordRow, top: int) -> Iterator[object]:
    if row.class_name is not None:
        yield row.class_name
    yield row.vector
    yield from (f"{word} {distance:.4f}" for word, distance in row.nearest[:top])


# --- worker ----------------------------------------------------------------------------------------------------


def _ask(results: Path, request: PromptsRequest) -> dict[str, Any]:
    """What a worker answers; it computes on the CPU, for which a context is little work.

    Raises:
        HarnessError: with all that it found wrong.
    """
    require_writable(results)
    job = Job(
        kind="prompts",
        matrix=FOLDER,
        cells=(),
        results=results.resolve(),
        data=None,
        device="cpu",
        request=request,
    )
    folder = ask_worker(job, choose_devices("cpu"))
    answer: dict[str, Any] = json.loads((folder / ANSWER_FILE).read_text(encoding="utf-8"))
    return answer
