"""Published figures as if they were ours, through the real report: tables come out as the paper prints them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from support.published_records import FIGURE_3, cell_key, figures_of, published_entries

from harness.report.build import build_report
from harness.report.numbers.rows import row_entries
from harness.report.published.read import published
from harness.report.report import Report
from harness.report.tables.csv import to_csv
from harness.report.tables.table import Table

EXPERIMENTS = Path(__file__).parents[3] / "experiments"
ELEVEN = (
    "imagenet", "caltech101", "oxford_pets", "stanford_cars", "oxford_flowers", "food101", "fgvc_aircraft",
    "sun397", "dtd", "eurosat", "ucf101",
)  # fmt: skip
SHOTS = (0, 1, 2, 4, 8, 16)


@pytest.fixture(scope="module")
def few_shot() -> Report:
    """The report on the paper's few-shot figure, as if we had run it."""
    return build_report("full", published_entries(EXPERIMENTS / "full.yaml"))


def lines(table: Table) -> list[dict[str, str]]:
    """The long form of a table."""
    return list(csv.DictReader(io.StringIO(to_csv(table))))


def one_decimal(value: Decimal | Fraction) -> str:
    """A figure as tables print it: one decimal, halves up."""
    exact = Decimal(value.numerator) / Decimal(value.denominator) if isinstance(value, Fraction) else value
    return str(exact.quantize(Decimal("0.1"), ROUND_HALF_UP))


def figure_rows() -> dict[tuple[str, str, str], dict[tuple[str, int], Decimal]]:
    """From method, context and class token position to the figures by data set and shots."""
    found: dict[tuple[str, str, str], dict[tuple[str, int], Decimal]] = {}
    for key, value in figures_of(FIGURE_3).items():
        _, method, context, _, position, _, dataset, _, _, shots = key
        if dataset != "average":
            row = found.setdefault((str(method), str(context), str(position)), {})
            row[str(dataset), int(str(shots))] = value
    return found


def cells_of(table: Table) -> Iterable[tuple[tuple[str, str, str], int, str, str]]:
    """Row, shots, printed text and value of the long form of every cell with a number."""
    by_label = {row.label: row for row in table.blocks[0].rows}
    for line in lines(table):
        row = (line["method"], line["context"], line["class_token_position"])
        place = table.columns.index(line["shots"])
        yield row, int(line["shots"]), by_label[line["label"]].cells[place].text, line["mean"]


def test_every_cell_of_the_paper_matrix_has_a_figure() -> None:
    """The few-shot matrix of the project asks for what the paper's figure shows, in 836 cells."""
    entries = published_entries(EXPERIMENTS / "full.yaml")
    assert len(entries) == 836
    assert not [entry.cell for entry in entries if entry.hole]
    assert len({cell_key(entry.cell) for entry in entries}) == 11 * (1 + 5 * 5)
    assert len(row_entries(entries)) == 6


def test_tables_print_the_published_figures(few_shot: Report) -> None:
    """Each data set's table prints every published figure, rounded once; its long form has the figure itself."""
    tables = {table.stem: table for table in few_shot.groups[0].tables}
    assert set(tables) == {"average", *ELEVEN}
    rows = figure_rows()
    n_compared = 0
    for dataset in ELEVEN:
        for row, shots, text, full in cells_of(tables[dataset]):
            value = rows[row][dataset, shots]
            assert Decimal(full) == value
            assert text.partition(" ")[0] == one_decimal(value)
            assert shots == 0 or text.endswith("± 0.0")
            n_compared += 1
    assert n_compared == 11 * (1 + 5 * 5)


def test_average_is_that_of_the_eleven_figures(few_shot: Report) -> None:
    """The average table is the exact mean of the published figures, which the published averages are, too."""
    average = few_shot.groups[0].tables[0]
    rows, printed = figure_rows(), figures_of(FIGURE_3)
    averages = {(key[1], key[2], key[4], key[9]): value for key, value in printed.items() if key[6] == "average"}
    n_compared = 0
    for row, shots, text, full in cells_of(average):
        exact = sum((Fraction(rows[row][dataset, shots]) for dataset in ELEVEN), Fraction()) / 11
        assert abs(Fraction(full) - exact) < Fraction(1, 10**6)
        assert text.partition(" ")[0] == one_decimal(exact)
        assert round(exact, 2) == Fraction(averages[*row, shots])
        n_compared += 1
    assert n_compared == 1 + 5 * 5


def test_gains_are_those_of_the_abstract(few_shot: Report) -> None:
    """With 16 shots the gain over hand-crafted prompts is about 15 points on average and over 45 on EuroSAT."""
    tables = {table.stem: table for table in few_shot.groups[0].tables}

    def gain(stem: str) -> float:
        (line,) = [
            line
            for line in lines(tables[stem])
            if (line["context"], line["class_token_position"], line["shots"]) == ("unified", "end", "16")
        ]
        return float(line["gain"])

    assert gain("average") == pytest.approx(14.65, abs=0.01)
    assert gain("eurosat") == pytest.approx(45.97)
    assert gain("food101") == pytest.approx(-2.64)


def test_base_and_new_print_as_published() -> None:
    """Base, new and the harmonic mean of every data set come out as the table that is quoted prints them."""
    figures = {
        (each.dataset, each.evaluate_on, each.metric): each.value
        for each in published()
        if (each.source, each.method) == ("ipo-neurips2024-tab8", "coop")
    }
    entries = published_entries(EXPERIMENTS / "base_to_new.yaml", "ipo-neurips2024-tab8")
    tables = {table.stem: table for table in build_report("base_to_new", entries).groups[0].elsewhere}
    assert set(tables) == {f"{name}-base-new" for name in ("average", *ELEVEN)}
    for dataset in ("average", *ELEVEN):
        table = tables[f"{dataset}-base-new"]
        (row,) = [row for row in table.blocks[0].rows if row.label.startswith("CoOp")]
        printed = dict(zip(table.columns, (cell.text for cell in row.cells), strict=True))
        base, new, harmonic = (
            figures[dataset, *place] for place in (("", "accuracy"), ("new", "accuracy"), ("", "harmonic_mean"))
        )
        # An average of eleven rounded figures may lie a hundredth beside the printed one.
        step = Decimal("0.01") if dataset == "average" else Decimal(0)
        for heading, value in (("Base", base), ("New", new)):
            assert printed[heading].partition(" ")[0] in {one_decimal(value + off) for off in (-step, step)}
        close = {one_decimal(harmonic + off) for off in (Decimal("-0.01"), Decimal("0.01"))}
        assert printed["H of means"] in close


def test_cross_data_set_table_prints_as_published() -> None:
    """What is learned on ImageNet and evaluated on ten other data sets comes out as published, average and all."""
    figures = {
        each.evaluate_on: each.value
        for each in published()
        if (each.source, each.method) == ("ipo-neurips2024-tab9", "coop")
    }
    entries = published_entries(EXPERIMENTS / "cross_dataset.yaml", "ipo-neurips2024-tab9")
    (table,) = build_report("cross_dataset", entries).groups[0].elsewhere
    (row,) = [row for row in table.blocks[0].rows if row.label.startswith("CoOp")]
    printed = dict(zip(table.columns, (cell.text.partition(" ")[0] for cell in row.cells), strict=True))
    names = {"imagenet (source)": "", "Average": "average"}
    assert {names.get(heading, heading): text for heading, text in printed.items()} == {
        name: one_decimal(value) for name, value in figures.items()
    }
