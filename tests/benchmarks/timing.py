"""Measure whether response times reveal accounts.

Prints, side by side, the response times for known and for unknown accounts, and
of the next request on the same connection. Meanwhile the provider needs 200 ms
for every message. Run it with ``python -m tests.benchmarks.timing
[--samples 150] [--database sqlite|postgresql] [--server gunicorn-threads]
[--only requests|passwords]``.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from tests.benchmarks.ranks import compare
from tests.support import parts
from tests.support.client import PASSWORD

#: The time that the provider needs for one message, in seconds.
PROVIDER = 0.2
#: Between two samples, so that no queue builds up, in seconds.
PAUSE = 0.08
#: Accounts of each kind.
PEOPLE = 20

RAISED = {
    "CRUDAUTH_THROTTLES": dict.fromkeys(
        ("register", "verify_request", "reset_request", "change_request"),
        "1000000/h",
    ),
    "CRUDAUTH_TARGET_BUDGET": ["1000000/15m", "1000000/d"],
    "CRUDAUTH_LOCKOUT": {"ATTEMPTS": 1_000_000, "NETWORK_ATTEMPTS": 1_000_000},
}

_numbers = count(1)
Sample = tuple[float, ...]


@dataclass(kw_only=True)
class Client:
    """One keep-alive connection; the server may still close it."""

    connection: http.client.HTTPConnection

    def post(self, path: str, body: dict[str, str]) -> float:
        """Return the response time, in milliseconds."""
        start = time.perf_counter()
        self.connection.request(
            "POST", path, json.dumps(body), {"Content-Type": "application/json"}
        )
        response = self.connection.getresponse()
        response.read()
        took = (time.perf_counter() - start) * 1000
        if response.status >= 500 or response.status in {400, 429}:
            raise RuntimeError(f"{path}: {response.status}")
        return took


def free_number() -> str:
    """Return a number without an account."""
    return f"+1212{next(_numbers) + 2_000_000}"


@contextlib.contextmanager
def served(server: str, database: str, folder: Path) -> Iterator[Client]:
    """Serve the site and connect to it."""
    channel = {
        "BACKEND": "tests.support.channels.RecordingChannel",
        "OPTIONS": {"path": str(folder / "outbox"), "seconds": PROVIDER},
    }
    env = parts.environment(
        database=database, settings={**RAISED, "CRUDAUTH_CHANNELS": [channel]}
    )
    env["DJANGO_SETTINGS_MODULE"] = "tests.benchmarks.settings"
    parts.manage("migrate", env=env)
    with parts.serve(server, env=env) as url:
        address = urlsplit(url)
        yield Client(
            connection=http.client.HTTPConnection(address.hostname, address.port)
        )


def populate(client: Client, database: str) -> dict[str, list[tuple[str, str]]]:
    """Register accounts: a third is verified, a third inactive."""
    kinds = {}
    for kind in ("unverified", "verified", "inactive"):
        kinds[kind] = [(f"{kind}{n}", free_number()) for n in range(PEOPLE)]
        for username, phone in kinds[kind]:
            client.post(
                "/register",
                {"username": username, "phone": phone, "password": PASSWORD},
            )
    execute(
        database,
        "UPDATE phone_user SET phone_verified = TRUE WHERE username LIKE 'verified%'",
    )
    execute(
        database,
        "UPDATE phone_user SET is_active = FALSE WHERE username LIKE 'inactive%'",
    )
    kinds["unknown"] = [(f"unknown{n}", free_number()) for n in range(PEOPLE)]
    return kinds


def execute(database: str, statement: str) -> None:
    """Change the site's rows."""
    if database.startswith("postgresql"):
        with psycopg.connect(database) as connection:
            connection.execute(statement)
        return
    with contextlib.closing(sqlite3.connect(database, timeout=30)) as lite, lite:
        lite.execute(statement)


def report(
    place: str, request: str, samples_by_arm: dict[str, list[Sample]], column: int
) -> None:
    """Print every arm against the first."""
    (base, first), *others = samples_by_arm.items()
    for name, second in others:
        found = compare([s[column] for s in first], [s[column] for s in second])
        print(
            f"{place:28} {request:16} {base:>10} / {name:10}"
            f" {found.medians[0]:8.2f} {found.medians[1]:8.2f}"
            f" {found.p95[0]:8.2f} {found.p95[1]:8.2f}"
            f" {found.auc:6.3f} {found.p:8.4f}",
            flush=True,
        )


