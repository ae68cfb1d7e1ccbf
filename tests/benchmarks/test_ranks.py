"""The comparison itself: figures that are wrong would prove nothing."""

from __future__ import annotations

import random

import pytest

from tests.benchmarks.ranks import compare


def test_times_of_one_kind_are_not_told_apart():
    times = random.Random(7)
    first = [times.gauss(10, 2) for _ in range(300)]
    second = [times.gauss(10, 2) for _ in range(300)]

    found = compare(first, second)

    assert found.auc == pytest.approx(0.5, abs=0.05)
    assert found.p > 0.05


def test_half_a_standard_deviation_is_told_apart():
    times = random.Random(7)
    first = [times.gauss(10, 2) for _ in range(300)]
    second = [times.gauss(11, 2) for _ in range(300)]

    found = compare(first, second)

    assert found.auc > 0.58
    assert found.p < 0.001


def test_equal_values_share_their_ranks():
    found = compare([1.0, 2.0, 2.0, 3.0], [2.0, 2.0, 2.0, 2.0])

    assert found.auc == 0.5


def test_the_area_is_the_share_of_pairs_in_which_the_second_is_above():
    found = compare([6.0, 7.0, 8.0, 9.0, 10.0], [1.0, 2.0, 3.0, 7.5, 5.0])

    assert found.auc == 2 / 25
    assert found.medians == (8.0, 3.0)
