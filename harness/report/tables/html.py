"""Tables as HTML: a fragment for the page, and a file of its own that needs nothing else."""

from __future__ import annotations

import html
from collections.abc import Collection
from importlib.resources import files

from harness.report.tables.table import Block, Note, Table, TableCell, TableRow

_MOST_LINE = 40  # letters of a cell that are one line


def escape_html(text: str) -> str:
    """``text`` as HTML prints it, in content and in quoted attributes; what UTF-8 cannot hold is replaced."""
    return html.escape(text.encode("utf-8", "replace").decode("utf-8"), quote=True)


def to_html(table: Table, level: int = 3, after: str = "") -> str:
    """The table as a ``section``: heading, caption, one ``table`` with a body a block, footnotes.

    ``after`` is HTML that stands behind the footnotes, such as links to the table's other files.
    """
    stem = escape_html(table.stem)
    title = escape_html(table.title)
    parts = [
        f'<section class="table" id="table-{stem}" data-part="table-{stem}" data-title="{title}">',
        f'<h{level} id="head-{stem}">{title}</h{level}>',
        f'<p class="caption">{escape_html(" ".join(table.caption))}</p>',
    ]
    if table.blocks:
        said = _sentences(table)
        parts += [
            f'<div class="scroll" role="group" aria-labelledby="head-{stem}" tabindex="0">',
            f'<table aria-labelledby="head-{stem}">',
            _head(table, said),
            *(_body(table, block, said) for block in table.blocks),
            "</table></div>",
        ]
    if table.notes:
        parts.append(f'<ul class="notes">{"".join(map(_note, table.notes))}</ul>')
    return "\n".join([*parts, *([after] if after else []), "</section>\n"])


def to_html_file(table: Table) -> str:
    """A whole HTML page with the table alone, light or dark as the reader's system is."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{escape_html(table.title)}</title>\n<style>\n{style_sheet()}</style>\n</head>\n"
        f"<body>\n<main>\n{to_html(table, level=1)}</main>\n</body>\n</html>\n"
    )


def style_sheet() -> str:
    """The rules that tables have everywhere: type, colours light and dark, rules between rows."""
    return files("harness.report.tables").joinpath("html.css").read_text(encoding="utf-8")


def _head(table: Table, said: Collection[int]) -> str:
    # The name of a data set may be broken behind an underscore.
    columns = "".join(
        f'<th scope="col"{_kind(place in said)}>{escape_html(column).replace("_", "_<wbr/>")}</th>'
        for place, column in enumerate(table.columns)
    )
    return (
        f'<thead><tr><th scope="col" rowspan="2">{escape_html(table.row_heading)}</th>'
        f'<th scope="colgroup" colspan="{len(table.columns)}">{escape_html(table.columns_heading)}</th></tr>'
        f"<tr>{columns}</tr></thead>"
    )


def _body(table: Table, block: Block, said: Collection[int]) -> str:
    heading = (
        f'<tr class="block"><th scope="rowgroup" colspan="{len(table.columns) + 1}">'
        f"{escape_html(block.heading)}</th></tr>"
        if block.heading
        else ""
    )
    rows = "".join(_row(row, said) for row in block.rows)
    return f"<tbody>{heading}{rows}</tbody>"


def _row(row: TableRow, said: Collection[int]) -> str:
    cells = "".join(f"<td{_kind(place in said)}>{_cell(cell)}</td>" for place, cell in enumerate(row.cells))
    return f'<tr><th scope="row">{escape_html(row.label)}</th>{cells}</tr>'


def _sentences(table: Table) -> set[int]:
    """The columns that hold sentences, which may be broken and begin at the left."""
    return {
        place
        for block in table.blocks
        for row in block.rows
        for place, cell in enumerate(row.cells)
        if len(cell.text) > _MOST_LINE
    }


def _kind(is_text: bool) -> str:
    return ' class="text"' if is_text else ""


def _cell(cell: TableCell) -> str:
    text = escape_html(cell.text)
    if cell.bold:
        text = f"<strong>{text}</strong>"
    elif cell.underline:
        text = f"<u>{text}</u>"
    marks = f"<sup>{','.join(map(escape_html, cell.marks))}</sup>" if cell.marks else ""
    return text + marks


def _note(note: Note) -> str:
    mark = f"<sup>{escape_html(note.mark)}</sup> " if note.mark else ""
    return f"<li>{mark}{escape_html(note.text)}</li>"
