"""What is remembered of what was shown."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from harness.tracking.ledger import Ledger, results_identity


def test_what_was_shown_is_known_at_its_destination_only(tmp_path: Path) -> None:
    """The digest that was shown last counts, for the destination that it was shown at, in the next process too."""
    ledger = Ledger(tmp_path, "here")
    assert not ledger.has("a", "1")
    ledger.add("a", "1")
    ledger.add("a", "2")
    for known in (ledger, Ledger(tmp_path, "here")):
        assert (known.has("a", "1"), known.has("a", "2"), known.has("b", "2")) == (False, True, False)
    assert not Ledger(tmp_path, "there").has("a", "2")


@pytest.mark.parametrize(
    "torn", ["{", '{"to": "here", "run": "b"}\n', "[]\n", "\ufffd\n", "[" * 100_000, '{"to": "here", "ru']
)
def test_a_torn_line_costs_only_itself(tmp_path: Path, torn: str) -> None:
    """What stands in whole lines before and after it is known."""
    Ledger(tmp_path, "here").add("a", "1")
    with (tmp_path / "tracking" / "sent.jsonl").open("a") as file:
        file.write(torn.removesuffix("\n") + "\n")
    Ledger(tmp_path, "here").add("c", "3")
    ledger = Ledger(tmp_path, "here")
    assert (ledger.has("a", "1"), ledger.has("b", "1"), ledger.has("c", "3")) == (True, False, True)


def test_several_processes_write_side_by_side(tmp_path: Path) -> None:
    """Two ledgers that were opened empty know of each other what was added since."""
    one, other = Ledger(tmp_path, "here"), Ledger(tmp_path, "here")
    one.add("a", "1")
    assert other.has("a", "1")
    other.add("b", "2")
    assert (one.has("a", "1"), one.has("b", "2"), one.has("b", "1")) == (True, True, False)


def test_a_run_is_shown_by_one_process_at_a_time(tmp_path: Path) -> None:
    """Whoever has the turn of a run keeps others waiting; another run's turn is free."""
    one, other = Ledger(tmp_path, "here"), Ledger(tmp_path, "here")
    order: list[str] = []

    def wait() -> None:
        with other.turn("a"):
            order.append("other")

    waiting = threading.Thread(target=wait)
    with one.turn("a"):
        waiting.start()
        with other.turn("b"):
            pass
        time.sleep(0.2)
        order.append("one")
    waiting.join()
    assert order == ["one", "other"]


def test_a_results_folder_keeps_its_identity(tmp_path: Path) -> None:
    """It is drawn once, goes along when the folder is moved, and differs from that of another folder."""
    first = results_identity(tmp_path / "one")
    assert (len(first), results_identity(tmp_path / "one")) == (12, first)
    (tmp_path / "one").rename(tmp_path / "moved")
    assert results_identity(tmp_path / "moved") == first
    assert results_identity(tmp_path / "two") != first
