"""``harness compare``."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.cli.output import console
from harness.cli.vocabulary import known_names
from harness.errors import Fault, RecordError
from harness.files import canonical_json, write_text
from harness.matrix.cell import CELL_KEYS, Cell
from harness.matrix.matrix import read_matrix
from harness.matrix.select import select
from harness.report.changes import Change, Changes, Shift, changes, noticeable
from harness.report.printing.long import full
from harness.report.published.verdict import TIPPING
from harness.report.sections.paired import spelled_p
from harness.report.stats.exact import signed
from harness.store.manifest import read_manifests
from harness.store.record import RunRecord
from harness.store.records import Scan, read_records

_MOST_SHOWN = 20
_DECIMALS = 2
_DIGEST = 12  # letters of a digest that are shown
_ENDINGS = (".csv", ".json")


def compare_command(
    was: Path, now: Path, matrix: Path | None, expression: str | None, out: Path | None, fail_on_change: bool
) -> int:
    """Print what changed from one results folder to another; 1 only where that is asked for.

    Raises:
        HarnessError: a folder holds no records, the matrix or the selection cannot be used, or ``out`` cannot be
            written.
    """
    if out is not None and out.suffix not in _ENDINGS:
        mend = f"Let it end in {' or '.join(_ENDINGS)}."
        raise RecordError(Fault(f"--out {out}", "does not say what to write.", mend))
    scans = _scans(was, now)
    records = [scan.records for scan in scans]
    cells = select(_cells(matrix, (was, now), records), expression)
    found = changes(cells, *records)
    if out is not None:
        _write(out, found, was, now)
    _print(found, was, now)
    if out is not None:
        console.say(f"{len(found.cells)} cells in {out}")
    return 1 if fail_on_change and not found.same else 0


def _scans(was: Path, now: Path) -> list[Scan]:
    """The records of both folders.

    Raises:
        RecordError: for every folder without any.
    """
    scans, faults = [], []
    for name, folder in (("RESULTS_A", was), ("RESULTS_B", now)):
        scan = read_records(folder)
        for path, reason in scan.broken.items():
            console.note(f"{path} {reason}; it is left out", style="yellow")
        if not scan.records:
            what = "holds no records." if folder.is_dir() else "is no folder."
            faults.append(
                Fault(f"{name} {folder}", what, "Name a folder that `harness run --results` wrote into.")
            )
        scans.append(scan)
    if faults:
        raise RecordError(faults)
    return scans


def _cells(
    matrix: Path | None, folders: Sequence[Path], records: Sequence[Mapping[str, RunRecord]]
) -> tuple[Cell, ...]:
    """The cells of a matrix, or of all records: those of manifests first, in their order."""
    if matrix is not None:
        return read_matrix(matrix, known_names()).cells
    known = {Cell.from_dict(record.cell): None for part in records for record in part.values()}
    manifests = [each for folder in folders for each in read_manifests(folder)]
    listed = [cell for each in manifests for cell in each.cells if cell in known]
    return tuple(dict.fromkeys([*listed, *known]))


def _print(found: Changes, was: Path, now: Path) -> None:
    console.say(f"A: {was}")
    console.say(f"B: {now}")
    console.say(_count(found))
    if any(shift.n_changed for shift in found.shifts):
        _print_shifts(found)
    if moved := sorted(found.of_kind("changed"), key=lambda each: (-abs(each.difference or 0), each.name)):
        _print_moved(moved)
    if others := [each for each in found.cells if each.kind not in ("same", "changed", "failed")]:
        _print_others(others)
    if found.origins:
        console.say()
        rows = [(each.field, _short(each.was), _short(each.now), each.n_cells) for each in found.origins]
        console.table("Made from", ("", "A", "B", "cells"), rows, numbers=("cells",))


def _print_shifts(found: Changes) -> None:
    console.say()
    rows = [
        (shift.label, shift.n, shift.n_changed, signed(shift.mean, _DECIMALS), _interval(shift), _p(shift))
        for shift in found.shifts
    ]
    heads = ("cells", "changed", "B - A", "95 % interval", "p")
    console.table("Accuracy, percentage points", ("method", *heads), rows, numbers=heads)
    console.say(_note(found))


def _print_moved(moved: Sequence[Change]) -> None:
    console.say()
    rows = [(each.id, each.name, *_numbers(each)) for each in moved[:_MOST_SHOWN]]
    heads = ("A", "B", "B - A")
    console.table(f"Changed cells, largest first{_more(moved)}", ("cell", "", *heads), rows, numbers=heads)
    if any(noticeable(each, TIPPING) for each in moved):
        console.say("*: more than 1 in 100 test images tipping either way explains.")


def _print_others(others: Sequence[Change]) -> None:
    console.say()
    rows = [(each.kind, each.id, each.name) for each in others[:_MOST_SHOWN]]
    console.table(f"Other cells{_more(others)}", ("", "cell", ""), rows)


def _more(cells: Sequence[Change]) -> str:
    rest = len(cells) - _MOST_SHOWN
    return f"; {rest} more with --out" if rest > 0 else ""


def _count(found: Changes) -> str:
    counts: Counter[str] = Counter(each.kind for each in found.cells)
    both = counts["same"] + counts["changed"]
    parts = [f"{both} cells with a number in both: {counts['same']} the same, {counts['changed']} changed"]
    kinds = ("only in A", "only in B", "failed in A", "failed in B", "failed", "other test images")
    words = {"failed": "failed in both"}
    parts += [f"{counts[kind]} {words.get(kind, kind)}" for kind in kinds if counts[kind]]
    return "; ".join(parts)


def _note(found: Changes) -> str:
    said = (
        "p: two-sided sign-flip test over cells, corrected by Holm for the methods; it asks whether one folder is "
        "better, not whether they differ."
    )
    if any(shift.p is None for shift in found.shifts):
        said += " No p where so few cells could not reach 0.05."
    return said


def _numbers(each: Change) -> tuple[str, str, str]:
    (was, n), (now, _) = each.was or (0, 1), each.now or (0, 1)
    mark = " *" if noticeable(each, TIPPING) else ""
    return f"{was}/{n}", f"{now}/{n}", f"{signed(each.difference or 0.0, _DECIMALS)}{mark}"


def _interval(shift: Shift) -> str:
    if shift.interval is None:
        return ""
    return f"[{signed(shift.interval.low, _DECIMALS)}, {signed(shift.interval.high, _DECIMALS)}]"


def _p(shift: Shift) -> str:
    return "" if shift.p is None else spelled_p(shift.p)


def _short(value: str) -> str:
    """A digest by its first letters; everything else as it is."""
    is_digest = len(value) >= 40 and set(value) <= set("0123456789abcdef")
    return value[:_DIGEST] if is_digest else value


def _write(out: Path, found: Changes, was: Path, now: Path) -> None:
    """Write every cell; as JSON also the shifts and what numbers were made from.

    Raises:
        RecordError: it cannot be written.
    """
    text = _json(found, was, now) if out.suffix == ".json" else _csv(found)
    try:
        write_text(out, text)
    except OSError as error:
        what = f"cannot be written: {error.strerror}."
        raise RecordError(Fault(f"--out {out}", what, "Name another file.")) from None


def _csv(found: Changes) -> str:
    text = io.StringIO()
    extras = sorted({key for each in found.cells for key in each.cell.to_dict()} - set(CELL_KEYS))
    numbers = ("kind", "n_correct_a", "n_test_a", "n_correct_b", "n_test_b", "difference", "noticeable")
    writer = csv.DictWriter(text, ("cell_id", *CELL_KEYS, *extras, *numbers), lineterminator="\n")
    writer.writeheader()
    for each in found.cells:
        flat = each.cell.to_dict()
        flat["recipe"] = None if flat["recipe"] is None else canonical_json(flat["recipe"])
        (right_a, n_a), (right_b, n_b) = each.was or ("", ""), each.now or ("", "")
        values = (
            each.kind,
            right_a,
            n_a,
            right_b,
            n_b,
            _points(each),
            "yes" if noticeable(each, TIPPING) else "no",
        )
        writer.writerow({"cell_id": each.id, **flat, **dict(zip(numbers, values, strict=True))})
    return text.getvalue()


def _points(each: Change) -> str:
    return full(None if each.difference is None else float(each.difference))


def _json(found: Changes, was: Path, now: Path) -> str:
    content = {
        "a": str(was),
        "b": str(now),
        "cells": [
            {
                "cell_id": each.id,
                "cell": each.cell.to_dict(),
                "kind": each.kind,
                "a": _counts(each.was),
                "b": _counts(each.now),
                "difference_points": None if each.difference is None else float(100 * each.difference),
            }
            for each in found.cells
        ],
        "methods": [
            {
                "method": shift.label,
                "cells": shift.n,
                "changed": shift.n_changed,
                "difference_points": float(100 * shift.mean),
                "interval_points": (
                    None if shift.interval is None else [100 * shift.interval.low, 100 * shift.interval.high]
                ),
                "p": shift.p,
            }
            for shift in found.shifts
        ],
        "made_from": [
            {"field": each.field, "a": each.was, "b": each.now, "cells": each.n_cells} for each in found.origins
        ],
    }
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def _counts(counts: tuple[int, int] | None) -> dict[str, int] | None:
    return None if counts is None else {"n_correct": counts[0], "n_test": counts[1]}
