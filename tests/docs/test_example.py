"""The example project: its demo, its migrations and its checks."""

import pytest

from tests.support.example import run_example

pytestmark = pytest.mark.slow


def test_demo_meets_all_expectations():
    done = run_example("demo")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILED" not in done.stdout
    assert "expectations held" in done.stdout


def test_demo_fails_if_a_response_differs():
    done = run_example("demo", EXAMPLE_REGISTRATION_OPEN="")

    assert done.returncode == 1
    assert "FAILED" in done.stdout


def test_example_misses_no_migration(tmp_path):
    done = run_example(
        "makemigrations", "--check", EXAMPLE_DATABASE=str(tmp_path / "db")
    )

    assert done.returncode == 0, done.stdout


def test_example_passes_all_checks(tmp_path):
    done = run_example("check", EXAMPLE_DATABASE=str(tmp_path / "db"))

    assert "no issues" in done.stdout
