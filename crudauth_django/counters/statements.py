"""The SQL of counters: one statement for the keys of one attempt.

Keys are sorted, so that parallel statements lock their rows in one order and do
not deadlock.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from crudauth_django.models import Counter

Statement = tuple[str, list[Any]]


def can_upsert(connection: BaseDatabaseWrapper) -> bool:
    """Return whether one statement can insert or increment, and return the values.

    PostgreSQL, SQLite 3.35 and MariaDB 10.5 can.
    """
    return (
        connection.vendor in {"postgresql", "sqlite", "mysql"}
        and connection.features.can_return_rows_from_bulk_insert
    )


def upsert(
    connection: BaseDatabaseWrapper, periods: Mapping[str, int], *, now: datetime
) -> Statement:
    """Return the statement that increments the keys, and returns key and value.

    An expired counter starts again.
    """
    table, key, value, expires_at = _names(connection)
    adapted = connection.ops.adapt_datetimefield_value
    rows: list[Any] = []
    for name in sorted(periods):
        rows += [name, adapted(now + timedelta(seconds=periods[name]))]
    conflict, _new_value, new_expiry = _conflict(connection)
    # MariaDB assigns from left to right: the value comes first.
    ended = f"CASE WHEN {table}.{expires_at} <= %s THEN"
    sql = (
        f"INSERT INTO {table} ({key}, {value}, {expires_at}) "  # noqa: S608 (names, no values)
        f"VALUES {', '.join(['(%s, 1, %s)'] * len(periods))} {conflict} "
        f"{value} = {ended} 1 ELSE {table}.{value} + 1 END, "
        f"{expires_at} = {ended} {new_expiry} ELSE {table}.{expires_at} END "
        f"RETURNING {key}, {value}"
    )
    return sql, [*rows, adapted(now), adapted(now)]


def put(
    connection: BaseDatabaseWrapper,
    entries: Mapping[str, tuple[int, int]],
    *,
    now: datetime,
) -> Statement:
    """Return the statement that sets each key to a value for a period."""
    table, key, value, expires_at = _names(connection)
    rows: list[Any] = []
    for name, (number, period) in sorted(entries.items()):
        end = now + timedelta(seconds=period)
        rows += [name, number, connection.ops.adapt_datetimefield_value(end)]
    conflict, new_value, new_expiry = _conflict(connection)
    sql = (
        f"INSERT INTO {table} ({key}, {value}, {expires_at}) "  # noqa: S608 (as above)
        f"VALUES {', '.join(['(%s, %s, %s)'] * len(entries))} {conflict} "
        f"{value} = {new_value}, {expires_at} = {new_expiry}"
    )
    return sql, rows


def clear(
    connection: BaseDatabaseWrapper,
    *,
    delete: Iterable[str],
    decrement: Sequence[str],
    now: datetime,
) -> Statement:
    """Return the statement that ends some counters and subtracts one from others.

    An ended counter is zero and has expired.
    """
    table, key, value, expires_at = _names(connection)
    adapted = connection.ops.adapt_datetimefield_value(now)
    keys = sorted({*delete, *decrement})
    live = f"{key} IN ({_marks(keys)}) AND {expires_at} > %s AND {value} > 0"
    if connection.vendor == "postgresql":
        # An UPDATE alone locks its rows in any order.
        locked = f"SELECT {key} FROM {table} WHERE {live} ORDER BY {key} FOR UPDATE"  # noqa: S608 (as above)
        live = f"{key} IN ({locked})"
    kept = f"CASE WHEN {key} IN ({_marks(decrement)}) THEN"
    sql = (
        f"UPDATE {table} SET {value} = {kept} {value} - 1 ELSE 0 END, "  # noqa: S608 (as above)
        f"{expires_at} = {kept} {expires_at} ELSE %s END WHERE {live}"
    )
    return sql, [*decrement, *decrement, adapted, *keys, adapted]


def _conflict(connection: BaseDatabaseWrapper) -> tuple[str, str, str]:
    """Return the clause of a known key, and the names of the new value and expiry."""
    _table, key, value, expires_at = _names(connection)
    if connection.vendor == "mysql":
        return "ON DUPLICATE KEY UPDATE", f"VALUES({value})", f"VALUES({expires_at})"
    clause = f"ON CONFLICT ({key}) DO UPDATE SET"
    return clause, f"excluded.{value}", f"excluded.{expires_at}"


def _names(connection: BaseDatabaseWrapper) -> list[str]:
    columns = ("key", "value", "expires_at")
    return list(map(connection.ops.quote_name, (Counter._meta.db_table, *columns)))


def _marks(values: Sequence[str]) -> str:
    return ", ".join(["%s"] * len(values))
