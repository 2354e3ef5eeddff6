"""Claims on cells."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.store import claims as room
from harness.store import owner
from harness.store.claims import Claimant, Claims

LEASE_S = 120.0
HOLD = """
import sys
from pathlib import Path
from harness.store.claims import Claimant
claims = Claimant(Path(sys.argv[1]))
for cell in sys.argv[2:]:
    assert claims.claim(cell) is None
print("held", flush=True)
sys.stdin.read()
"""


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    """A clock of the finder's."""
    return Clock()


@pytest.fixture
def another(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Claimant]]:
    """Claimants, each on a machine of its own, whose hearts do not beat by themselves."""
    made: list[Claimant] = []
    monkeypatch.setattr(room, "_BEATS", 1e-6)

    def make() -> Claimant:
        monkeypatch.setattr(room, "kernel_name", lambda: f"machine {len(made)}")
        made.append(Claimant(tmp_path, clock))
        return made[-1]

    yield make
    for claimant in made:
        claimant.close()


Another = Callable[[], Claimant]


def files(tmp_path: Path) -> list[str]:
    """The names of all claims."""
    folder = tmp_path / "claims" / "cells"
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def beat(claimant: Claimant, number: int) -> None:
    """Give a sign of life."""
    claimant._beat(os.open(claimant._owners / claimant._name, os.O_WRONLY), number)


def test_one_holds_and_the_other_is_told_who(tmp_path: Path, another: Another) -> None:
    """The second is refused with the first's process and host, until the first lets go."""
    one, two = another(), another()
    assert one.claim("a") is None
    owner = two.claim("a")
    assert str(owner) == f"process {os.getpid()} on {room.socket.gethostname()}"
    assert (one.holds("a"), two.holds("a")) == (True, False)
    one.release("a")
    assert two.claim("a") is None
    assert files(tmp_path) == ["a/1"]


def test_what_is_held_can_be_claimed_again(another: Another) -> None:
    """A claim of one's own is no hindrance."""
    one = another()
    assert one.claim("a") is None
    assert one.claim("a") is None
    assert one.holds("a")


def test_a_silent_owner_is_taken_over_after_its_lease(tmp_path: Path, another: Another, clock: Clock) -> None:
    """Not before: the time counts from the first look of whoever finds it silent, by a clock of the finder's."""
    one, two = another(), another()
    one.claim("a")
    assert two.claim("a") is not None
    clock.now_s += LEASE_S - 1
    assert two.claim("a") is not None
    clock.now_s += 1
    assert two.holder("a") is None
    assert two.claim("a") is None
    assert files(tmp_path) == ["a/1", "a/2"]
    two.release("a")
    assert files(tmp_path) == []


def test_an_owner_that_gives_signs_of_life_keeps_its_claims(another: Another, clock: Clock) -> None:
    """However long it takes."""
    one, two = another(), another()
    one.claim("a")
    for number in range(5):
        assert two.claim("a") is not None
        clock.now_s += LEASE_S - 1
        beat(one, number)
    assert one.holds("a")


def test_an_owner_that_wakes_up_sees_that_it_holds_no_more(tmp_path: Path, another: Another, clock: Clock) -> None:
    """It must not write its record, and letting go does not take the other's claim away."""
    one, two = another(), another()
    one.claim("a")
    two.claim("a")
    clock.now_s += LEASE_S
    two.claim("a")
    assert (one.holds("a"), two.holds("a")) == (False, True)
    one.release("a")
    assert two.holds("a")
    two.release("a")
    assert not one.holds("a")
    assert files(tmp_path) == []


