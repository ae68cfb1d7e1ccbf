"""A new project that uses only what the three steps show, behind gunicorn."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from http.cookiejar import MozillaCookieJar
from pathlib import Path

import pytest
import requests

from tests.support import parts

pytestmark = pytest.mark.slow

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
from crudauth_django.channels.base import DeliveryChannel, DeliveryIntent

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
from crudauth_django.permissions import IsRecoveryVerified
from django.urls import include, path
from rest_framework.decorators import api_view, permission_classes
from rest_framework.response import Response

@api_view(["GET"])
@permission_classes([IsRecoveryVerified])
def vault(request):
    return Response({"opened": True})

urlpatterns = [
    path("vault", vault),
    path("", include("crudauth_django.urls")),
]
"""

#: The commands of the recipe that this package was made from, as printed there.
REGISTER = """
curl -X POST http://localhost:8000/register -H "Content-Type: application/json" \\
  -d '{"username":"neo","phone":"+15551234567","password":"a-strong-one"}'
"""
LOG_IN = """
curl -X POST http://localhost:8000/login -c jar.txt -d "username=neo&password=a-strong-one"
"""  # noqa: E501 (printed so in the recipe)
REQUEST_VERIFICATION = """
curl -X POST http://localhost:8000/email/verify-request \\
  -H "Content-Type: application/json" -d '{"phone":"+15551234567"}'
"""
CONFIRM_VERIFICATION = """
curl -X POST http://localhost:8000/email/verify-confirm \\
  -H "Content-Type: application/json" -d '{"token":"eyJ..."}'
"""
REQUEST_RESET = """
curl -X POST http://localhost:8000/password/reset-request \\
  -H "Content-Type: application/json" -d '{"phone":"+15551234567"}'
"""
CONFIRM_RESET = """
curl -X POST http://localhost:8000/password/reset-confirm \\
  -H "Content-Type: application/json" \\
  -d '{"token":"eyJ...","new_password":"a-new-strong-one"}'
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


@pytest.fixture
def site(project: Path, env: dict[str, str]) -> Iterator[str]:
    """The project behind gunicorn, with two workers."""
    port = parts.free_port()
    command = ["-m", "gunicorn", "--workers", "2", "--bind", f"127.0.0.1:{port}"]
    process = subprocess.Popen(
        [sys.executable, *command, "site_of_mine.wsgi"], cwd=project, env=env
    )
    try:
        parts.wait_for(f"http://127.0.0.1:{port}/me", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        parts.stop(process)


def sent_token(project: Path, kind: str, *, number: int = 1) -> str:
    """Wait for the first, second, ... token of a kind."""
    sms = project / "sms.jsonl"
    deadline = time.monotonic() + parts.PATIENCE
    while time.monotonic() < deadline:
        lines = sms.read_text().splitlines() if sms.exists() else []
        tokens = [t for k, _to, t in map(json.loads, lines) if k == kind]
        if len(tokens) >= number:
            return tokens[number - 1]
        time.sleep(0.05)
    raise TimeoutError(kind)


def post(url: str, body: dict[str, str]) -> HTTPStatus:
    return HTTPStatus(requests.post(url, json=body, timeout=30).status_code)


def log_in(site: str, password: str) -> requests.Response:
    form = {"username": "neo", "password": password}
    return requests.post(f"{site}/login", data=form, timeout=30)


def test_three_steps_of_readme_serve_the_whole_recipe(project: Path, site: str) -> None:
    browser = requests.Session()
    phone = {"phone": "+15551234567"}
    person = {"username": "neo", "password": "a-strong-one"}

    registered = post(f"{site}/register", {**person, **phone})
    logged_in = browser.post(f"{site}/login", data=person, timeout=30)
    sent_token(project, "verify_recovery")
    before = browser.get(f"{site}/vault", timeout=30)
    verify_requested = post(f"{site}/email/verify-request", phone)
    to_verify = {"token": sent_token(project, "verify_recovery", number=2)}
    verified = [post(f"{site}/email/verify-confirm", to_verify) for _ in range(2)]
    after = browser.get(f"{site}/vault", timeout=30)
    me = browser.get(f"{site}/me", timeout=30)
    reset_requested = post(f"{site}/password/reset-request", phone)
    to_reset = {
        "token": sent_token(project, "reset_password"),
        "new_password": "a-new-strong-one",
    }
    reset = [post(f"{site}/password/reset-confirm", to_reset) for _ in range(2)]
    ended = browser.get(f"{site}/me", timeout=30)

    assert registered == HTTPStatus.ACCEPTED
    assert logged_in.status_code == HTTPStatus.OK
    assert before.status_code == HTTPStatus.FORBIDDEN
    assert verify_requested == HTTPStatus.OK
    assert verified == [HTTPStatus.OK, HTTPStatus.BAD_REQUEST]
    assert after.json() == {"opened": True}
    assert me.json() == {"id": 1, "username": "neo", **phone, "phone_verified": True}
    assert reset_requested == HTTPStatus.OK
    assert reset == [HTTPStatus.OK, HTTPStatus.BAD_REQUEST]
    assert ended.status_code == HTTPStatus.UNAUTHORIZED
    assert log_in(site, "a-strong-one").status_code == HTTPStatus.UNAUTHORIZED
    assert log_in(site, "a-new-strong-one").status_code == HTTPStatus.OK


def by_curl(arguments: list[str], *, folder: Path) -> HTTPStatus:
    """Run curl; it writes the status as its last line."""
    done = subprocess.run(
        ["curl", *arguments, "-sS", "--noproxy", "*", "-w", "\n%{http_code}"],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        timeout=parts.PATIENCE,
    )
    return HTTPStatus(int(done.stdout.splitlines()[-1]))


def by_urllib(arguments: list[str], *, folder: Path) -> HTTPStatus:
    """Send what curl would, where there is no curl."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("-X", dest="method")
    parser.add_argument("-H", dest="headers", action="append", default=[])
    parser.add_argument("-d", dest="body")
    parser.add_argument("-c", dest="jar", default="unused.txt")
    parsed = parser.parse_args(arguments)
    headers = dict(header.split(": ") for header in parsed.headers)
    jar = MozillaCookieJar(folder / parsed.jar)
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(jar)
    )
    request = urllib.request.Request(
        parsed.url, parsed.body.encode(), headers, method=parsed.method
    )
    try:
        with opener.open(request, timeout=30) as response:
            return HTTPStatus(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return HTTPStatus(error.code)
    finally:
        jar.save(ignore_discard=True)


def run_as_printed(
    command: str, *, site: str, folder: Path, token: str = ""
) -> HTTPStatus:
    """Run a command of the recipe; only the site and the token are others."""
    parsed = command.replace("http://localhost:8000", site).replace("eyJ...", token)
    _curl, *arguments = shlex.split(parsed.replace("\\\n", " "))
    send = by_curl if shutil.which("curl") else by_urllib
    return send(arguments, folder=folder)


def cookies_in(jar: Path) -> dict[str, str | None]:
    cookies = MozillaCookieJar(jar)
    cookies.load(ignore_discard=True)
    return {cookie.name: cookie.value for cookie in cookies}


def test_recipe_commands_work_as_printed(project: Path, site: str) -> None:
    place = {"site": site, "folder": project}

    statuses = [
        run_as_printed(REGISTER, **place),
        run_as_printed(LOG_IN, **place),
        run_as_printed(REQUEST_VERIFICATION, **place),
    ]
    verify = sent_token(project, "verify_recovery", number=2)
    statuses.append(run_as_printed(CONFIRM_VERIFICATION, token=verify, **place))
    cookies = cookies_in(project / "jar.txt")
    me = requests.get(f"{site}/me", cookies=cookies, timeout=30)
    statuses.append(run_as_printed(REQUEST_RESET, **place))
    reset = sent_token(project, "reset_password")
    statuses.append(run_as_printed(CONFIRM_RESET, token=reset, **place))
    ended = requests.get(f"{site}/me", cookies=cookies, timeout=30)

    assert statuses == [HTTPStatus.ACCEPTED, *[HTTPStatus.OK] * 5]
    assert me.json()["phone_verified"] is True
    assert ended.status_code == HTTPStatus.UNAUTHORIZED
    assert log_in(site, "a-new-strong-one").status_code == HTTPStatus.OK
