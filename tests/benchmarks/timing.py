"""Can a stranger tell by time who has an account?

Prints, side by side, the times of answers for known and for unknown accounts,
and of the request that follows on the same connection, while the provider
takes 200 ms for every message. Run it with ``python -m tests.benchmarks.timing
[--samples 150] [--database sqlite|postgresql]``.
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

from tests import parts
from tests.benchmarks.ranks import compare

PASSWORD = "correct horse battery"
#: What the provider takes for one message, in seconds.
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
    """One keep-alive connection, as far as the server keeps it."""

    connection: http.client.HTTPConnection

    def post(self, path: str, body: dict[str, str]) -> float:
        """Return how long the answer took, in milliseconds."""
        start = time.perf_counter()
        self.connection.request(
            "POST", path, json.dumps(body), {"Content-Type": "application/json"}
        )
        answer = self.connection.getresponse()
        answer.read()
        took = (time.perf_counter() - start) * 1000
        if answer.status >= 500 or answer.status in {400, 429}:
            raise RuntimeError(f"{path}: {answer.status}")
        return took


def free_number() -> str:
    """Return a number that nobody has registered."""
    return f"+1212{next(_numbers) + 2_000_000}"


@contextlib.contextmanager
def served(server: str, database: str, folder: Path) -> Iterator[Client]:
    """Serve the site and connect to it."""
    channel = {
        "BACKEND": "tests.channels_for_tests.FileChannel",
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
    """Register people; a third of them proves the number, a third is closed."""
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
    return kinds


def execute(database: str, statement: str) -> None:
    """Change the site's rows."""
    if database.startswith("postgresql"):
        with psycopg.connect(database) as connection:
            connection.execute(statement)
        return
    with contextlib.closing(sqlite3.connect(database, timeout=30)) as lite, lite:
        lite.execute(statement)


def sample(
    arms: dict[str, Callable[[], Sample]], samples: int
) -> dict[str, list[Sample]]:
    """Take samples of every arm in a random order, so that noise hits all."""
    plan = [arm for arm in arms for _ in range(samples)]
    random.shuffle(plan)
    for arm in arms.values():
        arm()
    taken: dict[str, list[Sample]] = {arm: [] for arm in arms}
    for arm in plan:
        time.sleep(PAUSE)
        taken[arm].append(arms[arm]())
    return taken


def report(place: str, what: str, taken: dict[str, list[Sample]], column: int) -> None:
    """Print every arm against the first."""
    (base, first), *others = taken.items()
    for name, second in others:
        found = compare([s[column] for s in first], [s[column] for s in second])
        print(
            f"{place:28} {what:16} {base:>10} / {name:10}"
            f" {found.medians[0]:8.2f} {found.medians[1]:8.2f}"
            f" {found.p95[0]:8.2f} {found.p95[1]:8.2f}"
            f" {found.auc:6.3f} {found.p:8.4f}",
            flush=True,
        )


def measure(place: str, client: Client, database: str, samples: int) -> None:
    """Measure the requests that may give an account away."""
    people = populate(client, database)
    strangers = [(f"nobody{n}", free_number()) for n in range(PEOPLE)]
    following = free_number()
    names = count(1)

    def ask(path: str, whom: list[tuple[str, str]]) -> Callable[[], Sample]:
        def once() -> Sample:
            first = client.post(path, {"phone": random.choice(whom)[1]})
            return first, client.post(path, {"phone": following})

        return once

    def log_in(whom: list[tuple[str, str]]) -> Callable[[], Sample]:
        return lambda: (
            client.post(
                "/login", {"username": random.choice(whom)[0], "password": "a wrong"}
            ),
        )

    def register(number: Callable[[], str]) -> Callable[[], Sample]:
        return lambda: (
            client.post(
                "/register",
                {
                    "username": f"new{next(names)}",
                    "phone": number(),
                    "password": PASSWORD,
                },
            ),
        )

    taken = sample(
        {
            "unknown": ask("/password/reset-request", strangers),
            "known": ask("/password/reset-request", people["verified"]),
        },
        samples,
    )
    report(place, "reset-request", taken, 0)
    report(place, "  the next one", taken, 1)
    taken = sample(
        {
            "unknown": ask("/email/verify-request", strangers),
            "known": ask("/email/verify-request", people["unverified"]),
        },
        samples,
    )
    report(place, "verify-request", taken, 0)
    report(place, "  the next one", taken, 1)
    taken = sample(
        {
            "unknown": log_in(strangers),
            "known": log_in(people["verified"]),
            "inactive": log_in(people["inactive"]),
        },
        samples // 2,
    )
    report(place, "login", taken, 0)
    taken = sample(
        {
            "free": register(free_number),
            "held": register(lambda: random.choice(people["verified"])[1]),
            "unproven": register(lambda: random.choice(people["unverified"])[1]),
        },
        samples // 2,
    )
    report(place, "register", taken, 0)


def main() -> None:
    """Run all, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=150)
    parser.add_argument("--server", choices=parts.SERVERS, action="append")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    options = parser.parse_args()
    print(
        f"{'server, database':28} {'request':16} {'first':>10} / {'second':10}"
        f" {'median':>8} {'median':>8} {'p95':>8} {'p95':>8} {'AUC':>6} {'p':>8}"
    )
    for database in options.database or ["sqlite", "postgresql"]:
        for server in options.server or parts.SERVERS:
            measure_one(server, database, options.samples)


def measure_one(server: str, database: str, samples: int) -> None:
    """Serve one place, and measure there."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        uri = str(folder / "db.sqlite3")
        if database == "postgresql":
            uri = stack.enter_context(parts.postgres())
        client = stack.enter_context(served(server, uri, folder))
        measure(f"{server}, {database}", client, uri, samples)


if __name__ == "__main__":
    main()
