"""``createsuperuser`` for a shape with a name and a phone."""

from __future__ import annotations

import io
import os
import re
import select
import subprocess
import sys

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from crudauth_django.users import user_model
from tests.support import parts
from tests.support.client import PASSWORD

pytestmark = pytest.mark.django_db


def create_superuser(**options) -> str:
    output = io.StringIO()
    call_command("createsuperuser", stdout=output, stderr=output, **options)
    return output.getvalue()


def test_createsuperuser_refuses_malformed_name():
    with pytest.raises((CommandError, ValidationError)):
        create_superuser(interactive=False, username="a@b.example")

    assert not user_model().objects.exists()


class Keyboard(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_createsuperuser_reads_name_and_password(monkeypatch):
    lines = iter(["Root"])
    monkeypatch.setattr("builtins.input", lambda _prompt: next(lines))
    monkeypatch.setattr("getpass.getpass", lambda _prompt="": PASSWORD)

    output = create_superuser(interactive=True, stdin=Keyboard())

    assert "Superuser created" in output
    assert user_model().objects.get().username == "root"


def test_createsuperuser_prompts_again_for_taken_name(ada, monkeypatch):
    lines = iter(["ADA", "root"])
    monkeypatch.setattr("builtins.input", lambda _prompt: next(lines))
    monkeypatch.setattr("getpass.getpass", lambda _prompt="": PASSWORD)

    output = create_superuser(interactive=True, stdin=Keyboard())

    assert "already taken" in output
    assert user_model().objects.filter(is_superuser=True).get().username == "root"


def type_lines(command, lines, *, env):
    """Run on a terminal, and type each line after its prompt."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "django", *command],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=env,
        cwd=parts.ROOT,
        start_new_session=True,
    )
    os.close(theirs)
    for prompt, line in lines:
        seen = b""
        while not re.search(prompt + rb"[^\n]*: $", seen):
            assert select.select([ours], [], [], parts.PATIENCE)[0], seen
            seen += os.read(ours, 1024)
        os.write(ours, line + b"\n")
    code = process.wait(timeout=parts.PATIENCE)
    os.close(ours)
    return code


@pytest.mark.slow
def test_createsuperuser_on_a_terminal_prompts_again(tmp_path):
    env = parts.environment(database=str(tmp_path / "db.sqlite3"))
    parts.manage("migrate", "--verbosity=0", env=env)

    code = type_lines(
        ["createsuperuser"],
        [
            (b"Username", b"not a name"),
            (b"Username", b"Grace"),
            (b"Password", PASSWORD.encode()),
            (b"Password \\(again", PASSWORD.encode()),
        ],
        env=env,
    )
    found = parts.manage(
        "shell",
        "--verbosity=0",
        "-c",
        "from crudauth_django.users import user_model;"
        "u = user_model().objects.get();"
        f"print(u.username, u.is_superuser, u.check_password({PASSWORD!r}))",
        env=env,
    )

    assert code == 0
    assert found.split() == ["grace", "True", "True"]
