"""Where failures and requests are counted.

A counter needs no durability against a power cut, but it has to be right under
any concurrency, to outlive a request that is rolled back, and to keep the door
shut while its store is out: everything here raises ``CountersUnavailable``
then.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import cache, partial
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar, cast

from django.core.cache import caches
from django.core.signals import setting_changed
from django.db import DatabaseError, IntegrityError, connections, router, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import salted_hmac

from crudauth_django.conf import get_settings
from crudauth_django.exceptions import CountersUnavailable
from crudauth_django.models import Counter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import QuerySet

T = TypeVar("T")

#: How often a write is tried again that another one got in the way of.
TRIES = 5


def counter_key(*parts: str) -> str:
    """Return a keyed hash: no store, dump or metric shows whom it counts."""
    return salted_hmac(
        "crudauth_django.counters", "\0".join(parts), algorithm="sha256"
    ).hexdigest()[:40]


class CounterStore(ABC):
    """The port: four atomic operations on numbers that expire.

    Keys come from :func:`counter_key`; periods are seconds.
    """

    @abstractmethod
    def add(self, key: str, *, period: int) -> int:
        """Add one and return the new value, this caller's own place in the row.

        The period begins with the first one and does not move.
        """

    @abstractmethod
    def take_back(self, key: str) -> None:
        """Subtract one that :meth:`add` added, if it still counts."""

    @abstractmethod
    def read(self, keys: Iterable[str]) -> dict[str, int]:
        """Return the values of those that have not expired."""

    @abstractmethod
    def put(self, key: str, value: int, *, period: int) -> None:
        """Set a value that expires after ``period``."""

    @abstractmethod
    def forget(self, keys: Iterable[str]) -> None:
        """Remove them."""


class DatabaseCounters(CounterStore):
    """Counts in a table: right across processes with no other service.

    ``alias`` names the database; by default, the routers choose it. Inside a
    transaction of the caller's, counting happens on a connection of its own,
    so that a rolled-back request (``ATOMIC_REQUESTS``) still counts. On
    PostgreSQL a count does not wait for the disk.
    """

    def __init__(self, *, alias: str | None = None) -> None:
        self._alias = alias

    @property
    def alias(self) -> str:
        """The database that holds the counters."""
        return self._alias or router.db_for_write(Counter)

    def add(self, key: str, *, period: int) -> int:
        return self._run(partial(self._add, key, period))

    def take_back(self, key: str) -> None:
        self._run(
            lambda: self._live(key).filter(value__gt=0).update(value=F("value") - 1)
        )

    def read(self, keys: Iterable[str]) -> dict[str, int]:
        wanted = list(keys)
        live = self._rows().filter(key__in=wanted, expires_at__gt=timezone.now())
        try:
            return dict(live.values_list("key", "value"))
        except DatabaseError as error:
            raise CountersUnavailable(str(error)) from error

    def put(self, key: str, value: int, *, period: int) -> None:
        row = Counter(key=key, value=value, expires_at=_in(period))
        self._run(
            lambda: self._rows().bulk_create(
                [row],
                update_conflicts=True,
                unique_fields=_conflict_target(connections[self.alias]),
                update_fields=["value", "expires_at"],
            )
        )

    def forget(self, keys: Iterable[str]) -> None:
        wanted = list(keys)
        self._run(lambda: self._rows().filter(key__in=wanted).delete())

    def prune(self) -> int:
        """Delete what has expired; return how many rows that were."""
        expired = self._rows().filter(expires_at__lte=timezone.now())
        return self._run(lambda: expired.delete()[0])

    def _rows(self) -> QuerySet[Counter]:
        return Counter._default_manager.using(self.alias)

    def _live(self, key: str) -> QuerySet[Counter]:
        return self._rows().filter(key=key, expires_at__gt=timezone.now())

    def _add(self, key: str, period: int) -> int:
        for _try in range(TRIES):
            if self._increment(key) or self._begin(key, period):
                # The row is this transaction's until it ends, and so is the value.
                return self._rows().values_list("value", flat=True).get(key=key)
        raise CountersUnavailable(f"no place in {TRIES} tries")

    def _increment(self, key: str) -> bool:
        return bool(self._live(key).update(value=F("value") + 1))

    def _begin(self, key: str, period: int) -> bool:
        fresh: dict[str, Any] = {"value": 1, "expires_at": _in(period)}
        expired = self._rows().filter(key=key, expires_at__lte=timezone.now())
        if expired.update(**fresh):
            return True
        try:
            with transaction.atomic(using=self.alias):
                self._rows().create(key=key, **fresh)
        except IntegrityError:
            return False
        return True

    def _run(self, work: Callable[[], T]) -> T:
        connection = connections[self.alias]
        try:
            if _in_a_transaction(connection):
                return _on_another_connection(self.alias, work)
            with _quick_transaction(connection):
                return work()
        except DatabaseError as error:
            raise CountersUnavailable(str(error)) from error


def _in(period: int) -> Any:
    return timezone.now() + timedelta(seconds=period)


def _conflict_target(connection: BaseDatabaseWrapper) -> list[str] | None:
    if connection.features.supports_update_conflicts_with_target:
        return ["key"]
    return None


def _in_a_transaction(connection: BaseDatabaseWrapper) -> bool:
    """Whether a rollback that is not a test case's own could undo a count.

    A database in memory has no second connection to count on.
    """
    if connection.vendor == "sqlite" and connection.is_in_memory_db():  # type: ignore[attr-defined]
        return False
    return any(
        not getattr(block, "_from_testcase", False)
        for block in connection.atomic_blocks
    )


@contextmanager
def _quick_transaction(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Hold one transaction which, on PostgreSQL, does not wait for the disk."""
    outermost = not connection.in_atomic_block
    with transaction.atomic(using=connection.alias):
        if outermost and connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL synchronous_commit TO OFF")
        yield


