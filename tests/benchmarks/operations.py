"""Compare each operation with the floor: bare Django and REST framework.

All sites run at once, on one PostgreSQL and behind two gunicorn workers each. Every
round measures each operation on each site, in random order. A measurement waits while
the machine is busy with something else. Run it with ``python -m
tests.benchmarks.operations [--rounds 3] [--seconds 2] [--only me]``; it prints a table.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import count, cycle
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from crudauth_django.conf.readers import THROTTLES
from tests.benchmarks.timing import RAISED
from tests.support import parts
from tests.support.client import PASSWORD
from tests.support.databases import create_database

#: Clients that send at once, for requests per second.
CLIENTS = 8
#: Accounts of each site; each can be verified once in a measurement.
PEOPLE = 5000
#: Limits that no measurement reaches. Everything is counted.
LIMITS = {
    **RAISED,
    "CRUDAUTH_THROTTLES": dict.fromkeys(THROTTLES, "1000000/h"),
    "CRUDAUTH_LOCKOUT": dict.fromkeys(
        ("ATTEMPTS", "NETWORK_ATTEMPTS", "LONG_ATTEMPTS"), 1000000
    ),
}
#: A round counts if a fixed piece of work took at most so many times its best time.
BUSY = 1.25
REDIS = "django.core.cache.backends.redis.RedisCache"
IN_CACHE = "crudauth_django.counters.CacheCounters"
OURS = "tests.benchmarks.ours"

#: Makes the accounts, and prints a token for each.
POPULATE = """
import json, sys
import django
django.setup()
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from crudauth_django.identity.passwords import make_password as own
User = get_user_model()
ours = hasattr(User, "RECOVERY_FACTOR")
encoded = (own if ours else make_password)({password!r})
tokens = []
for number in range({people}):
    phone = f"+1212555{{number:04d}}"
    user = User(username=f"user{{number}}", password=encoded)
    setattr(user, "phone" if ours else "last_name", phone)
    user.save()
    if ours:
        from crudauth_django.security.redemption import VERIFY
        tokens.append(VERIFY.make_token(user))
    else:
        from django.core import signing
        tokens.append(signing.dumps(user.pk))
print(json.dumps(tokens))
"""

_numbers = count(1)


@dataclass(kw_only=True)
class Site:
    """A served site, and what its clients know."""

    name: str
    url: str
    database: str
    #: The processes of the server.
    server: int
    tokens: Iterator[str]
    unverify: str
    #: The cookies of the next request, and those of the last login.
    cookie: str = ""
    session: str = ""

    def send(self, path: str, body: dict[str, str] | None) -> int:
        """Send one request on a connection of its own; return the status."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        headers = {"Content-Type": "application/json", "Cookie": self.cookie}
        method = "GET" if body is None else "POST"
        connection.request(method, path, json.dumps(body) if body else None, headers)
        response = connection.getresponse()
        response.read()
        if path == "/login" and response.status == 200:
            cookies = response.headers.get_all("Set-Cookie") or []
            self.session = "; ".join(each.partition(";")[0] for each in cookies)
        connection.close()
        return response.status


def new_phone() -> str:
    return f"+1646{2_000_000 + next(_numbers)}"


def login(name: str, password: str = PASSWORD) -> tuple[str, dict[str, str]]:
    return "/login", {"username": name, "password": password}


def registration() -> tuple[str, dict[str, str]]:
    body = {"username": f"new{next(_numbers)}", "phone": new_phone()}
    return "/register", {**body, "password": PASSWORD}


def known() -> str:
    return f"+1212555{random.randrange(PEOPLE):04d}"


Operation = Callable[[Site], tuple[str, dict[str, str] | None]]
#: The request of each operation.
OPERATIONS: dict[str, Operation] = {
    "register": lambda _site: registration(),
    "login, right": lambda _site: login(f"user{random.randrange(PEOPLE)}"),
    "login, wrong": lambda _site: login(f"user{random.randrange(PEOPLE)}", "wrong"),
    "login, unknown": lambda _site: login(f"nobody{next(_numbers)}"),
    "verify-request, known": lambda _s: ("/email/verify-request", {"phone": known()}),
    "verify-request, unknown": lambda _s: (
        "/email/verify-request",
        {"phone": new_phone()},
    ),
    "reset-request, known": lambda _s: ("/password/reset-request", {"phone": known()}),
    "reset-request, unknown": lambda _s: (
        "/password/reset-request",
        {"phone": new_phone()},
    ),
    "verify-confirm": lambda site: (
        "/email/verify-confirm",
        {"token": next(site.tokens)},
    ),
    "me": lambda _site: ("/me", None),
}
ACCEPTED = {"login, wrong": 401, "login, unknown": 401, "register": 202}


@dataclass(kw_only=True)
class Figures:
    """The samples of one operation on one site, over all rounds."""

    p50: list[float] = field(default_factory=list)
    p95: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    application: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)


def cpu_ms(pids: list[int]) -> float:
    """Return the CPU time of processes and their ended children, in milliseconds."""
    ticks = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            values = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, values[11:15]))
    return ticks * 1000 / os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """Return a process and its children."""
    tasks = Path(f"/proc/{pid}/task/{pid}/children")
    return [pid, *map(int, tasks.read_text().split())]


def calibrate() -> float:
    """Return the time of a fixed piece of work."""
    start = time.perf_counter()
    sum(number * number for number in range(1_000_000))
    return time.perf_counter() - start


