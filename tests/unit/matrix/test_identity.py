"""Ids of cells for machines, and names for people."""

from collections.abc import Callable
from typing import Any

import pytest

from harness.matrix.cell import CELL_KEYS, Cell
from harness.matrix.identity import cell_id, display_names

# A change of these digits orphans every record that anybody has: raise the schema version with it.
COOP_FLAT: dict[str, Any] = {
    "dataset": "digits", "evaluate_on": None, "classes": "all", "backbone": "tiny", "precision": "fp32",
    "method": "coop", "protocol": "coop",
    "recipe": {
        "epochs": 50, "batch_size": 32, "lr": 0.002, "momentum": 0.9, "weight_decay": 0.0005,
        "warmup_epochs": 1, "warmup_lr": 1e-05, "init_std": 0.02,
    },
    "shots": 1, "seed": 1, "views": "live", "template": None, "context": "unified", "n_ctx": 16,
    "class_token_position": "end", "ctx_init": None,
}  # fmt: skip
COOP_ID = "3bbe29a460af457ee0b1"
ZERO_SHOT_ID = "b72f61c21d0d2faecab0"

CHANGES: dict[str, Any] = {
    "dataset": "dtd", "evaluate_on": "dtd", "classes": "base", "backbone": "RN50:openai", "precision": "fp16",
    "method": "other", "protocol": "other", "recipe": {"epochs": 51}, "shots": 2, "seed": 2, "views": 0,
    "template": "a {}.", "context": "class_specific", "n_ctx": 4, "class_token_position": "middle",
    "ctx_init": "a photo of a",
}  # fmt: skip


def test_id_of_a_coop_cell_is_pinned() -> None:
    """The id of a literal cell never changes."""
    assert cell_id(Cell.from_dict(COOP_FLAT)) == COOP_ID


def test_id_of_a_zero_shot_cell_is_pinned(make_cell: Callable[..., Cell]) -> None:
    """The id of a literal cell without recipe never changes."""
    assert cell_id(make_cell(method="zero_shot")) == ZERO_SHOT_ID


def test_id_does_not_depend_on_the_order_of_keys() -> None:
    """A cell whose keys and recipe are written backwards has the same id."""
    backwards = dict(reversed(COOP_FLAT.items()))
    backwards["recipe"] = dict(reversed(COOP_FLAT["recipe"].items()))
    assert cell_id(Cell.from_dict(backwards)) == COOP_ID


def test_id_does_not_depend_on_the_order_of_plugin_axes() -> None:
    """Axes of a plug-in count by their names, not by their order."""
    one, other = COOP_FLAT | {"a": 1, "b": 2}, COOP_FLAT | {"b": 2, "a": 1}
    assert cell_id(Cell.from_dict(one)) == cell_id(Cell.from_dict(other))


def test_every_key_is_changed_below() -> None:
    """The changes that are tried cover all keys of a cell."""
    assert set(CHANGES) == set(CELL_KEYS)


@pytest.mark.parametrize("key", CHANGES)
def test_every_axis_changes_the_id(key: str) -> None:
    """A cell that differs in one axis has another id."""
    assert cell_id(Cell.from_dict(COOP_FLAT | {key: CHANGES[key]})) != COOP_ID


@pytest.mark.parametrize("number", COOP_FLAT["recipe"])
def test_every_number_of_the_recipe_changes_the_id(number: str) -> None:
    """A cell that differs in one number of its recipe has another id."""
    recipe = COOP_FLAT["recipe"] | {number: COOP_FLAT["recipe"][number] * 2}
    assert cell_id(Cell.from_dict(COOP_FLAT | {"recipe": recipe})) != COOP_ID


def test_plugin_axis_changes_the_id() -> None:
    """A further key is part of identity."""
    assert cell_id(Cell.from_dict(COOP_FLAT | {"depth": 3})) != COOP_ID


