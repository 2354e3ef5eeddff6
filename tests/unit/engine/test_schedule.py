"""The learning rate of an epoch, beside the golden schedule."""

import pytest

from harness.engine.schedule import cosine_with_warmup


@pytest.mark.parametrize(
    ("epoch", "lr"), [(0, 1e-5), (1, 1e-5), (2, 0.002), (6, 0.0015), (8, 0.001), (10, 0.0005)]
)
def test_warmup_is_constant_and_the_cosine_has_the_period_of_all_epochs(epoch: int, lr: float) -> None:
    """Two warm-up epochs of twelve: the top follows, and a quarter of the period later it is the half."""
    assert cosine_with_warmup(epoch, 12, 0.002, 2, 1e-5) == pytest.approx(lr)


def test_without_warmup_the_first_epoch_has_the_whole_rate() -> None:
    """The last one is still above zero."""
    assert cosine_with_warmup(0, 50, 0.002, 0, 1e-5) == 0.002
    assert cosine_with_warmup(49, 50, 0.002, 0, 1e-5) > 0
