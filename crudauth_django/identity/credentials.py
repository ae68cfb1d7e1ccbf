"""The password of an account, and the hash that its sessions carry."""

from collections.abc import Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.utils.crypto import salted_hmac
from django.views.decorators.debug import sensitive_variables

from crudauth_django.identity import passwords
from crudauth_django.identity.tracking import ChangeTracker


class CredentialsMixin(ChangeTracker):
    """Hashes and compares the password, and binds sessions to it."""

    password: str
    auth_epoch: int

    class Meta:
        abstract = True

    @sensitive_variables()
    def clean_password(self, raw_password: str) -> str:
        """Return the canonical password; raises ``ValidationError``."""
        return passwords.clean_password(raw_password, user=self)

    @sensitive_variables()
    def set_password(self, raw_password: str | None) -> None:
        """Hash with Argon2, or with the project's own ``PASSWORD_HASHERS``."""
        self.password = passwords.make_password(raw_password)
        self._password = raw_password

    @sensitive_variables()
    def check_password(self, raw_password: str | None) -> bool:
        """Compare; an outdated hash is replaced unless the row has changed."""

        def upgrade(password: str) -> None:
            encoded = passwords.make_password(password)
            rows: Any = type(self)._default_manager
            unchanged = rows.filter(pk=self.pk, password=self.password)
            if unchanged.update(password=encoded):
                self.set_saved(password=encoded)

        return passwords.check_password(raw_password, self.password, upgrade)

    async def acheck_password(self, raw_password: str | None) -> bool:
        """Compare as :meth:`check_password` does."""
        return await sync_to_async(self.check_password)(raw_password)

    def get_session_auth_hash(self) -> str:
        """Return a hash of password and epoch; a session with another one ends."""
        return self._session_hash(settings.SECRET_KEY)

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        """Yield the hash under each key of ``SECRET_KEY_FALLBACKS``."""
        for secret in settings.SECRET_KEY_FALLBACKS:
            yield self._session_hash(secret)

    def _session_hash(self, secret: str | bytes) -> str:
        return salted_hmac(
            "crudauth_django.models.AbstractAuthUser.session",
            f"{self.auth_epoch}:{self.password}",
            secret=secret,
            algorithm="sha256",
        ).hexdigest()
