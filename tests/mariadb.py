"""Runs the behavioural suite over MariaDB: ``python -m tests.mariadb [SHAPE ...]``.

It needs what the test command may not ask for: Debian's ``mariadb-server``, and
PyMySQL.
"""

from __future__ import annotations

import subprocess
import sys

from tests.support.parts import ROOT, environment, mariadb

SHAPES = (
    "badge",
    "email",
    "email_username",
    "phone",
    "phone_email",
    "phone_login",
    "uuid",
)


def main(shapes: list[str]) -> int:
    """Run the suite for each shape; returns the number of shapes that fail."""
    failures = 0
    with mariadb() as uri:
        for shape in shapes or SHAPES:
            print(f"{shape} on MariaDB", flush=True)
            done = subprocess.run(
                [
                    *(sys.executable, "-m", "pytest", "tests/behaviour", "-q"),
                    *("--no-header", "-p", "no:cacheprovider"),
                    f"--ds=tests.support.projects.{shape}.settings",
                ],
                cwd=ROOT,
                env=environment(shape=shape, database=uri),
                check=False,
            )
            failures += done.returncode != 0
    return failures


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
