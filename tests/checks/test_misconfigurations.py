"""Each row of docs/misconfigurations.md is what a project with the mistake says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from crudauth_django.asgi import DrainAtShutdown
from tests.checks.misconfigurations import MISTAKES, OWN, Mistake
from tests.docs.test_pages import DOCS, assemble
from tests.support.parts import ROOT

SECTIONS = {
    section.partition("\n")[0]: re.findall(
        r"^\| (.+?) \| `([\w.]+)` (.+?) \| (.+?) \|$", section, re.MULTILINE
    )
    for section in (DOCS / "misconfigurations.md").read_text().split("\n## ")[1:]
}
DJANGO = "Messages of Django"
ROWS = {row[0]: row for rows in SECTIONS.values() for row in rows}
ALL = [mistake for mistakes in MISTAKES.values() for mistake in mistakes]


def says(written: str, text: str) -> bool:
    """Return whether a cell of the page is this text; ``…`` stands for any."""
    pattern = ".*".join(map(re.escape, written.split("…")))
    return bool(re.fullmatch(pattern, text.replace(OWN, "accounts.")))


def test_page_lists_every_mistake_in_order():
    listed = {name: [row[0] for row in rows] for name, rows in SECTIONS.items()}
    del listed[DJANGO]

    assert listed == {name: [m.title for m in made] for name, made in MISTAKES.items()}
    assert len(ROWS) >= 35


def test_project_without_mistakes_has_no_message():
    assert Mistake(title="", deploy=True).messages() == []


@pytest.mark.parametrize("mistake", ALL, ids=lambda m: m.title)
def test_mistake_gives_cause_and_hint_of_page(mistake, monkeypatch):
    monkeypatch.setattr(DrainAtShutdown, "wraps", False)

    messages = mistake.messages()

    row = [
        f"| {mistake.title} | `{m.id}` {m.msg} | {m.hint} |".replace(OWN, "accounts.")
        for m in messages
    ]
    _title, name, cause, hint = ROWS[mistake.title]
    assert len(messages) == 1, row
    assert messages[0].id == name, row
    assert says(cause, messages[0].msg), row
    assert says(hint, messages[0].hint), row


def run(folder: Path, *command: str) -> str:
    """Run Python in the project; returns everything that it printed."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("DJANGO", "COV"))}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**env, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.stdout + done.stderr


#: A login, on a server's side.
LOG_IN = """
import os

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django

django.setup()
from django.conf import settings
from django.test import Client

settings.ALLOWED_HOSTS = ["testserver"]
body = {"username": "neo", "password": "x"}
print(Client().post("/login", body, content_type="application/json").json())
"""


@pytest.fixture
def project(tmp_path):
    """The project of the quickstart, without migrations and without tables."""
    assemble(tmp_path, "quickstart.md")
    return tmp_path


def leave_out(project: Path, app: str) -> None:
    file = project / "config" / "settings.py"
    file.write_text(file.read_text() + f'\nINSTALLED_APPS.remove("{app}")\n')


@pytest.mark.slow
@pytest.mark.parametrize(
    ("title", "app"),
    [
        ("The package is not in `INSTALLED_APPS`", "crudauth_django"),
        ("`django.contrib.auth` is not in `INSTALLED_APPS`", "django.contrib.auth"),
        (
            "`django.contrib.contenttypes` is not in `INSTALLED_APPS`",
            "django.contrib.contenttypes",
        ),
    ],
)
def test_missing_app_gives_message_of_page(project, title, app):
    leave_out(project, app)

    printed = run(project, "manage.py", "check")

    _title, kind, cause, hint = ROWS[title]
    assert f"{kind}: {cause}" in printed
    assert app in hint


@pytest.mark.slow
def test_forgotten_makemigrations_gives_message_of_page(project):
    printed = run(project, "manage.py", "migrate")

    _title, kind, cause, _hint = ROWS["`makemigrations` is forgotten"]
    assert f"{kind}: {cause}" in printed


@pytest.mark.slow
def test_forgotten_migrate_gives_cause_of_page(project):
    run(project, "manage.py", "makemigrations", "accounts")

    printed = run(project, "-c", LOG_IN)

    _title, kind, cause, _hint = ROWS["`migrate` is forgotten"]
    assert f"'{kind}': '{cause}'" in printed
