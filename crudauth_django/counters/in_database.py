"""Count in a table of the project's database."""

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from typing import ClassVar, TypeVar

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

from crudauth_django.counters import statements
from crudauth_django.counters.base import MAX_TRIES, CounterStore
from crudauth_django.exceptions import CountersUnavailable
from crudauth_django.models import Counter

T = TypeVar("T")

#: MySQL's and MariaDB's ER_LOCK_DEADLOCK. Transactions whose ``INSERT`` found the
#: row taken share a lock on it, and each then needs the lock for itself alone.
MYSQL_DEADLOCK = 1213
POSTGRESQL_DEADLOCK = "40P01"


class DatabaseCounters(CounterStore):
    """Counts in a table: exact with any number of processes, and no other service.

    ``alias`` names the database; by default, the routers choose it. Inside a
    transaction of the caller, counts are written over another connection, so that
    a request that is rolled back (``ATOMIC_REQUESTS``) still counts. SQLite allows
    one writer at a time, so there they join the caller's transaction. On
    PostgreSQL the table is ``UNLOGGED``: a count does not wait for the disk, and a
    crash of the server empties the table.
    """

    #: The seconds between two looks for expired rows, in each process.
    prune_every: ClassVar[float] = 300
    #: How many rows one look deletes. If there are more, the next look comes soon.
    prune_batch: ClassVar[int] = 1000

    def __init__(self, *, alias: str | None = None) -> None:
        self._alias = alias
        self._next_prune = time.time() + self.prune_every

    @property
    def alias(self) -> str:
        """The database that holds the counters."""
        return self._alias or router.db_for_write(Counter)

    def increment(self, key: str, *, period: int) -> int:
        return self.increment_many({key: period})[key]

    def increment_many(self, periods: Mapping[str, int]) -> dict[str, int]:
        if not periods:
            return {}
        self._prune_if_due()
        if not statements.can_upsert(connections[self.alias]):
            return {k: self._increment(k, periods[k]) for k in sorted(periods)}

        def add_one() -> dict[str, int]:
            connection = connections[self.alias]
            sql = statements.upsert(connection, periods, now=timezone.now())
            return dict(self._execute(sql))

        return self._run(add_one)

    def _increment(self, key: str, period: int) -> int:
        def add_one() -> int:
            for _try in range(MAX_TRIES):
                live = self._live(key)
                with transaction.atomic(using=self.alias):
                    if live.update(value=F("value") + 1) or self._start(key, period):
                        # The row is locked until this transaction ends, so no
                        # other caller can read the same value.
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
        self.set_many({key: (value, period)})

    def set_many(self, entries: Mapping[str, tuple[int, int]]) -> None:
        if entries:
            self._run(lambda: self._set(entries))

    def _set(self, entries: Mapping[str, tuple[int, int]]) -> None:
        connection, now = connections[self.alias], timezone.now()
        if statements.can_upsert(connection):
            self._execute(statements.put(connection, entries, now=now))
            return
        rows = [
            Counter(key=key, value=value, expires_at=now + timedelta(seconds=period))
            for key, (value, period) in sorted(entries.items())
        ]
        # MySQL finds the conflict itself and accepts no columns.
        features = connection.features
        target = ["key"] if features.supports_update_conflicts_with_target else None
        self._rows().bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=target,
            update_fields=["value", "expires_at"],
        )

    def delete_many(self, keys: Iterable[str]) -> None:
        if wanted := list(keys):
            # delete() would open a transaction.
            rows = self._rows(key__in=wanted)
            self._run(lambda: rows._raw_delete(self.alias))  # noqa: SLF001 (the reason is above)

    def clear(self, *, delete: Iterable[str] = (), decrement: Iterable[str]) -> None:
        ended, one_less = list(delete), list(decrement)
        if not one_less:
            self.delete_many(ended)
            return

        def write() -> None:
            connection = connections[self.alias]
            sql = statements.clear(
                connection, delete=ended, decrement=one_less, now=timezone.now()
            )
            self._execute(sql)

        self._run(write)

    def prune(self) -> int:
        """Delete the expired rows and return their number."""
        expired = self._rows(expires_at__lte=timezone.now())
        return self._run(lambda: expired.delete()[0])

    def _prune_if_due(self) -> None:
        """Delete a few expired rows, so that the table needs no scheduled job."""
        now = time.time()
        if now < self._next_prune:
            return
        self._next_prune = now + self.prune_every
        # The count itself reports an outage.
        with suppress(CountersUnavailable):
            if self._run(self._delete_batch) >= self.prune_batch:
                self._next_prune = now + 1

    def _delete_batch(self) -> int:
        expired = self._rows(expires_at__lte=timezone.now())
        keys = list(expired.values_list("key", flat=True)[: self.prune_batch])
        # A row may have started again since.
        return expired.filter(key__in=keys)._raw_delete(self.alias) if keys else 0  # noqa: SLF001 (as above)

    def _execute(self, statement: statements.Statement) -> list[tuple[str, int]]:
        """Run a statement, and return its rows, if it has any."""
        with connections[self.alias].cursor() as cursor:
            cursor.execute(*statement)
            return cursor.fetchall() if cursor.description else []

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
        """Run one write; start again after a deadlock."""
        connection = connections[self.alias]
        for _try in range(MAX_TRIES):
            try:
                if _could_be_rolled_back(connection):
                    return _on_another_connection(self.alias, work)
                return work()
            except (DatabaseError, InterfaceError) as error:
                if not _is_deadlock(error):
                    raise CountersUnavailable(str(error)) from error
        raise CountersUnavailable(f"a deadlock in each of {MAX_TRIES} tries")


def _after(period: int) -> datetime:
    return timezone.now() + timedelta(seconds=period)


def _is_deadlock(error: Exception) -> bool:
    state = getattr(error.__cause__, "sqlstate", None)  # psycopg's
    return error.args[:1] == (MYSQL_DEADLOCK,) or state == POSTGRESQL_DEADLOCK


def _could_be_rolled_back(connection: BaseDatabaseWrapper) -> bool:
    """Return whether a transaction of the caller could undo a count.

    A test case's own transaction does not count. On SQLite, a second connection
    would wait for the caller's transaction, which waits for the count.
    """
    of_tests = [getattr(b, "_from_testcase", False) for b in connection.atomic_blocks]
    return connection.vendor != "sqlite" and not all(of_tests)


def _on_another_connection(alias: str, work: Callable[[], T]) -> T:
    """Run in a thread, since each thread has connections of its own.

    In the caller's transaction, or a savepoint of it, an error later in the
    request would undo the count, and such guesses would have no limit.
    """

    def run() -> T:
        try:
            return work()
        finally:
            connections[alias].close()

    with ThreadPoolExecutor(1, thread_name_prefix="crudauth-counters") as thread:
        return thread.submit(run).result()
