"""A tracker that can be asked what it was shown."""

from harness.tracking.tracker import TrackedMatrix, TrackedRun


class MemoryTracker:
    """Keeps what it was shown, by id."""

    at_once = 1

    def __init__(self, destination: str = "memory") -> None:
        """Nothing shown yet."""
        self.destination = destination
        self.shown: dict[str, TrackedRun] = {}
        self.matrices: dict[str, TrackedMatrix] = {}

    def holds(self, identifier: str) -> bool:
        """Whether it was shown."""
        return identifier in self.shown or identifier in self.matrices

    def mirror(self, run: TrackedRun) -> None:
        """Keep the run."""
        self.shown[run.id] = run

    def summarize(self, matrix: TrackedMatrix) -> None:
        """Keep the matrix."""
        self.matrices[matrix.id] = matrix

    def close(self) -> None:
        """Do nothing."""
