"""Tables as HTML."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

from harness.report.build import build_report
from harness.report.numbers.entry import Entry
from harness.report.tables.html import escape_html, to_html, to_html_file
from harness.report.tables.table import Block, Note, Table, TableCell, TableRow

TABLE = Table(
    "s", "A <title>", ("First.", 'Second "one".'), ("1", "a & b"),
    (Block("", (TableRow("r <1>", (TableCell("70.0", bold=True), TableCell("–", marks=("a", "†")))),)),
     Block("Gain & more", (TableRow("r2", (TableCell("+1.0"), TableCell("−2.0"))),))),
    (Note("a", "missing <b>"), Note("", "a remark")), (("h",),),
)  # fmt: skip


def test_parts_are_what_they_mean() -> None:
    """Rows and columns have heads with a scope, blocks a body each, and footnotes their marks."""
    root = ElementTree.fromstring(to_html(TABLE))
    table = root.find(".//table")
    assert table is not None
    assert [cell.get("scope") for cell in table.findall("thead//th")] == ["col", "colgroup", "col", "col"]
    assert len(table.findall("tbody")) == 2
    assert [cell.text for cell in table.findall("tbody/tr/th[@scope='row']")] == ["r <1>", "r2"]
    assert table.findtext("tbody/tr/td/strong") == "70.0"
    assert table.findtext("tbody/tr/td/sup") == "a,†"
    assert [note.findtext("sup") for note in root.findall(".//li")] == ["a", None]


def test_every_number_of_a_report_is_there(small_matrix: list[Entry]) -> None:
    """The rows of the HTML are the rows of the table, number for number."""
    for table in build_report("m", small_matrix).groups[0].all_tables:
        root = ElementTree.fromstring(to_html(table))
        found = [["".join(cell.itertext()) for cell in row] for row in root.findall(".//tbody/tr")]
        wanted = []
        for block in table.blocks:
            wanted += [[block.heading]] if block.heading else []
            wanted += [
                [row.label, *(cell.text + ",".join(cell.marks) for cell in row.cells)] for row in block.rows
            ]
        assert found == wanted


def test_second_best_is_underlined() -> None:
    """A cell that is the second of its contest is underlined."""
    table = replace(TABLE, blocks=(Block("", (TableRow("r", (TableCell("1", underline=True), TableCell("2"))),)),))
    assert "<td><u>1</u></td><td>2</td>" in to_html(table)


def test_long_words_may_be_broken() -> None:
    """The name of a data set breaks behind an underscore, and a sentence in a cell has lines."""
    said = "not comparable: another backbone (published: RN50)"
    row = TableRow("r", (TableCell("1.0"), TableCell(said)))
    written = to_html(replace(TABLE, columns=("oxford_pets", "Verdict"), blocks=(Block("", (row,)),)))
    assert '<th scope="col">oxford_<wbr/>pets</th>' in written
    assert f'<td>1.0</td><td class="text">{said}</td>' in written
    assert '<th scope="col" class="text">Verdict</th>' in written


def test_a_table_without_rows_has_its_words(small_matrix: list[Entry]) -> None:
    """Where only the long form is printed there is no empty grid."""
    written = to_html(replace(TABLE, blocks=()))
    assert "<table" not in written
    assert "First." in written


def test_file_is_a_whole_page() -> None:
    """A file of its own has a title, forbids all loading, and has the table under a first heading."""
    page = to_html_file(TABLE)
    assert page.startswith("<!doctype html>")
    assert "<title>A &lt;title&gt;</title>" in page
    assert "default-src 'none'" in page
    assert '<h1 id="head-s">A &lt;title&gt;</h1>' in page


def test_lone_surrogates_can_be_written() -> None:
    """A letter that UTF-8 cannot hold becomes a question mark instead of a crash."""
    assert escape_html("a\ud800<").encode() == b"a?&lt;"
