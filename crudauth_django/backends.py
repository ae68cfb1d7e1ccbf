"""The one door that passwords go through."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.contrib.auth import user_login_failed
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied
from django.views.decorators.debug import sensitive_variables

from crudauth_django import lockout, passwords
from crudauth_django.client import Client, client_of
from crudauth_django.conf import get_settings
from crudauth_django.exceptions import (
    CountersUnavailable,
    InvalidCredentials,
    LockedOut,
)
from crudauth_django.identity import find_by_identifier, user_model

if TYPE_CHECKING:
    from django.http import HttpRequest

    from crudauth_django.models import AbstractAuthUser


@sensitive_variables()
def verify_credentials(
    *, identifier: str, password: str, client: Client
) -> AbstractAuthUser:
    """Return the account that an identifier and a password open.

    An unknown identifier, a closed account and a wrong password do the same
    work and raise the same ``InvalidCredentials``. Raises ``LockedOut`` and
    ``CountersUnavailable`` before any password is compared.
    """
    user = find_by_identifier(identifier)
    return _compare([identifier], password, user=user, client=client, admits=_may_enter)


@sensitive_variables()
def verify_again(
    *, user: AbstractAuthUser, password: str, client: Client
) -> AbstractAuthUser:
    """Compare the password of somebody signed in; one budget with the login.

    Raises as :func:`verify_credentials` does.
    """
    identifiers = lockout.identifiers_of(user)
    return _compare(
        identifiers, password, user=user, client=client, admits=_is_signed_in
    )


@sensitive_variables()
def _compare(
    identifiers: Iterable[str],
    password: str,
    *,
    user: AbstractAuthUser | None,
    client: Client,
    admits: Callable[[AbstractAuthUser], bool],
) -> AbstractAuthUser:
    admission = lockout.admit(identifiers=identifiers, user=user, client=client)
    if user is None or not user.is_active:
        matches = passwords.check_password(password, None, lambda _raw: None)
    else:
        matches = user.check_password(password)
    if user is None or not matches or admission.silenced or not admits(user):
        admission.failed()
        raise InvalidCredentials
    admission.succeeded(user)
    return user


def _may_enter(user: AbstractAuthUser) -> bool:
    """Whether an account has proven as much as ``LOGIN_REQUIRES_VERIFIED`` wants.

    No registration makes a superuser, or an account that has nothing to prove.
    """
    if user.shape().factor is None or not get_settings().login_requires_verified:
        return True
    exempt = user.is_superuser or user.recovery_value is None
    return exempt or user.is_recovery_verified


def _is_signed_in(_user: AbstractAuthUser) -> bool:
    """Let in whoever a session has let in already."""
    return True


class IdentifierBackend(ModelBackend):
    """Logs in by any of the model's identifiers, behind the lockout.

    Listed in ``AUTHENTICATION_BACKENDS``, it puts the admin and
    ``authenticate()`` under the same rules as the API.
    """

    @sensitive_variables()
    def authenticate(  # type: ignore[override]  # as ModelBackend itself does
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **credentials: Any,
    ) -> AbstractAuthUser | None:
        """Return the user, or ``None``; a lock ends the whole attempt.

        Raises ``PermissionDenied`` when locked out, so that no backend further
        down the list compares the password after all.
        """
        if username is None:
            username = credentials.get(user_model().USERNAME_FIELD)
        if username is None or password is None:
            return None
        try:
            return verify_credentials(
                identifier=str(username), password=password, client=client_of(request)
            )
        except InvalidCredentials:
            return None
        except (LockedOut, CountersUnavailable) as error:
            raise PermissionDenied from error

    async def aauthenticate(  # type: ignore[override]  # as authenticate()
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **credentials: Any,
    ) -> AbstractAuthUser | None:
        """See :meth:`authenticate`; ``ModelBackend``'s own would go around it."""
        return await sync_to_async(self.authenticate)(
            request, username, password, **credentials
        )


def announce_failure(*, identifier: str, request: HttpRequest | None) -> None:
    """Tell Django's ``user_login_failed``, as ``authenticate()`` would."""
    user_login_failed.send(
        sender=__name__,
        credentials={"username": identifier, "password": "*" * 20},
        request=request,
    )
