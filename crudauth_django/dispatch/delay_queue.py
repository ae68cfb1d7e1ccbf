"""A bounded queue whose items are due at a time."""

import heapq
from collections.abc import Callable
from itertools import count
from typing import Generic, TypeVar

T = TypeVar("T")


class DelayQueue(Generic[T]):
    """Items in the order of their due times. It is not thread-safe."""

    def __init__(self, *, size: int) -> None:
        self._size = size
        self._heap: list[tuple[float, int, T]] = []
        # Items that are due at the same time leave in the order they came.
        self._order = count()

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def is_full(self) -> bool:
        """Whether the queue holds as many items as it may."""
        return len(self._heap) >= self._size

    def put(self, item: T, *, due_at: float) -> None:
        """Add an item that is due at a Unix time."""
        heapq.heappush(self._heap, (due_at, next(self._order), item))

    def pop(self) -> T:
        """Remove and return the first item; raises ``IndexError`` if empty."""
        return heapq.heappop(self._heap)[2]

    def drop_highest(self, key: Callable[[T], int]) -> T:
        """Remove and return the item with the highest key, of several the last due."""
        worst = max(self._heap, key=lambda entry: (key(entry[2]), *entry[:2]))
        self._heap.remove(worst)
        heapq.heapify(self._heap)
        return worst[2]

    def seconds_until_due(self, *, now: float) -> float | None:
        """Return the wait for the first item, at most 0 if it is due.

        An empty queue returns ``None``.
        """
        return self._heap[0][0] - now if self._heap else None
