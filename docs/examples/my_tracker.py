"""A tracker that keeps one row a cell in an SQLite file: `SELECT dataset, method, shots, accuracy FROM runs`."""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from harness.tracking.table import TrackerRow
from harness.tracking.tracker import Opening, TrackedMatrix, TrackedRun

SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    id TEXT PRIMARY KEY, name TEXT, dataset TEXT, method TEXT, shots TEXT, seed INTEGER, accuracy REAL,
    summary TEXT, config TEXT
);
CREATE TABLE IF NOT EXISTS points (id TEXT, place INTEGER, content TEXT, PRIMARY KEY (id, place));
"""


class Options(BaseModel):
    """What `tracking: {sqlite: {...}}` may say."""

    model_config = ConfigDict(extra="forbid")

    file: str = "runs.sqlite"  # below the folder of the matrix


class SqliteTracker:
    at_once = 1

    def __init__(self, options: Options, opening: Opening) -> None:
        self.path = opening.folder / options.file
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.connected() as connection:
            connection.executescript(SCHEMA)

    @property
    def destination(self) -> str:
        return f"sqlite {self.path.name}"  # its name only: results may be moved

    @contextmanager
    def connected(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=30)) as connection, connection:
            yield connection

    def holds(self, identifier: str) -> bool:
        with self.connected() as connection:
            return bool(connection.execute("SELECT 1 FROM runs WHERE id = ?", (identifier,)).fetchone())

    def mirror(self, run: TrackedRun) -> None:
        cell = run.config
        words = [str(cell.get(key)) for key in ("dataset", "method", "shots")]
        row = (run.id, run.name, *words, cell.get("seed"), run.summary.get("accuracy"), run.summary, run.config)
        self.show(row, run.history)

    def summarize(self, matrix: TrackedMatrix) -> None:
        row = (matrix.id, matrix.name, None, None, None, None, None, matrix.summary, matrix.config)
        self.show(row, matrix.progress)

    def show(self, row: tuple[Any, ...], points: Sequence[Mapping[str, float]]) -> None:
        """Put a run in the place of what was shown of it before."""
        *plain, summary, config = row
        with self.connected() as connection:
            connection.execute("DELETE FROM points WHERE id = ?", (row[0],))
            values = (*plain, json.dumps(dict(summary)), json.dumps(dict(config)))
            connection.execute("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
            numbered = [(row[0], place, json.dumps(dict(point))) for place, point in enumerate(points)]
            connection.executemany("INSERT INTO points VALUES (?, ?, ?)", numbered)

    def close(self) -> None:
        """Nothing is held between two runs."""


TRACKERS = {"sqlite": TrackerRow(":SqliteTracker", options=Options)}


def read(folder: Path) -> dict[str, tuple[int, dict[str, Any]]]:
    """What a file shows, by run id: the number of its points and its summary."""
    with closing(sqlite3.connect(folder / "runs.sqlite")) as connection:
        rows = connection.execute("SELECT id, summary FROM runs").fetchall()
        points = dict(connection.execute("SELECT id, count(*) FROM points GROUP BY id").fetchall())
    return {key: (points.get(key, 0), json.loads(summary)) for key, summary in rows}