@dataclass(kw_only=True)
class BenchmarkSite:
    """A site with accounts, and the requests of a visitor without a session."""

    name: str
    client: Client
    database: str
    samples: int
    people: dict[str, list[tuple[str, str]]]

    def measure_requests(self) -> None:
        """Send recovery requests, each followed by one on the same connection."""
        for path, kind in (
            ("/password/reset-request", "verified"),
            ("/email/verify-request", "unverified"),
        ):
            samples_by_arm = self.sample(
                {
                    "unknown": self._request(path, "unknown"),
                    "known": self._request(path, kind),
                },
                self.samples,
            )
            report(self.name, path.rpartition("/")[2], samples_by_arm, 0)
            report(self.name, "  next request", samples_by_arm, 1)

    def measure_passwords(self) -> None:
        """Log in with a wrong password, and register with all kinds of numbers."""
        arms = {"unknown": "unknown", "known": "verified", "inactive": "inactive"}
        samples_by_arm = self.sample(
            {arm: self._log_in(kind) for arm, kind in arms.items()}, self.samples // 2
        )
        report(self.name, "login", samples_by_arm, 0)
        arms = {"free": "", "held": "verified", "unverified": "unverified"}
        samples_by_arm = self.sample(
            {arm: self._register(kind) for arm, kind in arms.items()},
            self.samples // 2,
        )
        report(self.name, "register", samples_by_arm, 0)

    def sample(
        self, arms: dict[str, Callable[[], Sample]], samples: int
    ) -> dict[str, list[Sample]]:
        """Measure every arm in random order, so that noise affects all arms.

        Counters are deleted before each sample: a first count is an ``INSERT``
        and a second count an ``UPDATE``, for every account.
        """
        plan = [arm for arm in arms for _ in range(samples)]
        random.shuffle(plan)
        for arm in arms.values():
            arm()
        samples_by_arm: dict[str, list[Sample]] = {arm: [] for arm in arms}
        for arm in plan:
            time.sleep(PAUSE)
            execute(self.database, "DELETE FROM crudauth_counter")
            samples_by_arm[arm].append(arms[arm]())
        return samples_by_arm

    def _request(self, path: str, kind: str) -> Callable[[], Sample]:
        def once() -> Sample:
            number = random.choice(self.people[kind])[1]
            first = self.client.post(path, {"phone": number})
            return first, self.client.post(path, {"phone": free_number()})

        return once

    def _log_in(self, kind: str) -> Callable[[], Sample]:
        def once() -> Sample:
            name = random.choice(self.people[kind])[0]
            return (
                self.client.post("/login", {"username": name, "password": "a wrong"}),
            )

        return once

    def _register(self, kind: str) -> Callable[[], Sample]:
        def once() -> Sample:
            number = random.choice(self.people[kind])[1] if kind else free_number()
            body = {
                "username": f"new{next(_numbers)}",
                "phone": number,
                "password": PASSWORD,
            }
            return (self.client.post("/register", body),)

        return once


def main() -> None:
    """Measure every server and database, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=150)
    parser.add_argument("--server", choices=parts.SERVERS, action="append")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    parser.add_argument("--only", choices=("requests", "passwords"))
    options = parser.parse_args()
    print(
        f"{'server, database':28} {'request':16} {'first':>10} / {'second':10}"
        f" {'median':>8} {'median':>8} {'p95':>8} {'p95':>8} {'AUC':>6} {'p':>8}"
    )
    for database in options.database or ["sqlite", "postgresql"]:
        for server in options.server or parts.SERVERS:
            measure(server, database, options.samples, options.only)


def measure(server: str, database: str, samples: int, only: str | None) -> None:
    """Serve one site, and measure it."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        uri = str(folder / "db.sqlite3")
        if database == "postgresql":
            uri = stack.enter_context(parts.postgres())
        client = stack.enter_context(served(server, uri, folder))
        place = BenchmarkSite(
            name=f"{server}, {database}",
            client=client,
            database=uri,
            samples=samples,
            people=populate(client, uri),
        )
        if only != "passwords":
            place.measure_requests()
        if only != "requests":
            place.measure_passwords()


if __name__ == "__main__":
    main()
