"""The learning rate of an epoch."""

import math


def cosine_with_warmup(epoch: int, epochs: int, lr: float, warmup_epochs: int, warmup_lr: float) -> float:
    """The learning rate of ``epoch`` (from 0): constant in the warm-up, then half a cosine.

    CoOp (Zhou et al., IJCV 2022), section 4.1. As in its training code (Dassl, ``dassl/optim/lr_scheduler.py``,
    around torch's ``CosineAnnealingLR``) the cosine starts from its top after the warm-up and its period is still
    all ``epochs``, so the last epoch stays above zero.

    Args:
        epoch: from 0.
        epochs: of the whole training.
        lr: at the top of the cosine.
        warmup_epochs: how many have ``warmup_lr``.
        warmup_lr: of the warm-up.
    """
    if epoch < warmup_epochs:
        return warmup_lr
    return 0.5 * lr * (1 + math.cos(math.pi * (epoch - warmup_epochs) / epochs))
