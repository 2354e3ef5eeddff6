"""The feature cache."""

import os
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.features.cache import cache_use, cached, clear_cache, features_folder, limit_bytes
from harness.features.key import FeatureKey

KEY = FeatureKey("w", "fp32", 32, (0.5,), (0.5,), "i", None, "centre", "cpu", (("torch", "2"),), "a")
TABLE = np.arange(12, dtype=np.float32).reshape(4, 3)


def _never() -> np.ndarray:
    raise AssertionError("a cached table was made again")


def _silent(text: str) -> None:
    raise AssertionError(text)


def test_a_table_is_made_once() -> None:
    """The second asking reads what the first one kept."""
    cached(KEY, lambda: TABLE, _silent)
    assert np.array_equal(cached(KEY, _never, _silent), TABLE)
    assert cache_use().n_tables == 1


@pytest.mark.parametrize("name", [field.name for field in fields(FeatureKey)])
def test_every_input_is_part_of_the_key(name: str) -> None:
    """A key that differs in any one input has another digest."""
    value = getattr(KEY, name)
    other = {str: "another", int: 7, tuple: (), type(None): "another"}[type(value)]
    assert replace(KEY, **{name: other}).digest() != KEY.digest()


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "junk"])
def test_a_damaged_table_is_made_again_and_said(damage: str) -> None:
    """A file that is not what was written is never used."""
    cached(KEY, lambda: TABLE, _silent)
    (file,) = features_folder().glob("*.safetensors")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(
        {"flip": bytes(content), "truncate": bytes(content[:-5]), "empty": b"", "junk": b"x" * 99}[damage]
    )
    said: list[str] = []
    assert np.array_equal(cached(KEY, lambda: TABLE + 1, said.append), TABLE + 1)
    assert len(said) == 1
    assert "damaged" in said[0]
    assert np.array_equal(cached(KEY, _never, _silent), TABLE + 1)


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the bound is passed the table that was not used for longest goes."""
    monkeypatch.setenv("HARNESS_CACHE_GB", "0.0000005")  # 500 bytes: two tables and their headers
    keys = [replace(KEY, items_digest=str(number)) for number in range(3)]
    for age, key in enumerate(keys):
        cached(key, lambda: TABLE, _silent)
        file = features_folder() / f"{key.digest()}.safetensors"
        os.utime(file, (1000 + age, 1000 + age))
    assert not (features_folder() / f"{keys[0].digest()}.safetensors").exists()
    assert (features_folder() / f"{keys[2].digest()}.safetensors").exists()
    assert cache_use().size_bytes <= cache_use().limit_bytes


def test_a_cache_that_cannot_be_written_costs_only_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Features are returned, and that they are not kept is said."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("HARNESS_CACHE", str(blocked))
    said: list[str] = []
    assert np.array_equal(cached(KEY, lambda: TABLE, said.append), TABLE)
    assert len(said) == 1
    assert "not kept" in said[0]


def test_clearing_removes_everything() -> None:
    """Afterwards nothing is left, and what was there is told."""
    cached(KEY, lambda: TABLE, _silent)
    assert clear_cache().n_tables == 1
    assert cache_use().n_tables == 0


@pytest.mark.parametrize("written", ["much", "-1", "nan", "inf"])
def test_a_bound_that_is_no_number_is_said(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    """The variable is named, with what it may be."""
    monkeypatch.setenv("HARNESS_CACHE_GB", written)
    with pytest.raises(
        HarnessError,
        match=f"HARNESS_CACHE_GB: must be a number of gigabytes, 0 or more, such as 20, not '{written}'",
    ):
        limit_bytes()
