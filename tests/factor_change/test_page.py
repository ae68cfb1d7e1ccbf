"""The factor of a live site changes, as docs/recipes/change-factor.md says."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from http import HTTPStatus

import pytest

from tests.support import parts
from tests.support.databases import create_database

pytestmark = pytest.mark.slow

ADAS, BOBS, CLAIMED = "+12125552368", "+12125550123", "+12125550199"


@dataclass(kw_only=True)
class LiveSite:
    """A database; each call runs the code that has this factor."""

    database: str

    def run(self, factor: str, *command: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", *command],
            env={
                **parts.environment(database=self.database),
                "DJANGO_SETTINGS_MODULE": "tests.factor_change.settings",
                "CRUDAUTH_TEST_FACTOR": factor,
            },
            cwd=parts.ROOT,
            check=False,
            capture_output=True,
            text=True,
            timeout=parts.PATIENCE * 2,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def people(self, factor: str, *command: str) -> dict | list:
        return json.loads(self.run(factor, "tests.factor_change.people", *command))

    def change(self, factor: str) -> tuple[dict, dict]:
        """Fill the site, deploy the other factor; return both states."""
        self.run("phone", "django", "migrate", "--verbosity=0")
        before = self.people("phone", "fill")
        self.run(factor, "django", "migrate", "--verbosity=0")
        return before, self.people(factor, "report", before["token"])


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request, tmp_path) -> LiveSite:
    """An empty database."""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_uri")
        return LiveSite(database=create_database(server))
    return LiveSite(database=str(tmp_path / "db.sqlite3"))


def test_email_after_phone_verifies_no_address(site):
    before, after = site.change("email")

    assert after["states"] == {
        "ada": [None, False, "ada@example.com"],
        "bob": [None, False, "ada@example.com"],
        "eve": [None, False, None],
    }
    assert after["confirmed"] is True
    assert after["session"] == before["session"]
    assert after["login"] == HTTPStatus.OK
    assert after["reset"] == HTTPStatus.BAD_REQUEST


def test_claimed_address_belongs_to_one_account_after_verifying(site):
    site.change("email")

    holders = site.people("email", "verify", "ada@example.com")

    assert len(holders) == 1


def test_whatsapp_after_phone_verifies_no_number(site):
    before, after = site.change("whatsapp")

    assert set(after["states"]) == {"ada", "bob", "eve"}
    assert all(state == [None, False, None] for state in after["states"].values())
    assert after["session"] == before["session"]
    assert after["reset"] == HTTPStatus.BAD_REQUEST


def test_renamed_column_keeps_flags_claims_and_tokens(site):
    before, after = site.change("mobile")

    assert after["states"] == {
        "ada": [ADAS, True, None],
        "bob": [BOBS, False, CLAIMED],
        "eve": [None, False, None],
    }
    assert after["session"] == before["session"]
    assert (after["login"], after["reset"]) == (HTTPStatus.OK, HTTPStatus.OK)


@pytest.mark.parametrize("factor", ["phone", "email", "whatsapp", "mobile"])
def test_migrations_of_the_page_are_complete(factor):
    site = LiveSite(database=":memory:")

    site.run(factor, "django", "makemigrations", "--check", "--dry-run", "people")
