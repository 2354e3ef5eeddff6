"""Which images each step of an epoch sees."""

import torch

from harness.matrix.streams import stream


def epoch_batches(names: tuple[object, ...], n_images: int, batch_size: int, epoch: int) -> list[torch.Tensor]:
    """Index batches of one epoch: a fresh permutation, cut into batches.

    As in CoOp's loader (Dassl, ``dassl/data/data_manager.py``) an incomplete last batch is dropped when there is
    at least one full batch, and is kept when it is the only one.

    Args:
        names: what the permutation is a function of, beside ``epoch``: split digest, shots, seed.
        n_images: training images.
        batch_size: images of a step.
        epoch: from 0.
    """
    generator = torch.Generator().manual_seed(stream("batches", *names, epoch))
    order = torch.randperm(n_images, generator=generator)
    whole = n_images - n_images % batch_size if n_images >= batch_size else n_images
    return list(torch.split(order[:whole], batch_size))
