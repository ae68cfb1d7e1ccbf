"""Replace the password of a known account."""

from typing import Any, cast

from django.contrib.auth import password_validation, update_session_auth_hash
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from crudauth_django.client import Client, client_of
from crudauth_django.dispatch.enqueue import atomic_with_outbox
from crudauth_django.flows import events
from crudauth_django.identity.passwords import make_password
from crudauth_django.models import AbstractAuthUser
from crudauth_django.security.credentials import reauthenticate
from crudauth_django.security.updates import replace_password

__all__ = ["change_password", "set_password"]


@sensitive_variables()
def change_password(
    *,
    request: HttpRequest,
    user: AbstractAuthUser,
    current_password: str,
    new_password: str,
) -> None:
    """Replace the password of a signed-in user, and end all other sessions.

    A refused new password costs no comparison of the current one. Raises
    ``ValidationError`` for the new password, and ``InvalidCredentials``,
    ``LockedOut`` and ``CountersUnavailable`` for the current one.
    """
    client = client_of(request)
    cleaned = user.clean_password(new_password)
    reauthenticate(user=user, password=current_password, client=client)
    encoded = make_password(cleaned)
    with atomic_with_outbox():
        replace_password(user, encoded)
        events.notify_password_changed(user)
    password_validation.password_changed(cleaned, cast("Any", user))
    update_session_auth_hash(request, cast("Any", user))
    events.password_changed(user=user, client=client)


@sensitive_variables()
def set_password(
    *,
    user: AbstractAuthUser,
    new_password: str | None,
    client: Client | None = None,
    by_owner: bool = False,
) -> None:
    """Set a password without the old one; the owner gets a notice. End all sessions.

    ``None`` sets an unusable password. The caller has checked the password with
    ``user.clean_password``. ``by_owner`` says that the caller has compared the old
    password: ``password_changed`` is then sent, too.
    """
    user.set_password(new_password)
    with atomic_with_outbox():
        user.save()
        events.notify_password_changed(user)
    send = events.password_changed if by_owner else events.credentials_revoked
    send(user=user, client=client)
