"""The numbers of the recipes."""

from dataclasses import replace

import pytest

from harness.data.few_shot import DRAW_RULES
from harness.matrix.cell import Cell
from harness.matrix.protocol import COOP, COOP_IJCV2022, LPCLIP, PROTOCOLS, Number, draw_rule


def test_recipe_of_coop_is_the_papers() -> None:
    """Every number of CoOp's recipe for 16 shots."""
    assert COOP.recipe("coop", "digits", 16) == {
        "epochs": 200, "batch_size": 32, "lr": 0.002, "momentum": 0.9, "weight_decay": 5e-4, "warmup_epochs": 1,
        "warmup_lr": 1e-5, "init_std": 0.02,
    }  # fmt: skip


def test_recipe_of_the_linear_probe_has_no_epochs() -> None:
    """The probe's recipe is the same at every number of shots."""
    assert COOP.recipe("linear_probe", "digits", 1) == {"max_iter": 1000, "search_rounds": 8}
    assert COOP.recipe("linear_probe", "imagenet", "all") == {"max_iter": 1000, "search_rounds": 8}


def test_unknown_method_has_no_recipe() -> None:
    """A protocol gives nothing to a method that it does not know."""
    assert COOP.recipe("other", "digits", 1) == {}


@pytest.mark.parametrize(("shots", "epochs"), [(1, 50), (3, 100), (5, 200), (32, 200), ("all", 200)])
def test_shots_between_those_of_the_paper_follow_the_next_larger(shots: int, epochs: int) -> None:
    """Three shots train as four, five as eight, and more than sixteen as sixteen."""
    assert COOP.recipe("coop", "digits", shots)["epochs"] == epochs


def test_lpclip_is_the_linear_probe_of_coop_on_other_images() -> None:
    """The numbers are the same, only the draw is another, and it knows no other method."""
    assert LPCLIP.numbers == {"linear_probe": COOP.numbers["linear_probe"]}
    assert (LPCLIP.draw, COOP.draw, COOP_IJCV2022.draw) == ("lpclip", "coop", "coop")


def test_draws_go_by_rules_that_there_are() -> None:
    """Every protocol's rule is one of the few-shot draw's."""
    assert {protocol.draw for protocol in PROTOCOLS.values()} == set(DRAW_RULES)


def test_a_cell_without_protocol_draws_as_coop() -> None:
    """A plug-in that reads no protocol learns from CoOp's images."""
    cell = Cell(dataset="digits", backbone="tiny", method="linear_probe")
    found = [draw_rule(replace(cell, protocol=name)) for name in (None, "coop", "coop_ijcv2022", "lpclip")]
    assert found == ["coop", "coop", "coop", "lpclip"]


def test_protocols_are_known_by_their_own_names() -> None:
    """The table's keys are the names."""
    assert [protocol.name for protocol in PROTOCOLS.values()] == list(PROTOCOLS)


@pytest.mark.parametrize(
    ("number", "value", "fault"),
    [
        (Number(1, 1), 1, None),
        (Number(1, 1), 0, "must be at least 1, not 0."),
        (Number(1, 1), 1.0, "must be a whole number, not 1.0."),
        (Number(1, 1), True, "must be a whole number, not True."),
        (Number(0.5, 0.0, 1.0), 1, None),
        (Number(0.5, 0.0, 1.0), 1.5, "must be at least 0 and at most 1, not 1.5."),
        (Number(0.5, 0.0, 1.0), "1", "must be a number, not '1'."),
        (Number(0.5, 0.0, 1.0), None, "must be a number, not None."),
        (Number(0.5, 0.0), float("inf"), "must be at least 0, not inf."),
        (Number(0.5, 0.0), float("nan"), "must be at least 0, not nan."),
        pytest.param(Number(1, 1), 10**400, f"must be at least 1, not {10**400}.", id="endless"),
    ],
)
def test_numbers_know_their_bounds(number: Number, value: object, fault: str | None) -> None:
    """A number says what is wrong with a value, and nothing of a good one."""
    assert number.fault(value) == fault
