"""open_clip's tables, read without importing it."""

from pathlib import Path

import open_clip
import pytest
from open_clip.pretrained import get_pretrained_cfg

from harness.backbone import published
from harness.backbone.published import architectures, nearest, openai_digests, published_weights
from harness.errors import BackboneError


def test_tags_are_those_of_open_clip() -> None:
    """What is read off the file is what open_clip itself knows, tag by tag."""
    tables = published_weights()
    assert [(name, tag) for name, rows in tables.items() for tag in rows] == open_clip.list_pretrained()
    for name, tag in open_clip.list_pretrained():
        row, known = tables[name][tag], get_pretrained_cfg(name, tag)
        assert {key: getattr(row, key) for key in ("url", "mean", "std", "interpolation", "resize_mode")} == {
            key: known[key] for key in ("url", "mean", "std", "interpolation", "resize_mode")
        }
        assert row.quick_gelu == known.get("quick_gelu", False)
        assert known["hf_hub"] in (f"{row.repository}/", f"{row.repository}/{row.filenames[1]}")


def test_architectures_are_those_of_open_clip() -> None:
    """Names and configurations are open_clip's."""
    assert set(architectures()) == set(open_clip.list_models())
    assert architectures()["ViT-B-16"] == open_clip.get_model_config("ViT-B-16")


def test_digests_are_the_ones_in_openais_addresses() -> None:
    """Nine files, each with a whole SHA-256, ViT-B/32's among them."""
    assert len(openai_digests()) == 9
    assert {len(digest) for digest in openai_digests()} == {64}
    row = published_weights()["ViT-B-32"]["openai"]
    assert row.openai_digest in row.url
    assert row.openai_digest in openai_digests()
    assert published_weights()["ViT-B-16"]["laion2b_s34b_b88k"].openai_digest is None


def test_nothing_of_the_file_is_executed(mini: Path, tmp_path: Path) -> None:
    """Statements that are no table are passed over."""
    table = mini / "pretrained.py"
    table.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nX = open('x')\n" + table.read_text())
    published._weights.cache_clear()
    assert list(published_weights()["ViT-mini"]) == ["openai", "laion", "wide"]
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", ["", "_PRETRAINED = load()", "_PRETRAINED = {'a': {'b': {'url': ''}}}"])
def test_table_in_another_form_is_said(mini: Path, content: str) -> None:
    """A version of open_clip that writes its table otherwise is an error that says what to install."""
    (mini / "pretrained.py").write_text(content)
    published._weights.cache_clear()
    with pytest.raises(
        BackboneError, match=r"open_clip: its table .* cannot be read: .* Install open_clip_torch 3"
    ):
        published_weights()


def test_missing_open_clip_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package there is a sentence that says what to install."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(BackboneError, match="pip install open_clip_torch"):
        architectures()


def test_nearest_names_look_past_case_and_hyphens() -> None:
    """The known spelling is given for one that open_clip, too, would take for it."""
    assert nearest("Laion2B-s34B-b88K", ["laion2b_s34b_b88k", "openai"]) == "Nearest: laion2b_s34b_b88k. "
    assert nearest("zzz", ["openai"]) == ""
