"""The queue of the thread pool, without threads and without a clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crudauth_django.dispatch.delay_queue import DelayQueue

NOW = 1_700_000_000.0


def filled(*due_times: float, size: int = 10) -> DelayQueue[int]:
    """Return a queue of the numbers 0, 1, 2, ..., due at these times."""
    queue = DelayQueue[int](size=size)
    for number, due_at in enumerate(due_times):
        queue.put(number, due_at=due_at)
    return queue


def drained(queue: DelayQueue[int]) -> list[int]:
    return [queue.pop() for _ in range(len(queue))]


def test_items_leave_in_order_of_due_times():
    assert drained(filled(NOW + 3, NOW + 1, NOW + 2)) == [1, 2, 0]


def test_items_due_together_leave_in_order_of_arrival():
    assert drained(filled(NOW, NOW, NOW)) == [0, 1, 2]


def test_items_that_cannot_be_compared_are_accepted():
    queue = DelayQueue[dict](size=2)
    for name in ("a", "b"):
        queue.put({"name": name}, due_at=NOW)

    assert [queue.pop(), queue.pop()] == [{"name": "a"}, {"name": "b"}]


@given(st.lists(st.floats(min_value=0, max_value=1e10)))
def test_due_times_leave_sorted(due_times):
    queue = filled(*due_times, size=len(due_times) + 1)

    assert [due_times[n] for n in drained(queue)] == sorted(due_times)


@pytest.mark.parametrize(("items", "full"), [(0, False), (2, False), (3, True)])
def test_queue_is_full_at_the_given_size(items, full):
    queue = filled(*[NOW] * items, size=3)

    assert len(queue) == items
    assert queue.is_full is full


def test_queue_has_room_after_pop():
    queue = filled(NOW, size=1)

    queue.pop()

    assert not queue.is_full
    assert len(queue) == 0


@pytest.mark.parametrize(
    ("due_times", "wait"),
    [
        ([], None),
        ([NOW], 0),
        ([NOW - 5], -5),
        ([NOW + 5], 5),
        ([NOW + 60, NOW + 5], 5),
    ],
    ids=["empty", "due", "overdue", "later", "first of two"],
)
def test_wait_is_that_of_the_first_item(due_times, wait):
    assert filled(*due_times).seconds_until_due(now=NOW) == wait


def test_item_with_highest_key_is_dropped():
    queue = filled(NOW, NOW + 2, NOW + 1)

    assert queue.drop_highest(lambda number: -number) == 0
    assert drained(queue) == [2, 1]


def test_of_equal_keys_the_last_due_is_dropped():
    queue = filled(NOW + 1, NOW + 3, NOW + 2)

    assert queue.drop_highest(lambda _number: 0) == 1
    assert drained(queue) == [0, 2]


def test_empty_queue_raises_on_pop():
    with pytest.raises(IndexError):
        filled().pop()
