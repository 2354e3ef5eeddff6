"""A report as files: each table and figure in all its forms, and one page of Markdown with all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

from harness.errors import Fault, HarnessError
from harness.files import write_bytes
from harness.report.figures.ahead import Drawn, draw_one
from harness.report.figures.charts import Figure
from harness.report.report import Report
from harness.report.stems import INDEX
from harness.report.tables.csv import to_csv, to_wide_csv
from harness.report.tables.html import to_html_file
from harness.report.tables.latex import to_latex
from harness.report.tables.markdown import escape_markdown, to_markdown
from harness.report.tables.table import Table

FORMS = {"csv": "CSV", "wide.csv": "wide CSV", "tex": "LaTeX", "html": "HTML"}  # of a table, beside Markdown
_WRITERS = {"md": to_markdown, "csv": to_csv, "wide.csv": to_wide_csv, "tex": to_latex, "html": to_html_file}


def write_report(report: Report, out: Path, drawn: Iterable[Drawn] | None = None) -> tuple[Path, ...]:
    """Write every file of ``report`` into the folder ``out``; the files written, sorted.

    Each table as Markdown, CSV, LaTeX and HTML, each figure as PDF, PNG and SVG, and ``index.md`` with
    all of them. Files of an earlier report that has other tables are left alone. ``drawn`` are the figures of
    ``report.all_figures`` in each format, where they were drawn ahead. None is forced to the disk: all of them can
    be made again.

    Raises:
        HarnessError: nothing can be written into ``out``; says why.
    """
    written = []
    for one in report.all_tables:
        for ending in file_endings(one):
            path = out / f"{one.stem}.{ending}"
            write_file(path, _WRITERS[ending](one).encode())
            written.append(path)
    for figure, files in zip(report.all_figures, drawn or map(draw_one, report.all_figures), strict=True):
        for ending, content in files.items():
            path = out / f"{figure.stem}.{ending}"
            write_file(path, content)
            written.append(path)
    path = out / f"{INDEX}.md"
    write_file(path, index(report).encode())
    return tuple(sorted([*written, path]))


def write_file(path: Path, content: bytes) -> None:
    """Write one file of a report.

    Raises:
        HarnessError: its folder takes nothing: it is a file, or read-only, or the disk is full.
    """
    try:
        write_bytes(path, content, durable=False)
    except OSError as error:
        what = f"the report cannot be written here: {error.strerror or error}."
        raise HarnessError(Fault(str(path.parent), what, "Name another folder with --out DIR.")) from None


def index(report: Report) -> str:
    """One Markdown page with every figure and table; links are relative to its folder."""
    parts = [f"# {escape_markdown(report.name)}\n"]
    if report.across.tables or report.across.figures:
        parts += ["## Between backbones\n", *_section(report.across.figures, report.across.tables)]
    for group in report.groups:
        parts += [f"## {escape_markdown(group.title)}\n", *_section(group.figures, group.all_tables)]
        parts += [f"{escape_markdown(remark)}\n" for remark in group.remarks]
    return "\n".join(parts)


def _section(figures: Iterable[Figure], tables: Iterable[Table]) -> Iterator[str]:
    """Figures with their captions, then tables, each with links to its files."""
    for figure in figures:
        stem, said = quote(figure.stem), escape_markdown(" ".join(figure.caption))
        yield f"![{escape_markdown(figure.title)}]({stem}.png)\n"
        yield f"Figure: {said} ([PDF]({stem}.pdf), [SVG]({stem}.svg))\n"
    for one in tables:
        endings = file_endings(one)
        links = [f"[{FORMS[ending]}]({quote(one.stem)}.{ending})" for ending in FORMS if ending in endings]
        yield to_markdown(one, level=3)
        if links:
            yield f"{', '.join(links)}\n"


def file_endings(table: Table) -> list[str]:
    """How the files of a table end: none without rows, only the long form where no row is printed."""
    printed = ["md", "tex", "wide.csv", "html"] if table.blocks else []
    return [*printed, "csv"] if len(table.long) > 1 else printed
