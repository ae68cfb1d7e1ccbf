"""Compare passwords: hashers, refused accounts and other backends."""

from __future__ import annotations

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import identify_hasher

from crudauth_django.users import user_model
from tests.support.client import PASSWORD, Browser

pytestmark = pytest.mark.django_db

OWN = "crudauth_django.backends.IdentifierBackend"
asked: list[str] = []


class DirectoryBackend(BaseBackend):
    """A directory with accounts of its own; it accepts every password."""

    def authenticate(self, request, username=None, password=None):
        asked.append(username)
        return user_model().objects.filter(username=username).first()


@pytest.fixture(autouse=True)
def directory(settings):
    settings.AUTHENTICATION_BACKENDS = [OWN, f"{__name__}.DirectoryBackend"]
    asked.clear()


def test_owasp_hasher_replaces_hashes_of_django(ada, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    ada.set_password(PASSWORD)
    ada.save()
    before = ada.password
    settings.PASSWORD_HASHERS = ["crudauth_django.hashers.OwaspArgon2PasswordHasher"]

    responses = [Browser().log_in(), Browser().log_in()]

    assert [response.status_code for response in responses] == [200, 200]
    ada.refresh_from_db()
    assert "m=102400" in before
    # OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one thread.
    assert "m=19456,t=2,p=1" in ada.password
    assert identify_hasher(ada.password).must_update(ada.password) is False


def test_account_with_password_is_not_left_to_other_backends(ada):
    assert authenticate(None, username="ada", password="a wrong one") is None
    assert asked == []


def test_account_without_password_is_left_to_other_backends(ada):
    ada.set_unusable_password()
    ada.save()

    assert authenticate(None, username="ada", password="theirs") == ada


def test_unknown_identifier_is_left_to_other_backends(ada):
    assert authenticate(None, username="eve", password="theirs") is None
    assert asked == ["eve"]


@pytest.mark.parametrize("reason", ["closed", "locked", "unverified"])
def test_refused_account_is_not_left_to_other_backends(ada, settings, reason):
    settings.CRUDAUTH_LOGIN_REQUIRES_VERIFIED = reason == "unverified"
    user_model().objects.update(is_active=reason != "closed")
    if reason == "locked":
        for number in range(5):
            Browser().log_in("ada", "wrong", REMOTE_ADDR=f"192.0.2.{number}")
        ada.set_unusable_password()
        ada.save()

    assert authenticate(None, username="ada", password=PASSWORD) is None
    assert asked == []
