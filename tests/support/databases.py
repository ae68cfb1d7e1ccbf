"""Further databases, beside the one that the tests run on."""

from __future__ import annotations

import shutil
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from crudauth_django.models import Counter
from tests.support import parts
from tests.support.projects.project import database


def create_database(server: str, name: str = "", *, template: str = "template1") -> str:
    """Create a PostgreSQL database on a shared server; returns its URI."""
    name = name or f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


class Databases:
    """Migrated databases, each a copy of a template that is migrated once."""

    def __init__(self, folder: Path, server: str) -> None:
        self._folder = folder
        self._server = server
        self._templates: dict[tuple[str, str], str] = {}

    def fresh(self, kind: str, shape: str = "phone", *, settings: str = "") -> str:
        """Return a new database of a kind: ``sqlite`` or ``postgresql``.

        ``settings`` names the module to migrate with, if it is not the shape's.
        """
        key = (kind, settings or shape)
        if key not in self._templates:
            template = self._empty(kind)
            env = parts.environment(shape=shape, database=template)
            env |= {"DJANGO_SETTINGS_MODULE": settings} if settings else {}
            parts.manage("migrate", env=env)
            self._templates[key] = template
        return self._copy(kind, self._templates[key])

    def _path(self) -> str:
        return str(self._folder / f"{uuid.uuid4().hex}.sqlite3")

    def _empty(self, kind: str) -> str:
        return self._path() if kind == "sqlite" else create_database(self._server)

    def _copy(self, kind: str, template: str) -> str:
        if kind == "sqlite":
            return shutil.copyfile(template, self._path())
        name = urlsplit(template).path.lstrip("/")
        return create_database(self._server, template=name)


def run_sql(uri: str, query: str, *values: object) -> list[tuple[Any, ...]]:
    """Run a statement in a site's database; ``%s`` stands for a value."""
    if uri.startswith("postgresql"):
        with psycopg.connect(uri) as connection:
            cursor = connection.execute(query, values)
            return cursor.fetchall() if cursor.description else []
    with closing(sqlite3.connect(uri, timeout=30)) as lite, lite:
        return lite.execute(query.replace("%s", "?"), values).fetchall()


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
