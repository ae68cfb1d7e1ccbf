"""Further databases, beside the one that the tests run on."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from crudauth_django.models import Counter
from tests.support.projects.project import database


def new_postgres_database(server: str) -> str:
    """Create an empty database on a server that is shared; returns its URI."""
    name = f"empty_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.replace("/postgres?", f"/{name}?")


@contextmanager
def connected(alias: str, uri: str) -> Iterator[BaseDatabaseWrapper]:
    """Connect this process to one more database, under an alias."""
    known = connections.settings
    known[alias] = connections.configure_settings(
        {**known, alias: {**database(uri), "TEST": {"NAME": None}}}
    )[alias]
    try:
        yield connections[alias]
    finally:
        connections[alias].close()
        del connections[alias]
        del known[alias]


@contextmanager
def with_counters(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Create the table of the counters there, and drop it."""
    with connection.schema_editor() as editor:
        editor.create_model(Counter)
    try:
        yield
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(Counter)
