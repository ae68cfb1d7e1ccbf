"""``createsuperuser`` for a shape with a name and a phone."""

from __future__ import annotations

import io

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from crudauth_django.users import user_model
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
