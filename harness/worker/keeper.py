"""What a worker process keeps from job to job."""

from functools import cached_property
from pathlib import Path

from harness.store.claims import Claimant
from harness.store.provenance import git_state
from harness.worker.stopping import Stopping


class Keeper:
    """The ways out of this process, the state of its code, and its claims on cells."""

    def __init__(self, stopping: Stopping) -> None:
        """Nothing is claimed yet."""
        self.stopping = stopping
        self._claims: dict[Path, Claimant] = {}

    def claims(self, results: Path) -> Claimant:
        """The claims of this process in a results folder."""
        if results not in self._claims:
            self._claims[results] = Claimant(results)
        return self._claims[results]

    @cached_property
    def git(self) -> tuple[str | None, bool | None]:
        """Commit of the code, and whether it was changed, as it was when the process began its work."""
        return git_state()

    def close(self) -> None:
        """Let go of all claims."""
        for claims in self._claims.values():
            claims.close()
