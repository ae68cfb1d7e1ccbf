"""What is said to the user table, word by word."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.test.utils import CaptureQueriesContext

from crudauth_django.users import user_model

#: What a database with locks of rows is told before values change hands.
LOCK = ["LOCK"] if connection.features.has_select_for_update else []


@contextmanager
def told_to_the_user_table() -> Iterator[list[str]]:
    """Yield a list that names each statement, once they have been made."""
    told: list[str] = []
    table = connection.ops.quote_name(user_model()._meta.db_table)
    with CaptureQueriesContext(connection) as queries:
        yield told
    for query in queries.captured_queries:
        sql = query["sql"]
        if table in sql:
            told.append("LOCK" if "FOR UPDATE" in sql else sql.split()[0])
