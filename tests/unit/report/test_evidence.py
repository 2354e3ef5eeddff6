"""Intervals, methods against each other, seeds that lie apart, and averages over the same cells."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from harness.report.build import build_report
from harness.report.numbers.entry import Entry
from harness.report.numbers.paired import choose_unit, difference, pairs_of
from harness.report.numbers.rows import group_entries, row_entries
from harness.report.report import GroupReport
from harness.report.sections.evidence import Choices
from harness.report.stats.summary import Summary, with_sd
from harness.report.tables.csv import to_csv
from harness.report.tables.latex import to_latex
from harness.report.tables.markdown import to_markdown
from harness.report.tables.table import Table

Make = Callable[..., Entry]


def report_on(entries: Sequence[Entry], **choices: Any) -> GroupReport:
    """The report on the only group of the entries."""
    (group,) = build_report("m", entries, Choices(**choices)).groups
    return group


def lines(table: Table) -> list[dict[str, str]]:
    """The long form."""
    return list(csv.DictReader(io.StringIO(to_csv(table))))


def texts(table: Table, block: int = 0) -> dict[str, list[str]]:
    """The printed cells of a block, by label."""
    return {row.label: [cell.text for cell in row.cells] for row in table.blocks[block].rows}


def datasets(make: Make, n: int, gain: int = 30, seeds: Sequence[int] = (1, 2, 3)) -> list[Entry]:
    """Zero-shot, probe and CoOp on n data sets at 4 shots; CoOp is above the probe by about ``gain`` per mille."""
    entries = []
    for place in range(n):
        name = f"d{place:02}"
        entries.append(make("zero_shot", 500 + place, dataset=name))
        for seed in seeds:
            entries.append(make("linear_probe", 600 + 10 * place + seed, 4, seed, dataset=name))
            entries.append(make("coop", 600 + 10 * place + gain + 3 * seed + place % 3, 4, seed, dataset=name))
    return entries


def test_intervals_stand_beside_n(small_matrix: list[Entry]) -> None:
    """Every mean over seeds has its 95 % interval and n; zero-shot, which draws nothing, has none."""
    table = report_on(small_matrix).beside.evidence[1]
    assert table.title == "95 % intervals"
    assert texts(table) == {
        "Linear probe": ["51.0 [48.5, 53.5] n=3", "81.0 [78.5, 83.5] n=3"],
        "CoOp (unified)": ["65.0 [62.5, 67.5] n=3", "88.0 [85.5, 90.5] n=3"],
        "CoOp (CSC)": ["61.0 [58.5, 63.5] n=3", "88.0 [85.8, 90.2] n=3"],
    }
    assert "Student's t over n seeds" in table.caption[0]
    assert {(line["n"], line["df"], line["interval"]) for line in lines(table)} == {("3", "2", "t")}


def test_bootstrap_is_named_and_the_same_every_time(make_entry: Make) -> None:
    """An interval by resampling says so, and does not change from report to report."""
    entries = datasets(make_entry, 3)
    first, second = (report_on(entries, interval="bootstrap").beside.evidence[1] for _ in range(2))
    assert first == second
    assert "stratified bootstrap (seeds resampled within each data set" in first.caption[0]
    average = next(line for line in lines(first) if line["dataset"] == "Average")
    assert float(average["low"]) < float(average["mean"]) < float(average["high"])


def test_each_data_set_has_its_own_interval(make_entry: Make) -> None:
    """Beside the average's interval stands that of every data set, over its own runs alone."""
    entries = [make_entry("coop", 500, 1, seed, dataset="a") for seed in (1, 2, 3)]
    entries += [make_entry("coop", 500 + 10 * seed, 1, seed, dataset="b") for seed in (1, 2, 3)]
    (table,) = report_on(entries).beside.evidence
    printed = {block.heading: block.rows[0].cells[0].text for block in table.blocks}
    assert printed == {
        "Average": "51.0 [49.8, 52.2] n=3",
        "a": "50.0 [50.0, 50.0] n=3",
        "b": "52.0 [49.5, 54.5] n=3",
    }


