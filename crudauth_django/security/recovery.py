"""What the tokens of one purpose are signed with, verify and change."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.views.decorators.debug import sensitive_variables

from crudauth_django.client import Client
from crudauth_django.conf.settings import get_settings
from crudauth_django.exceptions import InvalidToken, PasswordRequired
from crudauth_django.models import AbstractAuthUser
from crudauth_django.security.owners import is_owner
from crudauth_django.security.tokens import (
    Purpose,
    make_token,
    purpose_code,
    read_token,
)
from crudauth_django.users import is_contested, is_verified_elsewhere


@dataclass(frozen=True, kw_only=True, slots=True)
class Recovery:
    """A purpose, and the update that its token authorises."""

    purpose: Purpose
    #: Returns the value that the token verifies. It is sent to no other value.
    value: Callable[[AbstractAuthUser], str | None]
    #: Runs the update, with the caller's columns added to its ``SET``. Returns
    #: whether the row matched.
    update: Callable[[AbstractAuthUser, dict[str, Any]], bool]

    def make_token(self, user: AbstractAuthUser) -> str:
        """Return a token for the present state of this account."""
        marked = self.purpose.contested_code is not None
        contested = marked and is_contested(user, self.value(user) or "")
        return make_token(self.purpose, user, contested=contested)

    def read(self, token: str) -> AbstractAuthUser:
        """Return the token's account, and redeem nothing; raises ``InvalidToken``."""
        return read_token(self.purpose, token)

    @sensitive_variables()
    def read_as_owner(
        self,
        token: str,
        *,
        password: str | None,
        user_pk: object,
        client: Client | None,
    ) -> AbstractAuthUser:
        """Return the token's account, for a contested value to its owner only.

        A value is contested if another account holds or claims it, or did when the
        token was made. Raises ``InvalidToken``, ``PasswordRequired``, and for a
        password as ``reauthenticate`` does.
        """
        user = self.read(token)
        if is_owner(user, password=password, user_pk=user_pk, client=client):
            return user
        value = self.value(user) or ""
        marked = purpose_code(token) == self.purpose.contested_code
        always = get_settings().verify_requires_password
        if not (marked or always or is_contested(user, value)):
            return user
        if is_verified_elsewhere(user, value):
            raise InvalidToken("another account has verified the value")
        raise PasswordRequired(value=value, user_pk=user.pk)

    def redeem(self, user: AbstractAuthUser, **changes: Any) -> None:
        """Redeem the token that :meth:`read` has read; raises ``InvalidToken``."""
        if not self.update(user, changes):
            raise InvalidToken("redeemed or changed meanwhile")
