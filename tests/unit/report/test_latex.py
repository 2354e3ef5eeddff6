"""LaTeX: what fits a page, and that everything compiles."""

import re
import shutil
import subprocess
from dataclasses import replace

import pytest

from harness.report.build import build_report
from harness.report.sections.evidence import Choices
from harness.report.tables.latex import escape_latex, to_latex
from harness.report.tables.table import Block, Note, Table, TableCell, TableRow


def _table(n_columns=3, n_rows=2, n_blocks=1, label="CoOp (unified)", text="71.2 ± 0.8", column="column"):
    cells = tuple(TableCell(text, bold=place == 0, underline=place == 1) for place in range(n_columns))
    block = tuple(TableRow(label, cells) for _ in range(n_rows))
    blocks = tuple(Block(f"block {number}", block) for number in range(n_blocks))
    columns = tuple(f"{column} {place}" for place in range(n_columns))
    return Table("stem", "title", ("A caption.",), columns, blocks, (Note("a", "note"), Note("", "remark")), ((),))


HEAD = r"""% \usepackage{booktabs}
\begin{table}[t]
\centering
\caption{A caption.}
\label{tab:s-t}
\begin{tabular}{lrr}
\toprule
& \multicolumn{2}{c}{Shots per class} \\
\cmidrule(l){2-3}
Method & 0 & 1 \\
\midrule
"""


def test_whole_text() -> None:
    """A small table, to the letter."""
    cells = (TableCell("63.0"), TableCell("71.2 ± 0.8", bold=True, marks=("†", "a")))
    more = (TableCell(), TableCell("70.0 ± 0.1", underline=True))
    blocks = (Block("", (TableRow("Zero-shot", cells),)), Block("Gain", (TableRow("a_b", more),)))
    table = Table(
        "s t", "title", ("A caption.",), ("0", "1"), blocks, (Note("a", "50 % off"), Note("", "end")), ()
    )
    assert to_latex(table) == HEAD + (
        r"""Zero-shot & 63.0 & \textbf{71.2 $\pm$ 0.8}\textsuperscript{$\dagger$,a} \\
\midrule
\multicolumn{3}{l}{\emph{Gain}} \\
a\_b & -- & \underline{70.0 $\pm$ 0.1} \\
\bottomrule
\end{tabular}
\par\smallskip\parbox{\linewidth}{\footnotesize\raggedright \textsuperscript{a}~50 \% off \\ end}
\end{table}
"""
    )


def test_wide_tables_get_smaller_letters_and_then_parts() -> None:
    """Up to a width the letters shrink; beyond it columns are split, each once, with the labels in every part."""
    small, wide = to_latex(_table(5)), to_latex(_table(12))
    assert re.search(r"\\(small|footnotesize)\n", small)
    assert small.count(r"\begin{tabular}") == 1
    parts = wide.count(r"\begin{tabular}")
    assert parts > 1
    assert wide.count("CoOp (unified)") == 2 * parts
    assert [wide.count(f"column {place} ") for place in range(12)] == [1] * 12


def test_high_tables_go_on_in_another_environment() -> None:
    """Rows beyond a page stand in a continued table, none lost and none twice, notes under the last."""
    text = to_latex(_table(3, n_rows=10, n_blocks=9))
    n = text.count(r"\begin{table}")
    assert n > 1
    assert text.count("CoOp (unified)") == 90
    assert text.count("title (continued).") == n - 1
    assert text.index("remark") > text.rindex(r"\begin{table}")
    assert len(set(re.findall(r"\\label\{(.*?)\}", text))) == n


def test_one_block_that_is_higher_than_a_page_is_cut() -> None:
    """A block of a hundred rows goes on under its heading."""
    text = to_latex(_table(2, n_rows=100))
    assert text.count("CoOp (unified)") == 100
    assert text.count(r"\emph{block 0}") == text.count(r"\begin{table}") > 1


def test_long_labels_are_broken() -> None:
    """A label that would take half of the page has a column that breaks it."""
    assert r"\begin{tabular}{p{0.4\linewidth}rrr}" in to_latex(_table(label="a very long label " * 6))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Café", r"Caf\'{e}"),
        ("naïve Škoda", r"na\"{i}ve \v{S}koda"),
        ("草", "U+8349"),
        ("a--b", "a-{}-b"),
        ("straße…", r"stra\ss{}e\ldots{}"),
        ("`x`", r"\textasciigrave{}x\textasciigrave{}"),
    ],
)
def test_letters_that_every_engine_prints(text, expected) -> None:
    """Accents are commands, other scripts code points, and nothing becomes a dash or a quote by accident."""
    assert escape_latex(text) == expected


@pytest.mark.latex
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_everything_compiles_and_fits(small_matrix, make_entry, tmp_path) -> None:
    """Every table of a report with hostile names, and tables of all sizes, compile with no line too wide."""
    names = ["草 & $x_1$ #%", "a^b~c\\d{}<|>", '"quoted" `name`', "Café--straße", "[x]", "-- ", "0"]
    entries = [
        *small_matrix,
        *(make_entry("zero_shot", 500, dataset=name, template=f"{name} {{}}.") for name in names),
    ]
    tables = list(build_report("_m$", entries, Choices(against=("coop_ijcv2022",))).all_tables)
    tables += [
        _table(n, n_rows, n_blocks) for n in (1, 3, 6, 9, 15) for n_rows, n_blocks in ((2, 1), (8, 8), (99, 1))
    ]
    many = tuple(Note("a", f"a note with some words, number {number}") for number in range(99))
    tables += [replace(_table(3), notes=many)]
    tables += [_table(4, label="a very long label " * 9), _table(4, column="a_heading_that_is_long_" * 2)]
    body = "".join(to_latex(table) + "\\clearpage\n" for table in tables)
    source = "\\documentclass{article}\n\\usepackage{booktabs}\n\\begin{document}\n" + body + "\\end{document}\n"
    (tmp_path / "all.tex").write_text(source, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]
    assert [line for line in done.stdout.splitlines() if "Overfull" in line or "too large" in line] == []


def test_sentences_are_broken_into_lines() -> None:
    """A cell that is too wide for one line stands in a box, so that its table need not be split for it."""
    said = "not comparable: epochs 50 (published: 200); views none (published: live)"
    table = _table(3)
    row = TableRow("r", (TableCell("1.0"), TableCell("2.0"), TableCell(said)))
    written = to_latex(replace(table, blocks=(Block("", (*table.blocks[0].rows, row)),)))
    assert written.count(r"\begin{tabular}{lrrl}") == 1
    assert rf"\parbox[t]{{0.319\linewidth}}{{\raggedright {said}\strut}}" in written
