"""Verify the recovery value, and reset the password: request and confirm.

Values must be normalized. A request does the same work for every value; look-up
and delivery happen off the request.
"""

from typing import Any, cast

from django.contrib.auth import password_validation
from django.views.decorators.debug import sensitive_variables

from crudauth_django.client import Client
from crudauth_django.dispatch.enqueue import atomic_with_outbox, enqueue_message
from crudauth_django.flows import events
from crudauth_django.identity.passwords import make_password
from crudauth_django.models import AbstractAuthUser
from crudauth_django.security.credentials import unlock_after_reset
from crudauth_django.security.redemption import RESET, VERIFY, reset_of

__all__ = [
    "confirm_reset",
    "confirm_verification",
    "request_reset",
    "request_verification",
]


def request_verification(*, value: str, user_pk: object = None) -> None:
    """Send a verification to a value, if an account is waiting for one.

    ``user_pk`` is the primary key of the signed-in account. It decides between
    several accounts that claim the value.
    """
    enqueue_message(VERIFY.purpose.kind, value, user_pk=user_pk)


def request_reset(*, value: str) -> None:
    """Send a reset to a value, if an account holds or claims it.

    The account that holds it is served before the accounts that claim it.
    """
    enqueue_message(RESET.purpose.kind, value)


@sensitive_variables()
def confirm_verification(
    *,
    token: str,
    password: str | None = None,
    user_pk: object = None,
    client: Client | None = None,
) -> AbstractAuthUser:
    """Redeem a verification token.

    If another account holds or claims the value, or did when the token was made, the
    request must come from the account's owner: with the account's password, with its
    session (``user_pk`` is the primary key of the signed-in account), or from a
    device that has signed in to it. ``CRUDAUTH_VERIFY_REQUIRES_PASSWORD`` makes this
    the rule for every value. A password is compared whenever there is one.

    Raises ``InvalidToken``, and ``PasswordRequired``, which also sends a reset to the
    value. For a password, raises ``InvalidCredentials``, ``LockedOut`` and
    ``CountersUnavailable``.
    """
    with events.reset_if_refused():
        user = VERIFY.read_as_owner(
            token, password=password, user_pk=user_pk, client=client
        )
    VERIFY.redeem(user)
    events.recovery_verified(user=user, client=client)
    return user


@sensitive_variables()
def confirm_reset(
    *, token: str, new_password: str, client: Client | None = None
) -> AbstractAuthUser:
    """Set a new password, end every session and unlock the account.

    Raises ``InvalidToken``, and ``ValidationError`` for a refused password,
    which leaves the token valid.
    """
    reset = reset_of(token)
    user = reset.read(token)
    cleaned = user.clean_password(new_password)
    encoded = make_password(cleaned)
    with atomic_with_outbox():
        reset.redeem(user, password=encoded)
        events.notify_password_changed(user)
    password_validation.password_changed(cleaned, cast("Any", user))
    events.password_reset(user=user, client=client)
    unlock_after_reset(user, client)
    return user
