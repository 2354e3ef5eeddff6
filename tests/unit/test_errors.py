"""Faults, errors and guesses."""

import pytest

from harness import errors
from harness.errors import Fault, HarnessError, MatrixError, did_you_mean


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault("here", "is wrong."), "here: is wrong."),
        (Fault("here", "is wrong.", "Mend it."), "here: is wrong. Mend it."),
        (Fault("", "is wrong."), "is wrong."),
    ],
)
def test_fault_says_where_what_and_how_to_mend(fault: Fault, text: str) -> None:
    """A fault is one line."""
    assert str(fault) == text


def test_fault_can_be_printed_whatever_it_names() -> None:
    """A path that is no UTF-8 is shown with its bytes."""
    assert str(Fault("a\udcff.yaml", "is wrong.")) == r"a\udcff.yaml: is wrong."


@pytest.mark.parametrize(
    "given", ["is wrong.", Fault("", "is wrong."), [Fault("", "is wrong.")], iter([Fault("", "is wrong.")])]
)
def test_error_takes_one_fault_or_many(given: object) -> None:
    """Text, a fault and several faults are all kept as a tuple of faults."""
    assert HarnessError(given).faults == (Fault("", "is wrong."),)  # type: ignore[arg-type]


def test_error_prints_a_line_a_fault() -> None:
    """The message of an error is all of its faults."""
    assert str(MatrixError([Fault("a", "x."), Fault("b", "y.")])) == "a: x.\nb: y."


@pytest.mark.parametrize(
    "name", ["MatrixError", "DataError", "BackboneError", "PromptError", "RecordError", "RunError"]
)
def test_errors_are_one_tree(name: str) -> None:
    """The command line catches every kind by its root."""
    assert issubclass(getattr(errors, name), HarnessError)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("shot", "Did you mean 'shots'? Known: shots, seeds."),
        ("zzz", "Known: shots, seeds."),
        (7, "Known: shots, seeds."),
        (None, "Known: shots, seeds."),
    ],
)
def test_guess_names_the_nearest_word(name: object, sentence: str) -> None:
    """A near word is guessed, a far one is not, and all known words are listed."""
    assert did_you_mean(name, ("shots", "seeds")) == sentence
