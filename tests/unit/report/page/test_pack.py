"""Numbers in few letters, and JSON inside a script element."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.page.pack import column, script_json, steps, whole_numbers

DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def unpacked(text: str) -> list[int]:
    """What ``wholeNumbers`` of unpack.js reads."""
    found, value, shift = [], 0, 1
    for letter in text:
        digit = DIGITS.index(letter)
        value += (digit & 31) * shift
        shift *= 32
        if not digit & 32:
            found.append(value)
            value, shift = 0, 1
    return found


@given(st.lists(st.integers(0, 2**53 - 1)))
def test_whole_numbers_come_back(values: list[int]) -> None:
    """Every list of whole numbers that JavaScript can hold is read as it was packed."""
    assert unpacked(whole_numbers(values)) == values


@given(st.lists(st.integers(-(2**51), 2**51)))
def test_steps_come_back(values: list[int]) -> None:
    """Adding up the steps gives the numbers, whatever their signs."""
    total, found = 0, []
    for turn in unpacked(steps(values)):
        total += -(turn + 1) // 2 if turn % 2 else turn // 2
        found.append(total)
    assert found == values


def test_small_numbers_take_one_letter() -> None:
    """Below 32 a number is one letter, below 1,024 two: the counts of a class are that small."""
    assert [len(whole_numbers([value])) for value in (0, 31, 32, 1023, 1024)] == [1, 1, 2, 2, 3]


def test_negative_numbers_are_refused() -> None:
    """A count below nothing is a defect, not a letter."""
    with pytest.raises(ValueError, match="-1 is negative"):
        whole_numbers([1, -1])


def test_column_keeps_equal_values_once() -> None:
    """Values come back in order, and what only compares as equal is told apart."""
    values = ["a", None, "a", 1, True, 1.0, [1, 2], [1, 2], "a"]
    packed = column(values)
    found = [packed["v"][place] for place in unpacked(packed["i"])]
    assert [repr(value) for value in found] == [repr(value) for value in values]
    assert len(packed["v"]) == 6


@pytest.mark.parametrize("text", ["</script>", "<!--", "<script", "]]>", "&lt;", "\u2028\u2029", "日本", '"\\'])
def test_script_json_cannot_leave_its_element(text: str) -> None:
    """JSON in a script element has no letter that HTML looks for, and says the same."""
    written = script_json({text: [text]})
    assert not set("<>&\u2028\u2029") & set(written)
    assert written.isascii()
    assert json.loads(written) == {text: [text]}
