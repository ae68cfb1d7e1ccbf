"""The language of messages and responses."""

import os
import subprocess
import sys
from datetime import timedelta
from http import HTTPStatus

import pytest
from django.db import models
from django.utils import translation

from crudauth_django.channels.texts import duration, render_email, render_sms
from crudauth_django.kinds import KINDS, MessageKind
from crudauth_django.users import user_model
from tests.support.client import NEW_PASSWORD, PASSWORD
from tests.support.messages import LANGUAGES, TEST_MESSAGE, Document, longest_intent
from tests.support.temporary import installed


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_texts_of_the_language(language):
    for kind in (*KINDS, TEST_MESSAGE):
        english, own = (longest_intent(kind, language=n) for n in ("en", language))
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
        ("nl", "en", "ltr"),  # There is no Dutch catalogue.
    ],
)
@pytest.mark.parametrize("kind", [*KINDS, TEST_MESSAGE])
def test_mail_declares_language_and_direction(kind, language, lang, direction):
    mail = render_email(longest_intent(kind, language=language))

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
def test_unknown_language_falls_back_to_the_nearest(settings, language, beginning):
    settings.LANGUAGE_CODE = "de"

    text = render_sms(longest_intent(MessageKind.RESET_PASSWORD, language=language))

    assert text.startswith(beginning)


def test_language_outside_of_project_is_not_used(settings):
    settings.LANGUAGES = [("en", "English"), ("fr", "French")]

    text = render_sms(longest_intent(MessageKind.RESET_PASSWORD, language="es"))

    assert text.startswith("Reset your password")


def test_rendering_restores_the_active_language():
    with translation.override("fr"):
        render_sms(longest_intent(MessageKind.RESET_PASSWORD, language="ar"))
        render_email(longest_intent(MessageKind.RESET_PASSWORD, language="ar"))

        assert translation.get_language() == "fr"


@pytest.mark.slow
def test_project_without_i18n_renders_messages():
    script = (
        "import django; django.setup();"
        "from tests.support.messages import longest_intent;"
        "from crudauth_django.channels import texts;"
        "message = longest_intent('reset_password', language='es');"
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
def test_lifetime_is_in_one_unit(lifetime, language, text):
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
def test_response_is_in_the_language_of_the_request(api, language, detail):
    response = api.post(
        "/login",
        {"username": "unknown", "password": "a-strong-one"},
        headers={"accept-language": language},
    )

    assert response.status_code == HTTPStatus.UNAUTHORIZED
    assert response.json()["detail"] == detail


@pytest.mark.usefixtures("reading_languages")
def test_message_is_in_the_language_of_the_request(api, ada, outbox):
    response = api.post(
        "/password/reset-request",
        {"phone": ada.recovery_value},
        headers={"accept-language": "ar"},
    )

    assert response.status_code == HTTPStatus.OK
    assert outbox[-1].language == "ar"
    assert render_sms(outbox[-1]).startswith("كلمة مرور جديدة: https://")
    assert 'dir="rtl"' in render_email(outbox[-1]).html


@pytest.fixture
def people(reading_languages):
    """Accounts of a model with a column for the language."""
    with installed(
        RECOVERY_FACTOR="phone",
        phone=models.CharField(max_length=20, unique=True, null=True),
        language=models.CharField(max_length=10, blank=True),
    ):
        yield user_model().objects


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("language", "expected", "words"),
    [("de", "de", "Passwort"), ("", "fr", "mot de passe")],
    ids=["with one", "without"],
)
@pytest.mark.parametrize("kind", ["reset_password", "password_changed"])
def test_message_is_in_the_language_of_the_account(
    people, api, outbox, language, expected, words, kind
):
    people.create_user(
        username="ada", phone="+12125552368", password=PASSWORD, language=language
    )
    french = {"headers": {"Accept-Language": "fr"}}

    requested = api.post("/password/reset-request", {"phone": "+12125552368"}, **french)
    confirmed = api.post(
        "/password/reset-confirm",
        {"token": outbox[0].token, "new_password": NEW_PASSWORD},
        **french,
    )

    message = next(m for m in outbox if m.kind == kind)
    for response in (requested, confirmed):
        assert response.headers["Content-Language"] == "fr"
    assert message.language == expected
    assert words in render_sms(message)