def test_single_seeds_have_neither_intervals_nor_tests(make_entry: Make) -> None:
    """One run of each method on one data set gives no table of evidence."""
    assert report_on([make_entry("coop", 500, 1, 1), make_entry("linear_probe", 400, 1, 1)]).beside.evidence == ()


def test_three_seeds_of_one_data_set_have_no_p(small_matrix: list[Entry]) -> None:
    """Where so few pairs could not be significant it says what p they could have, and how many it takes."""
    table = report_on(small_matrix).beside.evidence[0]
    assert [block.heading for block in table.blocks] == [
        "Difference in percentage points [95 % interval]",
        "Difference that would be found four times in five",
    ]
    (said,) = [sentence for sentence in table.caption if "No p" in sentence]
    assert said == (
        "No p is given: 3 units cannot have a two-sided sign-flip p below 0.25, or 1 for 6 pairs; "
        "8 could reach 0.05."
    )
    assert texts(table)["CoOp (unified) − Linear probe"][:2] == ["+14.0 [+14.0, +14.0]", "+7.0 [+7.0, +7.0]"]


def test_many_data_sets_are_the_units(make_entry: Make) -> None:
    """Eleven data sets are the units, and a method that wins on all of them has the smallest p there is."""
    table = report_on(datasets(make_entry, 11)).beside.evidence[0]
    found = {(line["one"], line["other"]): line for line in lines(table)}
    line = found["CoOp (unified)", "Linear probe"]
    assert (line["unit"], line["n"], line["tests"]) == ("data set", "11", "3")
    assert float(line["p"]) == pytest.approx(2 / 2**11, rel=1e-5)
    assert float(line["p_corrected"]) == pytest.approx(3 * 2 / 2**11, rel=1e-4)
    assert float(line["low"]) < float(line["difference"]) < float(line["high"])
    assert 0 < float(line["detectable"]) < float(line["difference"])
    assert "holds for data sets like these" in table.caption[0]
    (p_row,) = [row for row in table.blocks[1].rows if row.label == "CoOp (unified) − Linear probe"]
    assert [(cell.text, cell.bold) for cell in p_row.cells] == [("0.003", True)]


def test_few_data_sets_leave_runs_as_units(make_entry: Make) -> None:
    """With four data sets of three seeds the runs are the units, and what is said holds for these data sets."""
    table = report_on(datasets(make_entry, 4)).beside.evidence[0]
    line = next(each for each in lines(table) if each["one"] == "CoOp (unified)")
    assert (line["unit"], line["n"]) == ("run", "12")
    assert "holds for these data sets." in table.caption[0]
    assert choose_unit(3, 4, 12) == "run"
    assert choose_unit(3, 11, 33) == "data set"


def test_unlike_methods_do_not_win_by_chance(make_entry: Make) -> None:
    """A difference that changes its sign from data set to data set is not significant."""
    entries = []
    for place in range(10):
        for seed in (1, 2, 3):
            entries.append(make_entry("linear_probe", 600, 4, seed, dataset=f"d{place}"))
            entries.append(make_entry("coop", 600 + (-1) ** place * 50, 4, seed, dataset=f"d{place}"))
    (line,) = lines(report_on(entries).beside.evidence[0])
    assert (line["difference"], line["p"]) == ("0.0", "1")


def test_data_sets_with_holes_are_left_out_and_counted(make_entry: Make) -> None:
    """A data set that one of two methods has not whole is no unit of their difference; n says so."""
    entries = [
        make_entry("coop", None, 4, 2, dataset="d03")
        if (entry.cell.method, entry.cell.dataset, entry.cell.seed) == ("coop", "d03", 2)
        else entry
        for entry in datasets(make_entry, 11)
    ]
    table = report_on(entries).beside.evidence[0]
    found = {(line["one"], line["other"]): (line["n"], line["n_lacking"]) for line in lines(table)}
    assert found["CoOp (unified)", "Linear probe"] == ("10", "1")
    assert found["Linear probe", "Zero-shot"] == ("11", "0")
    assert texts(table)["CoOp (unified) − Linear probe"][0].endswith("(n=10)")


