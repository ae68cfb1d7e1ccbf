"""The checks of the texts: the segments of each SMS, and broken templates."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import global_settings
from django.core.management import call_command
from django.db import models

from crudauth_django.checks.texts import check_segments
from tests.support.checks import LOCMEM, fallback_on
from tests.support.messages import write_template
from tests.support.temporary import declared


def messages_of(check_id):
    return [message for message in check_segments() if message.id == check_id]


def test_shipped_texts_have_no_warning():
    assert messages_of("crudauth.W020") == []
    assert messages_of("crudauth.W021") == []


def test_languages_outside_gsm7_are_i020(settings):
    settings.LANGUAGES = global_settings.LANGUAGES

    messages = [message.msg for message in messages_of("crudauth.I020")]

    assert [text.split("'")[1] for text in messages] == ["ar", "hi", "zh-hans"]
    assert all("reset_password takes " in text for text in messages)


def test_languages_of_django_itself_are_not_i020(settings):
    unchosen = messages_of("crudauth.I020")
    settings.LANGUAGE_CODE = "ar"
    (chosen,) = messages_of("crudauth.I020")

    assert unchosen == []
    assert "'ar'" in chosen.msg


def test_long_address_is_w020_for_each_language(settings):
    settings.CRUDAUTH_FRONTEND_URL = "https://accounts.staging.example.com/en/account"
    settings.LANGUAGES = [("en", "English"), ("fr", "French"), ("nl", "Dutch")]

    messages = [message.msg for message in messages_of("crudauth.W020")]

    assert len(messages) == 2  # Dutch has the text of English
    assert all("verify_recovery takes 2 segments" in text for text in messages)
    assert all("password_changed" not in text for text in messages)


def test_text_without_frontend_is_counted_with_token_only(settings):
    settings.CRUDAUTH_FRONTEND_URL = ""

    assert messages_of("crudauth.W020") == []


def test_letter_outside_gsm7_is_named(settings, tmp_path):
    source = "Restablezca su contraseña aquí: {{ link }} ({{ account }})"
    write_template(settings, tmp_path, "sms/reset_password.txt", source)
    settings.LANGUAGES = [("es", "Spanish")]
    settings.LANGUAGE_CODE = "es"

    (message,) = messages_of("crudauth.W020")

    assert "reset_password takes 3 segments" in message.msg
    assert message.msg.endswith("GSM-7 does not have í.")


def test_language_of_the_project_is_counted(settings, tmp_path):
    write_catalogue(tmp_path / "locale", "nl", {})
    source = (
        "{% load i18n %}{% get_current_language as code %}"
        "{% if code == 'nl' %}Hé, één à twee keer opnieuw ingesteld: ë{% endif %}"
        "{{ link }} {{ account }}"
    )
    write_template(settings, tmp_path, "sms/reset_password.txt", source)
    settings.LANGUAGES = [("en", "English"), ("nl", "Dutch")]

    without = messages_of("crudauth.W020")
    settings.LOCALE_PATHS = [tmp_path / "locale"]
    (message,) = messages_of("crudauth.W020")

    assert without == []
    assert "'nl'" in message.msg


def test_name_outside_gsm7_is_counted(settings, tmp_path):
    """A text without the name is not GSM-7 either, so the name stays."""
    write_catalogue(tmp_path, "nl", {"your account": "je acco\u00fbnt"})
    settings.LOCALE_PATHS = [tmp_path]
    settings.LANGUAGES = [("nl", "Dutch")]
    settings.LANGUAGE_CODE = "nl"

    (message,) = messages_of("crudauth.W020")

    assert "password_changed takes 2 segments" in message.msg
    assert message.msg.endswith("GSM-7 does not have \u0142.")


def test_broken_template_is_w021(settings, tmp_path):
    write_template(settings, tmp_path, "sms/reset_password.txt", "{% nothing %}")
    settings.LANGUAGES = [("en", "English")]

    (message,) = messages_of("crudauth.W021")

    assert "nothing" in message.msg


@pytest.mark.parametrize(
    ("name", "value"),
    [("CRUDAUTH_CHANNELS", []), ("CRUDAUTH_FRONTEND_URL", "not a URL")],
)
def test_project_that_sends_nothing_has_no_message(settings, name, value):
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
def test_text_field_is_counted_if_sms_go_to_it(settings, channel, counted):
    settings.CRUDAUTH_CHANNELS = [channel]
    settings.LANGUAGES = [("hi", "Hindi")]
    mobile = models.CharField(max_length=20, unique=True, null=True, blank=True)
    with declared(mobile=mobile, RECOVERY_FACTOR="mobile"):
        messages = messages_of("crudauth.I020")

    assert bool(messages) is counted


def test_sms_to_another_field_are_not_counted(settings):
    settings.CRUDAUTH_CHANNELS = [LOCMEM, sms_over("sms")]
    with declared(RECOVERY_FACTOR="email"):
        assert messages_of("crudauth.I020") == []


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["email", "username"])
def test_shape_without_phone_has_no_message(shape):
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


def test_texts_are_rendered_by_deploy_checks_only(capsys):
    call_command("check", "--tag", "crudauth")

    assert "020" not in capsys.readouterr().err


def write_catalogue(folder: Path, language: str, messages: dict[str, str]) -> None:
    """Write a compiled catalogue (GNU gettext manual, "MO Files")."""
    messages = {"": "Content-Type: text/plain; charset=UTF-8\n", **messages}
    texts = [text.encode() for text in (*messages, *messages.values())]
    count, start = len(messages), 28 + 16 * len(messages)
    numbers = [0x950412DE, 0, count, 28, 28 + 8 * count, 0, start]
    for text in texts:
        numbers += [len(text), start]
        start += len(text) + 1
    path = folder / language / "LC_MESSAGES" / "django.mo"
    path.parent.mkdir(parents=True)
    head = b"".join(number.to_bytes(4, "little") for number in numbers)
    path.write_bytes(head + b"\0".join(texts) + b"\0")
