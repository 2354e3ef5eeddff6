"""The learning rate of an epoch."""

import math


def cosine_with_warmup(epoch: int, epochs: int, lr: float, warmup_epochs: int, warmup_lr: float) -> float:
    """The learning rate of ``epoch`` (from 0): constant in the warm-up, then half a cosine.

    As in CoOp's training code, the cosine starts from its top after the warm-up and its period is still all
    ``epochs``, so the last epoch stays above zero.
    """
    if epoch < warmup_epochs:
        return warmup_lr
    return 0.5 * lr * (1 + math.cos(math.pi * (epoch - warmup_epochs) / epochs))
