"""Accept, hash and compare passwords, and bind sessions to them.

The default is Argon2id (OWASP Password Storage Cheat Sheet, RFC 9106). A project
that sets ``PASSWORD_HASHERS`` is obeyed.
"""

import unicodedata
from collections.abc import Callable, Iterator
from copy import copy
from functools import cache
from types import SimpleNamespace
from typing import Any, cast

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import hashers
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.password_validation import (
    CommonPasswordValidator,
    UserAttributeSimilarityValidator,
    get_default_password_validators,
    validate_password,
)
from django.core.exceptions import ValidationError
from django.utils.crypto import get_random_string, salted_hmac
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from crudauth_django.identity.invisible import is_blank
from crudauth_django.identity.normalize import to_text
from crudauth_django.identity.sensitive import SensitiveText
from crudauth_django.identity.tracking import ChangeTracker

#: NIST SP 800-63B: verifiers require at least eight characters.
MIN_LENGTH = 8
#: NIST SP 800-63B asks for at least 64. An upper limit bounds the work of a hash.
MAX_LENGTH = 4096


def canonical_password(raw_password: str) -> str:
    """Normalize to NFKC (NIST SP 800-63B); keep spaces."""
    return SensitiveText(unicodedata.normalize("NFKC", raw_password))


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
def refuse_password(raw_password: str, encoded: str | None) -> None:
    """Do the work of a wrong password, also for the right one.

    So neither the time nor an upgraded hash shows that a guess is right, while its
    account is locked or unverified.
    """
    # A text that no client can guess, as long as the password. NFKC composes a digit
    # with no letter, so there are as many candidates.
    wrong = f"{get_random_string(22)}0{raw_password}"
    check_password(wrong, encoded, lambda _raw: None)


@cache
def _password_list() -> CommonPasswordValidator:
    """Return Django's validator, which reads its list of 20,000 once."""
    return CommonPasswordValidator()


@sensitive_variables()
def clean_password(raw_password: str, *, user: Any) -> str:
    """Return the canonical password; raises ``ValidationError``.

    The length limits apply, and ``AUTH_PASSWORD_VALIDATORS``. Without any, Django's
    validators check common passwords and similarity to the user's identity. Spaces
    are kept, but one character must be visible. No message repeats the password.
    """
    password = canonical_password(raw_password)
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise ValidationError(
            _("Use between %(min)d and %(max)d characters."),
            code="password_length",
            params={"min": MIN_LENGTH, "max": MAX_LENGTH},
        )
    if is_blank(password):
        raise ValidationError(
            _("The password must have a visible character."), code="password_blank"
        )
    # As its owner sees it: a refusal must not reveal whether the recovery value is
    # stored or only claimed.
    seen = copy(user)
    if user.shape().factor is not None:
        setattr(seen, user.shape().factor, user.recovery_value)
    if chosen := get_default_password_validators():
        validate_password(password, user=seen, password_validators=chosen)
        return password
    columns = user.shape().columns
    # The similarity validator ignores values that are not text.
    texts = {name: to_text(getattr(seen, name)) for name in columns}
    validate_password(
        password,
        user=cast("Any", SimpleNamespace(_meta=user._meta, **texts)),
        password_validators=[
            _password_list(),
            UserAttributeSimilarityValidator(user_attributes=columns),
        ],
    )
    return password


class CredentialsMixin(ChangeTracker, AbstractBaseUser):
    """Hashes and compares the password, and binds sessions to it."""

    auth_epoch: int

    class Meta:
        abstract = True

    @sensitive_variables()
    def clean_password(self, raw_password: str) -> str:
        """Return the canonical password; raises ``ValidationError``."""
        return clean_password(raw_password, user=self)

    @sensitive_variables()
    def set_password(self, raw_password: str | None) -> None:
        """Hash with Argon2, or with the project's own ``PASSWORD_HASHERS``."""
        self.password = make_password(raw_password)
        self._password = raw_password

    @sensitive_variables()
    def check_password(self, raw_password: str | None) -> bool:
        """Compare; an outdated hash is replaced unless the row has changed."""

        def upgrade(password: str) -> None:
            encoded = make_password(password)
            # The plain manager: another hash of the same password changes nothing else.
            rows = type(self)._base_manager
            unchanged = rows.filter(pk=self.pk, password=self.password)
            if unchanged.update(password=encoded):
                self.set_saved(password=encoded)

        return check_password(raw_password, self.password, upgrade)

    async def acheck_password(self, raw_password: str | None) -> bool:
        return await sync_to_async(self.check_password)(raw_password)

    def get_session_auth_hash(self) -> str:
        """Return a hash of password and epoch; a session with another one ends."""
        return self._session_hash(settings.SECRET_KEY)

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        for secret in settings.SECRET_KEY_FALLBACKS:
            yield self._session_hash(secret)

    @sensitive_variables()
    def _session_hash(self, secret: str | bytes) -> str:
        return salted_hmac(
            "crudauth_django.models.AbstractAuthUser.session",
            f"{self.auth_epoch}:{self.password}",
            secret=secret,
            algorithm="sha256",
        ).hexdigest()
