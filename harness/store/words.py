"""The nearest words of a learned context, as they lie beside its record."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import Fault, RecordError
from harness.files import parsed_json
from harness.store.record import RunRecord
from harness.store.records import WORDS_SUFFIX, record_path

Word = tuple[str, float]  # a word of the vocabulary, and its Euclidean distance from a vector

_ANEW = "Remove the record, and `harness run` makes both again."


@dataclass(frozen=True, slots=True)
class Words:
    """The nearest words of a learned context, nearest first.

    Attributes:
        shape: of the context without its width: (n_ctx,), or (classes, n_ctx).
        nearest: one row a vector, classes outermost.
    """

    shape: tuple[int, ...]
    nearest: tuple[tuple[Word, ...], ...]


def spelled_words(shape: Sequence[int], nearest: Sequence[Sequence[Word]]) -> dict[str, Any]:
    """Words in the form that files and a worker's answers have: distances with six decimals."""
    rows = [[{"word": word, "distance": round(distance, 6)} for word, distance in row] for row in nearest]
    return {"shape": list(shape), "nearest": rows}


def words_text(shape: Sequence[int], nearest: Sequence[Sequence[Word]]) -> str:
    """What the file beside a record holds."""
    return json.dumps(spelled_words(shape, nearest), indent=1) + "\n"


def read_words(results: Path, record: RunRecord) -> Words:
    """The words that lie beside the record of a learned context.

    Raises:
        RecordError: their file is missing or damaged, or belongs to another context.
    """
    path = record_path(results, record.cell_id).with_suffix(WORDS_SUFFIX)
    try:
        content = parsed_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecordError(Fault(str(path), "is missing.", _ANEW)) from None
    except (OSError, ValueError) as error:
        raise RecordError(Fault(str(path), f"is damaged: {error}.", _ANEW)) from None
    return words_of(content, record, str(path))


def words_of(content: Mapping[str, Any], record: RunRecord, where: str) -> Words:
    """The words that ``spelled_words`` spelled, of the context that a record speaks of.

    Raises:
        RecordError: they are of another form or of another context, or the record speaks of none.
    """
    if record.context is None:
        raise RecordError(Fault(where, "stands beside the record of a cell that learned no context.", _ANEW))
    shape = record.context.shape[:-1]
    try:
        rows = tuple(
            tuple((str(each["word"]), float(each["distance"])) for each in row) for row in content["nearest"]
        )
        if list(shape) != content["shape"] or len(rows) != math.prod(shape) or not all(rows):
            raise ValueError(f"its shape is not {'x'.join(map(str, shape))}")
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise RecordError(Fault(where, f"is damaged: {error}.", _ANEW)) from None
    return Words(tuple(shape), rows)
