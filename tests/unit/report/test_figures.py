"""Figures as values: which series, points and words they have, before anything is drawn."""

from dataclasses import replace

import pytest

from harness.report.build import build_report
from harness.report.figures.charts import MOST_CHARTS, MOST_TRACES
from harness.report.numbers.rows import Row
from harness.report.sections.looks import row_looks
from harness.store.record import ClassCount, EpochRow


def _figures(entries):
    return {figure.stem: figure for figure in build_report("m", entries).all_figures}


def _points(trace):
    return [(mark.x, mark.y, mark.sd) for mark in trace.marks]


def _with(entry, **more):
    return replace(entry, record=entry.record.model_copy(update=more))


def test_few_shot_curves(small_matrix) -> None:
    """A step a doubling with 0 before 1; mean and sd in percent; zero-shot a level, the probe dotted."""
    (chart,) = _figures(small_matrix)["curves"].charts
    assert chart.ticks == ((0.0, "0"), (1.0, "1"), (5.0, "16"))
    traces = {trace.label: trace for trace in chart.traces}
    assert _points(traces["Zero-shot"]) == [(0.0, 63.0, None)]
    assert _points(traces["Linear probe"]) == [(1.0, 51.0, pytest.approx(1)), (5.0, 81.0, pytest.approx(1))]
    assert [(trace.kind, trace.look.marker, trace.look.line) for trace in chart.traces] == [
        ("level", "*", ""), ("line", "^", ":"), ("line", "o", "-"), ("line", "s", "-"),
    ]  # fmt: skip


def test_gaps_of_a_curve_are_said(make_entry) -> None:
    """A point whose seeds are all missing breaks the line and is named; one with some of them is hollow."""
    entries = [make_entry("coop", right, shots, seed)
               for shots, right in ((1, 500), (2, None), (4, 700)) for seed in (1, 2)]  # fmt: skip
    entries[-1] = make_entry("coop", None, 4, 2)
    figure = _figures(entries)["curves"]
    marks = figure.charts[0].traces[0].marks
    assert [(mark.y, mark.whole) for mark in marks] == [(50.0, True), (None, False), (70.0, False)]
    assert "Left open because cells are missing: CoOp (unified) at 2 (digits)." in figure.caption


def test_gains_are_sorted_and_the_average_stands_apart(make_entry) -> None:
    """The largest first, then what falls, what is missing, and below them the average, with two decimals."""
    entries = []
    for name, zero, right in (("a", 500, 480), ("b", 500, 750), ("c", 500, None), ("d", 500, 510)):
        entries.append(make_entry("zero_shot", zero, dataset=name))
        entries += [make_entry("coop", right, shots, 1, dataset=name) for shots in (1, 16)]
    figure = _figures(entries)["gains"]
    (chart,) = figure.charts
    assert chart.title == "CoOp (unified), 16 shots"
    assert [(bar.label, bar.printed, bar.apart) for bar in chart.bars] == [
        ("b", "+25.00", False), ("d", "+1.00", False), ("a", "−2.00", False), ("c", "incomplete", False),
        ("Average", "incomplete", True),
    ]  # fmt: skip
    assert any("c (CoOp (unified), 16 shots)" in sentence for sentence in figure.caption)


def test_gains_of_one_data_set_have_a_bar_a_row(small_matrix) -> None:
    """Methods are sorted in one chart and keep their colours."""
    (chart,) = _figures(small_matrix)["gains"].charts
    assert [(bar.label, bar.printed) for bar in chart.bars] == [
        ("CoOp (CSC)", "+25.00"), ("CoOp (unified)", "+25.00"), ("Linear probe", "+18.00"),
    ]  # fmt: skip
    assert len({bar.look.colour for bar in chart.bars}) == 3


def test_no_gain_without_zero_shot(make_entry) -> None:
    """Without a baseline there are no bars."""
    assert set(_figures([make_entry("coop", 700, shots, 1) for shots in (1, 2)])) == {"curves"}


def test_lengths_of_a_context(make_entry) -> None:
    """A line a family of rows through rising lengths at equal distances."""
    entries = [
        make_entry("coop", right, 16, seed, n_ctx=n) for n, right in ((16, 700), (4, 600)) for seed in (1, 2)
    ]
    (chart,) = _figures(entries)["context-length"].charts
    assert chart.ticks == ((0.0, "4"), (1.0, "16"))
    assert [_points(trace) for trace in chart.traces] == [[(0.0, 60.0, 0.0), (1.0, 70.0, 0.0)]]


def test_initial_contexts(make_entry) -> None:
    """A mark an init at each data set, aside of each other, the average apart from the data sets."""
    entries = [make_entry("coop", right, 16, 1, n_ctx=4, ctx_init=init, dataset=name)
               for init, right in ((None, 600), ("a photo of a", 650)) for name in ("x", "y")]  # fmt: skip
    (chart,) = _figures(entries)["initialization"].charts
    assert [word for _, word in chart.ticks] == ["Average", "x", "y"]
    assert chart.ticks[1][0] - chart.ticks[0][0] > chart.ticks[2][0] - chart.ticks[1][0]
    first, second = chart.traces
    assert [mark.y for mark in first.marks] == [60.0] * 3
    assert all(one.x < other.x for one, other in zip(first.marks, second.marks, strict=True))
    assert first.look != second.look


