import csv
import io
import random

import pytest

from harness.report.build import build_report
from harness.report.tables.csv import to_csv
from harness.report.tables.latex import to_latex
from harness.report.tables.markdown import to_markdown


def _tables(entries):
    (group,) = build_report("m", entries).groups
    return group.elsewhere


def _texts(table, block=0):
    return {row.label: [cell.text for cell in row.cells] for row in table.blocks[block].rows}


def _transfer(make_entry, shots=(16,), hole=False):
    """Zero-shot and CoOp learned on digits, evaluated there and on x and y; three seeds."""
    places = {None: (700, 900), "x": (600, 650), "y": (400, 500)}
    entries = [make_entry("zero_shot", zero, evaluate_on=place) for place, (zero, _) in places.items()]
    for count in shots:
        for seed, more in enumerate((-10, 0, 10), 1):
            for place, (_, right) in places.items():
                lacks = hole and place == "y" and seed == 3
                entries.append(make_entry("coop", None if lacks else right + more, count, seed, evaluate_on=place))
    return entries


def test_transfer_table(make_entry) -> None:
    """A column for the source, one for each target in order, and the average of the targets alone."""
    (table,) = _tables(_transfer(make_entry))
    assert (table.stem, table.title) == ("digits-elsewhere", "digits, evaluated elsewhere")
    assert table.columns == ("digits (source)", "x", "y", "Average")
    assert _texts(table) == {
        "Zero-shot": ["70.0", "60.0", "40.0", "50.0"],
        "CoOp (unified)": ["90.0 ± 1.0", "65.0 ± 1.0", "50.0 ± 1.0", "57.5 ± 1.0"],
    }
    assert _texts(table, block=1) == {"CoOp (unified)": ["+20.0 ± 1.0", "+5.0 ± 1.0", "+10.0 ± 1.0", "+7.5 ± 1.0"]}
    first, second, *_ = table.caption
    assert first.startswith("Trained on digits (16 shots per class) and evaluated on other data sets without")
    assert second == "Average: over the 2 other data sets, taken for each seed first."


def test_a_gap_of_a_target_leaves_no_average(make_entry) -> None:
    """The target says which seed lacks, the average that it is not over all data sets; neither is bold."""
    (table,) = _tables(_transfer(make_entry, hole=True))
    cells = table.blocks[0].rows[1].cells
    assert [cell.text for cell in cells[1:]] == ["65.0 ± 1.0", "49.5 ± 0.7 (2 of 3)", "– (1 of 2 data sets)"]
    assert [cell.bold for cell in cells] == [True, True, False, False]
    assert [note.text for note in table.notes] == ["seed 3 missing", "incomplete: y"]


def test_a_target_that_was_not_asked_for(make_entry) -> None:
    """A row that lacks one target has a bare dash there and no average; a row of the source alone is left out."""
    entries = [*_transfer(make_entry), make_entry("mine", 500, 16, 1), make_entry("linear_probe", 800, 16, 1)]
    entries.append(make_entry("mine", 300, 16, 1, evaluate_on="x"))
    (table,) = _tables(entries)
    assert "Linear probe" not in _texts(table)
    assert _texts(table)["mine"] == ["50.0 (n=1)", "30.0 (n=1)", "–", "– (1 of 2 data sets)"]


def test_several_shot_counts_are_blocks(make_entry) -> None:
    """Each shot count has a block with zero-shot beside it; other counts of the source are left out."""
    entries = [*_transfer(make_entry, shots=(1, 16)), make_entry("coop", 800, 4, 1)]
    (table,) = _tables(entries)
    assert [block.heading for block in table.blocks] == [
        "Accuracy in percent, 1 shot per class",
        "Accuracy in percent, 16 shots per class",
        "Gain over zero-shot (percentage points), 1 shot per class",
        "Gain over zero-shot (percentage points), 16 shots per class",
    ]
    assert [list(_texts(table, place)) for place in (0, 1)] == [["Zero-shot", "CoOp (unified)"]] * 2
    assert "shots per class" not in table.caption[0]


