"""What is evaluated on what: the axis ``evaluate_on``."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli.vocabulary import known_names
from harness.errors import MatrixError
from harness.matrix.matrix import Matrix, read_matrix
from harness.matrix.select import select

Faults = Callable[[str], list[str]]

HEAD = "backbones: tiny\nshots: 1\nseeds: 1\n"
COOP = HEAD + "datasets: digits\nmethods: coop\n"
Place = tuple[str, str, str | None]  # data set, classes, evaluate_on


@pytest.fixture
def read(matrix_file: Path) -> Callable[[str], Matrix]:
    """A reader with the names that the harness knows."""

    def read_text(text: str) -> Matrix:
        matrix_file.write_text(text, encoding="utf-8")
        return read_matrix(matrix_file, known_names())

    return read_text


Read = Callable[[str], Matrix]


def places(matrix: Matrix) -> list[Place]:
    """What is trained on and evaluated on, of all cells in their order."""
    return [(cell.dataset, cell.classes, cell.evaluate_on) for cell in matrix.cells]


def test_own_test_images_are_always_evaluated_on(read: Read) -> None:
    """A target adds a cell to the one that trains, and a single value is a list of one."""
    own, noisy, blurred = (("digits", "all", name) for name in (None, "digits_noisy", "digits_blurred"))
    assert places(read(COOP + "evaluate_on: digits_noisy\n")) == [own, noisy]
    assert places(read(COOP + "evaluate_on: [digits_noisy, digits_blurred]\n")) == [own, noisy, blurred]
    assert places(read(COOP)) == [own]


def test_a_data_set_is_no_target_of_itself(read: Read) -> None:
    """Each of two data sets is evaluated on the other, and on its own test images once."""
    text = HEAD + "datasets: [digits, dtd]\nmethods: coop\nevaluate_on: [digits, dtd]\n"
    assert places(read(text)) == [
        ("digits", "all", None),
        ("digits", "all", "dtd"),
        ("dtd", "all", None),
        ("dtd", "all", "digits"),
    ]


def test_the_own_half_of_the_classes_is_no_target(read: Read) -> None:
    """From base to new and back are two targets; base on base and all on all are the training itself."""
    text = COOP + "classes: [base, new, all]\nevaluate_on: [base, new, all]\n"
    assert set(places(read(text))) == {
        ("digits", classes, target)
        for classes in ("base", "new", "all")
        for target in (None, "base", "new", "all")
        if target != classes
    }


def test_a_cell_says_what_it_trains_and_where_its_test_images_are(read: Read) -> None:
    """The training has the same axes but for the target; a half is of the training's data set."""
    text = COOP + "classes: base\nevaluate_on: [new, all, digits_noisy]\n"
    own, new, every, noisy = read(text).cells
    assert {cell.trained() for cell in (own, new, every, noisy)} == {own}
    assert [cell.target() for cell in (own, new, every, noisy)] == [
        ("digits", "base"),
        ("digits", "new"),
        ("digits", "all"),
        ("digits_noisy", "all"),
    ]


def test_the_default_template_is_the_targets(read: Read) -> None:
    """Zero-shot speaks of what it looks at; a template that is written is kept."""
    text = HEAD + "datasets: digits\nevaluate_on: [dtd, digits_noisy]\nmethods:\n  - {method: zero_shot"
    assert [cell.template for cell in read(text + "}\n").cells] == [
        "a photo of the digit {}.",
        "{} texture.",
        "a photo of the digit {}.",
    ]
    assert {cell.template for cell in read(text + ", template: 'my {}'}\n").cells} == {"my {}"}


def test_include_adds_targets_to_some_cells(read: Read) -> None:
    """An entry may name targets of its own; its training stands in the matrix once."""
    text = COOP + "include:\n  - {evaluate_on: digits_noisy, seed: 2}\n  - {evaluate_on: digits_blurred}\n"
    assert [(cell.seed, cell.evaluate_on) for cell in read(text).cells] == [
        (1, None),
        (2, None),
        (2, "digits_noisy"),
        (1, "digits_blurred"),
    ]