def test_backbones_lose_a_tag_that_they_share(make_entry) -> None:
    """A mark a backbone, under its name without ``:openai``; a cell that lacks is said to."""
    entries = [make_entry(method, right, shots, seed, backbone=name)
               for name, right in (("RN50:openai", 600), ("ViT-B-16:openai", None))
               for method, shots, seed in (("zero_shot", 0, None), ("coop", 16, 1))]  # fmt: skip
    figure = _figures(entries)["backbones"]
    (chart,) = figure.charts
    assert [word for _, word in chart.ticks] == ["RN50", "ViT-B-16"]
    assert [[mark.y for mark in trace.marks] for trace in chart.traces] == [[60.0, None]] * 2
    assert "Zero-shot at ViT-B-16" in figure.caption[1]


def test_transfers(make_entry) -> None:
    """The source, each target and their average, at the largest shot count, with zero-shot beside."""
    entries = [make_entry("zero_shot", 400, evaluate_on=place) for place in (None, "x", "y")]
    entries += [make_entry("coop", right, shots, 1, evaluate_on=place) for shots in (1, 16)
                for place, right in ((None, 900), ("x", 600 + shots), ("y", 500 + shots))]  # fmt: skip
    (chart,) = _figures(entries)["digits-elsewhere"].charts
    assert [word for _, word in chart.ticks] == ["digits (source)", "x", "y", "Average"]
    assert [mark.y for mark in chart.traces[1].marks] == pytest.approx([90.0, 61.6, 51.6, 56.6])


def _classes(*right, n=100):
    return tuple(ClassCount(name=f"class {place}", n_test=n, n_correct=count, n_predicted=count)
                 for place, count in enumerate(right))  # fmt: skip


def test_gains_of_classes(make_entry) -> None:
    """Steps fall from the class that gains most, over all of the axis; the table names the classes."""
    zero = _with(make_entry("zero_shot", 100, n_test=300), per_class=_classes(50, 20, 30))
    learned = [_with(make_entry("coop", 120, 16, seed, n_test=300), per_class=_classes(*counts))
               for seed, counts in enumerate(((40, 50, 30), (44, 46, 30)), 1)]  # fmt: skip
    (group,) = build_report("m", [zero, *learned]).groups
    (figure,) = (figure for figure in group.figures if figure.stem == "classes")
    trace = figure.charts[0].traces[-1]
    assert [(mark.x, mark.y) for mark in trace.marks] == [
        (0.0, pytest.approx(28.0)), (pytest.approx(100 / 3), 0.0), (pytest.approx(200 / 3), -8.0), (100.0, -8.0),
    ]  # fmt: skip
    (table,) = group.classes
    assert [(row.label, *(cell.text for cell in row.cells)) for row in table.blocks[0].rows] == [
        ("class 1", "100", "20.0", "48.0", "+28.0"),
        ("class 2", "100", "30.0", "30.0", "0.0"),
        ("class 0", "100", "50.0", "42.0", "-8.0".replace("-", "−")),
    ]
    assert table.notes[0].text == "Of 3 classes: CoOp (unified) 1 gain, 1 lose."


def test_classes_of_other_test_images_are_not_compared(make_entry) -> None:
    """Where zero-shot counted other images of a class there is no gain by class."""
    zero = _with(make_entry("zero_shot", 100, n_test=300), per_class=_classes(50, 20, n=150))
    learned = _with(make_entry("coop", 120, 16, 1, n_test=300), per_class=_classes(60, 20, n=100))
    assert build_report("m", [zero, learned]).groups[0].classes == ()


def test_training_curves(make_entry) -> None:
    """Loss and accuracy by epoch at the largest shots, mean and sd over seeds, the last epoch among the marks."""

    def history(n, start):
        return tuple(EpochRow(epoch=e, lr=0.1, loss=start / e, train_accuracy=0.5) for e in range(1, n + 1))

    entries = [_with(make_entry("coop", 700, shots, seed), history=history(150 if shots == 16 else 50, 1.0 + seed))
               for shots in (1, 16) for seed in (1, 2)]  # fmt: skip
    loss, accuracy = _figures(entries)["training"].charts
    marks = loss.traces[0].marks
    assert [mark.x for mark in marks] == [float(epoch) for epoch in range(2, 151, 2)]
    assert (marks[0].y, marks[0].sd) == (pytest.approx(1.25), pytest.approx(0.5**0.5 / 2))
    assert {mark.y for mark in accuracy.traces[0].marks} == {50.0}


def test_a_look_follows_from_the_method_and_not_from_its_place() -> None:
    """A row looks the same alone and among others; rows of one kind differ in marker or colour."""

    def row(context, position, n_ctx=16):
        return Row("coop", (("class_token_position", position), ("context", context), ("n_ctx", n_ctx)))

    rows = [row(context, position) for context in ("class_specific", "unified") for position in ("end", "middle")]
    rows += [row("unified", "end", n_ctx) for n_ctx in (4, 8)] + [Row("mine", ()), Row("zero_shot", ())]
    together = row_looks(rows)
    assert all(row_looks([one])[one] == together[one] for one in rows if one.axis("n_ctx") in (16, None))
    assert len({(look.colour, look.marker) for look in together.values()}) == len(rows)


def test_what_cannot_be_read_is_not_drawn(make_entry) -> None:
    """A figure of too many charts or lines is left out, and the report says so."""
    many = [make_entry("coop", 700, shots, 1, recipe={"lr": place / 100}) for place in range(1, MOST_TRACES + 2)
            for shots in (1, 2)]  # fmt: skip
    wide = [make_entry("coop", 700, shots, 1, dataset=f"d{place}") for place in range(MOST_CHARTS + 1)
            for shots in (1, 2)]  # fmt: skip
    for entries, words in ((many, "lines are too many"), (wide, "charts are too many")):
        (group,) = build_report("m", entries).groups
        assert group.figures == ()
        assert any(words in remark for remark in group.remarks)
