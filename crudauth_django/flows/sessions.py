"""Open and end sessions."""

from typing import Any, cast

from django.conf import settings
from django.contrib.auth import SESSION_KEY, login, logout, user_login_failed
from django.http import HttpRequest
from django.utils.module_loading import import_string
from django.views.decorators.debug import sensitive_variables

from crudauth_django.backends import IdentifierBackend
from crudauth_django.client import Client, client_of
from crudauth_django.exceptions import InvalidCredentials
from crudauth_django.flows import events
from crudauth_django.models import AbstractAuthUser
from crudauth_django.security.credentials import verify_credentials
from crudauth_django.security.updates import end_sessions_of

__all__ = ["end_all_sessions", "log_in", "log_out"]


@sensitive_variables()
def log_in(*, request: HttpRequest, identifier: str, password: str) -> AbstractAuthUser:
    """Open a session, under a new session key.

    Raises ``InvalidCredentials``, ``LockedOut`` and ``CountersUnavailable``.
    """
    try:
        user = verify_credentials(
            identifier=identifier, password=password, client=client_of(request)
        )
    except InvalidCredentials:
        # As authenticate() does, but a broken receiver must not change the response.
        user_login_failed.send_robust(
            sender=__name__,
            credentials={"username": identifier, "password": "*" * 20},
            request=request,
        )
        raise
    if SESSION_KEY in request.session:
        request.session.cycle_key()
    # Name a listed backend: Django ends a session of an unlisted one.
    listed = list(settings.AUTHENTICATION_BACKENDS)
    own = [p for p in listed if issubclass(import_string(p), IdentifierBackend)]
    login(request, cast("Any", user), backend=(own or listed)[0])
    return user


def log_out(*, request: HttpRequest) -> None:
    """End the session, also in the session store."""
    logout(request)


def end_all_sessions(*, user: AbstractAuthUser, client: Client | None = None) -> None:
    """Sign an account out everywhere.

    Its tokens become invalid, and a pending change of the recovery value is
    cancelled.
    """
    end_sessions_of(user)
    events.credentials_revoked(user=user, client=client)
