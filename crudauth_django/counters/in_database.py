"""Count in a table of the project's database."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import (
    DatabaseError,
    IntegrityError,
    InterfaceError,
    connections,
    router,
    transaction,
)
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, QuerySet
from django.utils import timezone

from crudauth_django.counters.base import MAX_TRIES, CounterStore
from crudauth_django.exceptions import CountersUnavailable
from crudauth_django.models import Counter

T = TypeVar("T")

#: MySQL's and MariaDB's ER_LOCK_DEADLOCK. Transactions whose ``INSERT`` found the
#: row taken share a lock on it, and each then needs the lock for itself alone.
DEADLOCK = 1213


class DatabaseCounters(CounterStore):
    """Counts in a table: exact with any number of processes, and no other service.

    ``alias`` names the database; by default, the routers choose it. Inside a
    transaction of the caller, counts are written over another connection, so that
    a request that is rolled back (``ATOMIC_REQUESTS``) still counts. SQLite allows
    one writer at a time, so there they join the caller's transaction. On
    PostgreSQL, a count does not wait for the disk.
    """

    def __init__(self, *, alias: str | None = None) -> None:
        self._alias = alias

    @property
    def alias(self) -> str:
        """The database that holds the counters."""
        return self._alias or router.db_for_write(Counter)

    def increment(self, key: str, *, period: int) -> int:
        def add_one() -> int:
            for _try in range(MAX_TRIES):
                live = self._live(key)
                if live.update(value=F("value") + 1) or self._start(key, period):
                    # The row is locked until this transaction ends, so no other
                    # caller can read the same value.
                    return self._rows(key=key).values_list("value", flat=True).get()
            raise CountersUnavailable(f"no increment in {MAX_TRIES} tries")

        return self._run(add_one)

    def decrement(self, key: str) -> None:
        self._run(
            lambda: self._live(key).filter(value__gt=0).update(value=F("value") - 1)
        )

    def get_many(self, keys: Iterable[str]) -> dict[str, int]:
        live = self._rows(key__in=list(keys), expires_at__gt=timezone.now())
        try:
            return dict(live.values_list("key", "value"))
        except (DatabaseError, InterfaceError) as error:
            raise CountersUnavailable(str(error)) from error

    def set(self, key: str, value: int, *, period: int) -> None:
        row = Counter(key=key, value=value, expires_at=_after(period))
        # MySQL and MariaDB find the conflict themselves and accept no columns.
        features = connections[self.alias].features
        target = ["key"] if features.supports_update_conflicts_with_target else None
        self._run(
            lambda: self._rows().bulk_create(
                [row],
                update_conflicts=True,
                unique_fields=target,
                update_fields=["value", "expires_at"],
            )
        )

    def delete_many(self, keys: Iterable[str]) -> None:
        wanted = list(keys)
        self._run(lambda: self._rows(key__in=wanted).delete())

    def prune(self) -> int:
        """Delete the expired rows and return their number."""
        expired = self._rows(expires_at__lte=timezone.now())
        return self._run(lambda: expired.delete()[0])

    def _rows(self, **conditions: object) -> QuerySet[Counter]:
        return Counter._default_manager.using(self.alias).filter(**conditions)

    def _live(self, key: str) -> QuerySet[Counter]:
        return self._rows(key=key, expires_at__gt=timezone.now())

    def _start(self, key: str, period: int) -> bool:
        """Start a count at 1; return ``False`` if another caller was first."""
        expired = self._rows(key=key, expires_at__lte=timezone.now())
        if expired.update(value=1, expires_at=_after(period)):
            return True
        try:
            with transaction.atomic(using=self.alias):
                self._rows().create(key=key, value=1, expires_at=_after(period))
        except IntegrityError:
            return False
        return True

    def _run(self, work: Callable[[], T]) -> T:
        """Run in one transaction; start again after a deadlock."""
        connection = connections[self.alias]
        for _try in range(MAX_TRIES):
            try:
                if _could_be_rolled_back(connection):
                    return _on_another_connection(self.alias, work)
                with _quick_transaction(connection):
                    return work()
            except (DatabaseError, InterfaceError) as error:
                if error.args[:1] != (DEADLOCK,):
                    raise CountersUnavailable(str(error)) from error
        raise CountersUnavailable(f"a deadlock in each of {MAX_TRIES} tries")


def _after(period: int) -> datetime:
    return timezone.now() + timedelta(seconds=period)


def _could_be_rolled_back(connection: BaseDatabaseWrapper) -> bool:
    """Return whether a transaction of the caller could undo a count.

    A test case's own transaction does not count. On SQLite, a second connection
    would wait for the caller's transaction, which waits for the count.
    """
    of_tests = [getattr(b, "_from_testcase", False) for b in connection.atomic_blocks]
    return connection.vendor != "sqlite" and not all(of_tests)


@contextmanager
def _quick_transaction(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Open a transaction which, on PostgreSQL, does not wait for the disk."""
    outermost = not connection.in_atomic_block
    with transaction.atomic(using=connection.alias):
        if outermost and connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL synchronous_commit TO OFF")
        yield


def _on_another_connection(alias: str, work: Callable[[], T]) -> T:
    """Run in a thread, since each thread has connections of its own.

    In the caller's transaction, or a savepoint of it, an error later in the
    request would undo the count, and such guesses would have no limit.
    """

    def run() -> T:
        try:
            with _quick_transaction(connections[alias]):
                return work()
        finally:
            connections[alias].close()

    with ThreadPoolExecutor(1, thread_name_prefix="crudauth-counters") as thread:
        return thread.submit(run).result()
