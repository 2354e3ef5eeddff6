"""The small language that picks cells."""

from collections.abc import Callable

import pytest

from harness.errors import MatrixError
from harness.matrix.cell import Cell
from harness.matrix.select import parse_selection, select

GRAMMAR = "is not of the form KEY=VALUE[|VALUE...] or KEY!=VALUE[|VALUE...], joined by commas."


@pytest.fixture
def cells(make_cell: Callable[..., Cell]) -> tuple[Cell, ...]:
    """Zero-shot, and CoOp with one, two and all shots and two seeds; then one with words that look like a term."""
    coop = [make_cell(shots=shots, seed=seed) for shots in (1, 2, "all") for seed in (1, 2)]
    return (make_cell(method="zero_shot"), *coop, make_cell(shots=4, ctx_init="a=b", context="none"))


def test_no_expression_picks_all(cells: tuple[Cell, ...]) -> None:
    """Without a selection every cell is picked."""
    assert select(cells, None) == cells


@pytest.mark.parametrize(
    ("expression", "picked"),
    [
        ("method=zero_shot", [0]),
        ("method!=coop", [0]),
        ("shots=1", [1, 2]),
        ("shots=1|all", [1, 2, 5, 6]),
        ("shots!=1|0|4", [3, 4, 5, 6]),
        ("shots=1,seed=2", [2]),
        (" shots = 1 | 2 , seed = 2 ", [2, 4]),
        ("seed=null", [0]),
        ("context=unified,seed!=1", [2, 4, 6]),
        ("template=a photo of the digit {}.", [0]),
        ("ctx_init=a=b", [7]),
    ],
)
def test_expression_picks(cells: tuple[Cell, ...], expression: str, picked: list[int]) -> None:
    """Terms hold together, values of a term are alternatives, and the order stays."""
    assert select(cells, expression) == tuple(cells[index] for index in picked)


@pytest.mark.parametrize("expression", ["", "shots", "=1", "shots=", "shots=1|", "shots=1,", "!=1", ","])
def test_bad_grammar_is_a_fault(cells: tuple[Cell, ...], expression: str) -> None:
    """What is not of the grammar is answered with the grammar."""
    with pytest.raises(MatrixError) as caught:
        select(cells, expression)
    assert caught.value.faults[-1].what == GRAMMAR


def test_unknown_key_is_a_fault(cells: tuple[Cell, ...]) -> None:
    """A key that no cell has is named with the nearest one."""
    with pytest.raises(MatrixError) as caught:
        select(cells, "shot=1")
    assert str(caught.value) == (
        "--select 'shot=1': unknown key 'shot'. Did you mean 'shots'? Known: backbone, class_token_position, "
        "classes, context, ctx_init, dataset, evaluate_on, method, n_ctx, precision, protocol, seed, shots, "
        "template, views."
    )


def test_unknown_value_is_a_fault(cells: tuple[Cell, ...]) -> None:
    """A value that no cell has is named with those that there are."""
    with pytest.raises(MatrixError) as caught:
        select(cells, "method=cop")
    assert str(caught.value) == (
        "--select 'method=cop': no cell has method=cop. Did you mean 'coop'? Known: zero_shot, coop."
    )


def test_all_faults_of_an_expression_are_reported_together(cells: tuple[Cell, ...]) -> None:
    """Every term is looked at."""
    with pytest.raises(MatrixError) as caught:
        select(cells, "shot=1,shots=7|8,words")
    assert [fault.where for fault in caught.value.faults] == [
        "--select 'shot=1'",
        "--select 'shots=7|8'",
        "--select 'shots=7|8'",
        "--select 'words'",
    ]


def test_terms_that_never_hold_together_are_a_fault(cells: tuple[Cell, ...]) -> None:
    """An expression that picks no cell is a mistake of its writer."""
    with pytest.raises(MatrixError, match=r"^--select 'method=zero_shot,shots=1': picks no cell"):
        select(cells, "method=zero_shot,shots=1")


def test_plugin_axis_can_be_selected(make_cell: Callable[..., Cell]) -> None:
    """Further keys of a cell are keys of the language; cells without one count as null."""
    plain, plugin = make_cell(), make_cell(depth=3)
    assert select((plain, plugin), "depth=3") == (plugin,)
    assert select((plain, plugin), "depth=null") == (plain,)


def test_parsed_expression_is_a_predicate(cells: tuple[Cell, ...]) -> None:
    """The parser returns a function of one cell."""
    assert [parse_selection("seed=2", cells)(cell) for cell in cells[:3]] == [False, False, True]
