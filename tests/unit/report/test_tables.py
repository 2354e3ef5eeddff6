import csv
import io
from dataclasses import replace

import pytest

from harness.report.build import build_report
from harness.report.tables.csv import to_csv
from harness.report.tables.latex import escape_latex, to_latex
from harness.report.tables.markdown import escape_markdown, to_markdown


def _table(entries, place=0):
    return build_report("m", entries).groups[0].tables[place]


def _texts(table, block=0):
    return {row.label: [cell.text for cell in row.cells] for row in table.blocks[block].rows}


def _cell(table, label, column, block=0):
    row = next(row for row in table.blocks[block].rows if row.label == label)
    return row.cells[table.columns.index(column)]


def test_exact_numbers(small_matrix) -> None:
    """Mean ± sample sd in percent; zero-shot once under 0 and a dash elsewhere."""
    table = _table(small_matrix)
    assert table.columns == ("0", "1", "16")
    assert _texts(table) == {
        "Zero-shot": ["63.0", "–", "–"],
        "Linear probe": ["–", "51.0 ± 1.0", "81.0 ± 1.0"],
        "CoOp (unified)": ["–", "65.0 ± 1.0", "88.0 ± 1.0"],
        "CoOp (CSC)": ["–", "61.0 ± 1.0", "88.0 ± 0.9"],
    }


def test_gain_in_percentage_points(small_matrix) -> None:
    """The gain has a sign, the sd of the accuracies, and no row for zero-shot itself."""
    assert _texts(_table(small_matrix), block=1) == {
        "Linear probe": ["–", "−12.0 ± 1.0", "+18.0 ± 1.0"],
        "CoOp (unified)": ["–", "+2.0 ± 1.0", "+25.0 ± 1.0"],
        "CoOp (CSC)": ["–", "−2.0 ± 1.0", "+25.0 ± 0.9"],
    }


def test_no_gain_has_no_sign(make_entry) -> None:
    """A gain that rounds to zero is neither plus nor minus."""
    table = _table([make_entry("zero_shot", 630), make_entry("coop", 630, 1, 1)])
    assert _cell(table, "CoOp (unified)", "1", block=1).text == "0.0"


def test_halves_round_away_from_zero(make_entry) -> None:
    """70.15 and its gain of 10.15 round the same way, although neither is a half in binary."""
    entries = [make_entry("zero_shot", 600), make_entry("coop", 701, 1, 1), make_entry("coop", 702, 1, 2)]
    table = _table(entries)
    texts = [_cell(table, "CoOp (unified)", "1", block).text for block in (0, 1)]
    assert texts == ["70.2 ± 0.1", "+10.2 ± 0.1"]


def test_ties_are_all_bold(small_matrix) -> None:
    """The printed means are compared; a column with one number has no contest."""
    rows = _table(small_matrix).blocks[0].rows
    bold = {(row.label, place) for row in rows for place, cell in enumerate(row.cells) if cell.bold}
    assert bold == {("CoOp (unified)", 1), ("CoOp (unified)", 2), ("CoOp (CSC)", 2)}


@pytest.mark.parametrize("gap", ["missing", "failed", "stale"])
def test_a_gap_is_marked_and_named(make_entry, gap) -> None:
    """Two of three seeds are said to be so, and the footnote says which one lacks and why."""
    entries = [make_entry("coop", n, 1, seed, gap=gap) for seed, n in enumerate((600, 620, None), 1)]
    table = _table(entries)
    cell = _cell(table, "CoOp (unified)", "1")
    assert (cell.text, cell.marks) == ("61.0 ± 1.4 (2 of 3)", ("a",))
    assert [(note.mark, note.text) for note in table.notes] == [("a", f"seed 3 {gap}")]


def test_one_run_of_three_has_no_sd(make_entry) -> None:
    """Different gaps of one cell stand in one footnote."""
    gaps = ["missing", "failed"]
    entries = [make_entry("coop", 600, 1, 1)]
    entries += [make_entry("coop", None, 1, seed, gap=gap) for seed, gap in enumerate(gaps, 2)]
    table = _table(entries)
    assert _cell(table, "CoOp (unified)", "1").text == "60.0 (1 of 3)"
    assert table.notes[0].text == "seed 2 missing; seed 3 failed"


def test_nothing_there_is_a_marked_dash(make_entry) -> None:
    """Equal gaps share a footnote; a cell that was never asked for has none."""
    entries = [make_entry("coop", None, shots, seed) for shots in (1, 2) for seed in (1, 2)]
    entries.append(make_entry("linear_probe", 500, 1, 1))
    table = _table(entries)
    assert [(c.text, c.marks) for c in table.blocks[0].rows[1].cells] == [("–", ("a",)), ("–", ("a",))]
    assert [(c.text, c.marks) for c in table.blocks[0].rows[0].cells][1] == ("–", ())
    assert [note.text for note in table.notes] == ["seeds 1, 2 missing"]


