"""Index batches."""

import pytest
import torch

from harness.engine.batches import epoch_batches
from harness.matrix.streams import stream


def test_an_epoch_sees_every_image_once() -> None:
    """Without a remainder the batches are a permutation."""
    batches = epoch_batches(("split", 16, 1), 64, 32, 5)
    assert sorted(torch.cat(batches).tolist()) == list(range(64))


@pytest.mark.parametrize(
    ("n_images", "sizes"), [(70, [32, 32]), (64, [32, 32]), (33, [32]), (32, [32]), (31, [31]), (1, [1])]
)
def test_incomplete_batch_is_dropped_unless_it_is_the_only_one(n_images: int, sizes: list[int]) -> None:
    """As in CoOp's loader; no image stands in two batches."""
    batches = epoch_batches(("split", 16, 1), n_images, 32, 0)
    assert [len(batch) for batch in batches] == sizes
    assert len(set(torch.cat(batches).tolist())) == sum(sizes)


def test_order_depends_on_names_and_epoch_alone() -> None:
    """The same names repeat the order; another seed, shot count, split or epoch has another one."""

    def order(names: tuple[object, ...], epoch: int) -> list[int]:
        return torch.cat(epoch_batches(names, 64, 32, epoch)).tolist()

    first = order(("split", 16, 1), 0)
    torch.manual_seed(0)
    assert order(("split", 16, 1), 0) == first
    others = [
        order(("split", 16, 2), 0),
        order(("split", 8, 1), 0),
        order(("other", 16, 1), 0),
        order(("split", 16, 1), 1),
    ]
    assert all(other != first for other in others)


def test_order_follows_from_a_seed_by_name() -> None:
    """Under another name all trainings would see other batches than those that were published."""
    seed = stream("batches", "split", 16, 1, 5)
    expected = torch.randperm(64, generator=torch.Generator().manual_seed(seed))
    assert torch.equal(torch.cat(epoch_batches(("split", 16, 1), 64, 32, 5)), expected)


def test_the_global_generator_is_left_alone() -> None:
    """Drawing batches does not disturb anybody else's random numbers."""
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    epoch_batches(("split", 16, 1), 64, 32, 0)
    assert torch.equal(torch.rand(1), expected)