def test_include_has_the_matrixs_targets_where_it_names_none(read: Read) -> None:
    """As with every other axis."""
    text = COOP + "evaluate_on: digits_noisy\ninclude:\n  - {seed: 2}\n"
    assert [(cell.seed, cell.evaluate_on) for cell in read(text).cells] == [
        (1, None),
        (1, "digits_noisy"),
        (2, None),
        (2, "digits_noisy"),
    ]


def test_exclude_removes_targets_of_some_methods(read: Read) -> None:
    """Such as those that a probe cannot be used for; the trainings stay."""
    text = HEAD + "datasets: digits\nclasses: base\nevaluate_on: new\nmethods: [linear_probe, coop]\n"
    matrix = read(text + "exclude:\n  - {method: linear_probe, evaluate_on: new}\n")
    assert [(cell.method, cell.evaluate_on) for cell in matrix.cells] == [
        ("linear_probe", None),
        ("coop", None),
        ("coop", "new"),
    ]


def test_exclude_can_leave_the_evaluations_alone(read: Read) -> None:
    """``null`` is the own test images, as in a selection."""
    matrix = read(COOP + "evaluate_on: digits_noisy\nexclude:\n  - {evaluate_on: null}\n")
    assert places(matrix) == [("digits", "all", "digits_noisy")]


def test_a_selection_picks_evaluations(read: Read) -> None:
    """By their target, or by having none."""
    cells = read(COOP + "evaluate_on: [digits_noisy, digits_blurred]\n").cells
    assert select(cells, "evaluate_on=digits_noisy|null") == (cells[0], cells[1])
    assert select(cells, "evaluate_on!=null") == cells[1:]


def test_targets_that_are_not_known_are_faults(faults: Faults) -> None:
    """Each with its place and the nearest name, those of halves among them; a repeat is one, too."""
    text = COOP + "evaluate_on: [digits_nosy, new, neww, new]\n"
    said = faults(text)
    assert [each.partition(" Known:")[0] for each in said] == [
        "F:6: evaluate_on: holds 'new' twice.",
        "F:6: evaluate_on[0]: unknown target 'digits_nosy'. Did you mean 'digits_noisy'?",
        "F:6: evaluate_on[2]: unknown target 'neww'. Did you mean 'new'?",
    ]


def test_a_target_without_training_images_is_not_trained_on(faults: Faults) -> None:
    """It can be evaluated on, and be the data set of a method that learns from no images."""
    text = HEAD + "datasets: [digits, digits_noisy]\nmethods: [zero_shot, coop]\nfewer_shots: allow\n"
    assert faults(text) == [
        "F:4: datasets: digits_noisy has no training images for coop; it is a target to evaluate on. "
        "Exclude these cells, or use methods that learn from no images."
    ]


def test_zero_shot_on_a_target_needs_no_training_images(read: Read) -> None:
    """A matrix of zero-shot alone may name shifted targets in both places."""
    text = "backbones: tiny\ndatasets: [digits, digits_noisy]\nevaluate_on: digits_blurred\nmethods: zero_shot\n"
    assert len(read(text).cells) == 4


def test_own_data_sets_are_targets(read: Read) -> None:
    """A data set that the matrix describes can be evaluated on by its name."""
    text = HEAD + (
        "datasets: [digits, {name: mine, folder: images, template: 'my {}.'}]\n"
        "evaluate_on: mine\nmethods: zero_shot\n"
    )
    matrix = read(text)
    assert places(matrix) == [("digits", "all", None), ("digits", "all", "mine"), ("mine", "all", None)]
    assert matrix.cells[1].template == "my {}."


def test_a_target_can_not_be_described_in_its_place(read: Read) -> None:
    """It is described under ``datasets``, where names of data sets come from."""
    with pytest.raises(MatrixError, match="unknown target"):
        read(COOP + "evaluate_on: [{name: mine, folder: images}]\n")
