"""A project on Django's ``AbstractUser`` becomes ours, as docs/adoption.md says."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from http import HTTPStatus

import pytest
import requests

from tests.support import parts
from tests.support.client import PASSWORD
from tests.support.databases import create_database

pytestmark = pytest.mark.slow


@dataclass(frozen=True, kw_only=True)
class Project:
    """The database, and the code that is deployed on it."""

    database: str

    def environment(self, when: str) -> dict[str, str]:
        module = f"tests.adoption.settings_{when}"
        return {
            **parts.environment(database=self.database),
            "DJANGO_SETTINGS_MODULE": module,
        }

    def run(self, when: str, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *command],
            env=self.environment(when),
            cwd=parts.ROOT,
            check=False,
            capture_output=True,
            text=True,
            timeout=parts.PATIENCE * 2,
        )

    def before(self, *command: str) -> str:
        done = self.run("before", *command)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def after(self, *command: str) -> str:
        done = self.run("after", "django", *command)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def adopt(self, *flags: str) -> tuple[int, list[dict], dict]:
        done = self.run("after", "django", "crudauth_adopt", "--format=json", *flags)
        *issues, last = map(json.loads, done.stdout.splitlines())
        return done.returncode, issues, last["summary"]

    def evaluate(self, expression: str) -> object:
        """Evaluate over the users as they are now."""
        code = (
            "import json; from django.contrib.auth import get_user_model;"
            f"users = get_user_model().objects; print(json.dumps({expression}))"
        )
        return json.loads(self.after("shell", "--verbosity=0", "-c", code))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def project(request, tmp_path_factory) -> Project:
    """An empty database."""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_uri")
        return Project(database=create_database(server))
    folder = tmp_path_factory.mktemp("adoption")
    return Project(database=str(folder / "db.sqlite3"))


@pytest.fixture(scope="module")
def old_session(project) -> str:
    """Ada's session from when the users were Django's."""
    return project.before("tests.adoption.people_before").strip()


@pytest.fixture(scope="module")
def adopted(project, old_session) -> Project:
    """Went through the guide, from its first step to its last."""
    looked = project.adopt()
    project.after("migrate", "--verbosity=0", "people", "0002")
    applied = project.adopt("--apply")
    project.evaluate(
        '[users.filter(username="BOB").update(username="bob2", email=None),'
        ' users.filter(username="eve@example.com").update(username="eve")]'
    )
    finished = project.adopt("--apply")
    project.after("migrate", "--verbosity=0")

    assert looked == (
        1,
        looked[1],
        summary(not_normalized=2, collision=4, unreadable=3),
    )
    assert applied == (
        1,
        applied[1],
        {**summary(not_normalized=4, collision=4, unreadable=1), "fixed": 4},
    )
    assert finished == (0, [], {**summary(), "fixed": 0})
    return project


def summary(
    *, not_normalized: int = 0, collision: int = 0, unreadable: int = 0
) -> dict:
    return {
        "rows": 5,
        "not_normalized": not_normalized,
        "collision": collision,
        "unreadable": unreadable,
    }


def bob(project: Project) -> list[str]:
    columns = '"password", "email", "nickname", "email_verified"'
    password, *rest = project.evaluate(
        f'users.values_list({columns}).get(username="bob")'
    )
    return [password.split("$")[0], *rest]


def test_adopted_users_have_old_data_and_log_in(adopted, old_session):
    before = bob(adopted)

    with parts.serve("gunicorn-sync", env=adopted.environment("after")) as url:
        theirs = requests.post(
            url + "/login", json={"username": "BOB", "password": PASSWORD}, timeout=30
        )
        stale = requests.get(
            url + "/me", cookies={"sessionid": old_session}, timeout=30
        )

    assert theirs.status_code == HTTPStatus.OK
    assert stale.status_code == HTTPStatus.UNAUTHORIZED
    assert before == ["pbkdf2_sha256", "bob@example.com", "B", False]
    assert bob(adopted) == ["argon2", "bob@example.com", "B", False]


def test_adopted_users_have_old_groups_and_normalized_names(adopted):
    columns = '"username", "email", "first_name", "groups__name"'

    ada = adopted.evaluate(f'list(users.values_list({columns}).filter(username="ada"))')

    assert ada == [["ada", "ada@example.com", "Ada", "editors"]]


def test_migrations_of_the_guide_are_complete(adopted):
    adopted.after("makemigrations", "--check", "--dry-run", "people")
