"""``harness data draw --rule``."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from harness.data.digits import digits_split
from harness.data.few_shot import few_shot_subset
from harness.data.split import items_lines

Harness = Callable[..., Any]


@pytest.mark.parametrize("rule", ["coop", "lpclip"])
@pytest.mark.parametrize("part", ["train", "val"])
def test_images_of_either_rule_are_printed(harness: Harness, rule: str, part: str) -> None:
    """The draw of CoOp, and that of its linear probe, each with the fingerprint of what is printed."""
    arguments = () if rule == "coop" else ("--rule", rule)
    answer = harness("data", "draw", "digits", "--shots", 2, "--seed", 1, "--part", part, *arguments)
    split = digits_split()
    subset = few_shot_subset(split, 2, 1, rule)
    items = subset.train_items(split) if part == "train" else subset.val_items(split)
    assert (answer.code, answer.out) == (0, items_lines(items))
    assert hashlib.sha256(answer.out.encode()).hexdigest() in answer.err


def test_rules_that_there_are_not_are_said(harness: Harness) -> None:
    """An unknown rule is bad input."""
    answer = harness("data", "draw", "digits", "--shots", 2, "--seed", 1, "--rule", "dassl")
    assert (answer.code, answer.out) == (2, "")
    assert "--rule: must be coop or lpclip, not 'dassl'." in answer.err
