"""The example project: its demo holds, and its migrations are all there."""

from tests.support.example import run_example


def test_the_demo_walks_the_whole_recipe():
    done = run_example("demo")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILED" not in done.stdout
    assert "expectations held" in done.stdout


def test_the_demo_fails_where_an_answer_differs():
    done = run_example("demo", EXAMPLE_REGISTRATION_OPEN="")

    assert done.returncode == 1
    assert "FAILED" in done.stdout


def test_no_migration_is_missing(tmp_path):
    done = run_example(
        "makemigrations", "--check", EXAMPLE_DATABASE=str(tmp_path / "db")
    )

    assert done.returncode == 0, done.stdout


def test_its_checks_are_silent(tmp_path):
    done = run_example("check", EXAMPLE_DATABASE=str(tmp_path / "db"))

    assert "no issues" in done.stdout