def test_an_incomplete_cell_is_not_the_best(make_entry) -> None:
    """A mean over fewer seeds does not compete for bold."""
    entries = [make_entry("coop", 900, 1, 1), make_entry("coop", None, 1, 2)]
    entries += [make_entry(method, 500, 1, seed) for method in ("linear_probe", "mine") for seed in (1, 2)]
    table = _table(entries)
    assert [row.cells[0].bold for row in table.blocks[0].rows] == [True, False, True]


def test_missing_zero_shot_leaves_no_gain(make_entry) -> None:
    """Without the baseline there is no gain block, and a note says so."""
    table = _table([make_entry("zero_shot", None, gap="failed"), make_entry("coop", 600, 1, 1)])
    assert len(table.blocks) == 1
    assert table.notes[-1].text == "No gain over zero-shot is given (run failed)."


def test_n_in_the_caption_when_it_is_the_same(small_matrix) -> None:
    """Equal numbers of seeds are said once, and that zero-shot is one run."""
    caption = _table(small_matrix).caption[0]
    assert "over seeds (n = 3; one run of Zero-shot, which uses no seed)" in caption


def test_n_beside_each_number_when_it_differs(make_entry) -> None:
    """A row with other seeds than the rest says its n."""
    entries = [make_entry("coop", 600, 1, 1), make_entry("coop", 620, 1, 2), make_entry("mine", 500, 1, 1)]
    assert _texts(_table(entries)) == {"CoOp (unified)": ["61.0 ± 1.4 (n=2)"], "mine": ["50.0 (n=1)"]}


def test_caption_names_the_setting(small_matrix) -> None:
    """Matrix, backbone, precision, protocol, views, n_test, context and template stand in the caption."""
    caption = " ".join(_table(small_matrix).caption)
    for words in (
        "Matrix m; backbone RN50:openai, fp32; protocol coop; ",
        "views 0 (Linear probe) and live (CoOp); n_test = 1000.",
        "CoOp: M = 16 context vectors, class name at the end, random init.",
        "Recipe numbers are the protocol's.",
        'Zero-shot template: "a photo of a {}.".',
    ):
        assert words in caption


def test_caption_names_other_numbers(make_entry) -> None:
    """A recipe number that is not the protocol's is named with its value."""
    caption = " ".join(_table([make_entry("coop", 600, 1, 1, recipe={"lr": 0.01})]).caption)
    assert "Recipe numbers other than the protocol's: CoOp lr = 0.01." in caption


def test_caption_names_an_ensemble(make_entry) -> None:
    """An ensemble stands in one line, with its sentences, and so it does in the long form."""
    table = _table([make_entry("zero_shot", 600, template="selected\na {}.")])
    assert 'Zero-shot templates: 7 selected + "a {}.".' in table.caption
    assert "selected + a {}." in to_csv(table)
    datasets = [
        make_entry("zero_shot", 600, dataset=name, template=f"selected\n{name} {{}}") for name in ("a", "b")
    ]
    assert "Zero-shot templates: 7 selected + each data set's own." in _table(datasets).caption


def test_caption_names_lists_of_images(make_entry) -> None:
    """Numbers that were learned from somebody's list are said to be, in the data set's table and the average."""
    listed, drawn = (make_entry("coop", 600, 1, 1, dataset=name) for name in ("mine", "digits"))
    made_from = listed.record.provenance.model_copy(update={"list_digest": "0" * 64})
    listed = replace(listed, record=listed.record.model_copy(update={"provenance": made_from}))
    tables = {table.stem: " ".join(table.caption) for table in build_report("m", [listed, drawn]).groups[0].tables}
    sentence = "Training images of mine are those of given lists, not of a draw."
    assert {stem: sentence in caption for stem, caption in tables.items()} == {
        "average": True,
        "mine": True,
        "digits": False,
    }


def test_a_class_taken_whole_has_a_dagger(make_entry) -> None:
    """The dagger leads to a footnote with the class and the shots."""
    table = _table([make_entry("coop", 600, 16, 1, fewer_shots=["Small_one"])])
    assert _cell(table, "CoOp (unified)", "16").marks == ("†",)
    assert "(16 shots: Small_one)" in table.notes[0].text
    assert "60.0<sup>†</sup>" in to_markdown(table)
    assert r"60.0\textsuperscript{$\dagger$}" in to_latex(table)
    assert r"Small\_one" in to_latex(table)


