"""Accept, hash and compare passwords.

The default is Argon2id (OWASP Password Storage Cheat Sheet, RFC 9106). A project
that sets ``PASSWORD_HASHERS`` is obeyed.
"""

import unicodedata
from collections.abc import Callable
from copy import copy
from typing import Any, cast

from django.conf import settings
from django.contrib.auth import hashers
from django.contrib.auth.password_validation import (
    CommonPasswordValidator,
    MinimumLengthValidator,
    UserAttributeSimilarityValidator,
    get_default_password_validators,
    validate_password,
)
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from crudauth_django.identity.normalize import to_text

#: NIST SP 800-63B: verifiers require at least eight characters.
MIN_LENGTH = 8
#: NIST SP 800-63B asks for at least 64. An upper limit bounds the work of a hash.
MAX_LENGTH = 4096


def canonical_password(raw_password: str) -> str:
    """Normalize to NFKC (NIST SP 800-63B); keep spaces."""
    return unicodedata.normalize("NFKC", raw_password)


def preferred_hasher() -> str:
    """Return the hasher for new hashes: the project's own, or Argon2."""
    chosen = settings.is_overridden("PASSWORD_HASHERS")  # type: ignore[misc]  # unknown to the stubs
    return "default" if chosen else "argon2"


@sensitive_variables()
def make_password(raw_password: str | None) -> str:
    """Hash a password; ``None`` gives a hash that never matches."""
    password = None if raw_password is None else canonical_password(raw_password)
    return hashers.make_password(password, hasher=preferred_hasher())


@sensitive_variables()
def check_password(
    raw_password: str | None, encoded: str | None, upgrade: Callable[[str], None]
) -> bool:
    """Compare in the same time for every ``encoded``, ``None`` included.

    A right password with an outdated hash is passed to ``upgrade``. Older hashes
    may have been made without NFKC, so the password is also compared as typed.
    """
    if raw_password is None:
        return False
    password = canonical_password(raw_password)
    for candidate in dict.fromkeys((password, raw_password)):
        if encoded is None or not hashers.is_password_usable(encoded):
            make_password(candidate)
            continue
        matches, outdated = hashers.verify_password(
            candidate, encoded, preferred=preferred_hasher()
        )
        if matches:
            if outdated or candidate != password:
                upgrade(raw_password)
            return True
    return False


@sensitive_variables()
def clean_password(raw_password: str, *, user: Any) -> str:
    """Return the canonical password; raises ``ValidationError``.

    ``AUTH_PASSWORD_VALIDATORS`` decide. Without any, Django's validators check
    length, common passwords and similarity to the user's identity. The length
    limits always apply. No message repeats the password.
    """
    password = canonical_password(raw_password)
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise ValidationError(
            _("Use between %(min)d and %(max)d characters."),
            code="password_length",
            params={"min": MIN_LENGTH, "max": MAX_LENGTH},
        )
    # As its owner sees it: a refusal must not reveal whether the recovery value is
    # stored or only claimed.
    seen = copy(user)
    if user.shape().factor is not None:
        setattr(seen, user.shape().factor, user.recovery_value)
    if chosen := get_default_password_validators():
        validate_password(password, user=seen, password_validators=chosen)
    else:
        validate_password(
            password,
            user=cast("Any", _AsText(seen)),
            password_validators=[
                MinimumLengthValidator(min_length=MIN_LENGTH),
                CommonPasswordValidator(),
                UserAttributeSimilarityValidator(user_attributes=user.shape().columns),
            ],
        )
    return password


class _AsText:
    """A user whose values are texts; the similarity validator ignores all others."""

    def __init__(self, user: Any) -> None:
        self._user = user
        self._meta = user._meta

    def __getattr__(self, name: str) -> str:
        return to_text(getattr(self._user, name, None)) or ""
