"""Tails of the distributions that few numbers call for; scipy has them all, and takes a second to import.

Formulas are those of Abramowitz and Stegun, Handbook of Mathematical Functions (1964), chapter 26; tests hold the
results against scipy's.
"""

from __future__ import annotations

import math
from functools import lru_cache

_MOST_STEPS = 500
_ENOUGH = 1e-15
_TINY = 1e-300


def beta_share(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function ``I_x(a, b)``: P(X <= x) of a beta variable (26.5.1, 26.5.8)."""
    if not 0 < x < 1:
        return 0.0 if x <= 0 else 1.0
    front = a * math.log(x) + b * math.log1p(-x) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    if x < (a + 1) / (a + b + 2):
        return math.exp(front) * _continued(x, a, b) / a
    return 1 - math.exp(front) * _continued(1 - x, b, a) / b


def t_tail(t: float, df: float) -> float:
    """P(T >= t) of Student's t with ``df`` degrees of freedom (26.7.1)."""
    if t * t < df:  # near zero the share of the middle keeps the digits that the share of the tails loses
        return 0.5 - math.copysign(beta_share(t * t / (df + t * t), 0.5, df / 2), t) / 2
    half = beta_share(df / (df + t * t), df / 2, 0.5) / 2
    return half if t >= 0 else 1 - half


def f_tail(f: float, over: float, under: float) -> float:
    """P(F >= f) of a ratio of variances with ``over`` and ``under`` degrees of freedom (26.6.2)."""
    return beta_share(under / (under + over * f), under / 2, over / 2) if f > 0 else 1.0


@lru_cache(maxsize=4096)
def t_quantile(p: float, df: float) -> float:
    """The ``t`` with P(T <= t) = ``p`` for ``0.5 <= p < 1``, found by Newton's method."""
    t, front = 0.0, math.lgamma((df + 1) / 2) - math.lgamma(df / 2) - math.log(df * math.pi) / 2
    # Beyond zero the tail is convex, so that Newton's steps never go too far.
    for _ in range(_MOST_STEPS):
        density = math.exp(front - (df + 1) / 2 * math.log1p(t * t / df))
        step = (t_tail(t, df) - (1 - p)) / density
        t += step
        if abs(step) <= 1e-13 * t:
            break
    return t


def _continued(x: float, a: float, b: float) -> float:
    """The continued fraction of the incomplete beta function (26.5.8).

    By Lentz's method as Thompson and Barnett (Journal of Computational Physics, 1986) modified it.
    """
    c, d = 1.0, 1 / _away(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _MOST_STEPS):
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _away(1 + numerator * d)
            c = _away(1 + numerator / c)
            value *= c * d
        if abs(c * d - 1) < _ENOUGH:
            break
    return value


def _away(number: float) -> float:
    """``number``, or something tiny in place of zero."""
    return number if abs(number) > _TINY else _TINY