def names(*cells: Cell) -> list[str]:
    """The display names of cells, in their order."""
    found = display_names(cells)
    return [found[cell_id(cell)] for cell in cells]


def test_name_of_a_single_cell_is_its_method(make_cell: Callable[..., Cell]) -> None:
    """Where nothing differs the method alone is the name."""
    assert names(make_cell()) == ["coop"]


def test_names_say_what_differs(make_cell: Callable[..., Cell]) -> None:
    """Axes that differ are named, axes that are the same everywhere are not."""
    cells = [make_cell(shots=shots, seed=seed) for shots in (1, 2) for seed in (1, 2)]
    assert names(*cells) == [
        "coop 1-shot seed=1",
        "coop 1-shot seed=2",
        "coop 2-shot seed=1",
        "coop 2-shot seed=2",
    ]


def test_names_read_from_coarse_to_fine(make_cell: Callable[..., Cell]) -> None:
    """Backbone and data set come first, then the variant, then shots."""
    one = make_cell()
    other = make_cell(
        backbone="RN50:openai",
        dataset="dtd",
        context="class_specific",
        n_ctx=4,
        class_token_position="front",
        shots=2,
    )
    assert names(one, other) == [
        "tiny digits coop unified n_ctx=16 end 1-shot",
        "RN50:openai dtd coop class_specific n_ctx=4 front 2-shot",
    ]


def test_missing_axis_is_no_difference(make_cell: Callable[..., Cell]) -> None:
    """Beside zero-shot, which has neither seed nor context, CoOp's single seed and context are not named."""
    assert names(make_cell(method="zero_shot"), make_cell()) == ["zero_shot", "coop"]


def test_names_say_nothing_of_axes_that_a_method_does_not_read(make_cell: Callable[..., Cell]) -> None:
    """Beside CoOp's shots and zero-shot's templates, each is named by its own axes alone."""
    zero_shot = [make_cell(method="zero_shot", template=template) for template in ("a {}.", "one {}.")]
    assert names(*zero_shot, make_cell(shots=1), make_cell(shots=2)) == [
        "zero_shot a {}.",
        "zero_shot one {}.",
        "coop 1-shot",
        "coop 2-shot",
    ]


@pytest.mark.parametrize("axis", ["dataset", "evaluate_on", "backbone"])
def test_place_is_named_where_each_method_has_one_of_its_own(make_cell: Callable[..., Cell], axis: str) -> None:
    """Numbers of different places must not look as if they could be compared."""
    one, other = names(make_cell(method="zero_shot", **{axis: "dtd"}), make_cell(**{axis: "eurosat"}))
    assert "dtd" in one
    assert "eurosat" in other


def test_epochs_that_follow_from_shots_are_not_named(make_cell: Callable[..., Cell]) -> None:
    """One and two shots train for 50 and 100 epochs by protocol, which is no difference of its own."""
    assert names(make_cell(shots=1), make_cell(shots=2)) == ["coop 1-shot", "coop 2-shot"]


def test_numbers_of_a_recipe_are_named_when_they_differ(make_cell: Callable[..., Cell]) -> None:
    """Two learning rates are told apart."""
    recipe = make_cell().recipe_dict()
    assert names(make_cell(), make_cell(recipe=recipe | {"lr": 0.01})) == ["coop lr=0.002", "coop lr=0.01"]


def test_initial_words_are_named(make_cell: Callable[..., Cell]) -> None:
    """Random and word initialisation are told apart."""
    assert names(make_cell(), make_cell(ctx_init="a photo of a", n_ctx=4)) == [
        "coop n_ctx=16 init=random",
        "coop n_ctx=4 init='a photo of a'",
    ]


def test_names_are_unique(make_cell: Callable[..., Cell]) -> None:
    """Different cells have different names."""
    cells = [make_cell(shots=shots, context=context) for shots in (1, "all") for context in ("unified", "other")]
    assert len(set(names(*cells))) == len(cells)
