"""The long form of a table's numbers: one line each, in full precision."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.matrix.cell import Scalar, Shots
from harness.matrix.template import readable
from harness.report.numbers.results import Result
from harness.report.numbers.rows import Group, Row

Lines = tuple[tuple[str, ...], ...]

_AXES = ("protocol", "views", "context", "n_ctx", "class_token_position", "ctx_init")
GROUP_HEAD = ("backbone", "precision", "classes")  # the first columns of every long form
_HEAD = (*GROUP_HEAD, "evaluate_on", "dataset", "method", "label")
_TAIL = ("shots", "n", "n_expected", "mean", "sd", "gain", "gain_sd", "n_test", "note")


@dataclass(frozen=True, slots=True)
class Point:
    """One number: the result of a row at a shot count, and where it was evaluated (``""`` its own images)."""

    dataset: str
    evaluate_on: str
    row: Row
    label: str
    shots: Shots
    result: Result


def long_form(group: Group, rows: Iterable[Row], points: Iterable[Point]) -> Lines:
    """Header and one line a point; ``rows`` are all of the group, whose axes are the columns."""
    extras = _extra_axes(rows)
    header = (*_HEAD, "template", *_AXES, *extras, "recipe", *_TAIL)
    known = list(points)
    if any(point.result.accuracy.sd_kind == "population" for point in known):
        header = tuple(f"population_{name}" if name in ("sd", "gain_sd") else name for name in header)
    return (header, *(_line(group, extras, point) for point in known))


def group_words(group: Group) -> tuple[str, str, str]:
    """What stands under ``GROUP_HEAD``."""
    return group.backbone, group.precision, group.classes


def full(fraction: float | None) -> str:
    """Percent with six decimals at most; empty for nothing."""
    return "" if fraction is None else repr(round(100 * fraction, 6) + 0.0)  # + 0.0 turns -0.0 into 0.0


def _line(group: Group, extras: Sequence[str], point: Point) -> tuple[str, ...]:
    row, result = point.row, point.result
    head = (*group_words(group), point.evaluate_on, point.dataset, row.method, point.label)
    return (*head, *_row_words(row, result, extras), *_number_words(point.shots, result))


def _extra_axes(rows: Iterable[Row]) -> list[str]:
    """Axes of plug-in methods."""
    names = {name for row in rows for name, _ in row.axes}
    return sorted(name for name in names - {*_AXES, "template"} if not name.startswith("recipe."))


def _row_words(row: Row, result: Result, extras: Sequence[str]) -> list[str]:
    template = readable(result.templates[0]) if len(result.templates) == 1 else ""
    recipe = "; ".join(f"{name}={value}" for name, value in row.overrides.items())
    return [template, *(_word(row.axis(name)) for name in (*_AXES, *extras)), recipe]


def _number_words(shots: Shots, result: Result) -> list[str]:
    accuracy, gain = result.accuracy, result.gain
    fewer = f"taken whole: {', '.join(result.fewer_shots)}" if result.fewer_shots else ""
    return [
        str(shots),
        str(accuracy.n),
        str(accuracy.n_expected),
        full(accuracy.mean),
        full(accuracy.sd),
        full(gain.mean if gain else None),
        full(gain.sd if gain else None),
        " or ".join(map(str, result.n_test)),
        "; ".join(filter(None, [result.counts, result.why, result.remark, fewer])),
    ]


def _word(value: Scalar) -> str:
    return "" if value is None else str(value)
