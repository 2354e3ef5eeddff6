"""Templates as a matrix writes them and as cells have them."""

from collections.abc import Callable

import pytest

from harness.matrix.identity import display_names
from harness.matrix.matrix import Matrix
from harness.matrix.select import select
from harness.matrix.template import n_sentences, readable

Read = Callable[[str], Matrix]
Faults = Callable[[str], list[str]]

HEAD = "backbones: tiny\ndatasets: [digits, imagenet]\n"
NO_NAME = "must hold {} once, where the class name goes, not"
KNOWN = "Known: own, selected, imagenet, selected+own, imagenet+own."


def templates(matrix: Matrix, dataset: str = "digits") -> list[str | None]:
    """The templates of one data set's cells."""
    return [cell.template for cell in matrix.cells if cell.dataset == dataset]


@pytest.mark.parametrize(
    ("written", "template"),
    [
        ("own", "a digit {}."),
        ("null", "a digit {}."),
        ("selected", "selected"),
        ("imagenet", "imagenet"),
        ("selected+own", "selected\na digit {}."),
        ("imagenet+own", "imagenet\na digit {}."),
        ("[a picture of a {}.]", "a picture of a {}."),
        ("[['a {}.', 'one {}.']]", "a {}.\none {}."),
        ("[['a {}.']]", "a {}."),
        ("[[own, 'one {}.', selected]]", "a digit {}.\none {}.\nselected"),
        ("[[imagenet+own, 'one + {}.']]", "imagenet\na digit {}.\none + {}."),
    ],
)
def test_template_of_the_cell(read: Read, written: str, template: str) -> None:
    """One string a cell: parts on lines, ``own`` by its sentence, ensembles by their names."""
    if written.startswith("[a"):
        written = f"'{written[1:-1]}'"
    assert templates(read(HEAD + f"methods: [{{method: zero_shot, template: {written}}}]\n")) == [template]


def test_each_item_of_the_axis_is_a_value(read: Read) -> None:
    """Names, sentences and lists multiply with the data sets; what comes to the same is one cell."""
    matrix = read(
        HEAD + "methods: {method: zero_shot, template: [own, selected+own, 'a digit {}.', ['a {}.', own]]}\n"
    )
    assert templates(matrix) == ["a digit {}.", "selected\na digit {}.", "a {}.\na digit {}."]
    assert len(templates(matrix, "imagenet")) == 4


def test_own_is_the_sentence_of_the_target(read: Read) -> None:
    """What is evaluated on another data set is put into that one's sentence."""
    matrix = read(
        "backbones: tiny\ndatasets: imagenet\nevaluate_on: [digits, new]\n"
        "methods: {method: zero_shot, template: [selected+own]}\n"
    )
    assert templates(matrix, "imagenet") == [
        f"selected\n{own}" for own in ("a photo of a {}.", "a digit {}.", "a photo of a {}.")
    ]


def test_a_sentence_has_the_identity_it_always_had(read: Read) -> None:
    """A cell of one sentence is the same cell however the sentence is named."""
    plain = read(HEAD + "methods: zero_shot\n")
    assert plain.cells == read(HEAD + "methods: {method: zero_shot, template: own}\n").cells


def test_exclude_knows_the_names(read: Read) -> None:
    """A pattern may name a template as the axis does."""
    text = HEAD + "methods: {method: zero_shot, template: [own, selected, selected+own]}\nexclude:\n"
    matrix = read(
        text
        + "  - {dataset: imagenet, template: [selected+own, [own]]}\n  - {template: selected, dataset: digits}\n"
    )
    assert templates(matrix, "imagenet") == ["selected"]
    assert templates(matrix) == ["a digit {}.", "selected\na digit {}."]


def test_exclude_means_the_sentence_of_what_is_evaluated_on(read: Read, faults: Faults) -> None:
    """``own`` is another sentence there; what is no template matches nothing."""
    text = "backbones: tiny\ndatasets: digits\nevaluate_on: imagenet\n"
    text += "methods: {method: zero_shot, template: [own, 'one {}.']}\n"
    matrix = read(text + "exclude: {template: [3, own], evaluate_on: imagenet}\n")
    assert [(cell.evaluate_on, cell.template) for cell in matrix.cells] == [
        (None, "a digit {}."),
        (None, "one {}."),
        ("imagenet", "one {}."),
    ]
    assert faults(text + "exclude: {template: 3}\n") == ["F:5: exclude[0]: matches no cell of the matrix."]


def test_exclude_of_a_template_leaves_other_methods(faults: Faults) -> None:
    """A method without templates has none that could match, and a word that is none matches nothing."""
    text = "backbones: tiny\ndatasets: digits\nshots: 1\nseeds: 1\nmethods: [coop, zero_shot]\n"
    text += "exclude:\n  - {template: sel}\n"
    assert faults(text) == ["F:7: exclude[0]: matches no cell of the matrix."]


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (
            "selectd",
            f": {NO_NAME} 'selectd'. Or name an ensemble. Did you mean 'selected'? {KNOWN}",
        ),
        (
            "[own, own+selected]",
            f"[1]: {NO_NAME} 'own+selected'. Or name an ensemble. Did you mean 'selected'? {KNOWN}",
        ),
        ("'{} and {}'", ": must hold {} once, where the class name goes, not '{} and {}'."),
        ("[own, []]", "[1]: is an empty ensemble; give at least one sentence."),
        ("[]", ": is empty; give at least one value, or leave the key out."),
        ("[own, own]", ": holds a value twice."),
        ("[['a {}.', 'a {}.']]", "[0]: is an ensemble that holds 'a {}.' twice."),
        ("[[selected+own, own]]", "[0]: is an ensemble that holds 'own' twice."),
        ("3", ": must be words, not 3."),
        ("' '", ": must be words, not ' '."),
        ("[[null]]", "[0]: must be words, not None."),
        ("[[['a {}.']]]", "[0]: must be words, not ['a {}.']."),
        ('"a {}.\\n"', ": must be one line, without control characters, not 'a {}.\\n'."),
        (
            "[['a photo', '{}{}', 'a photo']]",
            f"[0]: must hold {{}} once, where the class name goes, not 'a photo'. Or name an ensemble. {KNOWN} "
            "must hold {} once, where the class name goes, not '{}{}'.",
        ),
    ],
)
def test_wrong_templates_are_named(faults: Faults, value: str, fault: str) -> None:
    """A template that is neither sentence nor name is said with its place and what is allowed."""
    text = f"backbones: tiny\ndatasets: digits\nmethods:\n  - method: zero_shot\n    template: {value}\n"
    assert faults(text) == [f"F:5: methods[0].template{fault}"]


def test_templates_are_read_by_people_on_one_line(read: Read) -> None:
    """Names of cells, selections and plans have no line ends."""
    matrix = read(HEAD + "methods: {method: zero_shot, template: [own, selected+own]}\n")
    assert list(display_names(matrix.cells).values())[:2] == [
        "digits zero_shot a digit {}.",
        "digits zero_shot selected + a digit {}.",
    ]
    assert templates(Matrix("", select(matrix.cells, "template=selected + a digit {}."))) == [
        "selected\na digit {}."
    ]
    assert readable("selected\na digit {}.", own="a digit {}.") == "selected + own"


@pytest.mark.parametrize(
    ("template", "n"), [("a {}.", 1), ("a {}.\none {}.", 2), ("imagenet", 80), ("selected\n{}", 8)]
)
def test_sentences_are_counted(template: str, n: int) -> None:
    """The work of a cell goes with its sentences."""
    assert n_sentences(template) == n
