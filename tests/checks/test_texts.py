"""The check that counts the segments of every SMS."""

import os
import subprocess
import sys

import pytest
from django.core.management import call_command
from django.db import models

from crudauth_django.checks.texts import check_segments
from tests.support.messages import write_template
from tests.support.temporary import declared

LOCMEM = "crudauth_django.channels.locmem.LocMemChannel"


def found(identity):
    return [message for message in check_segments() if message.id == identity]


def test_the_shipped_texts_cost_no_more_than_they_need_to():
    assert found("crudauth.W020") == []
    assert found("crudauth.W021") == []


def test_languages_that_cost_more_in_any_words_are_named():
    messages = [message.msg for message in found("crudauth.I020")]

    assert [text.split("'")[1] for text in messages] == ["ar", "hi", "zh-hans"]
    assert all("reset_password takes " in text for text in messages)


def test_a_long_address_is_reported_for_every_language_it_is_too_long_in(settings):
    settings.CRUDAUTH_FRONTEND_URL = "https://accounts.staging.example.com/en/account"
    settings.LANGUAGES = [("en", "English"), ("fr", "French"), ("nl", "Dutch")]

    messages = [message.msg for message in found("crudauth.W020")]

    assert len(messages) == 2  # Dutch says what English says
    assert all("verify_recovery takes 2 segments" in text for text in messages)
    assert all("password_changed" not in text for text in messages)


def test_without_a_frontend_the_token_alone_is_counted(settings):
    settings.CRUDAUTH_FRONTEND_URL = ""

    assert found("crudauth.W020") == []


def test_a_letter_that_triples_the_price_is_named(settings, tmp_path):
    source = "Restablezca su contraseña aquí: {{ link }} ({{ account }})"
    write_template(settings, tmp_path, "sms/reset_password.txt", source)
    settings.LANGUAGES = [("es", "Spanish")]
    settings.LANGUAGE_CODE = "es"

    (message,) = found("crudauth.W020")

    assert "reset_password takes 3 segments" in message.msg
    assert message.msg.endswith("GSM-7 does not have í.")


def test_a_language_of_the_projects_own_is_counted(settings, tmp_path):
    catalogue = tmp_path / "locale" / "nl" / "LC_MESSAGES"
    catalogue.mkdir(parents=True)
    (catalogue / "django.mo").write_bytes(_EMPTY_CATALOGUE)
    source = (
        "{% load i18n %}{% get_current_language as code %}"
        "{% if code == 'nl' %}Hé, één à twee keer opnieuw ingesteld: ë{% endif %}"
        "{{ link }} {{ account }}"
    )
    write_template(settings, tmp_path, "sms/reset_password.txt", source)
    settings.LANGUAGES = [("en", "English"), ("nl", "Dutch")]

    without = found("crudauth.W020")
    settings.LOCALE_PATHS = [tmp_path / "locale"]
    (message,) = found("crudauth.W020")

    assert without == []
    assert "'nl'" in message.msg


def test_a_template_that_cannot_be_rendered_is_reported(settings, tmp_path):
    write_template(settings, tmp_path, "sms/reset_password.txt", "{% nothing %}")
    settings.LANGUAGES = [("en", "English")]

    (message,) = found("crudauth.W021")

    assert "nothing" in message.msg


@pytest.mark.parametrize(
    ("name", "value"),
    [("CRUDAUTH_CHANNELS", []), ("CRUDAUTH_FRONTEND_URL", "not a URL")],
)
def test_a_project_that_sends_nothing_hears_nothing(settings, name, value):
    setattr(settings, name, value)

    assert check_segments() == []


def sms_over(medium: str) -> dict[str, object]:
    return {
        "BACKEND": "crudauth_django.channels.twilio.TwilioChannel",
        "OPTIONS": {
            "account_sid": "AC0",
            "auth_token": "x",
            "sender": "+15005550006",
            "medium": medium,
            "factors": ["mobile"],
        },
    }


def fallback_on(*channels: object) -> dict[str, object]:
    path = "crudauth_django.channels.fallback.FallbackChannel"
    return {"BACKEND": path, "OPTIONS": {"channels": channels}}


@pytest.mark.parametrize(
    ("channel", "counted"),
    [
        (sms_over("sms"), True),
        (fallback_on(LOCMEM, sms_over("sms")), True),
        (sms_over("whatsapp"), False),
        (LOCMEM, False),
        (sms_over("sms") | {"OPTIONS": {}}, False),
    ],
    ids=["sms", "fallback", "whatsapp", "another medium", "not constructed"],
)
def test_a_text_column_is_a_phone_where_sms_are_sent_to_it(settings, channel, counted):
    settings.CRUDAUTH_CHANNELS = [channel]
    mobile = models.CharField(max_length=20, unique=True, null=True, blank=True)
    with declared(mobile=mobile, RECOVERY_FACTOR="mobile"):
        messages = found("crudauth.I020")

    assert bool(messages) is counted


def test_sms_to_another_column_are_none_that_recover(settings):
    settings.CRUDAUTH_CHANNELS = [LOCMEM, sms_over("sms")]
    with declared(RECOVERY_FACTOR="email"):
        assert found("crudauth.I020") == []


@pytest.mark.parametrize("shape", ["email", "username"])
def test_a_project_without_phones_hears_nothing(shape):
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": f"tests.support.projects.{shape}.settings",
    }
    command = [sys.executable, "-m", "django", "check", "--deploy", "--tag", "crudauth"]

    checked = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False
    )

    assert "crudauth.E016" in checked.stderr  # the deploy checks have run
    assert "020" not in checked.stderr


def test_only_a_deploy_check_renders_them(capsys):
    call_command("check", "--tag", "crudauth")

    assert "020" not in capsys.readouterr().err


#: A compiled catalogue with no message in it (GNU gettext manual, "MO Files").
_EMPTY_CATALOGUE = bytes.fromhex("de120495") + b"".join(
    number.to_bytes(4, "little") for number in (0, 0, 28, 28, 0, 28)
)