def _two_datasets(make_entry, hole=False):
    entries = []
    for dataset, base in (("one", 400), ("two", 600)):
        entries.append(make_entry("zero_shot", base, dataset=dataset))
        for seed, more in enumerate((100, 120, 140), 1):
            right = None if hole and dataset == "two" and seed == 3 else base + more
            entries.append(make_entry("coop", right, 4, seed, dataset=dataset))
    return entries


def test_average_over_data_sets(make_entry) -> None:
    """The average comes first: data sets for each seed, then mean and sd over seeds."""
    table = _table(_two_datasets(make_entry))
    assert table.title == "Average"
    assert _texts(table) == {"Zero-shot": ["50.0", "–"], "CoOp (unified)": ["–", "62.0 ± 2.0"]}
    assert _texts(table, block=1) == {"CoOp (unified)": ["–", "+12.0 ± 2.0"]}


def test_average_refuses_holes(make_entry) -> None:
    """One missing seed of one data set leaves the average open and says how far it is."""
    table = _table(_two_datasets(make_entry, hole=True))
    cell = _cell(table, "CoOp (unified)", "4")
    assert (cell.text, cell.marks) == ("– (1 of 2 data sets)", ("a",))
    assert table.notes[0].text == "incomplete: two"


def test_average_refuses_a_data_set_that_was_not_asked_for(make_entry) -> None:
    """A row that the matrix excludes from a data set is not averaged over the others."""
    entries = [*_two_datasets(make_entry), make_entry("linear_probe", 500, 4, 1, dataset="one")]
    assert _cell(_table(entries), "Linear probe", "4").text == "– (1 of 2 data sets)"


def test_one_data_set_has_no_average(small_matrix) -> None:
    """A single data set has one table."""
    assert [table.stem for table in build_report("m", small_matrix).groups[0].tables] == ["digits"]


def test_csv_is_tidy_and_in_full_precision(make_entry) -> None:
    """One line for each row and shot count, percent with six decimals, a note where something is missing."""
    entries = [make_entry("zero_shot", 630)]
    entries += [
        make_entry("coop", n, 1, seed, recipe={"lr": 0.01}) for seed, n in enumerate((640, 641, 643, None))
    ]
    lines = list(csv.DictReader(io.StringIO(to_csv(_table(entries)))))
    assert [line["label"] for line in lines] == ["Zero-shot", "CoOp (unified)"]
    expected = {
        "backbone": "RN50:openai", "dataset": "digits", "method": "coop", "context": "unified", "n_ctx": "16",
        "recipe": "lr=0.01", "shots": "1", "n": "3", "n_expected": "4", "mean": "64.133333", "sd": "0.152753",
        "gain": "1.133333", "n_test": "1000", "note": "3 of 4; seed 3 missing",
    }  # fmt: skip
    assert {key: lines[1][key] for key in expected} == expected


def test_markdown_has_a_column_for_each_shot_count(small_matrix) -> None:
    """Every line of the pipe tables has the same number of columns."""
    lines = [line for line in to_markdown(_table(small_matrix)).splitlines() if line.startswith("|")]
    assert len(lines) == 2 + 4 + 2 + 3
    assert {line.count("|") for line in lines} == {5}
    assert "**65.0 ± 1.0**" in lines[4]


def test_latex_is_booktabs(small_matrix) -> None:
    """A table environment with rules, blocks in one tabular, and every ampersand counted."""
    text = to_latex(_table(small_matrix))
    for words in (
        r"\begin{table}",
        r"\toprule",
        r"\bottomrule",
        r"\textbf{65.0 $\pm$ 1.0}",
        r"\label{tab:digits}",
    ):
        assert words in text
    body = [line for line in text.splitlines() if "&" in line and "multicolumn" not in line]
    assert {line.count("&") for line in body} == {3}
    assert "±" not in text
    assert text.count("{") == text.count("}") or r"\{" in text


def test_latex_escaping() -> None:
    """Special characters are spelled out, quotes open and close, no bare bracket follows a line end."""
    assert escape_latex(r"a_b & 5% $x$ #1 {} ~ ^ \ <|>") == (
        r"a\_b \& 5\% \$x\$ \#1 \{\} \textasciitilde{} \textasciicircum{} \textbackslash{} "
        r"\textless{}\textbar{}\textgreater{}"
    )
    assert escape_latex('"a photo of a"') == "``a photo of a''"
    assert escape_latex("[x]") == "{[}x{]}"


def test_markdown_escaping() -> None:
    """Pipes and markup are escaped; an underscore inside a word needs nothing."""
    assert escape_markdown("a|b *c* <d> `e` [f] oxford_pets _g_") == (
        r"a\|b \*c\* \<d\> \`e\` \[f\] oxford_pets \_g\_"
    )
