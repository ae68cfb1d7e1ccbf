"""The behavioural suite over every account shape, each a project of its own.

The suite in ``tests/behaviour`` knows no shape. The recipe's is run with all the
other tests; here it is run for the others, each in a process of its own, since
Django has one user model a process.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.parts import ROOT, environment

SHAPES = sorted(
    path.parent.name for path in Path(ROOT).glob("tests/support/projects/*/models.py")
)
#: The shape of the rest of the tests, which run the suite for it.
OWN = "phone"
#: More processes at a time than this do not make it faster on a small machine.
AT_ONCE = 2
#: Seconds that one shape may take on a busy machine.
PATIENCE = 300


def run_suite(
    shape: str, database: str = ":memory:"
) -> subprocess.CompletedProcess[str]:
    """Run the suite for one shape in another process."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "tests/behaviour", "-q", "--no-header"),
            *(
                "-p",
                "no:cacheprovider",
                f"--ds=tests.support.projects.{shape}.settings",
            ),
        ],
        cwd=ROOT,
        env=environment(shape=shape, database=database),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.fixture(scope="module")
def suites() -> Iterator[dict[str, Future[subprocess.CompletedProcess[str]]]]:
    """Every shape's suite, running or done."""
    with ThreadPoolExecutor(max_workers=min(AT_ONCE, os.cpu_count() or 1)) as pool:
        yield {shape: pool.submit(run_suite, shape) for shape in SHAPES if shape != OWN}


def test_shapes_are_those_of_the_documentation():
    assert SHAPES == [
        "badge",
        "email",
        "email_username",
        "phone",
        "phone_email",
        "phone_login",
        "username",
        "uuid",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != OWN])
def test_behaviour_holds_for_shape(suites, shape):
    done = suites[shape].result()

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_behaviour_holds_on_postgresql(postgres_uri):
    done = run_suite(OWN, postgres_uri)

    assert done.returncode == 0, done.stdout + done.stderr