def test_rows_without_seeds_count_once(make_entry: Make) -> None:
    """Two templates of zero-shot, which draw nothing, are compared by one number a data set, not by one a seed."""
    entries = datasets(make_entry, 5)
    entries += [
        make_entry("zero_shot", 510 + place, dataset=f"d{place:02}", template="selected") for place in range(5)
    ]
    found = lines(report_on(entries).beside.evidence[0])
    (line,) = [each for each in found if "Zero-shot" in each["one"] and "Zero-shot" in each["other"]]
    assert (line["unit"], line["n"]) == ("run", "5")


def test_other_training_images_are_told(make_entry: Make) -> None:
    """A pair whose records name different training images is marked: it is paired by seed alone."""

    def with_images(entry: Entry) -> Entry:
        if entry.record is None or entry.cell.seed is None:
            return entry
        digest = f"{entry.cell.method} {entry.cell.seed}" if entry.cell.dataset == "d02" else "same"
        made_from = entry.record.provenance.model_copy(update={"subset_digest": digest})
        return Entry(entry.cell, entry.record.model_copy(update={"provenance": made_from}))

    table = report_on([with_images(entry) for entry in datasets(make_entry, 11)]).beside.evidence[0]
    assert [note.text for note in table.notes] == [
        "CoOp (unified) − Linear probe: not on the same training images."
    ]


def test_shots_together_are_averaged_first(make_entry: Make) -> None:
    """The column of all shots has the mean over shots of every run, and as many units as a single shot count."""
    entries = [
        make_entry(method, count + shots, shots, seed, dataset=f"d{place:02}")
        for place in range(10)
        for seed in (1, 2, 3)
        for shots in (1, 2)
        for method, count in (("linear_probe", 500 + place), ("coop", 540 + 2 * place))
    ]
    found = {line["shots"]: line for line in lines(report_on(entries).beside.evidence[0])}
    assert set(found) == {"1", "2", "All"}
    assert {line["n"] for line in found.values()} == {"10"}
    singles = [float(found[shots]["difference"]) for shots in ("1", "2")]
    assert float(found["All"]["difference"]) == pytest.approx(sum(singles) / 2)


def test_many_rows_are_compared_with_baselines_only(make_entry: Make) -> None:
    """Beyond twelve rows only pairs with the first row of a method are tested."""
    entries = [make_entry("zero_shot", 500)]
    entries += [make_entry("coop", 600, 1, seed, n_ctx=n_ctx) for n_ctx in range(1, 14) for seed in (1, 2)]
    rows = list(row_entries(group_entries(entries).popitem()[1]))
    assert len(rows) == 14
    assert len(pairs_of(rows)) == 13 + 12
    assert len(pairs_of(rows[:12])) == 66


def test_what_was_not_run_is_no_pair(make_entry: Make) -> None:
    """Rows and shot counts without a single number are neither compared nor corrected for."""
    entries = datasets(make_entry, 11)
    entries += [make_entry("coop", None, shots, 1, dataset="d00", n_ctx=4) for shots in (4, 8)]
    table = report_on(entries).beside.evidence[0]
    assert table.columns == ("4",)
    assert {line["tests"] for line in lines(table)} == {"3"}


def test_difference_of_nothing_is_none() -> None:
    """Two methods without a whole data set in common are not compared."""
    one, other = np.array([[0.5], [math.nan]]), np.array([[0.5], [0.6]])
    assert difference(one, other, "run", np.full((2, 1), True)) is None


