"""A record as trackers show it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from harness.files import canonical_json, digest_text
from harness.matrix.cell import Cell
from harness.store.record import RunRecord
from harness.store.records import record_path, records_folder
from harness.tracking.tracker import TrackedRun

_TAG_LENGTH = 64  # what W&B allows; the end of a local file's name says more than its beginning
# Methods that have a kind of their own; all others train.
_JOB_TYPES = {"zero_shot": "zero_shot", "linear_probe": "linear_probe", "prompt": "evaluate"}
# An absolute path of two steps or more, of POSIX or of Windows; its last step is kept.
_PATH = re.compile(
    r"(?<![\w.:/])(?:~|[A-Za-z]:)?(?:[/\\][^\s/\\:'\",;()\[\]<>|]+)+[/\\]([^\s/\\:'\",;()\[\]<>|]*)"
)


def record_digest(record: RunRecord) -> str:
    """SHA-256 of what the record says, however its file is spelled."""
    return digest_text(canonical_json(record.model_dump(mode="json")))


def tracked_run(record: RunRecord, matrix: str, results: Path) -> TrackedRun:
    """The run that mirrors a record; ``matrix`` is its group, and ``results`` is where its files lie."""
    cell = Cell.from_dict(record.cell)
    content = record.model_dump(mode="json")
    summary = {
        "status": record.status,
        "reason": record.reason,
        "accuracy": record.accuracy,
        "macro_f1": record.macro_f1,
        "n_correct": record.n_correct,
        "n_test": record.n_test,
        "seconds": record.timings.get("total_s"),
    }
    kept = {key: value for key, value in summary.items() if value is not None}
    config = {**record.cell, "cell_id": record.cell_id, "provenance": content["provenance"]}
    if record.trained_by is not None:
        config["trained_by"] = record.trained_by
    return TrackedRun(
        id=record.cell_id,
        name=_name(cell),
        group=matrix,
        job_type=_job_type(cell),
        tags=tuple(tag[-_TAG_LENGTH:] for tag in (cell.dataset, cell.method, cell.backbone, cell.protocol) if tag),
        config=without_paths(config),
        history=content["history"],
        summary=without_paths(kept),
        ok=record.status == "done",
        digest=record_digest(record),
        files=_files(record, content, results),
    )


def without_paths(value: Any) -> Any:
    """The same with every absolute path in it cut down to its last step: where files lie is nobody's business."""
    if isinstance(value, str):
        return _PATH.sub(r"…/\1", value)
    if isinstance(value, dict):
        return {key: without_paths(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_paths(item) for item in value]
    return value


def _files(record: RunRecord, content: dict[str, Any], results: Path) -> dict[str, Path]:
    """The record of a done cell and its context, where they are there; nothing that names a path."""
    if record.status != "done" or without_paths(content) != content:
        return {}
    files = {"record": record_path(results, record.cell_id)}
    if record.context is not None:
        files["context"] = records_folder(results) / record.context.file
    return {kind: path for kind, path in files.items() if path.is_file()}


def _job_type(cell: Cell) -> str:
    return "evaluate" if cell.evaluate_on is not None else _JOB_TYPES.get(cell.method, "train")


def _name(cell: Cell) -> str:
    """A name that says the same in every matrix, since one run may belong to several."""
    shots = f"{cell.shots}-shot" if cell.shots else ""
    seed = "" if cell.seed is None else f"seed {cell.seed}"
    classes = "" if cell.classes == "all" else cell.classes
    target = f"on {cell.evaluate_on}" if cell.evaluate_on else ""
    words = (cell.dataset, classes, cell.method, cell.context, cell.class_token_position, shots, seed, target)
    return " ".join(filter(None, words))