def test_the_lease_is_the_owners(another: Another, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Machines that were told other leases do not take each other over too early."""
    monkeypatch.setenv("HARNESS_LEASE_S", "500")
    one = another()
    monkeypatch.setenv("HARNESS_LEASE_S", "5")
    two = another()
    one.claim("a")
    two.claim("a")
    clock.now_s += 499
    assert two.claim("a") is not None
    clock.now_s += 1
    assert two.claim("a") is None


def test_clocks_on_the_wall_do_not_matter(another: Another, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wall clock that jumps by a year, either way, makes no owner stale; nobody asks it."""
    one, two = another(), another()
    one.claim("a")
    two.claim("a")
    for jump_s in (3e7, -3e7):
        monkeypatch.setattr(time, "time", lambda jump_s=jump_s: jump_s)
        sign = one._owners / one._name
        os.utime(sign, (max(0, jump_s), max(0, jump_s)))
        assert two.claim("a") is not None


def test_of_many_finders_one_takes_over(tmp_path: Path, clock: Clock, another: Another) -> None:
    """Whoever is first, and all others are told; thirty times, with eight at once."""
    for number in range(30):
        cell = f"cell{number}"
        gone = another()
        gone.claim(cell)
        finders = [another() for _ in range(8)]
        for finder in finders:
            assert finder.claim(cell) is not None
        clock.now_s += LEASE_S
        start, results = threading.Barrier(8), [object()] * 8

        def find(
            index: int,
            finder: Claimant,
            cell: str = cell,
            start: threading.Barrier = start,
            results: list = results,
        ) -> None:
            start.wait()
            results[index] = finder.claim(cell)

        threads = [threading.Thread(target=find, args=(index, finder)) for index, finder in enumerate(finders)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results.count(None) == 1
        assert [finder.holds(cell) for finder in finders] == [result is None for result in results]


def test_a_process_that_was_killed_is_stale_at_once(tmp_path: Path) -> None:
    """On its own machine nobody waits for a lease; its number with another start is not it."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path), "a"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    holder.stdout.readline()
    claims = Claimant(tmp_path)
    owner = claims.claim("a")
    assert owner is not None
    assert owner.process == holder.pid
    holder.kill()
    holder.wait()
    holder.stdin.close()
    holder.stdout.close()
    assert claims.claim("a") is None
    sign = next(path for path in (tmp_path / "claims" / "owners").iterdir() if str(holder.pid) in path.name)
    content = json.loads(sign.read_text())
    sign.write_text(json.dumps(content | {"process": os.getpid()}))
    assert Claims(tmp_path)._is_gone(sign.name)
    claims.close()


def test_a_process_that_may_not_be_looked_at_is_not_taken_for_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where processes of other users are hidden, one of them is waited for as if it were on another machine."""

    def hidden(_: int, __: int) -> None:
        raise PermissionError

    other = Claimant(tmp_path)
    other.claim("a")
    claims = Claims(tmp_path)
    monkeypatch.setattr(owner, "started_at", lambda _: None)
    assert claims.holder("a") is None
    monkeypatch.setattr(room.os, "kill", hidden)
    assert claims.holder("a") is not None
    other.close()


def test_a_process_that_ends_in_order_leaves_nothing(tmp_path: Path) -> None:
    """Neither claims nor its sign of life."""
    claims = Claimant(tmp_path)
    for cell in "abc":
        claims.claim(cell)
    claims.close()
    assert files(tmp_path) == []
    assert list((tmp_path / "claims" / "owners").iterdir()) == []


def test_a_heart_beats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sign of life changes by itself, several times in a lease, in its place."""
    monkeypatch.setenv("HARNESS_LEASE_S", "0.2")
    claims = Claimant(tmp_path)
    claims.claim("a")
    sign = next((tmp_path / "claims" / "owners").iterdir())
    seen, node = set(), sign.stat().st_ino
    for _ in range(1000):
        seen.add(sign.read_text())
        if len(seen) > 3:
            break
        time.sleep(0.005)
    assert len(seen) > 3
    assert sign.stat().st_ino == node
    claims.close()


def test_an_unfinished_claim_counts_as_held_for_a_lease(tmp_path: Path, another: Another, clock: Clock) -> None:
    """A process may have been killed between making the file and writing its name."""
    one = another()
    one.claim("other")
    (tmp_path / "claims" / "cells" / "a").mkdir(parents=True)
    (tmp_path / "claims" / "cells" / "a/1").touch()
    owner = one.claim("a")
    assert owner is not None
    assert owner.host == "an unknown machine"
    clock.now_s += LEASE_S
    assert one.claim("a") is None
    (tmp_path / "claims" / "cells" / "b").mkdir()
    (tmp_path / "claims" / "cells" / "b/1").touch()
    assert one.claim("b") is not None


@pytest.mark.parametrize(
    "sign",
    [
        b"", b"{", b"\xff", b"[" * 100_000, b"[]", b"null", b'{"beat": "1"}',
        *(
            json.dumps({"host": "h", "kernel": "", "process": 1, "started": 1, "lease_s": 9, "beat": "1"} | wrong)
            for wrong in ({"process": "x"}, {"started": None}, {"lease_s": "soon"})
        ),
        b'{"host": "h", "kernel": "", "process": 1, "started": 1, "lease_s": NaN, "beat": "1"}',
        b'{"host": "h", "kernel": "", "process": Infinity, "started": 1, "lease_s": 9, "beat": "1"}',
    ],
)  # fmt: skip
def test_a_sign_of_life_that_cannot_be_read_is_an_unknown_owners(
    tmp_path: Path, clock: Clock, sign: bytes | str
) -> None:
    """Whatever stands there, its cell is held for the time of a lease, and free after it."""
    for place, content in {
        "cells/a/1": b"o",
        "owners/o": sign.encode() if isinstance(sign, str) else sign,
    }.items():
        (tmp_path / "claims" / place).parent.mkdir(parents=True)
        (tmp_path / "claims" / place).write_bytes(content)
    claims = Claims(tmp_path, clock)
    assert str(claims.holder("a")) == "process 0 on an unknown machine"
    clock.now_s += LEASE_S
    assert claims.holder("a") is None


def test_what_the_gone_left_is_tidied(tmp_path: Path, another: Another, clock: Clock) -> None:
    """Their claims and signs of life, and nobody else's."""
    one, two, tidier = another(), another(), another()
    one.claim("a")
    one.claim("b")
    two.claim("c")
    assert tidier.tidy() == 0
    clock.now_s += LEASE_S
    beat(two, 7)
    assert tidier.tidy() == 2
    assert files(tmp_path) == ["c/1"]
    assert {path.name for path in (tmp_path / "claims" / "owners").iterdir()} == {two._name, tidier._name}
    assert one.claim("a") is None
    assert one.holds("a")


def test_a_cleared_cell_is_free_for_all(tmp_path: Path, another: Another, clock: Clock) -> None:
    """One that found an owner gone spares all others the finding out."""
    gone, finder, other = another(), another(), another()
    gone.claim("a")
    assert finder.cleared("a") is not None
    clock.now_s += LEASE_S
    assert finder.cleared("a") is None
    assert files(tmp_path) == []
    assert finder.cleared("a") is None
    assert other.claim("a") is None
    assert not gone.holds("a")


def test_tidying_and_taking_over_at_once_leave_one_holder(
    tmp_path: Path, another: Another, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that takes over while leavings are cleared away is not forgotten: nobody finds the cell free."""
    gone, tidier, heir, third = another(), another(), another(), another()
    gone.claim("a")
    clock.now_s += 1
    assert heir.claim("a") is not None
    assert tidier.cleared("a") is not None
    clock.now_s += LEASE_S
    make = tidier._make

    def make_late(identifier: str, generation: int) -> bool:
        assert heir.claim("a") is None
        return make(identifier, generation)

    monkeypatch.setattr(tidier, "_make", make_late)
    assert tidier.cleared("a") is not None
    assert heir.holds("a")
    assert third.claim("a") is not None


def test_leavings_of_one_killed_while_letting_go_are_taken_over(
    tmp_path: Path, another: Another, clock: Clock
) -> None:
    """A generation without those below it is a claim like any other."""
    gone, heir = another(), another()
    gone.claim("a")
    (tmp_path / "claims" / "cells" / "a" / "1").rename(tmp_path / "claims" / "cells" / "a" / "7")
    assert heir.claim("a") is not None
    clock.now_s += LEASE_S
    assert heir.claim("a") is None
    assert files(tmp_path) == ["a/7", "a/8"]
    heir.release("a")
    assert files(tmp_path) == []


def test_a_claim_made_while_its_forerunner_lets_go_stays(
    another: Another, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that falls silent in the middle of letting go does not take the claim of its heir along."""
    gone, heir = another(), another()
    gone.claim("a")
    assert heir.claim("a") is not None
    holds = gone.holds

    def holds_and_falls_silent(identifier: str) -> bool:
        answer = holds(identifier)
        clock.now_s += LEASE_S
        assert heir.claim("a") is None
        return answer

    monkeypatch.setattr(gone, "holds", holds_and_falls_silent)
    gone.release("a")
    assert heir.holds("a")


def test_a_claim_that_cannot_be_read_counts_as_held_for_a_lease(
    tmp_path: Path, another: Another, clock: Clock
) -> None:
    """A colleague's file may be closed to others: nobody waits for ever, and nobody barges in."""
    one = another()
    (tmp_path / "claims" / "cells" / "a" / "1").mkdir(parents=True)
    owner = one.claim("a")
    assert owner is not None
    assert owner.host == "an unknown machine"
    assert one.holder("a") is not None
    clock.now_s += LEASE_S
    assert one.claim("a") is None
    assert one.holds("a")


def test_nothing_is_written_before_the_first_claim(tmp_path: Path) -> None:
    """Looking at claims leaves no trace."""
    claims = Claimant(tmp_path)
    assert claims.holder("a") is None
    assert claims.tidy() == 0
    claims.close()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_no_half_claim(
    tmp_path: Path, another: Another, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim is refused with the system's reason, and nobody has to wait for it."""
    one = another()
    one.claim("other")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(room.os, "write", refuse)
        with pytest.raises(OSError, match="No space left"):
            one.claim("a")
    assert files(tmp_path) == ["other/1"]
    assert not one.holds("a")
