"""Register, log in, log out, change the password."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import (
    SESSION_KEY,
    login,
    logout,
    password_validation,
    update_session_auth_hash,
)
from django.core.exceptions import ValidationError
from django.db.models import F
from django.utils.module_loading import import_string
from django.views.decorators.debug import sensitive_variables

from crudauth_django import passwords, signals
from crudauth_django.backends import (
    IdentifierBackend,
    announce_failure,
    verify_again,
    verify_credentials,
)
from crudauth_django.channels import base as kinds
from crudauth_django.client import Client, client_of
from crudauth_django.conf import get_settings
from crudauth_django.exceptions import (
    InvalidCredentials,
    RegistrationClosed,
)
from crudauth_django.flows.announcing import announce
from crudauth_django.flows.claims import insert, insert_or_claim
from crudauth_django.flows.delivery import ask, together
from crudauth_django.flows.purposes import dropped_change, unchanged, win
from crudauth_django.identity import (
    as_django_user,
    registrable_columns,
    shape,
    user_model,
)

if TYPE_CHECKING:
    from django.http import HttpRequest

    from crudauth_django.models import AbstractAuthUser


@sensitive_variables()
def register(
    *, values: Mapping[str, Any], password: str, client: Client | None = None
) -> AbstractAuthUser | None:
    """Create an account from identity values in their one spelling, and extras.

    What is no column, or a column of privilege, is not written: it reaches
    ``CRUDAUTH_NEW_USER_FIELDS`` alone, which may write everything.

    A recovery value that another account holds is only claimed by the new one:
    it stands in ``<factor>_pending`` until control is proven, and the message
    that goes out is for whoever controls it. Where one logs in with the
    recovery value there can't be a second account; then nothing is created
    and ``None`` returned. Neither shows in an answer.

    Raises ``RegistrationClosed``, ``ValidationError`` (by field) for a refused
    password, and ``IdentifierTaken``.
    """
    if not get_settings().registration_open:
        raise RegistrationClosed
    columns = {k: v for k, v in values.items() if k in registrable_columns()}
    user = user_model()(**{**columns, **_server_set(values)})
    cleaned = clean_new_password(password, user=user, field="password")
    user.password = passwords.hash_password(cleaned)
    if shape().factor is None:
        insert(user)
    elif not insert_or_claim(user):
        return None
    password_validation.password_changed(cleaned, as_django_user(user))
    announce(signals.user_registered, user=user, client=client)
    return user


def _server_set(values: Mapping[str, Any]) -> Mapping[str, Any]:
    compute = get_settings().new_user_fields
    return compute(**values) if compute else {}


@sensitive_variables()
def clean_new_password(password: str, *, user: AbstractAuthUser, field: str) -> str:
    """Return the password to set; raises ``ValidationError`` under ``field``."""
    seen = copy(user)
    if shape().factor is not None:
        # As its owner sees it: a refusal must not tell a held value from a claim.
        setattr(seen, shape().recovery_factor, user.recovery_value)
    try:
        return passwords.clean_password(password, user=seen, attributes=shape().columns)
    except ValidationError as error:
        raise ValidationError({field: error}) from error


@sensitive_variables()
def log_in(*, request: HttpRequest, identifier: str, password: str) -> AbstractAuthUser:
    """Open a session for whoever the credentials belong to.

    The session's key is a new one. Raises ``InvalidCredentials``,
    ``LockedOut`` and ``CountersUnavailable``.
    """
    try:
        user = verify_credentials(
            identifier=identifier, password=password, client=client_of(request)
        )
    except InvalidCredentials:
        announce_failure(identifier=identifier, request=request)
        raise
    if SESSION_KEY in request.session:
        request.session.cycle_key()
    login(request, as_django_user(user), backend=_session_backend())
    return user


def _session_backend() -> str:
    """Name a listed backend, since a session of an unlisted one is void."""
    listed = list(settings.AUTHENTICATION_BACKENDS)
    ours = [
        path for path in listed if issubclass(import_string(path), IdentifierBackend)
    ]
    return (ours or listed)[0]


def log_out(*, request: HttpRequest) -> None:
    """End the session, on the server, too."""
    logout(request)


@sensitive_variables()
def change_password(
    *,
    request: HttpRequest,
    user: AbstractAuthUser,
    current_password: str,
    new_password: str,
) -> None:
    """Replace the password of somebody signed in; only this session goes on.

    Raises ``InvalidCredentials``, ``LockedOut``, ``CountersUnavailable`` for
    the current password, and ``ValidationError`` for the new one.
    """
    client = client_of(request)
    verify_again(user=user, password=current_password, client=client)
    cleaned = clean_new_password(new_password, user=user, field="new_password")
    encoded = passwords.hash_password(cleaned)
    row = unchanged(user, password=user.password, auth_epoch=user.auth_epoch)
    columns = {"password": encoded, **dropped_change(user)}
    with together():
        if not win(user, row, auth_epoch=F("auth_epoch") + 1, **columns):
            raise InvalidCredentials
        notify_password_changed(user)
    password_validation.password_changed(cleaned, as_django_user(user))
    update_session_auth_hash(request, as_django_user(user))
    announce(
        signals.password_changed,
        signals.credentials_revoked,
        user=user,
        client=client,
    )


def notify_password_changed(user: AbstractAuthUser) -> None:
    """Tell the owner over a recovery value that is proven to be theirs."""
    if user.is_recovery_verified and user.held_value:
        ask(kinds.PASSWORD_CHANGED, user.held_value, key=user.pk)


def end_all_sessions(*, user: AbstractAuthUser, client: Client | None = None) -> None:
    """Sign an account out everywhere.

    Its outstanding tokens die, and a change of the recovery value that was
    asked for and not confirmed is off.
    """
    row = user_model()._default_manager.filter(pk=user.pk)
    if shape().factor is not None:
        row.filter(**{shape().verified: True}).update(**{shape().pending: None})
    row.update(auth_epoch=F("auth_epoch") + 1)
    announce(signals.credentials_revoked, user=user, client=client)
