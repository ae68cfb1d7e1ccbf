"""Measure ``crudauth_adopt`` on a generated table: time, peak memory, findings.

    python -m tests.benchmarks.adopt_million [ROWS]

Every tenth number and every tenth name is not normalized. Every thousandth name
occurs twice, and every thousandth number can't be read. The command runs in
processes of its own: to report, to fix, and to report what is left.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.support import parts

BATCH = 20_000


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of the command, as its own process measured it."""

    seconds: float
    cpu_seconds: float
    peak_mib: float
    summary: dict[str, int]
    code: int


def row(n: int) -> tuple[str, str]:
    """Return the name and the number of one row."""
    name = f"user{n}"
    number = f"+1212{2_000_000 + n}"
    if n % 10 == 0:
        name, number = f"User{n}", f"+1 (212) {number[5:8]}-{number[8:]}"
    if n % 1000 == 1:
        name = f"USER{n - 1}"
    if n % 1000 == 2:
        number = f"unknown {n}"
    return name, number


def fill(rows: int) -> None:
    """Write the table; runs in a process of the test project."""
    import django

    django.setup()
    from django.db import connection, transaction

    statement = (
        "INSERT INTO phone_user (id, password, is_superuser, is_staff, is_active,"
        " date_joined, auth_epoch, username, phone, phone_verified)"
        " VALUES (%s, '!', 0, 0, 1, '2020-01-01 00:00:00', 0, %s, %s, 0)"
    )
    for start in range(0, rows, BATCH):
        numbers = range(start, min(start + BATCH, rows))
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(statement, [(n, *row(n)) for n in numbers])


def measure(*flags: str, env: dict[str, str], folder: Path) -> Run:
    """Run the command in a process of its own."""
    output = folder / "report.jsonl"
    script = (
        "import sys, time; from django.core.management import "
        "execute_from_command_line as run\n"
        "try: run(['manage.py', 'crudauth_adopt', '--format=json', *sys.argv[1:]])\n"
        "finally:\n"
        "    status = open('/proc/self/status').read().split()\n"
        "    peak = status[status.index('VmHWM:') + 1]\n"
        "    print(time.process_time(), peak, file=sys.stderr)"
    )
    began = time.perf_counter()
    with output.open("wb") as report:
        done = subprocess.run(
            [sys.executable, "-c", script, *flags],
            env=env,
            cwd=parts.ROOT,
            check=False,
            stdout=report,
            stderr=subprocess.PIPE,
        )
    seconds = time.perf_counter() - began
    *_issues, last = output.read_text().splitlines()
    return Run(
        seconds=seconds,
        cpu_seconds=float(done.stderr.split()[-2]),
        peak_mib=int(done.stderr.split()[-1]) / 1024,
        summary=json.loads(last)["summary"],
        code=done.returncode,
    )


def main(rows: int) -> None:
    """Fill a table, report on it, fix it, and report again."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        env = parts.environment(database=str(folder / "db.sqlite3"))
        parts.manage("migrate", "--verbosity=0", env=env)
        subprocess.run(
            [
                sys.executable,
                "-m",
                "tests.benchmarks.adopt_million",
                "--fill",
                f"{rows}",
            ],
            env=env,
            cwd=parts.ROOT,
            check=True,
        )
        for flags in ((), ("--apply",), ("--apply",)):
            run = measure(*flags, env=env, folder=folder)
            print(
                f"{' '.join(flags) or 'report':8} {run.seconds:7.1f} s"
                f" (cpu {run.cpu_seconds:.1f} s)"
                f"  peak {run.peak_mib:6.1f} MiB  exit {run.code}  {run.summary}",
                flush=True,
            )


if __name__ == "__main__":
    if "--fill" in sys.argv:
        fill(int(sys.argv[-1]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
