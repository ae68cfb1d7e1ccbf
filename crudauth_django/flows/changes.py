"""Change the recovery value of an account."""

from typing import Any, cast

from django.contrib.auth import get_user, update_session_auth_hash
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from crudauth_django.client import Client, client_of
from crudauth_django.dispatch.enqueue import atomic_with_outbox, enqueue_message
from crudauth_django.flows import events
from crudauth_django.models import AbstractAuthUser
from crudauth_django.security.credentials import reauthenticate
from crudauth_django.security.redemption import CHANGE, VERIFY
from crudauth_django.security.updates import claim_value

__all__ = ["confirm_change", "replace_recovery_value", "request_change"]


@sensitive_variables()
def request_change(
    *, user: AbstractAuthUser, value: str, password: str, client: Client | None = None
) -> None:
    """Claim another recovery value; it is the account's once it is verified.

    Raises ``InvalidCredentials``, ``LockedOut``, ``CountersUnavailable``, and
    ``ValidationError`` if the account shows this value already.
    """
    if value == user.recovery_value:
        raise ValidationError(
            _("This is already your current value."), code="unchanged"
        )
    reauthenticate(user=user, password=password, client=client or Client())
    # A value that the account holds has only to be verified.
    held = value == user.held_value
    kind = VERIFY.purpose.kind if held else CHANGE.purpose.kind
    with atomic_with_outbox():
        claim_value(user, value)
        enqueue_message(kind, value, user_pk=user.pk)


@sensitive_variables()
def confirm_change(
    *, token: str, password: str | None = None, request: HttpRequest | None = None
) -> AbstractAuthUser:
    """Redeem a change token: store the new value, and send the old one a notice.

    Every session ends, except that of ``request`` if it is this user's. If another
    account holds or claims the value, the request must come from the account's
    owner, as for :func:`~crudauth_django.flows.recovery.confirm_verification`.

    Raises as that function does; ``InvalidToken`` also if another account has
    verified the value meanwhile.
    """
    # Read the session before the epoch rises: afterwards it is invalid. The view
    # requires no authentication, so request.user is anonymous.
    signed_in = None if request is None else get_user(request).pk
    client = client_of(request)
    with events.reset_if_refused():
        user = CHANGE.read_as_owner(
            token, password=password, user_pk=signed_in, client=client
        )
    old_value, was_verified = user.held_value, user.is_recovery_verified
    with atomic_with_outbox():
        CHANGE.redeem(user)
        events.notify_recovery_changed(
            user, old_value=old_value if was_verified else None
        )
    if request is not None and signed_in == user.pk:
        request.user = cast("Any", user)
        update_session_auth_hash(request, cast("Any", user))
    events.recovery_changed(user=user, client=client, old_value=old_value)
    return user


def replace_recovery_value(
    *, request: HttpRequest, user: AbstractAuthUser, value: str | None
) -> None:
    """Set another value, unverified, on behalf of the owner.

    Every session of the account ends, except that of ``request``. A verified
    old value gets a notice. Raises ``IntegrityError`` for the value of another
    account.
    """
    factor = user.shape().recovery_factor
    old_value = user.held_value if user.is_recovery_verified else None
    setattr(user, factor, value)
    with atomic_with_outbox():
        user.save(update_fields=[factor])
        events.notify_recovery_changed(user, old_value=old_value)
    if request.user.pk == user.pk:
        update_session_auth_hash(request, cast("Any", user))
    events.credentials_revoked(user=user, client=client_of(request))
