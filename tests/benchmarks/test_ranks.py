"""The comparison of samples: with wrong figures, the benchmark shows nothing."""

from __future__ import annotations

import random

import pytest

from tests.benchmarks.ranks import compare


def test_samples_of_one_distribution_do_not_differ():
    times = random.Random(7)
    first = [times.gauss(10, 2) for _ in range(300)]
    second = [times.gauss(10, 2) for _ in range(300)]

    found = compare(first, second)

    assert found.auc == pytest.approx(0.5, abs=0.05)
    assert found.p > 0.05


def test_samples_half_a_deviation_apart_differ():
    times = random.Random(7)
    first = [times.gauss(10, 2) for _ in range(300)]
    second = [times.gauss(11, 2) for _ in range(300)]

    found = compare(first, second)

    assert found.auc > 0.58
    assert found.p < 0.001


def test_equal_values_share_ranks():
    found = compare([1.0, 2.0, 2.0, 3.0], [2.0, 2.0, 2.0, 2.0])

    assert found.auc == 0.5


def test_auc_is_share_of_pairs_with_larger_second_value():
    found = compare([6.0, 7.0, 8.0, 9.0, 10.0], [1.0, 2.0, 3.0, 7.5, 5.0])

    assert found.auc == 2 / 25
    assert found.medians == (8.0, 3.0)
