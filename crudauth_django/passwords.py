"""Passwords: what is accepted, and how they are hashed.

Argon2id by default (OWASP Password Storage Cheat Sheet, RFC 9106), with no
setting; a project that sets ``PASSWORD_HASHERS`` itself is obeyed.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.hashers import (
    is_password_usable,
    make_password,
    verify_password,
)
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

#: NIST SP 800-63B: verifiers require at least eight characters.
MIN_LENGTH = 8
#: NIST SP 800-63B: at least 64 must be allowed; an upper bound keeps a hash
#: from being asked for megabytes.
MAX_LENGTH = 4096


def canonical(raw_password: str) -> str:
    """Normalise to NFKC (NIST SP 800-63B); spaces are kept."""
    return unicodedata.normalize("NFKC", raw_password)


def preferred_hasher() -> str:
    """Name the hasher for new hashes: the project's own choice, or Argon2."""
    chosen = settings.is_overridden("PASSWORD_HASHERS")  # type: ignore[misc]  # unknown to the stubs
    return "default" if chosen else "argon2"


@sensitive_variables()
def hash_password(raw_password: str | None) -> str:
    """Hash a password; ``None`` gives one that never matches."""
    password = None if raw_password is None else canonical(raw_password)
    return make_password(password, hasher=preferred_hasher())


@sensitive_variables()
def check_password(
    raw_password: str | None, encoded: str | None, upgrade: Callable[[str], None]
) -> bool:
    """Compare in the same time whatever ``encoded`` is, ``None`` included.

    ``upgrade`` is called with a right password whose hash is not the one that
    would be made today. A password that was hashed before this package was
    there, and so perhaps without NFKC, matches as it was typed, too.
    """
    if raw_password is None:
        return False
    password = canonical(raw_password)
    for spelling in dict.fromkeys((password, raw_password)):
        if encoded is None or not is_password_usable(encoded):
            hash_password(spelling)
            continue
        matches, outdated = verify_password(
            spelling, encoded, preferred=preferred_hasher()
        )
        if matches:
            if outdated or spelling != password:
                upgrade(raw_password)
            return True
    return False


@sensitive_variables()
def clean_password(raw_password: str, *, user: Any, attributes: tuple[str, ...]) -> str:
    """Return the canonical password; raises ``ValidationError``.

    ``AUTH_PASSWORD_VALIDATORS`` decide, with ``user``'s values at hand. With
    none set, Django's validators for length, common passwords and similarity
    to ``attributes`` do. The length bounds hold in any case. No message
    repeats the password.
    """
    password = canonical(raw_password)
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise ValidationError(
            _("Use between %(min)d and %(max)d characters."),
            code="password_length",
            params={"min": MIN_LENGTH, "max": MAX_LENGTH},
        )
    if chosen := get_default_password_validators():
        validate_password(password, user=user, password_validators=chosen)
    else:
        validate_password(
            password,
            user=cast("Any", _AsText(user)),
            password_validators=[
                MinimumLengthValidator(min_length=MIN_LENGTH),
                CommonPasswordValidator(),
                UserAttributeSimilarityValidator(user_attributes=attributes),
            ],
        )
    return password


class _AsText:
    """A user whose values are all texts.

    The similarity validator passes over everything else, phone numbers among it.
    """

    def __init__(self, user: Any) -> None:
        self._user = user
        self._meta = user._meta

    def __getattr__(self, name: str) -> str:
        value = getattr(self._user, name, None)
        return "" if value is None else str(value)
