"""A site to attack: a server over a database, and the messages that it sent."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import requests

from tests.support import parts
from tests.support.client import PASSWORD, Browser
from tests.support.databases import run_sql
from tests.support.waiting import eventually

#: Every network throttle is off, and a proxy names the network of each request.
SETTINGS: dict[str, Any] = {
    "PASSWORD_HASHERS": ["django.contrib.auth.hashers.Argon2PasswordHasher"],
    "CRUDAUTH_DISPATCHER": "crudauth_django.dispatch.ThreadDispatcher",
    "CRUDAUTH_THROTTLES": {
        "register": None,
        "login": None,
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
_networks = count(1)
_users = count(1)


def network() -> str:
    """Return an address that no request has come from."""
    number = next(_networks)
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


@dataclass(frozen=True, kw_only=True)
class NewUser:
    """The values of one registration."""

    username: str
    phone: str
    password: str = PASSWORD

    @property
    def typed_phone(self) -> str:
        digits = self.phone[2:]
        return f"+1 ({digits[:3]}) {digits[3:6]}-{digits[6:]}"

    @property
    def body(self) -> dict[str, str]:
        return {
            "username": self.username,
            "phone": self.phone,
            "password": self.password,
        }


def new_user() -> NewUser:
    """Return values that no site has an account with."""
    number = next(_users)
    return NewUser(username=f"person{number}", phone=f"+1212555{number:04}")


@dataclass(frozen=True, kw_only=True)
class Site:
    """A running site."""

    url: str
    database: str
    outbox: Path
    log: Path

    def browser(self) -> Browser:
        return Browser(self.url)

    def post(
        self,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        session: Browser | None = None,
        address: str | None = None,
    ) -> requests.Response:
        """Send JSON, from a network of its own unless ``address`` names one."""
        headers = {"X-Forwarded-For": address or network()}
        return (session or self.browser()).post(path, body, headers=headers)

    def get(self, path: str, *, session: Browser) -> requests.Response:
        return session.get(path)

    def register(self, user: NewUser) -> None:
        response = self.post("/register", user.body)
        assert response.status_code == requests.codes.accepted, response.text

    def log_in(self, user: NewUser) -> Browser:
        session = self.browser()
        body = {"username": user.username, "password": user.password}
        response = self.post("/login", body, session=session)
        assert response.ok, response.text
        return session

    def messages(self) -> list[dict[str, Any]]:
        """Return everything that was delivered so far."""
        if not self.outbox.exists():
            return []
        return [json.loads(line) for line in self.outbox.read_text().splitlines()]

    def token(self, kind: str, recipient: str, *, account: str = "") -> str:
        """Wait for a token of a kind to a recipient; returns the last one.

        ``account`` names the account, where several have the value.
        """

        def sent() -> list[str]:
            return [
                message["token"]
                for message in self.messages()
                if (message["kind"], message["recipient"]) == (kind, recipient)
                and account in {"", message["account"]}
            ]

        return eventually(sent)[-1]

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement in the site's database; ``%s`` stands for a value."""
        return run_sql(self.database, query, *values)

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


def statuses(responses: list[requests.Response]) -> list[int]:
    return sorted(response.status_code for response in responses)


@contextlib.contextmanager
def site(
    server: str,
    *,
    database: str,
    folder: Path,
    shape: str = "phone",
    **settings: object,
) -> Iterator[Site]:
    """Serve a site to attack; a traceback in its log fails the test."""
    folder.mkdir(parents=True, exist_ok=True)
    outbox, log = folder / "outbox.jsonl", folder / "server.log"
    channel = {
        "BACKEND": "tests.support.channels.RecordingChannel",
        "OPTIONS": {"path": str(outbox)},
    }
    chosen = {**SETTINGS, "CRUDAUTH_CHANNELS": [channel], **settings}
    env = parts.environment(shape=shape, database=database, settings=chosen)
    with parts.serve(server, env=env, log=log) as url:
        yield Site(url=url, database=database, outbox=outbox, log=log)
    assert "Traceback" not in log.read_text(), log.read_text()
