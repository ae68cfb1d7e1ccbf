"""Whoever has a language is written to in it, whatever the request was in."""

from __future__ import annotations

import pytest
from django.db import models

from crudauth_django.channels.texts import render_sms
from crudauth_django.users import user_model
from tests.support.client import PASSWORD
from tests.support.temporary import installed

VALUE = "+12125552368"
IN_GERMAN = "Passwort"
IN_FRENCH = "mot de passe"
LOCALE = "django.middleware.locale.LocaleMiddleware"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def people(settings):
    """Accounts of a model with a column for the language."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, LOCALE]
    with installed(
        RECOVERY_FACTOR="phone",
        phone=models.CharField(max_length=20, unique=True, null=True),
        language=models.CharField(max_length=10, blank=True),
    ):
        yield user_model().objects


@pytest.mark.parametrize(
    ("language", "expected", "words"),
    [("de", "de", IN_GERMAN), ("", "fr", IN_FRENCH)],
    ids=["with one", "without"],
)
@pytest.mark.parametrize("known", ["reset_password", "password_changed"])
def test_a_message_is_in_the_language_of_the_account(
    people, api, outbox, language, expected, words, known
):
    people.create_user(
        username="ada", phone=VALUE, password=PASSWORD, language=language
    )
    in_french = {"format": "json", "headers": {"Accept-Language": "fr"}}

    asked = api.post("/password/reset-request", {"phone": VALUE}, **in_french)
    done = api.post(
        "/password/reset-confirm",
        {"token": outbox[0].token, "new_password": "a whole new staple"},
        **in_french,
    )

    message = next(m for m in outbox if m.kind == known)
    assert [a.headers["Content-Language"] for a in (asked, done)] == ["fr", "fr"]
    assert message.language == expected
    assert words in render_sms(message)
