from dataclasses import replace

from harness.report.build import build_report
from harness.report.sections.words import words_of
from harness.report.tables.csv import to_csv
from harness.report.tables.latex import to_latex
from harness.report.tables.markdown import to_markdown
from harness.report.write import index
from harness.store.words import Words


def _entry(make_entry, words, shots=16, seed=1, shape=(2,), **axes):
    """A context with the given nearest words, each followed by ``far``."""
    rows = tuple(((word, 0.5), ("far", 0.75)) for word in words)
    return replace(make_entry("coop", 900, shots, seed, **axes), words=Words(shape, rows))


def _tables(entries):
    return build_report("m", entries).groups[0].words


def test_a_row_a_vector_and_a_column_a_seed(make_entry) -> None:
    """Each seed's nearest word stands with its distance; a seed that lacks is marked and named."""
    entries = [_entry(make_entry, ("to", "be"), seed=1), _entry(make_entry, ("or", "not"), seed=2)]
    entries += [make_entry("coop", None, 16, 3, gap="failed"), make_entry("coop", 900, 16, 4)]
    (table,) = _tables(entries)
    assert (table.stem, table.columns) == ("digits-words", ("1", "2", "3", "4"))
    assert [[cell.text for cell in row.cells] for row in table.blocks[0].rows] == [
        ["to (0.5000)", "or (0.5000)", "–", "–"],
        ["be (0.5000)", "not (0.5000)", "–", "–"],
    ]
    assert [note.text for note in table.notes] == ["seed 3 failed", "seed 4 has no file of words"]
    assert "| Vector / seed |" in to_markdown(table)


def test_variants_are_blocks(make_entry) -> None:
    """Contexts of several variants stand under their labels."""
    entries = [_entry(make_entry, ("to", "be"), class_token_position=place) for place in ("end", "middle")]
    (table,) = _tables(entries)
    assert [block.heading for block in table.blocks] == ["CoOp (unified), end", "CoOp (unified), middle"]


def test_bytes_in_disguise_are_not_printed(make_entry) -> None:
    """What CLIP's vocabulary spells as bytes reads N/A, as in the paper, and whole in the long form."""
    (table,) = _tables([_entry(make_entry, ("\xe2\u0123\xa9", "a|b"))])
    assert [row.cells[0].text for row in table.blocks[0].rows] == ["N/A (0.5000)", "a|b (0.5000)"]
    assert any("N/A: characters beyond ASCII" in sentence for sentence in table.caption)
    assert "\xe2\u0123\xa9" in to_csv(table)
    assert to_latex(table).isascii()


def test_class_specific_contexts_stand_in_the_long_form(make_entry) -> None:
    """Too many to print: no row, one line a class and vector, and the caption says so."""
    entries = [_entry(make_entry, ("to", "be"), shape=(1, 2), context="class_specific")]
    (table,) = _tables(entries)
    assert table.blocks == ()
    assert [line[8:] for line in table.long[1:]] == [
        ("one", "1", "1", "to", "0.5"),
        ("one", "2", "1", "be", "0.5"),
    ]
    assert "CoOp (CSC): one context a class; the nearest words stand in the CSV." in table.caption


def test_the_long_form_has_all_words_of_shared_contexts(make_entry) -> None:
    """Every word that was kept stands there with its rank."""
    (table,) = _tables([_entry(make_entry, ("to", "be"))])
    assert [line[8:] for line in table.long[1:]] == [
        ("", "1", "1", "to", "0.5"), ("", "1", "2", "far", "0.75"),
        ("", "2", "1", "be", "0.5"), ("", "2", "2", "far", "0.75"),
    ]  # fmt: skip


def test_missing_files_are_told(make_entry, tmp_path) -> None:
    """Without words there is no table, and the page says why."""
    report = build_report("m", [make_entry("coop", 900, 16, 1)])
    (table,) = report.groups[0].words
    assert (table.blocks, len(table.long)) == ((), 1)
    assert "CoOp (unified): no words, since the files beside the records are missing." in index(report)
    assert "digits-words" not in index(report)


def test_only_the_largest_shot_count(make_cell) -> None:
    """Of each data set the contexts of the largest shot count are read, and of what was trained alone."""
    cells = [make_cell("coop", shots, 1) for shots in (1, 16)] + [make_cell("coop", 1, 1, dataset="other")]
    others = [make_cell("zero_shot"), make_cell("linear_probe", 16, 1), make_cell("coop", 16, 1, evaluate_on="x")]
    assert words_of([*cells, *others]) == set(cells[1:])


def test_nothing_learned_has_no_words(make_entry) -> None:
    """Zero-shot, the probe, and contexts that all failed have no table."""
    entries = [make_entry("zero_shot", 1), make_entry("linear_probe", 1, 1, 1), make_entry("coop", None, 16, 1)]
    assert _tables(entries) == ()