def _on_another_connection(alias: str, work: Callable[[], T]) -> T:
    """Run in a thread: connections belong to threads, and so do transactions."""
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            with _quick_transaction(connections[alias]):
                results.append(work())
        except (DatabaseError, CountersUnavailable) as error:
            errors.append(error)
        finally:
            connections[alias].close()

    thread = Thread(target=run, name="crudauth-counters")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    if not results:
        raise CountersUnavailable("the counting thread died")
    return results[0]


class CacheCounters(CounterStore):
    """Counts in a Django cache whose increments are atomic and shared.

    Redis or Valkey, or Memcached. ``alias`` names the cache.
    """

    def __init__(self, *, alias: str = "default") -> None:
        self.alias = alias

    def add(self, key: str, *, period: int) -> int:
        return self._run(partial(self._add, key, period))

    def take_back(self, key: str) -> None:
        self._run(partial(self._decrement, key))

    def read(self, keys: Iterable[str]) -> dict[str, int]:
        return self._run(lambda: caches[self.alias].get_many(list(keys)))

    def put(self, key: str, value: int, *, period: int) -> None:
        self._run(lambda: caches[self.alias].set(key, value, timeout=period))

    def forget(self, keys: Iterable[str]) -> None:
        self._run(lambda: caches[self.alias].delete_many(list(keys)))

    def _add(self, key: str, period: int) -> int:
        cache = caches[self.alias]
        for _try in range(TRIES):
            cache.add(key, 0, timeout=period)
            try:
                value = cache.incr(key)
            except ValueError:  # it expired between the two
                continue
            if isinstance(value, int):
                return value
        raise CountersUnavailable(f"no place in {TRIES} tries")

    def _decrement(self, key: str) -> None:
        with suppress(ValueError):  # it has expired
            caches[self.alias].decr(key)

    def _run(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except CountersUnavailable:
            raise
        # Each cache backend raises its client library's own errors, which have
        # no common root, and none of them may open the door.
        except Exception as error:
            raise CountersUnavailable(type(error).__name__) from error


@cache
def get_counters() -> CounterStore:
    """Return the store that ``CRUDAUTH_COUNTERS`` names."""
    return cast("CounterStore", get_settings().counters.build())


def _forget_store(*, setting: str, **_kwargs: object) -> None:
    if setting == "CRUDAUTH_COUNTERS":
        get_counters.cache_clear()


setting_changed.connect(_forget_store)
