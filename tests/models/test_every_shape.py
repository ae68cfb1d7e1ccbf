"""The tests of ``tests/behaviour`` over every shape, each in a process of its own.

Django has one user model for a process. The process of this test run has the shape
``phone``, and runs the same tests with all others.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.parts import ROOT, environment

SHAPES = sorted(
    path.parent.name for path in ROOT.glob("tests/support/projects/*/models.py")
)
#: The shape of this process.
OWN = "phone"
#: Seconds that one shape may take on a busy machine.
PATIENCE = 300


def run_behaviour(
    shape: str, database: str = ":memory:", *, tests: str = "tests/behaviour"
) -> None:
    """Run the tests for one shape; a failure fails the calling test."""
    settings = f"--ds=tests.support.projects.{shape}.settings"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", tests, "-q", "--no-header"),
            *("-p", "no:cacheprovider", settings),
        ],
        cwd=ROOT,
        env=environment(shape=shape, database=database),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


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
def test_behaviour_holds_for_shape(shape):
    run_behaviour(shape)


@pytest.mark.slow
def test_behaviour_holds_on_postgresql(postgres_uri):
    run_behaviour(OWN, postgres_uri)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [s for s in SHAPES if s not in {OWN, "username"}])
def test_newcomer_sees_the_same_on_postgresql(postgres_uri, shape):
    run_behaviour(shape, postgres_uri, tests="tests/behaviour/test_newcomer.py")
