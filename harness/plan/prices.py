"""Seconds as a sum of counts, each at its price: fitted to what was measured."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

Prices = tuple[float, ...]
_PULL = 0.02  # how much the expected proportion of the prices counts, in units of one measurement
_FLOOR = 0.05  # measurements below this part of the mean are judged as if they were that long
_STALLED = 3.0  # times what a measurement should have been
_TINY_S = 1e-6


def fitted(measured: Sequence[tuple[Sequence[float], float]], expected: Sequence[float]) -> Prices | None:
    """A price for each count, none negative, that explains the seconds best; ``None`` without measurements.

    Relative errors count. What the measurements do not tell apart keeps the proportion of ``expected``, so that
    one measurement gives prices, too.

    Args:
        measured: the counts, and the seconds that they took together; what is left of a whole when other parts are
            taken off it may be below zero.
        expected: prices whose proportion is right in order of magnitude.
    """
    counts = np.array([row for row, _ in measured], dtype=float).reshape(len(measured), len(expected))
    seconds = np.array([taken for _, taken in measured], dtype=float)
    guess = counts @ np.array(expected, dtype=float)
    kept = guess > 0
    if not kept.any():
        return None
    counts, taken = counts[kept], seconds[kept]
    seconds = np.maximum(taken, _TINY_S)
    scaled = np.array(expected) * float(np.median(seconds / guess[kept]))
    weight = 1 / np.maximum(seconds, _FLOOR * seconds.mean())
    pull = np.sqrt(_PULL) * np.eye(len(expected))
    left = np.vstack([counts * scaled * weight[:, None], pull])
    right = np.concatenate([seconds * weight, pull.sum(axis=1)])
    prices = scaled * _least_squares(left, right)
    # Relative errors are smallest for prices that are too low, so that these are raised to what was taken in all;
    # of a measurement that stalled no more counts than a few times what it should have been.
    said = counts @ prices
    raised = max(_TINY_S, float(np.minimum(taken, _STALLED * said).sum())) / max(_TINY_S, float(said.sum()))
    return tuple(float(price) for price in prices * raised)


def _least_squares(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The solution without negative numbers: the best of those that leave some out, of which there are few."""
    n = left.shape[1]
    best, least = np.zeros(n), float(right @ right)
    for kept in itertools.chain.from_iterable(itertools.combinations(range(n), size) for size in range(1, n + 1)):
        found = np.linalg.lstsq(left[:, kept], right, rcond=None)[0]
        residual = left[:, kept] @ found - right
        if (found >= 0).all() and float(residual @ residual) <= least:
            least = float(residual @ residual)
            best = np.zeros(n)
            best[list(kept)] = found
    return best


def price_of(prices: Prices, counts: Sequence[float]) -> float:
    """The seconds that counts take at these prices."""
    return sum(price * count for price, count in zip(prices, counts, strict=True))
