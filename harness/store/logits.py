"""The logits of a cell's test images, kept beside its record: metrics can be computed from them without training.

A row is an image's logits minus their largest, in float16. Softmax does not see the difference, and float16 is
finest near zero, where the classes stand that a probability depends on.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.errors import Fault, RecordError
from harness.files import digest_bytes
from harness.matrix.schema import LogitsRule
from harness.store.record import LogitsFile, RunRecord
from harness.store.records import records_folder

# 4 MB before compression. Of the paper's data sets the largest below is stanford_cars (8,041 x 196), and the
# smallest above food101 (30,300 x 101). If all were kept, food101, sun397 and imagenet would be 95 % of the bytes.
KEPT_VALUES = 2_000_000
LOWEST = -65504.0  # float16's least number; a class that cannot be predicted at all stands here, too
_BELOW = -(2.0**-24)  # the float16 nearest to zero from below

_MEND = "Delete the record and run its cell again."


@dataclass(frozen=True, slots=True)
class KeptLogits:
    """What is kept of the test images.

    Attributes:
        shifted: (images, classes) float16; 0 at the predicted class of every image, and less at all others.
        labels: (images,) the true classes, whole numbers of a byte or two.
    """

    shifted: np.ndarray
    labels: np.ndarray


def are_kept(rule: LogitsRule, n_test: int, n_classes: int) -> bool:
    """Whether the logits of so many test images are kept: by ``auto`` where they are ``KEPT_VALUES`` at most."""
    return rule == "always" or (rule == "auto" and n_test * n_classes <= KEPT_VALUES)


def shifted(logits: np.ndarray) -> np.ndarray:
    """Each row minus its maximum, in float16; of equal maxima the first is the prediction.

    The prediction is 0 and nothing else is: what would be rounded to 0, an equal maximum included, becomes the
    negative number nearest to it, and what float16 cannot hold becomes ``LOWEST``.
    """
    with np.errstate(over="ignore"):  # the least float64 minus anything
        wide = logits.astype(np.float64)
        wide -= wide.max(axis=1, keepdims=True)
    narrow = np.clip(wide, LOWEST, _BELOW).astype(np.float16)
    np.put_along_axis(narrow, wide.argmax(axis=1, keepdims=True), np.float16(0), axis=1)
    return narrow


def packed(kept: KeptLogits) -> bytes:
    """The bytes of a compressed ``.npz`` with the arrays ``logits`` and ``labels``."""
    labels = kept.labels.astype(np.min_scalar_type(kept.shifted.shape[1] - 1))
    buffer = io.BytesIO()
    np.savez_compressed(buffer, logits=kept.shifted, labels=labels)
    return buffer.getvalue()


def logits_file(identifier: str, kept: KeptLogits, content: bytes) -> LogitsFile:
    """What the record of a cell says of its logits, whose file holds ``content``."""
    n_images, n_classes = kept.shifted.shape
    return LogitsFile(file=f"{identifier}.logits.npz", sha256=digest_bytes(content), shape=(n_images, n_classes))


def read_logits(results: Path, record: RunRecord) -> KeptLogits | None:
    """The logits that a record vouches for; ``None`` where the record has none, or their file was taken away.

    Raises:
        RecordError: the file is not the one that the record vouches for, or holds something else than it says.
    """
    if record.logits is None:
        return None
    path = records_folder(results) / record.logits.file
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RecordError(Fault(str(path), f"cannot be read: {error.strerror}.")) from None
    if digest_bytes(content) != record.logits.sha256:
        raise RecordError(
            Fault(str(path), "is damaged, or of another run: its digest is not the record's.", _MEND)
        )
    try:
        kept = _unpacked(content)
    except Exception as error:  # whatever a reader of zips and arrays raises at a strange file
        raise RecordError(Fault(str(path), f"holds no logits: {error}.", _MEND)) from None
    if kept.shifted.shape != record.logits.shape:
        what = f"holds logits of the shape {kept.shifted.shape}, and its record says {record.logits.shape}."
        raise RecordError(Fault(str(path), what, _MEND))
    return kept


def _unpacked(content: bytes) -> KeptLogits:
    """The arrays in a file, if they are what ``KeptLogits`` says.

    Raises:
        Exception: they are not, or there are none.
    """
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        kept = KeptLogits(arrays["logits"], arrays["labels"])
    logits, labels = kept.shifted, kept.labels
    if logits.dtype != np.float16 or logits.ndim != 2:
        raise ValueError(f"they are {logits.dtype} of {logits.ndim} axes")
    if labels.dtype.kind != "u" or labels.shape != logits.shape[:1]:
        raise ValueError("the labels are not one whole number an image")
    if labels.size and labels.max() >= logits.shape[1]:
        raise ValueError("a label is none of the classes")
    if not (np.isfinite(logits).all() and (logits <= 0).all() and ((logits == 0).sum(axis=1) == 1).all()):
        raise ValueError("a row is not logits minus their largest")
    return kept
