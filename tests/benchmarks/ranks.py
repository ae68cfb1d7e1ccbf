"""Compare two samples of times with a rank test."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two samples, side by side; times are in milliseconds.

    ``auc`` is the share of pairs with the larger time in the second sample; 0.5
    means no difference. ``p`` is the two-sided probability of a rank sum at
    least this uneven without a difference (Mann-Whitney U, normal approximation
    with ties).
    """

    medians: tuple[float, float]
    p95: tuple[float, float]
    auc: float
    p: float


def compare(first: Sequence[float], second: Sequence[float]) -> Comparison:
    """Compare two samples."""
    ranks = _ranks([*first, *second])
    m, n = len(first), len(second)
    u = sum(ranks[m:]) - n * (n + 1) / 2
    spread = math.sqrt(m * n / 12 * (m + n + 1))
    z = (abs(u - m * n / 2) - 0.5) / spread
    return Comparison(
        medians=(statistics.median(first), statistics.median(second)),
        p95=(_p95(first), _p95(second)),
        auc=u / (m * n),
        p=math.erfc(max(z, 0) / math.sqrt(2)),
    )


def _ranks(values: Sequence[float]) -> list[float]:
    """Rank from 1; equal values share the mean of their ranks."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for place in order[start:end]:
            ranks[place] = (start + 1 + end) / 2
        start = end
    return ranks


def _p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]
