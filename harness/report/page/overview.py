"""The head of the page as HTML: how far the matrix is, by data set and method, and why cells failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from harness.matrix.identity import cell_id, display_names
from harness.report.entry import Entry
from harness.report.html import escape_html
from harness.report.page.cells import place_name, row_labels, state_of
from harness.report.page.logs import Jobs

STATES = ("done", "running", "failed", "stale", "missing")  # as they stand beside each other in every bar
_MOST_CHIPS = 8  # cells of one reason before the list of cells takes over
_MOST_REASONS = 20


def overview_html(entries: Sequence[Entry], jobs: Jobs) -> str:
    """Counts, one bar of all cells, the same by data set and method, and failures by their reasons."""
    if not entries:
        return '<p class="empty" data-part="overview-empty">This matrix has no cells.</p>\n'
    states = [state_of(entry, jobs) for entry in entries]
    return "\n".join([_counts(states), _grid(entries, states), _failures(entries, states)]) + "\n"


def _counts(states: Sequence[str]) -> str:
    counts = Counter(states)
    told = [state for state in STATES if counts[state] or state in ("done", "failed")]
    tiles = "".join(
        f'<li class="{state}{"" if counts[state] else " none"}"><button type="button" data-show="state={state}">'
        f"<b>{counts[state]:,}</b> <span>{state}</span></button></li>"
        for state in told
    )
    share = f"{counts['done']:,} of {len(states):,} cells done"
    return (
        f'<div data-part="overview-counts"><ul class="tiles">{tiles}</ul>\n'
        f'<div class="bar" role="img" aria-label="{share}">{_segments(counts)}</div>\n'
        f'<p class="share">{share}</p></div>'
    )


def _segments(counts: Counter[str]) -> str:
    """The pieces of a bar; their widths are shares of it, so that nothing has to be measured."""
    return "".join(
        f'<i class="{state}" style="flex-grow:{counts[state]}"></i>' for state in STATES if counts[state]
    )


def _grid(entries: Sequence[Entry], states: Sequence[str]) -> str:
    """A table of how many cells are done of each data set and row."""
    rows = row_labels(entries)
    found: dict[str, dict[str, Counter[str]]] = {}
    for entry, state in zip(entries, states, strict=True):
        label = rows.get(cell_id(entry.cell), "")
        place = place_name(entry)
        found.setdefault(place, {}).setdefault(label, Counter())[state] += 1
    columns = list(dict.fromkeys(label for by_row in found.values() for label in by_row))
    head = "".join(f'<th scope="col">{escape_html(label)}</th>' for label in columns)
    body = "".join(
        f'<tr><th scope="row">{escape_html(place)}</th>'
        + "".join(_grid_cell(place, label, by_row.get(label)) for label in columns)
        + "</tr>"
        for place, by_row in found.items()
    )
    return (
        '<section data-part="overview-grid"><h3 id="head-progress">Progress by data set and method</h3>\n'
        '<div class="scroll" role="group" aria-labelledby="head-progress" tabindex="0">'
        '<table class="grid" aria-labelledby="head-progress">'
        f'<thead><tr><th scope="col">Data set</th>{head}</tr></thead><tbody>{body}</tbody></table></div></section>'
    )


def _grid_cell(place: str, label: str, counts: Counter[str] | None) -> str:
    if counts is None:
        return '<td><span class="none">–</span></td>'
    total = sum(counts.values())
    more = "".join(f", {counts[state]} {state}" for state in STATES[1:] if counts[state])
    said = f"{counts['done']}/{total} done{more}"
    worst = next((state for state in ("failed", "running", "stale", "missing") if counts[state]), "done")
    return (
        f'<td><button type="button" class="{worst}" data-show="place={escape_html(place)}" '
        f'data-and="row={escape_html(label)}" title="{said}" '
        f'aria-label="{escape_html(f"{place}, {label}: {said}")}">{counts["done"]}/{total}'
        f'<span class="bar" aria-hidden="true">{_segments(counts)}</span></button></td>'
    )


def _failures(entries: Sequence[Entry], states: Sequence[str]) -> str:
    """Failed cells by what they say, the most frequent reason first."""
    names = display_names([entry.cell for entry in entries])
    reasons: dict[str, list[str]] = {}
    for entry, state in zip(entries, states, strict=True):
        if state == "failed":
            reason = (entry.record.reason if entry.record else None) or "no reason was recorded"
            reasons.setdefault(reason, []).append(cell_id(entry.cell))
    head = '<section class="failures" data-part="overview-failures"><h3>Failures</h3>\n'
    if not reasons:
        return f'{head}<p class="empty">No cell failed.</p></section>'
    order = sorted(reasons, key=lambda reason: -len(reasons[reason]))
    items = "".join(_failure(reason, reasons[reason], names) for reason in order[:_MOST_REASONS])
    rest = len(order) - _MOST_REASONS
    more = (
        f'<p><button type="button" class="link" data-show="state=failed">{rest} more reasons, in the list of '
        "cells</button></p>"
        if rest > 0
        else ""
    )
    return (
        f"{head}<ol>{items}</ol>{more}"
        '<p class="hint"><code>harness run --retry-failed</code> runs them again.</p></section>'
    )


def _failure(reason: str, identifiers: Sequence[str], names: dict[str, str]) -> str:
    chips = "".join(
        f'<li><button type="button" class="chip" data-cell="{identifier}">{escape_html(names[identifier])}'
        "</button></li>"
        for identifier in identifiers[:_MOST_CHIPS]
    )
    rest = len(identifiers) - _MOST_CHIPS
    more = (
        f'<li><button type="button" class="link" data-show="state=failed">and {rest} more</button></li>'
        if rest > 0
        else ""
    )
    count = f"{len(identifiers)} cell{'s' if len(identifiers) > 1 else ''}"
    return (
        f'<li><p class="reason"><b>{count}</b> <code>{escape_html(reason)}</code></p>'
        f'<ul class="chips">{chips}{more}</ul></li>'
    )
