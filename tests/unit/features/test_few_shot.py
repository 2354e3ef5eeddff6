"""Features of a few-shot draw."""

import pytest
import torch

from harness.backbone.clip import Clip
from harness.data.augmentation import SmallAffine
from harness.data.digits import digit_image
from harness.features import few_shot as room
from harness.features.few_shot import FewShotFeatures

GENTLE = SmallAffine(10, 0.08, (0.9, 1.1))


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four views of the three images are encoded together."""
    monkeypatch.setattr(room, "_BLOCK_IMAGES", 12)


@pytest.fixture
def few_shot(tiny: Clip) -> FewShotFeatures:
    """Three digits."""
    return _features(tiny)


def _features(clip: Clip, names: tuple[object, ...] = ("split", 1, 1)) -> FewShotFeatures:
    images = [digit_image(f"digit_{number:04d}") for number in range(3)]
    return FewShotFeatures(
        clip, GENTLE, names, (images, torch.tensor([0, 1, 2])), val=lambda: pytest.fail("asked")
    )


def test_live_views_differ_from_epoch_to_epoch(few_shot: FewShotFeatures) -> None:
    """Every epoch sees other features of the same images."""
    assert not torch.equal(few_shot.view("live", 0), few_shot.view("live", 1))


def test_views_depend_on_their_names_alone(tiny: Clip) -> None:
    """The same names give the same features to the bit, also when epochs are asked for out of order."""
    one, other = _features(tiny), _features(tiny)
    later = other.view("live", 9)
    assert torch.equal(one.view("live", 0), other.view("live", 0))
    assert torch.equal(later, other.view("live", 9))
    assert not torch.equal(one.view("live", 0), _features(tiny, ("split", 1, 2)).view("live", 0))


def test_encoding_ahead_changes_nothing(tiny: Clip) -> None:
    """A caller that says how many epochs it wants gets the same features as one that does not."""
    ahead, plain = _features(tiny), _features(tiny)
    n_epochs = 10  # more than two blocks of four views
    for epoch in (0, 3, 4, 9):
        assert torch.equal(ahead.view("live", epoch, n_epochs), plain.view("live", epoch))


def test_a_view_that_cannot_be_encoded_fails_every_caller(tiny: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error of the thread that encodes ahead reaches those who wait for it."""
    features = _features(tiny)

    def broken(*_: object) -> torch.Tensor:
        raise OSError("unreadable")

    monkeypatch.setattr(room, "encode_views", broken)
    for _ in range(2):
        with pytest.raises(OSError, match="unreadable"):
            features.view("live", 0, 10)


def test_fixed_views_repeat(few_shot: FewShotFeatures) -> None:
    """With k views epoch k sees the first one again."""
    assert torch.equal(few_shot.view(2, 0), few_shot.view(2, 2))
    assert not torch.equal(few_shot.view(2, 0), few_shot.view(2, 1))


def test_no_views_are_the_centre_crop(few_shot: FewShotFeatures) -> None:
    """With views 0 every epoch sees the centre crops."""
    assert torch.equal(few_shot.view(0, 0), few_shot.centre())
    assert torch.equal(few_shot.view(0, 7), few_shot.centre())
