"""The check of other authentication backends."""

from __future__ import annotations

import pytest
from django.contrib.auth.backends import BaseBackend, ModelBackend

from crudauth_django.backends import IdentifierBackend
from crudauth_django.checks.authentication import check_other_backends
from tests.support.checks import ids

OWN = "crudauth_django.backends.IdentifierBackend"
DJANGO = "django.contrib.auth.backends"


class OwnBackend(IdentifierBackend):
    """A subclass, with the lockout."""


class KeywordsBackend(ModelBackend):
    def authenticate(self, request, **credentials):
        return super().authenticate(request, **credentials)


class DirectoryBackend(BaseBackend):
    def authenticate(self, request, username=None, password=None):
        return None


class TokenBackend(BaseBackend):
    def authenticate(self, request, token=None):
        return None


class PermissionsOnly:
    """Some backends authenticate no client."""


@pytest.mark.parametrize(
    "path",
    [
        f"{DJANGO}.ModelBackend",
        f"{DJANGO}.AllowAllUsersModelBackend",
        f"{__name__}.KeywordsBackend",
        f"{__name__}.DirectoryBackend",
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_backend_that_accepts_passwords_is_w030(settings, path, first):
    settings.AUTHENTICATION_BACKENDS = [OWN, path] if first else [path, OWN]

    (message,) = check_other_backends()

    assert message.id == "crudauth.W033"
    assert path in message.msg
    assert "in place of ModelBackend" in message.hint


@pytest.mark.parametrize(
    "path",
    [
        f"{__name__}.OwnBackend",
        f"{__name__}.TokenBackend",
        f"{__name__}.PermissionsOnly",
        f"{DJANGO}.RemoteUserBackend",
        "no.such.Backend",
    ],
)
def test_backend_without_passwords_is_allowed(settings, path):
    settings.AUTHENTICATION_BACKENDS = [OWN, path]

    assert ids(check_other_backends) == []


def test_model_backend_alone_is_left_to_w010(settings):
    settings.AUTHENTICATION_BACKENDS = [f"{DJANGO}.ModelBackend"]

    assert ids(check_other_backends) == []
