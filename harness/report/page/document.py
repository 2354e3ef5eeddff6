"""The page put together: shell, styles, tables as HTML, and everything else as data in one script element."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from string import Template
from typing import Any
from urllib.parse import quote

import harness
from harness.files import canonical_json, digest_text
from harness.report.numbers.entry import Entry
from harness.report.page.cells import DETAILS, least_bytes, pack_cells
from harness.report.page.curves import pack_curves
from harness.report.page.library import Library, plot_library
from harness.report.page.listed import list_cells
from harness.report.page.logs import Jobs
from harness.report.page.overview import overview_html
from harness.report.page.pack import script_json
from harness.report.printing.captions import sd_words
from harness.report.report import Report
from harness.report.tables.html import escape_html, style_sheet, to_html
from harness.report.tables.table import Table
from harness.report.write import FORMS, file_endings

MOST_BYTES = 5_000_000
PAGE_FILE = "index.html"
ACROSS = "Between backbones"  # over tables that belong to no single group
_SCRIPTS = ("unpack.js", "elements.js", "charts.js", "cells.js", "drawer.js", "curves.js", "page.js")


@dataclass(frozen=True, slots=True)
class Content:
    """What changes on a page while a run is going.

    Attributes:
        title: name of the matrix.
        lead: one sentence under the title.
        overview: HTML of progress and failures.
        tables: HTML of all tables.
        data: cells, curves and logs, as JSON will have them.
    """

    title: str
    lead: str
    overview: str
    tables: str
    data: dict[str, Any]

    @property
    def tag(self) -> str:
        """The same for the same content and for nothing else."""
        return digest_text(canonical_json([self.title, self.lead, self.overview, self.tables, self.data]))[:32]


def page_content(
    report: Report, entries: Sequence[Entry], jobs: Jobs, most_bytes: int = MOST_BYTES, *, has_files: bool = True
) -> Content:
    """The content of a page from a report and the entries that it was built from.

    Details of cells are left out, the largest first, where the page would be larger than ``most_bytes`` with them;
    the page says what is missing. ``has_files`` is whether the tables' other forms lie beside the page.
    """
    listed = list_cells(entries, jobs)
    overview, tables = overview_html(listed, report.tallies), _tables(report, has_files)
    rest = {
        "curves": pack_curves(entries, report.sd_kind),
        "sd": sd_words(report.sd_kind),
        "logs": [{"job": log.job, "tail": log.tail, "cut": log.is_cut} for log in jobs.logs],
    }
    room = most_bytes - len(overview.encode()) - len(tables.encode()) - len(script_json(rest)) - _shell_bytes()
    for n_left_out in range(len(DETAILS) + 1):
        if n_left_out < len(DETAILS) and least_bytes(entries, DETAILS[n_left_out:]) > room:
            continue  # so many that packing them is not worth the while
        cells = pack_cells(listed, jobs, DETAILS[:n_left_out])
        if len(script_json(cells)) <= room:
            break
    return Content(report.name, _lead(report, entries), overview, tables, {"cells": cells, **rest})


def page_html(content: Content, *, live: bool = False) -> str:
    """The whole page; ``live`` asks its server for news, otherwise it may not reach any network at all."""
    library = plot_library()
    script = page_script()
    data = content.data | {"live": live, "tag": f'"{content.tag}"' if live else None}
    return Template(_read("page.html")).substitute(
        policy=policy([library.script, script], live=live),
        title=escape_html(content.title),
        style=style_sheet() + _read("page.css"),
        lead=escape_html(content.lead),
        overview=content.overview,
        tables=content.tables,
        footer=_footer(library, content.data["cells"]["without"]),
        data=script_json(data),
        library=library.script,
        script=script,
    )


def page_script() -> str:
    """The page's own script."""
    return '(() => {\n"use strict";\n' + "".join(map(_read, _SCRIPTS)) + "})();\n"


def policy(scripts: Sequence[str], *, live: bool) -> str:
    """The Content-Security-Policy: these very scripts, inline styles, and no network but the own server's."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in scripts
    )
    reach = "'self'" if live else "'none'"
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        f"connect-src {reach}; base-uri 'none'; form-action 'none'"
    )


def _lead(report: Report, entries: Sequence[Entry]) -> str:
    """What the matrix consists of, in a sentence."""
    cells = [entry.cell for entry in entries]
    datasets = list(dict.fromkeys(cell.dataset for cell in cells))
    seeds = {cell.seed for cell in cells if cell.seed is not None}
    parts = [
        _count(len(cells), "cell"),
        f"{_count(len(datasets), 'data set')}" + (f" ({datasets[0]})" if len(datasets) == 1 else ""),
        *([_count(len(seeds), "seed")] if seeds else []),
    ]
    backbones = "; ".join(group.title for group in report.groups)
    return f"{', '.join(parts)}. Backbone: {backbones}." if backbones else f"{', '.join(parts)}."


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _tables(report: Report, has_files: bool) -> str:
    """All tables, each under the title of its group; those of no single group stand first."""
    titles = {table.stem: group.title for group in report.groups for table in group.all_tables}
    sections: dict[str, list[Table]] = {}
    for table in report.all_tables:
        sections.setdefault(titles.get(table.stem, ACROSS), []).append(table)
    is_named = len(sections) > 1
    remarks = {group.title: group.remarks for group in report.groups}
    return "".join(
        _section(title, tables, remarks.get(title, ()), is_named, has_files) for title, tables in sections.items()
    )


def _section(title: str, tables: Sequence[Table], remarks: Sequence[str], is_named: bool, has_files: bool) -> str:
    head = f"<h3>{escape_html(title)}</h3>\n" if is_named else ""
    said = "".join(f'<p class="caption">{escape_html(remark)}</p>\n' for remark in remarks)
    parts = (to_html(table, 4 if is_named else 3, _links(table) if has_files else "") for table in tables)
    return f'<div class="group" data-group="{escape_html(title)}">\n{head}{"".join(parts)}{said}</div>\n'


def _links(table: Table) -> str:
    """Where the table's other forms lie, beside the page."""
    endings, stem = file_endings(table), quote(table.stem)
    forms = ((ending, name) for ending, name in {"md": "Markdown", **FORMS}.items() if ending in endings)
    links = ", ".join(f'<a href="{stem}.{ending}">{name}</a>' for ending, name in forms)
    return f'<p class="files">{links}</p>' if links else ""


def _footer(library: Library, left_out: Sequence[str]) -> str:
    words = {
        "history": "epoch by epoch histories",
        "counts": "counts by class",
        "class words": "words near class-specific contexts",
    }
    lines = [
        f"Made by harness {harness.__version__} from the records alone; the same records make the same page. "
        "Nothing on it is loaded from anywhere.",
        "Losses are rounded to four decimals and training accuracies to a tenth of a percent; learning rates "
        "are in the records alone.",
        library.credit,
    ]
    if left_out:
        lines.insert(1, f"Left out for size: {', '.join(words[name] for name in left_out)}.")
    return "\n".join(f"<p>{escape_html(line)}</p>" for line in lines)


def _shell_bytes() -> int:
    """The page without its content."""
    own = [_read("page.html"), style_sheet(), _read("page.css"), page_script(), plot_library().script]
    return sum(len(part.encode()) for part in own) + 4096


def _read(name: str) -> str:
    return files("harness.report.page").joinpath(name).read_text(encoding="utf-8")
