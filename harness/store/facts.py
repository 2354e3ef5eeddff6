"""The few facts of a record that plan and status ask for, read without keeping the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, astuple, dataclass, fields
from typing import Any

from harness.matrix.cell import Cell
from harness.store.record import RunRecord, Spent


@dataclass(frozen=True, slots=True)
class MadeFrom:
    """The digests by which a record is known to be of today, the device and the version; as in ``Provenance``."""

    weights_digest: str
    split_digest: str
    list_digest: str | None
    target_digest: str | None
    prompt_digest: str | None
    device: str
    method_version: int = 0


_DIGESTS = tuple(field.name for field in fields(MadeFrom) if field.default is MISSING)


@dataclass(frozen=True, slots=True)
class Facts:
    """One record without its rows.

    Attributes:
        cell_id: of its cell.
        cell: that cell.
        status: ``done`` or ``failed``.
        reason: why it failed.
        made_from: ``None`` in a failed record.
        n_test: test images.
        n_classes: classes that were evaluated.
        trained: whether its training went through without a break, so that its seconds are those of a whole one.
        timings: seconds by phase.
        spent: what it took of the machine.
        created_at: end of the cell.
    """

    cell_id: str
    cell: Cell
    status: str
    reason: str | None
    made_from: MadeFrom | None
    n_test: int
    n_classes: int
    trained: bool
    timings: dict[str, float]
    spent: Spent | None
    created_at: str


def facts_of(record: RunRecord) -> Facts:
    """The facts of a record."""
    head = record.model_dump(mode="json", exclude={"per_class", "history"})
    return facts_of_head(head, len(record.per_class))


def facts_of_head(head: Mapping[str, Any], n_classes: int) -> Facts:
    """The facts of a record that was found whole: its JSON without the rows, and how many classes have one.

    Raises:
        ValueError, KeyError, TypeError: it is the head of another record than this version writes.
    """
    made, spent = head["provenance"], head["spent"]
    version = {} if made is None else {"method_version": made.get("method_version", 0)}
    digests = None if made is None else MadeFrom(**{name: made[name] for name in _DIGESTS}, **version)
    return Facts(
        cell_id=head["cell_id"],
        cell=Cell.from_dict(head["cell"]),
        status=head["status"],
        reason=head["reason"],
        made_from=digests,
        n_test=head["n_test"] or 0,
        n_classes=n_classes,
        trained="went_on_after_epoch" not in head["details"],
        timings=head["timings"],
        spent=None if spent is None else Spent(**spent),
        created_at=head["created_at"],
    )


def packed(facts: Facts) -> list[Any]:
    """Facts as JSON takes them; ``unpacked`` turns them back."""
    made = facts.made_from
    return [
        facts.cell_id,
        facts.cell.to_dict(),
        facts.status,
        facts.reason,
        None if made is None else astuple(made),
        facts.n_test,
        facts.n_classes,
        facts.trained,
        facts.timings,
        None if facts.spent is None else facts.spent.__dict__,
        facts.created_at,
    ]


def unpacked(row: list[Any]) -> Facts:
    """The facts that ``packed`` made a row of.

    Raises:
        ValueError, TypeError: it is not such a row.
    """
    identifier, flat, status, reason, made, n_test, n_classes, trained, timings, spent, created_at = row
    return Facts(
        identifier,
        Cell.from_dict(flat),
        status,
        reason,
        None if made is None else MadeFrom(*made),
        n_test,
        n_classes,
        trained,
        timings,
        None if spent is None else Spent.model_construct(**spent),
        created_at,
    )
