"""Tables that put data sets, backbones, lengths, initial words and templates side by side."""

import csv
import io

import pytest

from harness.report.build import build_report
from harness.report.tables.csv import to_csv, to_wide_csv
from harness.report.tables.markdown import to_markdown

WIDE = """\
block,method,one,one sd,one n,two,two sd,two n,Average,Average sd,Average n
Zero shots,Zero-shot,40.0,,1,60.0,,1,50.0,,1
4 shots per class,CoOp (unified),52.0,2.0,3,72.0,2.0,3,62.0,2.0,3
4 shots per class,mine,30.0,,1,,,,,,0
"""
MARKDOWN = """\
# Few-shot learning

Few-shot learning on every data set: accuracy in percent, mean over seeds (n = 1 to 3, which the CSV has; one \
run of Zero-shot, which uses no seed). Average: over the 2 data sets, taken for each seed first. Matrix m; \
backbone RN50:openai, fp32; protocol coop; views live; n_test = 1000. CoOp: M = 16 context vectors, class name at \
the end, random init. Recipe numbers are the protocol's. Zero-shot template: "a photo of a {}.".

**Zero shots**

| Method / data set |   one |   two | Average |
| :---------------- | ----: | ----: | ------: |
| Zero-shot         | 40.00 | 60.00 |   50.00 |

**4 shots per class**

| Method / data set |               one |   two |       Average |
| :---------------- | ----------------: | ----: | ------------: |
| CoOp (unified)    |             52.00 | 72.00 |         62.00 |
| mine              | 30.00<sup>a</sup> |     – | –<sup>b</sup> |

<sup>a</sup> over seed 1, other rows over seeds 1, 2, 3\x20\x20
<sup>b</sup> incomplete: two
"""


def _studies(entries):
    (group,) = build_report("m", entries).groups
    return {table.stem: table for table in group.studies}


def _texts(table, block=0):
    return {row.label: [cell.text for cell in row.cells] for row in table.blocks[block].rows}


def _two_datasets(make_entry):
    entries = []
    for dataset, base in (("one", 400), ("two", 600)):
        entries.append(make_entry("zero_shot", base, dataset=dataset))
        entries += [make_entry("coop", base + more, 4, seed, dataset=dataset)
                    for seed, more in enumerate((100, 120, 140), 1)]  # fmt: skip
    return entries


def test_few_shot_table_to_the_letter(make_entry) -> None:
    """Every data set and the average beside each other, a block a shot count, as Markdown and as wide CSV."""
    table = _studies([*_two_datasets(make_entry), make_entry("mine", 300, 4, 1, dataset="one")])["few-shot"]
    assert to_wide_csv(table) == WIDE
    assert to_markdown(table) == MARKDOWN


def test_few_shot_table_in_long_form(make_entry) -> None:
    """One line a data set, row and shot count."""
    lines = list(csv.DictReader(io.StringIO(to_csv(_studies(_two_datasets(make_entry))["few-shot"]))))
    found = [(line["method"], line["shots"], line["dataset"], line["mean"], line["n"]) for line in lines]
    assert found == [
        ("zero_shot", "0", "one", "40.0", "1"), ("zero_shot", "0", "two", "60.0", "1"),
        ("zero_shot", "0", "average", "50.0", "1"), ("coop", "4", "one", "52.0", "3"),
        ("coop", "4", "two", "72.0", "3"), ("coop", "4", "average", "62.0", "3"),
    ]  # fmt: skip


def test_one_data_set_has_no_side(make_entry) -> None:
    """With one data set there is nothing beside it, and no study of what does not differ."""
    assert _studies([make_entry("zero_shot", 600), make_entry("coop", 700, 1, 1)]) == {}


def test_length_of_the_context(make_entry) -> None:
    """Lengths rise within blocks of rows that are otherwise alike, at the largest shots, each its own contest."""
    entries = [
        make_entry("coop", right, shots, seed, n_ctx=n_ctx, class_token_position=position)
        for position in ("end", "middle")
        for n_ctx, right in ((16, 700), (4, 650), (8, 720))
        for shots in (1, 16)
        for seed in (1, 2)
    ]
    table = _studies(entries)["context-length"]
    assert [block.heading for block in table.blocks] == ["CoOp (unified), end", "CoOp (unified), middle"]
    assert _texts(table) == {"M=4": ["65.0 ± 0.0"], "M=8": ["72.0 ± 0.0"], "M=16": ["70.0 ± 0.0"]}
    assert [row.cells[0].bold for row in table.blocks[1].rows] == [False, True, False]
    assert "(16 shots per class)" in table.caption[0]


