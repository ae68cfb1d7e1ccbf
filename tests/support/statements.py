"""The SQL statements that reach the user table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.test.utils import CaptureQueriesContext

from crudauth_django.users import user_model

#: The statement that locks rows before a value moves to another account, on
#: databases that have row locks.
LOCK = ["LOCK"] if connection.features.has_select_for_update else []


@contextmanager
def user_table_statements() -> Iterator[list[str]]:
    """Yield a list; at exit it is filled with the name of each statement."""
    statements: list[str] = []
    table = connection.ops.quote_name(user_model()._meta.db_table)
    with CaptureQueriesContext(connection) as queries:
        yield statements
    for query in queries.captured_queries:
        sql = query["sql"]
        if table in sql:
            statements.append("LOCK" if "FOR UPDATE" in sql else sql.split()[0])
