"""Logits beside records: what is kept, on how many bytes, and what is not believed."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.data.catalog import DATASETS
from harness.errors import RecordError
from harness.files import digest_bytes
from harness.matrix.cell import Cell
from harness.store.logits import (
    KEPT_VALUES,
    KeptLogits,
    are_kept,
    logits_file,
    packed,
    read_logits,
    shifted,
)
from harness.store.record import LogitsFile, RunRecord
from harness.store.records import read_records, write_record

MakeCell = Callable[..., Cell]
MakeRecord = Callable[..., RunRecord]

# The four test images of ``make_record``: two of class zero, two of class one, the last one wrong.
LOGITS = np.array([[2.0, 1], [5, 4], [0, 1], [3, 1]], dtype=np.float32)
KEPT = KeptLogits(shifted(LOGITS), np.array([0, 0, 1, 1]))


@pytest.fixture
def record(make_cell: MakeCell, make_record: MakeRecord, tmp_path: Path) -> RunRecord:
    """A done record with its logits, written."""
    cell, content = make_cell(), packed(KEPT)
    plain = make_record(cell)
    record = plain.model_copy(update={"logits": logits_file(plain.cell_id, KEPT, content)})
    write_record(tmp_path, record, logits=content)
    return record


def _file(tmp_path: Path, record: RunRecord) -> Path:
    return tmp_path / "records" / f"{record.cell_id}.logits.npz"


def _said(tmp_path: Path, record: RunRecord) -> str:
    with pytest.raises(RecordError) as caught:
        read_logits(tmp_path, record)
    (fault,) = caught.value.faults
    assert fault.where == str(_file(tmp_path, record))
    return fault.what


def _put(tmp_path: Path, record: RunRecord, content: bytes, shape: tuple[int, int] = (4, 2)) -> RunRecord:
    """The record, made to vouch for ``content`` whatever it is."""
    _file(tmp_path, record).write_bytes(content)
    said = LogitsFile(file=_file(tmp_path, record).name, sha256=digest_bytes(content), shape=shape)
    return record.model_copy(update={"logits": said})


def _npz(**arrays: object) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def test_logits_read_back(tmp_path: Path, record: RunRecord) -> None:
    """What was written is read as it was, labels as small whole numbers; the record says shape and digest."""
    (found,) = read_records(tmp_path).records.values()
    assert found.logits is not None
    assert found.logits.shape == (4, 2)
    kept = read_logits(tmp_path, found)
    assert kept is not None
    np.testing.assert_array_equal(kept.shifted, KEPT.shifted)
    np.testing.assert_array_equal(kept.labels, KEPT.labels)
    assert kept.labels.dtype == np.uint8


def test_labels_of_many_classes_take_two_bytes(tmp_path: Path) -> None:
    """The 257th class fits no byte."""
    content = packed(KeptLogits(shifted(np.zeros((1, 257))), np.array([256])))
    with np.load(io.BytesIO(content)) as arrays:
        assert arrays["labels"].dtype == np.uint16
        assert arrays["labels"].tolist() == [256]


def test_logits_that_were_not_kept_or_taken_away_are_none(
    tmp_path: Path, record: RunRecord, make_cell: MakeCell, make_record: MakeRecord
) -> None:
    """Neither is a fault: large test sets have none, and files may be deleted to have room."""
    assert read_logits(tmp_path, make_record(make_cell())) is None
    _file(tmp_path, record).unlink()
    assert read_logits(tmp_path, record) is None


def test_every_truncation_is_said(tmp_path: Path, record: RunRecord) -> None:
    """A file that is cut anywhere, or has a bit turned, is not the one that the record vouches for."""
    content = _file(tmp_path, record).read_bytes()
    for length in range(0, len(content), 37):
        _file(tmp_path, record).write_bytes(content[:length])
        assert _said(tmp_path, record) == "is damaged, or of another run: its digest is not the record's."
    with pytest.raises(RecordError, match="run its cell again"):
        read_logits(tmp_path, record)
    _file(tmp_path, record).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert "its digest is not the record's" in _said(tmp_path, record)


def test_a_folder_in_place_of_the_file_is_said(tmp_path: Path, record: RunRecord) -> None:
    """What cannot be read is a fault and no traceback."""
    _file(tmp_path, record).unlink()
    _file(tmp_path, record).mkdir()
    assert _said(tmp_path, record) == "cannot be read: Is a directory."


LABELS = np.zeros(4, dtype=np.uint8)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "holds no logits: "),
        (b"PK\x03\x04 but no zip", "holds no logits: "),
        (_npz(logits=KEPT.shifted), "holds no logits: 'labels is not a file in the archive'"),
        (_npz(logits=np.array([None]), labels=LABELS), "Object arrays cannot be loaded when allow_pickle=False"),
        (_npz(logits=LOGITS, labels=LABELS), "they are float32 of 2 axes"),
        (_npz(logits=KEPT.shifted[0], labels=LABELS), "they are float16 of 1 axes"),
        (_npz(logits=KEPT.shifted, labels=LABELS[:3]), "the labels are not one whole number an image"),
        (_npz(logits=KEPT.shifted, labels=LABELS.astype(np.float32)), "not one whole number an image"),
        (_npz(logits=KEPT.shifted, labels=LABELS + np.uint8(2)), "a label is none of the classes"),
        (_npz(logits=KEPT.shifted - np.float16(1), labels=LABELS), "a row is not logits minus their largest"),
        (_npz(logits=KEPT.shifted * np.float16(0), labels=LABELS), "a row is not logits minus their largest"),
        (_npz(logits=KEPT.shifted * np.float16("nan"), labels=LABELS), "a row is not logits minus their largest"),
        (_npz(logits=-KEPT.shifted, labels=LABELS), "a row is not logits minus their largest"),
        (_npz(logits=-KEPT.shifted / np.float16(8), labels=LABELS), "a row is not logits minus their largest"),
    ],
)
def test_files_of_another_form_are_said(tmp_path: Path, record: RunRecord, content: bytes, said: str) -> None:
    """Even where a record vouches for it, what is no logits is not taken for logits, and no pickle is opened."""
    assert said in _said(tmp_path, _put(tmp_path, record, content))


def test_logits_of_many_classes_are_read(tmp_path: Path, make_cell: MakeCell, make_record: MakeRecord) -> None:
    """One number of a row is zero, however many there are."""
    kept = KeptLogits(shifted(np.eye(4, 5, dtype=np.float32)), np.arange(4, dtype=np.uint8))
    (tmp_path / "records").mkdir()
    record = _put(tmp_path, make_record(make_cell()), packed(kept), shape=(4, 5))
    read = read_logits(tmp_path, record)
    assert read is not None
    np.testing.assert_array_equal(read.shifted, kept.shifted)


@pytest.mark.parametrize(("n_classes", "dtype"), [(2, "uint8"), (256, "uint8"), (257, "uint16")])
def test_labels_take_no_more_bytes_than_they_need(n_classes: int, dtype: str) -> None:
    """The last class has the largest label."""
    kept = KeptLogits(shifted(np.eye(1, n_classes, dtype=np.float32)), np.array([n_classes - 1]))
    with np.load(io.BytesIO(packed(kept))) as arrays:
        assert (arrays["labels"].dtype, arrays["labels"].tolist()) == (dtype, [n_classes - 1])


def test_logits_that_are_too_far_apart_for_half_precision_are_its_least_number() -> None:
    """Never infinity, with which no probability can be reckoned."""
    assert shifted(np.array([[0.0, 1e9, 1e9 - 1]])).tolist() == [[-65504.0, 0.0, -1.0]]


def test_another_shape_than_the_record_says_is_said(tmp_path: Path, record: RunRecord) -> None:
    """A file of fewer images is not used in part."""
    content = packed(KeptLogits(KEPT.shifted[:3], KEPT.labels[:3]))
    assert "holds logits of the shape (3, 2), and its record says (4, 2)." in _said(
        tmp_path, _put(tmp_path, record, content)
    )


def test_a_record_that_says_another_shape_is_broken(make_cell: MakeCell, make_record: MakeRecord) -> None:
    """A record contradicts itself when its logits are not of its test images and classes."""
    said = {"file": "x", "sha256": "0", "shape": (4, 3)}
    with pytest.raises(ValueError, match="the shape of logits is not that of"):
        make_record(make_cell(), logits=said)


def test_logits_are_written_before_the_record(
    tmp_path: Path, make_cell: MakeCell, make_record: MakeRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the record cannot be written there is none, so that it vouches for the files beside it."""
    record = make_record(make_cell())
    monkeypatch.setattr("harness.store.records.json.dumps", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_record(tmp_path, record, logits=packed(KEPT))
    assert [path.name.partition(".")[2] for path in (tmp_path / "records").iterdir()] == ["logits.npz"]
    assert read_records(tmp_path, [record.cell_id]).records == {}


def test_logits_that_a_new_record_does_not_speak_of_are_removed(
    tmp_path: Path, record: RunRecord, make_cell: MakeCell, make_record: MakeRecord
) -> None:
    """A cell that runs again without keeping its logits leaves none of an earlier run."""
    write_record(tmp_path, make_record(make_cell()))
    assert not _file(tmp_path, record).exists()


def test_small_test_sets_are_kept_by_default() -> None:
    """Of the paper's data sets all but food101, sun397 and imagenet, and so are all shifts of the digits."""
    sizes = {name: (row.n_images[2], row.n_classes) for name, row in DATASETS.items() if row.n_images}
    off = {name for name, (n_test, n_classes) in sizes.items() if not are_kept("auto", n_test, n_classes or 0)}
    shifts = {"imagenetv2", "imagenet_sketch", "imagenet_r"}
    assert off == {"food101", "sun397", "imagenet"} | shifts


def test_a_rule_beats_the_size() -> None:
    """``always`` keeps ImageNet's fifty million numbers, and ``never`` not even four."""
    assert are_kept("always", 50_000, 1000)
    assert not are_kept("never", 2, 2)
    assert (are_kept("auto", KEPT_VALUES, 1), are_kept("auto", KEPT_VALUES + 1, 1)) == (True, False)


def test_a_file_takes_no_more_than_two_bytes_a_number() -> None:
    """The bound on a file: KEPT_VALUES numbers of two bytes, a label an image, and a kilobyte for the form.

    Numbers that cannot be compressed are the worst case.
    """
    generator = np.random.default_rng(1)
    logits = generator.normal(0, 1e3, (2000, 100))
    content = packed(KeptLogits(shifted(logits), generator.integers(0, 100, 2000)))
    assert len(content) <= 2 * logits.size + 2000 + 1024
