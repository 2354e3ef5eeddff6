"""Which numbers are bold and underlined."""

from harness.report.build import build_report


def _marks(entries, column="1", block=0):
    """From label to ``best`` or ``second``."""
    table = build_report("m", entries).groups[0].tables[0]
    place = table.columns.index(column)
    cells = {row.label: row.cells[place] for row in table.blocks[block].rows}
    return {
        label: "best" if cell.bold else "second" for label, cell in cells.items() if cell.bold or cell.underline
    }


def _rows(make_entry, n_test=1000, **right):
    """Entries of methods with one seed each, a count of right answers a method."""
    return [make_entry(name, count, 1, 1, n_test=n_test) for name, count in right.items()]


def test_best_and_second(make_entry) -> None:
    """Of three the first is bold, the second underlined, and nothing of the gains is either."""
    entries = [make_entry("zero_shot", 100), *_rows(make_entry, a=500, b=700, c=600)]
    assert _marks(entries) == {"b": "best", "c": "second"}
    assert _marks(entries, block=1) == {}


def test_of_two_there_is_no_second(make_entry) -> None:
    """The second of two is the last; one alone has no contest."""
    assert _marks(_rows(make_entry, a=500, b=700)) == {"b": "best"}
    assert _marks(_rows(make_entry, a=500)) == {}


def test_exact_ties_share_their_mark(make_entry) -> None:
    """All that are best are bold, all of the next mean underlined."""
    assert _marks(_rows(make_entry, a=700, b=700, c=600, d=600, e=500)) == {
        "a": "best", "b": "best", "c": "second", "d": "second",
    }  # fmt: skip


def test_ties_of_means_are_exact(make_entry) -> None:
    """Seeds that add up alike tie, although their means as floats may differ in the last digit."""
    entries = [make_entry("a", right, 1, seed) for seed, right in enumerate((100, 200, 301), 1)]
    entries += [make_entry("b", right, 1, seed) for seed, right in enumerate((301, 100, 200), 1)]
    entries += [make_entry("c", right, 1, seed) for seed, right in enumerate((0, 300, 301), 1)]
    assert _marks(entries) == {"a": "best", "b": "best", "c": "best"}


def test_printed_alike_and_told_apart(make_entry) -> None:
    """70.02 and 69.98 are both printed 70.0; only one is best, and a note says why with the digits that tell."""
    entries = _rows(make_entry, n_test=10000, a=7002, b=6998, c=6000)
    table = build_report("m", entries).groups[0].tables[0]
    assert [row.cells[0].text for row in table.blocks[0].rows] == ["70.0", "70.0", "60.0"]
    assert _marks(entries) == {"a": "best", "b": "second"}
    assert [note.text for note in table.notes] == [
        "Printed alike, told apart by exact counts: 1: a 70.02, b 69.98."
    ]


def test_a_gap_does_not_compete(make_entry) -> None:
    """A mean over fewer seeds than were asked for is neither best nor second."""
    entries = [make_entry("a", 900, 1, 1), make_entry("a", None, 1, 2)]
    entries += [make_entry(name, right, 1, seed) for name, right in (("b", 500), ("c", 400)) for seed in (1, 2)]
    assert _marks(entries) == {"b": "best"}


def test_other_seeds_do_not_compete(make_entry) -> None:
    """The seeds that most rows have count; zero-shot has none and competes with all."""
    entries = [make_entry("a", 900, 1, 1)]
    entries += [make_entry(name, right, 1, seed) for name, right in (("b", 500), ("c", 400)) for seed in (1, 2)]
    assert _marks(entries) == {"b": "best"}


def test_other_test_images_do_not_compete(make_entry) -> None:
    """A number on other test images is no rival of the rest."""
    entries = [*_rows(make_entry, b=500, c=400), *_rows(make_entry, n_test=2000, a=1900)]
    assert _marks(entries) == {"b": "best"}


def test_sentences_follow_from_the_marks(make_entry) -> None:
    """What bold and underlined mean is said where they are there, and not elsewhere."""
    captions = [
        " ".join(build_report("m", entries).groups[0].tables[0].caption)
        for entries in (_rows(make_entry, a=1), _rows(make_entry, a=1, b=2), _rows(make_entry, a=1, b=2, c=3))
    ]
    assert ["Bold" in caption for caption in captions] == [False, True, True]
    assert ["underlined" in caption for caption in captions] == [False, False, True]
