"""A site to attack: a real server over a real database, and what it sent."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import requests

from tests.support import parts

#: What attacks need: every network throttle off, a proxy that says who asks.
SETTINGS: dict[str, Any] = {
    "PASSWORD_HASHERS": ["django.contrib.auth.hashers.Argon2PasswordHasher"],
    "CRUDAUTH_DISPATCHER": "crudauth_django.dispatch.ThreadDispatcher",
    "CRUDAUTH_THROTTLES": {
        "register": None,
        "verify_request": None,
        "reset_request": None,
        "change_request": None,
        "change_password": None,
    },
    "CRUDAUTH_TRUSTED_PROXIES": 1,
    "LOGGING": {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"log": {"class": "logging.StreamHandler"}},
        "root": {"handlers": ["log"], "level": "WARNING"},
    },
}
PASSWORD = "correct horse battery"
#: How long a message may take to arrive, in seconds.
PATIENCE = 20

_networks = count(1)
_people = count(1)


def network() -> str:
    """Return an address that nobody has used yet."""
    number = next(_networks)
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody to register; the second spelling is of the same number."""

    username: str
    phone: str
    password: str = PASSWORD

    @property
    def spelled_otherwise(self) -> str:
        digits = self.phone[2:]
        return f"+1 ({digits[:3]}) {digits[3:6]}-{digits[6:]}"

    @property
    def body(self) -> dict[str, str]:
        return {
            "username": self.username,
            "phone": self.phone,
            "password": self.password,
        }


def somebody() -> Person:
    """Return a person whom no site knows yet."""
    number = next(_people)
    return Person(username=f"person{number}", phone=f"+1212555{number:04}")


@dataclass(frozen=True, kw_only=True)
class Site:
    """A running site."""

    url: str
    database: str
    outbox: Path
    log: Path

    def post(
        self,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        session: requests.Session | None = None,
        address: str | None = None,
    ) -> requests.Response:
        """Send JSON, as a browser does that sends its cookies back."""
        browser = session or requests.Session()
        headers = {"X-Forwarded-For": address or network()}
        if "csrftoken" in browser.cookies:
            headers["X-CSRFToken"] = browser.cookies["csrftoken"]
        return browser.post(self.url + path, json=body, headers=headers, timeout=60)

    def get(self, path: str, *, session: requests.Session) -> requests.Response:
        return session.get(self.url + path, timeout=60)

    def register(self, person: Person) -> None:
        answer = self.post("/register", person.body)
        assert answer.status_code == requests.codes.accepted, answer.text

    def log_in(self, person: Person) -> requests.Session:
        session = requests.Session()
        body = {"username": person.username, "password": person.password}
        answer = self.post("/login", body, session=session)
        assert answer.ok, answer.text
        return session

    def messages(self) -> list[dict[str, Any]]:
        """Return everything that was delivered so far."""
        if not self.outbox.exists():
            return []
        return [json.loads(line) for line in self.outbox.read_text().splitlines()]

    def token(self, kind: str, recipient: str) -> str:
        """Wait for the last token of a kind that was sent to somebody."""

        def sent() -> list[str]:
            return [
                message["token"]
                for message in self.messages()
                if (message["kind"], message["recipient"]) == (kind, recipient)
            ]

        return wait_for(sent)[-1]

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Tell the site's database something; ``%s`` stands for a value."""
        if self.database.startswith("postgresql"):
            with psycopg.connect(self.database) as connection:
                cursor = connection.execute(query, values)
            return cursor.fetchall() if cursor.description else []
        with (
            contextlib.closing(sqlite3.connect(self.database, timeout=30)) as lite,
            lite,
        ):
            return lite.execute(query.replace("%s", "?"), values).fetchall()

    def holders(self, phone: str) -> list[str]:
        """Name the accounts that hold a number."""
        found = self.rows("SELECT username FROM phone_user WHERE phone = %s", phone)
        return [name for (name,) in found]

    def claimants(self, phone: str) -> list[str]:
        """Name the accounts that only claim a number."""
        found = self.rows(
            "SELECT username FROM phone_user WHERE phone_pending = %s", phone
        )
        return [name for (name,) in found]


def wait_for(look: Callable[[], list[Any]]) -> list[Any]:
    """Look until there is something to see."""
    deadline = time.monotonic() + PATIENCE
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(look)
        time.sleep(0.02)
    return seen


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """Make all calls at the same moment; return what each returned."""
    barrier = threading.Barrier(len(calls))
    results: list[Any] = [None] * len(calls)

    def run(place: int) -> None:
        barrier.wait()
        results[place] = calls[place]()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def statuses(answers: list[requests.Response]) -> list[int]:
    return sorted(answer.status_code for answer in answers)


class Databases:
    """Migrated databases, each a copy of one that was migrated once."""

    def __init__(self, folder: Path, postgres_uri: str) -> None:
        self._folder = folder
        self._postgres = postgres_uri
        self._templates: dict[str, str] = {}

    def fresh(self, kind: str, shape: str = "phone") -> str:
        """Return a new database of a kind: ``sqlite`` or ``postgresql``."""
        copy = self._copy_sqlite if kind == "sqlite" else self._copy_postgres
        return copy(shape)

    def _copy_sqlite(self, shape: str) -> str:
        if f"sqlite-{shape}" not in self._templates:
            template = str(self._folder / f"{shape}.sqlite3")
            self._migrate(template, shape)
            self._templates[f"sqlite-{shape}"] = template
        path = str(self._folder / f"{uuid.uuid4().hex}.sqlite3")
        shutil.copyfile(self._templates[f"sqlite-{shape}"], path)
        return path

    def _copy_postgres(self, shape: str) -> str:
        name = f"template_{shape}"
        if f"postgres-{shape}" not in self._templates:
            self._execute(f"CREATE DATABASE {name}")
            self._migrate(self._named(name), shape)
            self._templates[f"postgres-{shape}"] = name
        copy = f"copy_{uuid.uuid4().hex}"
        self._execute(f"CREATE DATABASE {copy} TEMPLATE {name}")
        return self._named(copy)

    def _migrate(self, database: str, shape: str) -> None:
        parts.manage("migrate", env=parts.environment(shape=shape, database=database))

    def _named(self, name: str) -> str:
        return self._postgres.replace("/postgres?", f"/{name}?")

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self._postgres, autocommit=True) as connection:
            connection.execute(statement)


@contextlib.contextmanager
def site(
    server: str,
    *,
    database: str,
    folder: Path,
    shape: str = "phone",
    **settings: object,
) -> Iterator[Site]:
    """Serve a site to attack; its log may hold no traceback in the end."""
    folder.mkdir(parents=True, exist_ok=True)
    outbox, log = folder / "outbox.jsonl", folder / "server.log"
    channel = {
        "BACKEND": "tests.support.channels.FileChannel",
        "OPTIONS": {"path": str(outbox)},
    }
    chosen = {**SETTINGS, "CRUDAUTH_CHANNELS": [channel], **settings}
    env = parts.environment(shape=shape, database=database, settings=chosen)
    with parts.serve(server, env=env, log=log) as url:
        yield Site(url=url, database=database, outbox=outbox, log=log)
    assert "Traceback" not in log.read_text(), log.read_text()
