"""Counts of work."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.data.dataset import Size
from harness.matrix.cell import Cell
from harness.plan.work import draw_of, work_of

MakeCell = Callable[..., Cell]
SIZES = {"digits": Size(10, 898, 540), "odd": Size(5, 50, 20), "dtd": Size(47, 2820, 1692)}


@pytest.mark.parametrize(
    ("context", "position", "tokens"),
    [
        ("unified", "end", 17 + 10 * 5),
        ("unified", "middle", 9 + 10 * 13),
        ("unified", "front", 1 + 10 * 21),
        ("class_specific", "end", 10 * 21),
        ("class_specific", "middle", 10 * 21),
    ],
)
def test_tokens_that_classes_share_count_once(
    make_cell: MakeCell, context: str, position: str, tokens: float
) -> None:
    """What stands before all class names is computed once a step."""
    cell = make_cell(context=context, class_token_position=position)
    assert work_of(cell, SIZES).step_tokens == tokens


def test_work_of_a_training(make_cell: MakeCell) -> None:
    """Two shots of ten classes: 20 images, one batch an epoch, a view of each image an epoch."""
    work = work_of(make_cell(shots=2, context="class_specific"), SIZES)
    assert (work.n_images, work.steps, work.n_views, work.vectors, work.n_val) == (20, 100, 2000, 160, 0)
    assert [work_of(make_cell(shots=2, views=views), SIZES).n_views for views in (0, 1, 3)] == [20, 20, 60]
    assert (work.n_test, work.test_classes, work.n_classes) == (540, 10, 10)


def test_work_of_a_probe(make_cell: MakeCell) -> None:
    """It looks at the images once, and at up to four validation images a class."""
    work = work_of(make_cell(method="linear_probe", shots=8), SIZES)
    assert (work.n_images, work.n_val, work.steps, work.n_views) == (80, 40, 0, 0)
    assert work_of(make_cell(method="linear_probe", shots=1), SIZES).n_val == 10


def test_zero_shot_reads_every_sentence(make_cell: MakeCell) -> None:
    """An ensemble of two sentences has twice the tokens, and no images to learn from."""
    one = work_of(make_cell(method="zero_shot"), SIZES)
    assert (one.n_images, one.steps, one.step_tokens, one.text_tokens) == (0, 0, 0, 50.0)


def test_an_evaluation_elsewhere_trains_nothing(make_cell: MakeCell) -> None:
    """It is the target's test images and classes that count."""
    work = work_of(make_cell(evaluate_on="dtd"), SIZES)
    assert (work.n_images, work.steps, work.n_views, work.vectors, work.n_val) == (0, 0, 0, 0, 0)
    assert (work.n_test, work.test_classes) == (1692, 47)


def test_a_probe_that_is_evaluated_elsewhere_looks_at_no_images_again(make_cell: MakeCell) -> None:
    """Neither training nor validation images are its work."""
    work = work_of(make_cell(method="linear_probe", shots=8, evaluate_on="dtd"), SIZES)
    assert (work.n_images, work.n_val, work.n_test) == (0, 0, 1692)


def test_data_sets_of_unknown_size_are_tiny(make_cell: MakeCell) -> None:
    """One class, one image to learn from and one to test, as what is trained on and as a target."""
    work = work_of(make_cell(evaluate_on="unknown"), {})
    assert (work.n_classes, work.n_test, work.test_classes) == (1, 1, 1)
    assert work_of(make_cell(shots=16), {}).n_images == 1


def test_a_position_that_is_not_said_is_the_end(make_cell: MakeCell) -> None:
    """A plug-in's context may stand nowhere else."""
    assert work_of(make_cell(class_token_position=None), SIZES) == work_of(make_cell(), SIZES)


@pytest.mark.parametrize(("classes", "n_classes", "n_test"), [("all", 5, 20), ("base", 3, 12), ("new", 2, 8)])
def test_halves(make_cell: MakeCell, classes: str, n_classes: int, n_test: int) -> None:
    """The first half has the odd class, and its share of the test images."""
    work = work_of(make_cell(dataset="odd", classes=classes), SIZES)
    assert (work.n_classes, work.test_classes, work.n_test) == (n_classes, n_classes, n_test)
    assert work_of(make_cell(classes=classes), SIZES).n_classes == (10 if classes == "all" else 5)


def test_cells_of_one_draw(make_cell: MakeCell) -> None:
    """Variants and evaluations learn from one draw; another seed, class half or rule is another."""
    cell = make_cell()
    same = [
        make_cell(context="class_specific"),
        make_cell(method="linear_probe"),
        replace(cell, evaluate_on="dtd"),
    ]
    other = [make_cell(seed=2), make_cell(classes="base"), make_cell(protocol="lpclip"), make_cell(shots=2)]
    assert {draw_of(each) for each in same} == {draw_of(cell)}
    assert draw_of(cell) not in {draw_of(each) for each in other}
