"""Which language a message is written in."""

import os
import subprocess
import sys
from datetime import timedelta
from http import HTTPStatus

import pytest
from django.utils import translation

from crudauth_django.channels.texts import duration, render_email, render_sms
from crudauth_django.kinds import KINDS, MessageKind
from tests.support.messages import LANGUAGES, TEST_MESSAGE, Document, intent


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_texts_of_its_own(language):
    for kind in (*KINDS, TEST_MESSAGE):
        english, own = intent(kind, language="en"), intent(kind, language=language)
        same = language == "en"

        assert (render_sms(own) == render_sms(english)) == same
        assert (render_email(own).subject == render_email(english).subject) == same
        assert (render_email(own).text == render_email(english).text) == same


@pytest.mark.parametrize(
    ("language", "lang", "direction"),
    [
        ("en", "en", "ltr"),
        ("de", "de", "ltr"),
        ("ar", "ar", "rtl"),
        ("zh-cn", "zh-Hans", "ltr"),
        ("nl", "en", "ltr"),  # nobody has translated the texts to Dutch
    ],
)
@pytest.mark.parametrize("kind", [*KINDS, TEST_MESSAGE])
def test_a_mail_says_which_language_it_is_written_in(kind, language, lang, direction):
    mail = render_email(intent(kind, language=language))

    (html,) = Document(mail.html).attributes_of("html")
    assert html == {"lang": lang, "dir": direction}


@pytest.mark.parametrize(
    ("language", "beginning"),
    [
        ("es-mx", "Cambie"),
        ("es-AR", "Cambie"),
        ("pt_BR", "Redefina"),
        ("zh-cn", "重置"),
        ("zh_Hans", "重置"),
        ("x-unknown", "Passwort"),
        ("", "Passwort"),
        ("../../etc/passwd", "Passwort"),
        ("x" * 1000, "Passwort"),
    ],
)
def test_the_nearest_language_is_spoken_or_that_of_the_project(
    settings, language, beginning
):
    settings.LANGUAGE_CODE = "de"

    text = render_sms(intent(MessageKind.RESET_PASSWORD, language=language))

    assert text.startswith(beginning)


def test_a_project_without_a_language_is_not_made_to_speak_it(settings):
    settings.LANGUAGES = [("en", "English"), ("fr", "French")]

    text = render_sms(intent(MessageKind.RESET_PASSWORD, language="es"))

    assert text.startswith("Reset your password")


def test_the_language_of_a_message_does_not_outlive_it():
    with translation.override("fr"):
        render_sms(intent(MessageKind.RESET_PASSWORD, language="ar"))
        render_email(intent(MessageKind.RESET_PASSWORD, language="ar"))

        assert translation.get_language() == "fr"


def test_a_project_without_translations_has_messages():
    script = (
        "import django; django.setup();"
        "from tests.support.messages import intent;"
        "from crudauth_django.channels import texts;"
        "message = intent('reset_password', language='es');"
        "print(texts.render_sms(message)); print(texts.render_email(message).html)"
    )
    environment = {**os.environ, "CRUDAUTH_TEST_SETTINGS": '{"USE_I18N": false}'}
    environment["DJANGO_SETTINGS_MODULE"] = "tests.support.projects.phone.settings"

    printed = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert printed.stdout.startswith("Reset your password: https://app.example.com")
    assert '<html lang="en" dir="ltr">' in printed.stdout


@pytest.mark.parametrize(
    ("lifetime", "language", "text"),
    [
        (timedelta(seconds=20), "en", "1 minute"),
        (timedelta(minutes=30), "en", "30 minutes"),
        (timedelta(minutes=60), "en", "1 hour"),
        (timedelta(minutes=90), "en", "90 minutes"),
        (timedelta(hours=24), "en", "24 hours"),
        (timedelta(hours=24, minutes=30), "en", "24 hours"),
        (timedelta(days=3), "en", "72 hours"),
        (timedelta(days=7), "en", "7 days"),
        (timedelta(hours=1), "es", "1 hora"),
        (timedelta(days=7), "de", "7 Tage"),
        (timedelta(hours=1), "ar", "ساعة واحدة"),
        (timedelta(hours=2), "ar", "ساعتين"),
        (timedelta(hours=3), "ar", "3 ساعات"),
        (timedelta(hours=24), "ar", "24 ساعة"),
        (timedelta(hours=24), "zh-hans", "24 小时"),
    ],
)
def test_a_lifetime_is_said_in_one_unit(lifetime, language, text):
    with translation.override(language):
        assert duration(lifetime) == text


@pytest.fixture
def reading_languages(settings):
    """A project that reads ``Accept-Language``."""
    locale = "django.middleware.locale.LocaleMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, locale]


@pytest.mark.django_db
@pytest.mark.usefixtures("reading_languages")
@pytest.mark.parametrize(
    ("language", "detail"),
    [
        ("es-MX,es;q=0.9", "Usuario o contraseña incorrectos."),
        ("pt-BR", "Usuário ou senha incorretos."),
        ("zh-CN", "账号或密码错误。"),
        ("tlh", "Incorrect login or password."),
    ],
)
def test_an_answer_is_in_the_language_of_the_request(api, language, detail):
    answer = api.post(
        "/login",
        {"username": "nobody", "password": "a-strong-one"},
        format="json",
        headers={"accept-language": language},
    )

    assert answer.status_code == HTTPStatus.UNAUTHORIZED
    assert answer.json()["detail"] == detail


@pytest.mark.usefixtures("reading_languages")
def test_a_message_is_in_the_language_of_whoever_asked_for_it(api, ada, outbox):
    answer = api.post(
        "/password/reset-request",
        {"phone": ada.recovery_value},
        format="json",
        headers={"accept-language": "ar"},
    )

    assert answer.status_code == HTTPStatus.OK
    assert render_sms(outbox[-1]).startswith("كلمة مرور جديدة: https://")
    assert 'dir="rtl"' in render_email(outbox[-1]).html