def time_request(site: Site, name: str) -> float:
    """Send one request, and return its time in milliseconds."""
    path, body = OPERATIONS[name](site)
    start = time.perf_counter()
    status = site.send(path, body)
    took = (time.perf_counter() - start) * 1000
    if status != ACCEPTED.get(name, 200):
        raise RuntimeError(f"{site.name}: {path}: {status}")
    return took


def repeat(site: Site, name: str, *, until: float) -> list[float]:
    """Send requests until a time, and return their times."""
    times = []
    while time.monotonic() < until:
        times.append(time_request(site, name))
    return times


class Benchmark:
    """Measures all sites on one PostgreSQL."""

    def __init__(
        self,
        sites: list[Site],
        *,
        operations: list[str],
        postmaster: int,
        seconds: float,
    ) -> None:
        self.sites = sites
        self.operations = operations
        self.postmaster = postmaster
        self.seconds = seconds
        self.best = min(calibrate() for _ in range(5))
        self.figures: dict[tuple[str, str], Figures] = defaultdict(Figures)

    def run(self, rounds: int) -> None:
        """Measure every operation on every site, ``rounds`` times."""
        plan = [(name, site) for name in self.operations for site in self.sites]
        for number in range(rounds):
            random.shuffle(plan)
            for name, site in plan:
                for _try in range(5):
                    if calibrate() <= self.best * BUSY:
                        break
                    time.sleep(2)
                self.measure(name, site)
            print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)

    def measure(self, name: str, site: Site) -> None:
        """Take the latencies of one client, then the rate of several."""
        with psycopg.connect(site.database, autocommit=True) as connection:
            connection.execute(site.unverify)
        site.cookie = ""
        if name == "me":
            site.send(*login("user0"))
            site.cookie = site.session
        time_request(site, name)
        latencies = repeat(site, name, until=time.monotonic() + self.seconds)
        application, database = family(site.server), family(self.postmaster)
        before = cpu_ms(application), cpu_ms(database)
        start = time.monotonic()
        with ThreadPoolExecutor(CLIENTS) as clients:
            repeated = partial(repeat, site, name, until=start + self.seconds)
            sent = sum(
                len(each.result())
                for each in [clients.submit(repeated) for _ in range(CLIENTS)]
            )
        took = time.monotonic() - start
        # Deliveries start up to half a second after their request.
        time.sleep(1)
        figures = self.figures[name, site.name]
        figures.p50.append(statistics.median(latencies))
        figures.p95.append(sorted(latencies)[int(len(latencies) * 0.95)])
        figures.rate.append(sent / took)
        figures.application.append((cpu_ms(application) - before[0]) / sent)
        figures.database.append((cpu_ms(database) - before[1]) / sent)

    def report(self) -> None:
        """Print a row for each operation and site; ratios are to the first site."""
        print(
            "| operation | site | p50 ms | p95 ms | ratio | requests/s "
            "| CPU ms, application + database |\n|---|---|---|---|---|---|---|"
        )
        for name in self.operations:
            floor = statistics.median(self.figures[name, self.sites[0].name].p50)
            for site in self.sites:
                found = self.figures[name, site.name]
                p50, p95, rate, application, database = (
                    statistics.median(values) for values in vars(found).values()
                )
                print(
                    f"| {name} | {site.name} | {p50:.1f} | {p95:.1f} "
                    f"| {p50 / floor:.2f} | {rate:.0f} "
                    f"| {application:.1f} + {database:.1f} |"
                )


@contextlib.contextmanager
def served(name: str, server: str, env: dict[str, str]) -> Iterator[Site]:
    """Migrate, populate and serve one site."""
    env["CRUDAUTH_TEST_DATABASE"] = database = create_database(server)
    parts.manage("migrate", env=env)
    script = POPULATE.format(password=PASSWORD, people=PEOPLE)
    printed = subprocess.run(
        [sys.executable, "-c", script],
        env=env,
        cwd=parts.ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    ours = env["DJANGO_SETTINGS_MODULE"] == OURS
    unverify = (
        "UPDATE phone_user SET phone_verified = FALSE"
        if ours
        else "UPDATE auth_user SET is_staff = FALSE"
    )
    with parts.run_server(parts.SERVERS["gunicorn-sync"], env=env) as (url, process):
        yield Site(
            name=name,
            url=url,
            database=database,
            server=process.pid,
            tokens=cycle(json.loads(printed)),
            unverify=unverify,
        )


def main() -> None:
    """Serve every site, measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--only", choices=OPERATIONS, action="append")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(parts.postgres())
        valkey = stack.enter_context(parts.valkey())
        cache = {"CACHES": {"default": {"BACKEND": REDIS, "LOCATION": valkey}}}
        with_valkey = {**LIMITS, **cache, "CRUDAUTH_COUNTERS": IN_CACHE}
        wanted: list[tuple[str, str, dict[str, object]]] = [
            ("floor", "tests.benchmarks.floor", {}),
            ("database counters", OURS, LIMITS),
            ("Valkey counters", OURS, with_valkey),
        ]
        sites = [
            stack.enter_context(
                served(
                    name,
                    server,
                    parts.environment(database="", settings=settings)
                    | {"DJANGO_SETTINGS_MODULE": module},
                )
            )
            for name, module, settings in wanted
        ]
        with psycopg.connect(server) as connection:
            backend = connection.info.backend_pid
            status = Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2]
        benchmark = Benchmark(
            sites,
            operations=options.only or list(OPERATIONS),
            postmaster=int(status.split()[1]),
            seconds=options.seconds,
        )
        benchmark.run(options.rounds)
        print(f"Python {platform.python_version()}, {os.cpu_count()} cores\n")
        benchmark.report()


if __name__ == "__main__":
    main()
