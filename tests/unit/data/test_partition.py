"""CoOp's rules for the parts that a data set comes without.

Worked out by hand from what ``random.Random(1)`` does to one list after another: five things are put in the order
2 3 4 0 1, and three after them in the order 0 2 1; three, five and seven in the orders 1 2 0, 3 4 1 0 2 and
2 4 0 1 6 5 3.
"""

from harness.data.partition import cut_in_three, hold_out_fifth
from harness.data.split import Item


def items(labels: str) -> list[Item]:
    """An image a label, its path the label and how many came before."""
    return [
        Item(f"{label}{labels[:at].count(label)}", int(label), f"class {label}") for at, label in enumerate(labels)
    ]


def paths(part: tuple[Item, ...]) -> str:
    """The paths of a part, in order."""
    return " ".join(item.path for item in part)


def test_fifth_of_every_class_is_held_out() -> None:
    """Classes in the order of first appearance; of the shuffled images the first validate, the rest train."""
    train, val = hold_out_fifth(items("727721727"))
    assert paths(train) == "73 74 70 71 22 21 10"
    assert paths(val) == "72 20"


def test_three_parts_are_cut_with_halves_rounded_to_even() -> None:
    """Of 3, 5 and 7 images 2, 2 and 4 train, where rounding up would take 3 of 5; one validates, the rest test."""
    split = cut_in_three(items("855822258552222"))
    assert paths(split.train) == "81 82 53 54 22 24 20 21"
    assert paths(split.val) == "80 51 26"
    assert paths(split.test) == "50 52 25 23"


def test_everything_is_in_one_part() -> None:
    """No image is lost or taken twice, and labels and names go with their paths."""
    everything = items("0120120011" * 3)
    split = cut_in_three(everything)
    train, val = hold_out_fifth(everything)
    assert sorted(split.train + split.val + split.test) == sorted(everything) == sorted(train + val)


def test_no_image_makes_empty_parts() -> None:
    """An empty list is not an error of the rules."""
    assert hold_out_fifth([]) == ((), ())
    assert cut_in_three([]).test == ()
