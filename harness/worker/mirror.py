"""A record as trackers show it."""

from harness.matrix.cell import Cell
from harness.store.record import RunRecord
from harness.tracking.tracker import TrackedRun

_TAG_LENGTH = 64  # what W&B allows; the end of a local file's name says more than its beginning


def tracked_run(record: RunRecord, matrix: str) -> TrackedRun:
    """The run that mirrors a record; ``matrix`` is its group."""
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
    return TrackedRun(
        id=record.cell_id,
        name=_name(cell),
        group=matrix,
        job_type="train" if record.history else cell.method,
        tags=tuple(tag[-_TAG_LENGTH:] for tag in (cell.dataset, cell.method, cell.backbone, cell.protocol) if tag),
        config={**record.cell, "provenance": content["provenance"]},
        history=content["history"],
        summary={key: value for key, value in summary.items() if value is not None},
        ok=record.status == "done",
    )


def _name(cell: Cell) -> str:
    """A name that says the same in every matrix, since one run may belong to several."""
    shots = f"{cell.shots}-shot" if cell.shots else ""
    seed = "" if cell.seed is None else f"seed {cell.seed}"
    classes = "" if cell.classes == "all" else cell.classes
    target = f"on {cell.evaluate_on}" if cell.evaluate_on else ""
    words = (cell.dataset, classes, cell.method, cell.context, cell.class_token_position, shots, seed, target)
    return " ".join(filter(None, words))