def test_long_form_of_a_transfer(make_entry) -> None:
    """Every number stands there once, under the name of what was evaluated on."""
    (table,) = _tables(_transfer(make_entry, shots=(1, 16)))
    lines = list(csv.DictReader(io.StringIO(to_csv(table))))
    assert [(line["shots"], line["evaluate_on"]) for line in lines] == [
        (shots, place) for shots in ("0", "1", "16") for place in ("", "x", "y", "average")
    ]
    assert {line["dataset"] for line in lines} == {"digits"}
    assert (lines[-1]["mean"], lines[-1]["gain"]) == ("57.5", "7.5")


def test_one_target_has_no_average(make_entry) -> None:
    """The average of one data set would be that data set."""
    entries = [entry for entry in _transfer(make_entry) if entry.cell.evaluate_on != "y"]
    assert _tables(entries)[0].columns == ("digits (source)", "x")


def test_zero_shot_alone(make_entry) -> None:
    """Nothing was trained: one block, no gains, and nothing is said of shots."""
    (table,) = _tables([entry for entry in _transfer(make_entry) if entry.cell.method == "zero_shot"])
    assert [block.heading for block in table.blocks] == [""]
    assert table.caption[0].startswith("Trained on digits and evaluated on other")
    assert len(table.long) == 1 + 4


def test_numbers_of_test_images_by_column(make_entry) -> None:
    """Where data sets have other numbers of test images the caption has them all."""
    entries = [make_entry("zero_shot", 60), make_entry("zero_shot", 60, evaluate_on="x", n_test=200)]
    assert "n_test = 1000 (digits (source)), 200 (x)." in " ".join(_tables(entries)[0].caption)


def test_a_class_taken_whole_marks_every_target(make_entry) -> None:
    """What was learned from fewer images is marked wherever it is evaluated, and named once."""
    entries = [
        make_entry("coop", 600, 16, 1, fewer_shots=["rare"], evaluate_on=place) for place in (None, "x", "y")
    ]
    (table,) = _tables(entries)
    assert [cell.marks for cell in table.blocks[0].rows[0].cells] == [("†",)] * 4
    assert [note.text for note in table.notes] == [
        "Classes with fewer training images than asked for were taken whole (16 shots: rare)."
    ]


def test_each_source_has_its_table(make_entry) -> None:
    """Of two data sets, each evaluated on the other, no table has the numbers of the other's training."""
    entries = [
        make_entry("coop", right, 16, 1, dataset=source, evaluate_on=place)
        for source, place, right in (("a", None, 900), ("a", "b", 500), ("b", None, 800), ("b", "a", 400))
    ]
    (group,) = build_report("m", entries).groups
    assert [_texts(table)["CoOp (unified)"] for table in group.elsewhere] == [["90.0", "50.0"], ["80.0", "40.0"]]
    assert [_texts(table)["CoOp (unified)"] for table in group.tables] == [["85.0"], ["90.0"], ["80.0"]]


def _halves(make_entry, datasets=("digits",), hole=False):
    """Zero-shot 600 and 400 of a thousand; two seeds of CoOp, 900 and 300, then 800 and 600."""
    entries = []
    for dataset in datasets:
        for place, zero in ((None, 600), ("new", 400)):
            axes = {"dataset": dataset, "classes": "base", "evaluate_on": place}
            entries.append(make_entry("zero_shot", zero, **axes))
            for seed, right in enumerate((900, 800) if place is None else (300, 600), 1):
                lacks = hole and seed == 2 and place and dataset == datasets[-1]
                entries.append(make_entry("coop", None if lacks else right, 16, seed, **axes))
    return entries


