"""The head of the page as HTML: how far the matrix is, by data set and method, and why cells failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from harness.files import canonical_json
from harness.report.page.listed import STATES, Listed
from harness.report.published.tally import Tally
from harness.report.tables.html import escape_html

_MOST_CHIPS = 8  # cells of one reason before the list of cells takes over
_MOST_REASONS = 20


def overview_html(cells: Sequence[Listed], tallies: Sequence[Tally]) -> str:
    """Counts, a bar of all cells, the same by data set and method, failures, agreement with what was published."""
    if not cells:
        return '<p class="empty" data-part="overview-empty">This matrix has no cells.</p>\n'
    parts = [_counts([cell.state for cell in cells]), _grid(cells), _failures(cells), *_agreement(tallies)]
    return "\n".join(parts) + "\n"


def _show(**values: str) -> str:
    """The attribute of a button that leads to the cells with these values."""
    return f'type="button" data-show="{escape_html(canonical_json(values))}"'


def _counts(states: Sequence[str]) -> str:
    counts = Counter(states)
    told = [state for state in STATES if counts[state] or state in ("done", "failed")]
    tiles = "".join(
        f'<li class="{state}{"" if counts[state] else " none"}"><button {_show(state=state)}>'
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


def _grid(cells: Sequence[Listed]) -> str:
    """A table of how many cells are done of each data set and row, for each backbone where there are several."""
    found: dict[str, dict[str, dict[str, Counter[str]]]] = {}
    for cell in cells:
        by_place = found.setdefault(cell.group, {})
        by_place.setdefault(cell.place, {}).setdefault(cell.row, Counter())[cell.state] += 1
    columns = list(dict.fromkeys(row for group in found.values() for by_row in group.values() for row in by_row))
    head = "".join(f'<th scope="col">{escape_html(label)}</th>' for label in columns)
    body = "".join(_grid_body(group, by_place, columns, len(found) > 1) for group, by_place in found.items())
    return (
        '<section data-part="overview-grid"><h3 id="head-progress">Progress by data set and method</h3>\n'
        '<div class="scroll high" role="group" aria-labelledby="head-progress" tabindex="0">'
        '<table class="grid" aria-labelledby="head-progress">'
        f'<thead><tr><th scope="col">Data set</th>{head}</tr></thead>{body}</table></div></section>'
    )


def _grid_body(
    group: str, by_place: dict[str, dict[str, Counter[str]]], columns: Sequence[str], is_named: bool
) -> str:
    title = f'<tr class="block"><th scope="rowgroup" colspan="{len(columns) + 1}">{escape_html(group)}</th></tr>'
    rows = "".join(
        f'<tr><th scope="row">{escape_html(place)}</th>'
        + "".join(_grid_cell(group, place, label, by_row.get(label)) for label in columns)
        + "</tr>"
        for place, by_row in by_place.items()
    )
    return f"<tbody>{title if is_named else ''}{rows}</tbody>"


def _grid_cell(group: str, place: str, label: str, counts: Counter[str] | None) -> str:
    if counts is None:
        return '<td><span class="none">–</span></td>'
    total = sum(counts.values())
    more = "".join(f", {counts[state]} {state}" for state in STATES[1:] if counts[state])
    said = f"{counts['done']}/{total} done{more}"
    worst = next((state for state in ("failed", "running", "stale", "missing") if counts[state]), "done")
    return (
        f'<td><button class="{worst}" {_show(group=group, place=place, row=label)} title="{said}" '
        f'aria-label="{escape_html(f"{place}, {label}: {said}")}">{counts["done"]}/{total}'
        f'<span class="bar" aria-hidden="true">{_segments(counts)}</span></button></td>'
    )


def _agreement(tallies: Sequence[Tally]) -> Iterator[str]:
    """A line for each set of published figures that the matrix is held against."""
    if tallies:
        lines = "".join(f"<li>{escape_html(str(tally))}.</li>" for tally in tallies)
        head = '<section class="published" data-part="overview-published"><h3>Published figures</h3>'
        yield f"{head}\n<ul>{lines}</ul></section>"


def _failures(cells: Sequence[Listed]) -> str:
    """Failed cells by what they say, the most frequent reason first."""
    reasons: dict[str, list[Listed]] = {}
    for cell in cells:
        if cell.state == "failed":
            record = cell.entry.record
            reasons.setdefault((record.reason if record else None) or "no reason was recorded", []).append(cell)
    head = '<section class="failures" data-part="overview-failures"><h3>Failures</h3>\n'
    if not reasons:
        return f'{head}<p class="empty">No cell failed.</p></section>'
    order = sorted(reasons, key=lambda reason: -len(reasons[reason]))
    items = "".join(_failure(reason, reasons[reason]) for reason in order[:_MOST_REASONS])
    rest = len(order) - _MOST_REASONS
    more = f"<p>{_all_failed(f'{rest} more reasons, in the list of cells')}</p>" if rest > 0 else ""
    return (
        f"{head}<ol>{items}</ol>{more}"
        '<p class="hint"><code>harness run --retry-failed</code> runs them again.</p></section>'
    )


def _failure(reason: str, cells: Sequence[Listed]) -> str:
    chips = "".join(
        f'<li><button type="button" class="chip" data-cell="{cell.id}">{escape_html(cell.name)}</button></li>'
        for cell in cells[:_MOST_CHIPS]
    )
    rest = len(cells) - _MOST_CHIPS
    more = f"<li>{_all_failed(f'and {rest} more')}</li>" if rest > 0 else ""
    count = f"{len(cells)} cell{'s' if len(cells) > 1 else ''}"
    return (
        f'<li><p class="reason"><b>{count}</b> <code>{escape_html(reason)}</code></p>'
        f'<ul class="chips">{chips}{more}</ul></li>'
    )


def _all_failed(words: str) -> str:
    return f'<button class="link" {_show(state="failed")}>{words}</button>'