def test_seeds_in_common_are_compared(make_entry: Make) -> None:
    """Methods with five seeds and with three are compared over the three; without a common seed they are not."""
    entries = datasets(make_entry, 4, seeds=(1, 2, 3))
    entries += [
        make_entry("coop", 650 + seed, 4, seed, dataset=f"d{place:02}", n_ctx=n_ctx)
        for place in range(4)
        for n_ctx, seeds in ((4, (1, 2, 3, 4, 5)), (8, (6, 7, 8)))
        for seed in seeds
    ]
    found = {(line["one"], line["other"]): line["n"] for line in lines(report_on(entries).beside.evidence[0])}
    assert found["CoOp (unified), M=4", "Linear probe"] == "12"
    assert ("CoOp (unified), M=8", "Linear probe") not in found
    assert found["CoOp (unified), M=8", "Zero-shot"] == "12"


def test_every_data_set_counts_the_same() -> None:
    """A data set with more seeds has no more weight in the mean or in the test."""
    nan = math.nan
    runs = np.array([[0.1, 0.3], [0.1, nan], [0.1, nan], [0.1, nan]])
    found = difference(runs, np.zeros_like(runs), "run", ~np.isnan(runs))
    assert found is not None
    assert (found.mean, found.n, found.interval) == (pytest.approx(0.2), 5, None)
    runs = np.array([[0.2, -0.1], [0.2, -0.1], [0.2, nan], [0.2, nan]])
    found = difference(runs, np.zeros_like(runs), "run", ~np.isnan(runs))
    assert found is not None
    assert (found.mean, found.p) == (pytest.approx(0.05), 44 / 64)  # counted by hand


# --- seeds that lie apart ------------------------------------------------------------------------------------


def known_collapse(make: Make, counts: Sequence[int] = (120, 152, 634)) -> list[Entry]:
    """DTD at 16 shots as a user of the released code saw it, among points that are as they should be."""
    entries = [make("zero_shot", 423, n_test=1000, dataset="dtd")]
    entries += [make("coop", count, 16, seed, dataset="dtd") for seed, count in enumerate(counts, 1)]
    entries += [make("coop", 500 + 9 * seed, 4, seed, dataset="dtd") for seed in (1, 2, 3)]
    entries += [make("linear_probe", 580 + 7 * seed, 16, seed, dataset="dtd") for seed in (1, 2, 3)]
    return entries


def test_known_collapse_is_flagged(make_entry: Make) -> None:
    """Of 12, 15 and 63 % two are flagged, since zero-shot lies between; the table has a footnote."""
    group = report_on(known_collapse(make_entry))
    (table,) = group.beside.apart
    (row,) = table.blocks[0].rows
    assert row.label == "dtd, CoOp (unified), 16 shots"
    assert [cell.text for cell in row.cells[:2]] == [
        "12.0 (seed 1), 15.2 (seed 2), 63.4 (seed 3)",
        "seeds 1, 2 low, below zero-shot",
    ]
    (line,) = lines(table)
    assert (line["seeds"], line["apart"]) == ("1 2 3", "1 2")
    notes = {note.mark: note.text for note in group.tables[0].notes}
    marked = [cell for row in group.tables[0].blocks[0].rows for cell in row.cells if cell.marks]
    assert [(cell.text, [notes[mark] for mark in cell.marks]) for cell in marked] == [
        ("30.2 ± 28.8", ["seeds lie apart: 12.0, 15.2, 63.4 (seeds 1, 2 low, below zero-shot)"])
    ]
    (said,) = {one.notes[-1].text for one in group.beside.evidence}
    assert said == "CoOp (unified), 16 shots: seeds lie apart on dtd."
    assert to_markdown(table)
    assert to_latex(table)


def test_one_collapsed_seed_is_flagged(make_entry: Make) -> None:
    """Of 44.5, 93.9 and 95.0 % the single low one is flagged, without zero-shot, too."""
    entries = [entry for entry in known_collapse(make_entry, (445, 939, 950)) if entry.cell.method != "zero_shot"]
    (line,) = lines(report_on(entries).beside.apart[0])
    assert line["apart"] == "1"


def test_three_collapsed_seeds_alone_are_flagged(make_entry: Make) -> None:
    """With nothing to compare with, seeds that lie fifty points apart are flagged all the same."""
    entries = [make_entry("coop", count, 16, seed) for seed, count in enumerate((120, 152, 634), 1)]
    (line,) = lines(report_on(entries).beside.apart[0])
    assert (line["apart"], line["usual_sd"]) == (
        "3",
        "2.0",
    )  # numbers alone cannot tell which side is the failed one


