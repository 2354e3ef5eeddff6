"""Figures that are drawn ahead."""

from harness.report.build import build_report
from harness.report.figures.ahead import drawing_ahead
from harness.report.figures.draw import draw


def test_drawn_in_processes_are_the_same_bytes(small_matrix) -> None:
    """Whether a process drew a figure or this one, and whenever it was asked for, its bytes are the same."""
    figures = build_report("m", small_matrix).all_figures
    plain = [draw(figure) for figure in figures]
    with drawing_ahead(2) as ahead:
        first, *others = [ahead.draw(figures) for _ in range(3)]
        assert list(first) == plain
        assert all(list(other) == plain for other in others)


def test_nothing_is_drawn_before_it_is_asked_for(small_matrix) -> None:
    """In one process a figure is drawn when its turn comes."""
    figures = build_report("m", small_matrix).all_figures
    with drawing_ahead(1) as ahead:
        waiting = ahead.draw(figures)
        assert next(waiting).keys() == {"pdf", "png", "svg"}
