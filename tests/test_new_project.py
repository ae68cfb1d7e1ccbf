"""A new project that uses only what the three steps show, behind gunicorn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from http import HTTPStatus
from pathlib import Path

import pytest
import requests

from tests import parts

MODELS = """
from crudauth_django.models import AbstractAuthUser
from phonenumber_field.modelfields import PhoneNumberField

class User(AbstractAuthUser):
    LOGIN_IDENTIFIERS = ("username",)
    RECOVERY_FACTOR = "phone"
    phone = PhoneNumberField(unique=True, null=True, blank=True)
"""

SMS = """
import json, os
from crudauth_django.channels import DeliveryChannel, DeliveryIntent

class SmsChannel(DeliveryChannel):
    def deliver(self, intent: DeliveryIntent) -> None:
        if intent.token is None:
            return
        with open(os.environ["SMS_FILE"], "a") as sent:
            line = [intent.kind, intent.recipient, intent.token]
            sent.write(json.dumps(line) + "\\n")
"""

SETTINGS = """
INSTALLED_APPS += ["rest_framework", "phonenumber_field", "crudauth_django", "accounts"]
AUTH_USER_MODEL = "accounts.User"
CRUDAUTH_CHANNELS = ["accounts.sms.SmsChannel"]
"""

URLS = """
from django.urls import include, path

urlpatterns = [path("", include("crudauth_django.urls"))]
"""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "site_of_mine.settings",
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{parts.ROOT}",
        "SMS_FILE": str(tmp_path / "sms.jsonl"),
    }


@pytest.fixture
def project(tmp_path: Path, env: dict[str, str]) -> Path:
    def run(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "django", *command],
            cwd=tmp_path,
            env=env,
            check=True,
            capture_output=True,
            text=True,
            timeout=parts.PATIENCE,
        )
        return done.stdout

    unset = {k: v for k, v in env.items() if k != "DJANGO_SETTINGS_MODULE"}
    subprocess.run(
        [sys.executable, "-m", "django", "startproject", "site_of_mine", "."],
        cwd=tmp_path,
        env=unset,
        check=True,
        timeout=parts.PATIENCE,
    )
    accounts = tmp_path / "accounts"
    (accounts / "migrations").mkdir(parents=True)
    (accounts / "__init__.py").touch()
    (accounts / "migrations" / "__init__.py").touch()
    (accounts / "models.py").write_text(MODELS)
    (accounts / "sms.py").write_text(SMS)
    (tmp_path / "site_of_mine" / "urls.py").write_text(URLS)
    with (tmp_path / "site_of_mine" / "settings.py").open("a") as settings:
        settings.write(SETTINGS)
    run("makemigrations", "accounts")
    run("migrate")
    assert "No changes detected" in run("makemigrations", "--check")
    return tmp_path


def newest_token(sms_file: Path, kind: str) -> str:
    deadline = time.monotonic() + parts.PATIENCE
    while time.monotonic() < deadline:
        lines = sms_file.read_text().splitlines() if sms_file.exists() else []
        tokens = [t for k, _to, t in map(json.loads, lines) if k == kind]
        if tokens:
            return tokens[-1]
        time.sleep(0.05)
    raise TimeoutError(kind)


def test_the_three_steps_are_enough_for_the_whole_seed(
    project: Path, env: dict[str, str]
) -> None:
    port = parts.free_port()
    command = ["-m", "gunicorn", "--workers", "2", "--bind", f"127.0.0.1:{port}"]
    process = subprocess.Popen(
        [sys.executable, *command, "site_of_mine.wsgi"], cwd=project, env=env
    )
    site = f"http://127.0.0.1:{port}"
    sms = project / "sms.jsonl"
    browser = requests.Session()
    try:
        parts.wait_for(f"{site}/me", process)

        registered = requests.post(
            f"{site}/register",
            json={
                "username": "neo",
                "phone": "+15551234567",
                "password": "a-strong-one",
            },
            timeout=30,
        )
        logged_in = browser.post(
            f"{site}/login",
            data={"username": "neo", "password": "a-strong-one"},
            timeout=30,
        )
        verified = requests.post(
            f"{site}/email/verify-confirm",
            json={"token": newest_token(sms, "verify_recovery")},
            timeout=30,
        )
        me = browser.get(f"{site}/me", timeout=30)
        asked = requests.post(
            f"{site}/password/reset-request", json={"phone": "+15551234567"}, timeout=30
        )
        reset = requests.post(
            f"{site}/password/reset-confirm",
            json={
                "token": newest_token(sms, "reset_password"),
                "new_password": "a-new-strong-one",
            },
            timeout=30,
        )
        evicted = browser.get(f"{site}/me", timeout=30)
        old = requests.post(
            f"{site}/login",
            data={"username": "neo", "password": "a-strong-one"},
            timeout=30,
        )
        new = requests.post(
            f"{site}/login",
            data={"username": "neo", "password": "a-new-strong-one"},
            timeout=30,
        )
    finally:
        parts.stop(process)

    assert registered.status_code == HTTPStatus.ACCEPTED
    assert logged_in.status_code == HTTPStatus.OK
    assert verified.status_code == HTTPStatus.OK
    assert me.json() == {
        "id": 1,
        "username": "neo",
        "phone": "+15551234567",
        "phone_verified": True,
    }
    assert asked.status_code == HTTPStatus.OK
    assert reset.status_code == HTTPStatus.OK
    assert evicted.status_code == HTTPStatus.UNAUTHORIZED
    assert old.status_code == HTTPStatus.UNAUTHORIZED
    assert new.status_code == HTTPStatus.OK
