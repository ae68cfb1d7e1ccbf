"""Wait for other threads and processes, and start calls together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.core.cache import caches
from django.db import connections

#: Seconds for anything that has to happen; no test measures how long it takes.
PATIENCE = 60


def eventually(look: Callable[[], Any], *, within: float = PATIENCE) -> Any:
    """Call ``look`` until its result is true, and return that result."""
    deadline = time.monotonic() + within
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(look)
        time.sleep(0.02)
    return seen


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Make all calls at the same moment, and return their results in order."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        barrier.wait(timeout=PATIENCE)
        try:
            return call()
        finally:
            connections.close_all()
            disconnect_caches()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def disconnect_caches() -> None:
    """Close the connections of this thread's caches to Redis or Valkey."""
    for cache in caches.all(initialized_only=True):
        for pool in getattr(getattr(cache, "_cache", None), "_pools", {}).values():
            pool.disconnect()