def test_initial_words_count_as_no_length(make_entry) -> None:
    """A context of four words is compared with four random vectors, not with sixteen."""
    entries = [
        make_entry("coop", 600, 16, 1, n_ctx=4),
        make_entry("coop", 620, 16, 1, n_ctx=16),
        make_entry("coop", 650, 16, 1, n_ctx=4, ctx_init="a photo of a"),
    ]
    studies = _studies(entries)
    assert _texts(studies["initialization"]) == {"random init": ["60.0"], 'init "a photo of a"': ["65.0"]}
    assert _texts(studies["context-length"]) == {"M=4": ["60.0"], "M=16": ["62.0"]}


def test_ensembles_against_what_was_learned(make_entry) -> None:
    """Every template of zero-shot stands beside the largest shot count of the rest, and all compete."""
    entries = [
        make_entry("zero_shot", right, template=text) for text, right in (("a {}.", 500), ("selected", 550))
    ]
    entries += [make_entry("coop", 600, shots, 1) for shots in (1, 16)]
    table = _studies(entries)["prompt-ensembling"]
    assert [[*texts] for texts in _texts(table).values()] == [["50.0"], ["55.0"], ["60.0"]]
    assert [(row.cells[0].bold, row.cells[0].underline) for row in table.blocks[0].rows] == [
        (False, False), (False, True), (True, False),
    ]  # fmt: skip


def _backbones(make_entry, lacking=None):
    return [
        make_entry(method, None if (name, dataset) == lacking and seed == 2 else right, shots, seed,
                   backbone=f"{name}:openai", dataset=dataset)
        for name, more in (("RN50", 0), ("RN101", 50))
        for dataset in ("a", "b")
        for method, right, shots, seed in (("zero_shot", 500 + more, 0, None), ("coop", 600 + more, 16, 1),
                                           ("coop", 620 + more, 16, 2))
    ]  # fmt: skip


def test_backbones_side_by_side(make_entry) -> None:
    """A column a backbone and a block a data set, the average first; the long form says which backbone."""
    table, *_ = build_report("m", _backbones(make_entry)).across.tables
    assert table.columns == ("RN50:openai", "RN101:openai")
    assert [block.heading for block in table.blocks] == ["Average", "a", "b"]
    assert _texts(table) == {"Zero-shot": ["50.0", "55.0"], "CoOp (unified)": ["61.0 ± 1.4", "66.0 ± 1.4"]}
    lines = list(csv.DictReader(io.StringIO(to_csv(table))))
    assert [line["backbone"] for line in lines] == ["RN50:openai"] * 6 + ["RN101:openai"] * 6


def test_an_average_between_backbones_is_over_the_same_data_sets(make_entry) -> None:
    """A backbone that lacks a data set, or a seed of one, has no average to compare, and says so."""
    lacks_seed = build_report("m", _backbones(make_entry, ("RN101", "b"))).across.tables[0]
    kept = [
        entry for entry in _backbones(make_entry) if entry.cell.dataset == "a" or "RN50" in entry.cell.backbone
    ]
    lacks_set = build_report("m", kept).across.tables[0]
    for table in (lacks_seed, lacks_set):
        assert _texts(table)["CoOp (unified)"] == ["61.0 ± 1.4", "– (1 of 2 data sets)"]
        assert "incomplete: b" in [note.text for note in table.notes]


def test_precisions_are_not_compared_as_backbones(make_entry) -> None:
    """Groups that differ in more than the backbone stand apart."""
    entries = [make_entry("zero_shot", 500, backbone=name, precision=precision)
               for name, precision in (("A", "fp32"), ("B", "fp16"))]  # fmt: skip
    assert build_report("m", entries).across.tables == ()


@pytest.mark.parametrize("n_backbones", [1, 2])
def test_transfers_between_backbones(make_entry, n_backbones) -> None:
    """Of two backbones a table has a block each; one backbone has its own table alone."""
    entries = [
        make_entry("coop", right, 16, seed, evaluate_on=place, backbone=f"B{number}")
        for number in range(n_backbones)
        for place, right in ((None, 900), ("x", 600), ("y", 500))
        for seed in (1, 2)
    ]
    tables = [table for table in build_report("m", entries).across.tables if "elsewhere" in table.stem]
    assert len(tables) == n_backbones - 1
    for table in tables:
        assert table.columns == ("digits (source)", "x", "y", "Average")
        assert [block.heading for block in table.blocks] == ["B0", "B1"]
        assert _texts(table)["CoOp (unified)"] == ["90.0 ± 0.0", "60.0 ± 0.0", "50.0 ± 0.0", "55.0 ± 0.0"]