@pytest.mark.parametrize("counts", [(641, 625, 641), (450, 520, 550), (610, 634, 655)])
def test_ordinary_spread_is_not_flagged(make_entry: Make, counts: Sequence[int]) -> None:
    """Seeds that differ as few-shot draws do, by ten points at one shot of a hard data set, are left alone."""
    entries = [make_entry("coop", count, 1, seed, dataset="eurosat") for seed, count in enumerate(counts, 1)]
    entries += [make_entry("linear_probe", 300 + 35 * seed, 1, seed, dataset="eurosat") for seed in (1, 2, 3)]
    assert report_on(entries).beside.apart == ()


def test_chance_flags_next_to_nothing(make_entry: Make) -> None:
    """Of 400 points whose seeds spread alike, none is flagged."""
    generator = np.random.default_rng(5)
    entries = [
        make_entry("coop", int(generator.normal(600, 12)), shots, seed, n_ctx=n_ctx)
        for shots in range(1, 21)
        for n_ctx in range(1, 21)
        for seed in (1, 2, 3)
    ]
    assert report_on(entries).beside.apart == ()


# --- averages and deviations ---------------------------------------------------------------------------------


def test_other_seeds_are_marked(make_entry: Make) -> None:
    """A row that is averaged over other seeds than the rest says so, also where there are as many."""
    entries = [make_entry("linear_probe", 500 + seed, 1, seed) for seed in (1, 2, 3)]
    entries += [make_entry("coop", 600 + seed, 1, seed, n_ctx=n_ctx) for n_ctx in (4, 8) for seed in (1, 2, 3)]
    entries += [make_entry("coop", 600 + seed, 1, seed, n_ctx=16) for seed in (4, 5, 6)]
    table = report_on(entries).tables[0]
    marked = {row.label: row.cells[0].marks for row in table.blocks[0].rows}
    assert {label for label, marks in marked.items() if marks} == {"CoOp (unified), M=16"}
    assert [note.text for note in table.notes] == ["over seeds 4, 5, 6, other rows over seeds 1, 2, 3"]
    noted = {line["note"] for line in lines(table)}
    assert "over seeds 4, 5, 6, other rows over seeds 1, 2, 3" in noted


def test_population_deviation_is_named(small_matrix: list[Entry]) -> None:
    """The reference's deviation is smaller by sqrt(2/3) for three seeds, and caption and CSV name it."""
    table = report_on(small_matrix, sd_kind="population").tables[0]
    assert texts(table)["CoOp (unified)"] == ["–", "65.0 ± 0.8", "88.0 ± 0.8"]
    assert "population standard deviation (n in place of n - 1)" in table.caption[0]
    line = next(line for line in lines(table) if line["method"] == "coop")
    assert float(line["population_sd"]) == pytest.approx(math.sqrt(2 / 3), abs=1e-5)
    assert "sd" not in line
    assert "sample standard deviation" in report_on(small_matrix).tables[0].caption[0]


def test_population_deviation_reaches_other_tables(make_entry: Make) -> None:
    """Evaluations elsewhere have the same deviation as the rest."""
    entries = [
        make_entry("coop", 500 + 10 * seed, 1, seed, evaluate_on=on) for seed in (1, 2, 3) for on in (None, "b")
    ]
    (table,) = report_on(entries, sd_kind="population").elsewhere
    assert texts(table)["CoOp (unified)"][1] == "52.0 ± 0.8"


def test_deviation_goes_there_and_back() -> None:
    """One kind of deviation can be had from the other, and none from a single run."""
    summary = Summary(0.5, 0.03, 3, 3)
    assert with_sd(with_sd(summary, "population"), "sample").sd == pytest.approx(0.03)
    assert with_sd(Summary(0.5, None, 1, 1), "population").sd is None