def test_harmonic_means(make_entry) -> None:
    """H of runs averages 45.0 and 68.6, H of means is that of 85.0 and 45.0; both are named in the caption."""
    (table,) = _tables(_halves(make_entry))
    assert (table.stem, table.title) == ("digits-base-new", "digits, base and new classes")
    assert table.columns == ("Base", "New", "H of runs", "H of means")
    assert _texts(table) == {
        "Zero-shot": ["60.0", "40.0", "48.0", "48.0"],
        "CoOp (unified)": ["85.0 ± 7.1", "45.0 ± 21.2", "56.8 ± 16.7", "58.8"],
    }
    assert _texts(table, block=1) == {"CoOp (unified)": ["+25.0 ± 7.1", "+5.0 ± 21.2", "+8.8 ± 16.7", "+10.8"]}
    assert (
        "H of runs takes it for each seed and then the mean, H of means takes it of the two means."
        in (table.caption[1])
    )


def test_harmonic_means_over_data_sets(make_entry) -> None:
    """The average comes first; its H of means is that of the two averages."""
    tables = _tables(_halves(make_entry, ("a", "b")))
    assert [table.stem for table in tables] == ["average-base-new", "a-base-new", "b-base-new"]
    assert _texts(tables[0])["CoOp (unified)"] == ["85.0 ± 7.1", "45.0 ± 21.2", "56.8 ± 16.7", "58.8"]
    assert "for each seed and data set" in tables[0].caption[1]


def test_harmonic_means_with_a_gap(make_entry) -> None:
    """Of one data set both are over the seeds that both halves have; of several there is no average."""
    average, _, second = _tables(_halves(make_entry, ("a", "b"), hole=True))
    row = _texts(second)["CoOp (unified)"]
    assert row == ["85.0 ± 7.1", "30.0 (1 of 2)", "45.0 (1 of 2)", "45.0 (1 of 2)"]
    assert _texts(average)["CoOp (unified)"] == ["85.0 ± 7.1", *["– (1 of 2 data sets)"] * 3]
    assert [note.text for note in second.notes] == ["seed 2 missing"]


def test_halves_without_a_harmonic_mean(make_entry) -> None:
    """Trained on all classes and evaluated on the new ones there is no pair to take it of."""
    entries = [make_entry("coop", 600, 16, 1, evaluate_on=place) for place in (None, "new")]
    assert _tables(entries)[0].columns == ("All", "New")


def test_both_kinds_of_evaluation(make_entry) -> None:
    """Another data set and the other half have a table each, and neither shows the other's columns."""
    other = make_entry("zero_shot", 500, classes="base", evaluate_on="x")
    tables = _tables([*_halves(make_entry), other])
    assert [table.columns for table in tables] == [
        ("digits (source)", "x"),
        ("Base", "New", "H of runs", "H of means"),
    ]


def test_classes_without_evaluations_keep_their_groups(make_entry) -> None:
    """Cells trained and evaluated on the same classes have no table of halves."""
    groups = build_report(
        "m", [make_entry("zero_shot", 600, classes=name) for name in ("all", "base", "new")]
    ).groups
    assert [group.elsewhere for group in groups] == [()] * 3


@pytest.mark.parametrize("write", [to_markdown, to_csv, to_latex])
def test_shuffled_seeds_give_the_same_bytes(make_entry, write) -> None:
    """Behind the first cell of each row and target the order of entries does not matter."""
    for entries in (_transfer(make_entry, shots=(1, 16), hole=True), _halves(make_entry, ("a", "b"), hole=True)):
        first = [entry for entry in entries if entry.cell.seed in (None, 1)]
        rest = [entry for entry in entries if entry not in first]
        random.Random(0).shuffle(rest)
        assert list(map(write, _tables(entries))) == list(map(write, _tables([*first, *rest])))


def test_markdown_and_latex_name_the_columns(make_entry) -> None:
    """Over the targets stands what they are."""
    (table,) = _tables(_transfer(make_entry))
    assert "| Method / evaluated on |" in to_markdown(table)
    assert r"\multicolumn{4}{c}{Evaluated on}" in to_latex(table)
