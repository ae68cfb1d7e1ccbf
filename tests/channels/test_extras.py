"""Channels whose optional library is missing."""

import subprocess
import sys

import pytest

from tests.support.parts import environment

pytestmark = pytest.mark.slow

#: Runs the checks with a library that can't be imported.
ABSENT = """
import sys
sys.modules[{library!r}] = None
import django
django.setup()
from crudauth_django.checks.channels import check_channels
for problem in check_channels():
    print(problem.id, problem.msg)
"""
#: Apprise imports ``imghdr`` on Python 3.11 and 3.12.
WARNINGS = ["-W", "error", "-W", "ignore:'imghdr' is deprecated:DeprecationWarning"]
EXTRAS = {
    "twilio": (
        "TwilioChannel",
        {"account_sid": "AC", "auth_token": "t", "sender": "S"},
    ),
    "vonage": (
        "VonageChannel",
        {"credentials": {"api_key": "k", "api_secret": "s"}, "sender": "S"},
    ),
    "apprise": ("AppriseChannel", {"urls": "json://127.0.0.1/{recipient}"}),
}


def check_output(extra: str, program: str) -> str:
    name, options = EXTRAS[extra]
    path = f"crudauth_django.channels.{extra}.{name}"
    channel = {"BACKEND": path, "OPTIONS": {**options, "factors": ["phone"]}}
    done = subprocess.run(
        [sys.executable, *WARNINGS, "-c", program],
        env=environment(database=":memory:", settings={"CRUDAUTH_CHANNELS": [channel]}),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


@pytest.mark.parametrize("extra", sorted(EXTRAS))
def test_check_names_extra_of_missing_library(extra):
    output = check_output(extra, ABSENT.format(library=extra))

    assert output.startswith("crudauth.E010")
    assert f'pip install "crudauth-django[{extra}]"' in output


@pytest.mark.parametrize("extra", sorted(EXTRAS))
def test_check_accepts_channel_with_installed_library(extra):
    assert check_output(extra, ABSENT.format(library="nothing")) == ""
